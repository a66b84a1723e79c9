"""An object store on loopback whose every answer waits: `python -m benchmarks.slow_store FOLDER SECONDS`.

The first two parts of a path, bucket and date, name nothing: all dates share the files of one, but no client can know
that. Prints its port and serves until the caller ends the process.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from servers.files import FileServer


def main() -> None:
    """Serve a folder."""
    with FileServer(Path(sys.argv[1]), latency_s=float(sys.argv[2]), ignored=2) as server:
        sys.stdout.write(f"{server.port}\n")
        sys.stdout.flush()
        signal.pause()


if __name__ == "__main__":
    main()
