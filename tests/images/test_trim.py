"""What images/trim.py does with the GDAL of rasterio and that of pyogrio."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest

from images.callers import ROOT


@pytest.fixture
def share_gdal() -> Callable[[Path], None]:
    spec = importlib.util.spec_from_file_location("trim", ROOT / "images" / "trim.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.share_gdal


def installed(folder: Path, *, rasterio: str, pyogrio: str) -> Path:
    """Lay out what the wheels of both bring, with libraries that say whose they are."""
    for owner, version in (("rasterio", rasterio), ("pyogrio", pyogrio)):
        (folder / f"{owner}.libs").mkdir(parents=True)
        (folder / f"{owner}.libs" / f"libgdal-{owner}.so.{version}").write_text(owner)
        for data in ("gdal_data", "proj_data"):
            (folder / owner / data).mkdir(parents=True)
            (folder / owner / data / "whose").write_text(owner)
    return folder


def test_of_the_same_gdal_one_stays(share_gdal: Callable[[Path], None], tmp_path: Path) -> None:
    place = installed(tmp_path / "before", rasterio="36.3.10.3", pyogrio="36.3.10.3")
    share_gdal(place)
    # A layer is unpacked elsewhere than it was made.
    place = place.rename(tmp_path / "after")
    assert (place / "pyogrio.libs" / "libgdal-pyogrio.so.36.3.10.3").read_text() == "rasterio"
    assert (place / "pyogrio" / "proj_data" / "whose").read_text() == "rasterio"
    assert (place / "pyogrio" / "gdal_data" / "whose").read_text() == "pyogrio"
    assert [path.name for path in place.rglob("libgdal*") if not path.is_symlink()] == ["libgdal-rasterio.so.36.3.10.3"]


def test_of_two_gdals_both_stay_and_the_build_says_so(
    share_gdal: Callable[[Path], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    installed(tmp_path, rasterio="38.3.12.2", pyogrio="38.3.12.4")
    share_gdal(tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_symlink()]
    assert (tmp_path / "pyogrio.libs" / "libgdal-pyogrio.so.38.3.12.4").read_text() == "pyogrio"
    (line,) = capsys.readouterr().err.splitlines()
    assert "rasterio has GDAL 38.3.12.2, pyogrio 38.3.12.4: both stay" in line


def test_wheels_of_another_make_stop_the_build(share_gdal: Callable[[Path], None], tmp_path: Path) -> None:
    installed(tmp_path, rasterio="36.3.10.3", pyogrio="36.3.10.3")
    (tmp_path / "pyogrio.libs" / "libgdal-pyogrio.so.36.3.10.3").unlink()
    with pytest.raises(SystemExit, match="one libgdal each was expected"):
        share_gdal(tmp_path)


def test_a_set_without_both_is_left_alone(share_gdal: Callable[[Path], None], tmp_path: Path) -> None:
    share_gdal(tmp_path)
    assert list(tmp_path.iterdir()) == []
