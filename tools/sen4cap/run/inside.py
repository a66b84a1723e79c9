"""What runs in the runner's process: `python -m sen4cap.run.inside cwltool|toil ARGUMENTS`.

The runner itself is called as its own command would call it. Around it are a leash, so that it ends when the command
that started it dies, and for cwltool a tool class that tells which step starts and ends, and sends each step's output
to a file of its own.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading

LEASH = "SEN4CAP_RUN_LEASH"
"""Environment variable with the descriptor of a pipe whose other end the starting command holds."""


def hold_leash() -> None:
    """End this process as SIGTERM would when the pipe breaks."""
    said = os.environ.pop(LEASH, "")
    if not said:
        return

    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(int(said), 1):
                pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def main() -> int:
    """Call the runner that the first argument names."""
    hold_leash()
    runner, arguments = sys.argv[1], sys.argv[2:]
    sys.argv = [runner, *arguments]
    if runner == "toil":
        from toil.cwl.cwltoil import main as toil

        return int(toil(arguments) or 0)
    from .watched import cwltool

    return cwltool(arguments)


if __name__ == "__main__":
    sys.exit(main())
