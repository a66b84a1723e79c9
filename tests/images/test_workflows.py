"""The main workflow in containers, by either runner, as root and as an ordinary user: same results, one's own files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyogrio
import pytest

from images.callers import Caller, a_file, simulated

pytestmark = pytest.mark.slow


def flanders(data: Path) -> dict[str, Any]:
    """Job of the main workflow on a real season."""
    return {
        "catalog": {"class": "Directory", "location": data.as_uri()},
        "parcels": a_file(data / "parcels.gpkg"),
        "weather": a_file(data / "weather.csv"),
        "method": "threshold",
        "season": 2017,
        "start": "2017-08-01",
        "end": "2018-11-27",
        "max_cloud": 100.0,
        "keep_markers": True,
    }


def content(path: Path) -> Any:
    """What a result file says, without the time and the place at which it was written."""
    if path.suffix == ".parquet":
        return pd.read_parquet(path).to_csv(index=False)
    if path.suffix in (".ipc", ".arrow"):
        return pa.ipc.open_file(str(path)).read_all().to_pydict().__repr__()
    if path.suffix == ".gpkg":
        frame = pyogrio.read_dataframe(path, layer=path.stem)
        return pd.DataFrame(frame.drop(columns="geometry")).assign(shape=frame.geometry.to_wkb(hex=True)).to_csv()
    return path.read_bytes()


def assert_same(found: Path, wanted: Path) -> None:
    """The same files, and tables, series and layers of the same content."""
    names = sorted(str(path.relative_to(wanted)) for path in wanted.rglob("*") if path.is_file())
    assert sorted(str(path.relative_to(found)) for path in found.rglob("*") if path.is_file()) == names
    compared = [name for name in names if Path(name).suffix in (".csv", ".parquet", ".ipc", ".arrow", ".gpkg")]
    assert {"wcc.csv", "season.csv", "intercrop.csv", "markers.ipc", "series.arrow", "wcc.gpkg"} <= set(compared)
    assert [name for name in compared if content(found / name) != content(wanted / name)] == []


def assert_owned(folder: Path, uid: int) -> None:
    """Every file of a result is the caller's."""
    assert {path.lstat().st_uid for path in [folder, *folder.rglob("*")]} == {uid}


@pytest.fixture(scope="module")
def flanders_wanted(by_docker: Caller, shared: Path) -> Path:
    """Results of the real season without containers."""
    job = flanders(shared / "data" / "flanders")
    return by_docker.workflow("wcc", job, "flanders-wanted", runner="cwltool", containers=False)


@pytest.mark.parametrize("runner", ["cwltool", "toil"])
@pytest.mark.parametrize("who", ["by_docker", "ordinary"])
def test_simulated_season(
    who: str, runner: str, season_folder: Path, season_wanted: Path, request: pytest.FixtureRequest
) -> None:
    caller = request.getfixturevalue(who)
    found = caller.workflow("wcc", simulated(season_folder), f"season-{runner}", runner=runner)
    assert_same(found, season_wanted)
    assert_owned(found, caller.uid)


@pytest.mark.parametrize("runner", ["cwltool", "toil"])
def test_real_season(runner: str, by_docker: Caller, shared: Path, flanders_wanted: Path) -> None:
    found = by_docker.workflow("wcc", flanders(shared / "data" / "flanders"), f"flanders-{runner}", runner=runner)
    assert_same(found, flanders_wanted)
    assert_owned(found, by_docker.uid)


def test_training_has_its_own_image(by_docker: Caller, season_folder: Path, season_wanted: Path) -> None:
    job = {**simulated(season_folder), "method": "forest", "insitu": a_file(season_folder / "insitu.csv")}
    del job["catalog"], job["weather"]
    job["markers"] = [a_file(season_wanted / "markers.ipc")]
    found = by_docker.workflow("wcc-from-markers", job, "forest", runner="cwltool")
    assert (found / "model.npz").is_file()
