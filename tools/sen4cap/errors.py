"""What can go wrong that is not this software's fault."""

from __future__ import annotations


class Sen4capError(Exception):
    """Root of all errors that a user can do something about; its text is one line for that user.

    Attributes
    ----------
    exit_code : int
        What the command line exits with.
    """

    exit_code = 1

    def __init__(self, where: object, what: str, *, do: str = "") -> None:
        text = f"{where}: {what}" + (f"; {do}" if do else "")
        super().__init__(" ".join(text.split()))


class BadInput(Sen4capError, ValueError):
    """A file holds something that no result can be made from (exit code 3).

    Parameters
    ----------
    where
        The file, and the record in it where there is one: ``"parcels.gpkg, NewID 1919"``.
    what
        What is wrong there, with the offending value.
    do
        What the user can do next.
    """

    exit_code = 3


class RemoteFailure(Sen4capError):
    """A remote service went on failing after all retries (exit code 4)."""

    exit_code = 4
