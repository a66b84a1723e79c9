"""What the tests of `sen4cap run` share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from run.bench import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Give a folder to run in; nothing is left running."""
    bench = Bench(tmp_path)
    bench.job()
    yield bench
    for running in bench.started:
        if running.poll() is None:
            running.kill()
            running.communicate()
    for each in bench.at_work():
        each.kill()
