"""Lines of a file that another process writes."""

from __future__ import annotations

from pathlib import Path


class Tail:
    """Gives each line once, when it is whole.

    Parameters
    ----------
    path
        A file that need not exist yet.
    from_end
        Leave out what is in it now.
    """

    def __init__(self, path: Path, *, from_end: bool = False) -> None:
        self.path = path
        self._at = path.stat().st_size if from_end and path.exists() else 0

    def lines(self) -> list[str]:
        """Lines since the last call."""
        if not self.path.exists():
            return []
        with self.path.open("rb") as file:
            file.seek(self._at)
            found = file.read()
        whole = found[: found.rfind(b"\n") + 1]
        self._at += len(whole)
        return whole.decode(errors="replace").splitlines()
