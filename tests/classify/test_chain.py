"""Classes from images: a simulated season with its truth, and the Flanders winter 2017/18."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from sen4cap.classify.accuracy import measures
from sen4cap.cli import main

pytestmark = pytest.mark.slow


def run(tool: str, **options: object) -> str:
    words = [text for name, value in options.items() for text in (f"--{name.replace('_', '-')}", str(value))]
    done = CliRunner().invoke(main, [tool, *words])
    assert done.exit_code == 0, done.stderr
    return done.stderr


def balanced(folder: Path, truth: pd.DataFrame, *, but: set[int]) -> float:
    """Balanced accuracy on the parcels that were not used for training."""
    said = pd.read_csv(folder / "wcc.csv").set_index("NewID")
    both = said.join(truth["class"], how="inner")
    both = both[both["class"].notna() & ~both.index.isin(but)]
    found, wcc = both["Pred_class"] == 1, both["class"] == 1
    return float(found[wcc].mean() + (~found[~wcc]).mean()) / 2


def calibration(folder: Path, truth: pd.DataFrame) -> float:
    """Calibration error against the truth."""
    both = pd.read_csv(folder / "wcc.csv").set_index("NewID").join(truth["class"], how="inner").dropna()
    error = measures((both["class"] == 1).to_numpy(), both["Conf_pred1"].to_numpy())["ece"]
    assert error is not None
    return float(error)


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("season")
    run(
        "simulate",
        season=2021,
        parcels_count=240,
        seed=5,
        clouds="clear",
        insitu_share=0.6,
        label_noise=0.1,
        output=folder / "sim",
    )
    run("markers", items=folder / "sim", parcels=folder / "sim" / "parcels.gpkg", output=folder / "markers.ipc")
    run("smooth", markers=folder / "markers.ipc", start="2021-06-15", end="2022-07-31", output=folder / "series.arrow")
    return folder


def test_a_simulated_season(season: Path) -> None:
    sim = season / "sim"
    truth = pd.read_csv(sim / "truth.csv").set_index("NewID")
    given = {
        "series": season / "series.arrow",
        "parcels": sim / "parcels.gpkg",
        "crops": sim / "crops.csv",
        "crop_before": "crop_before",
        "crop_after": "crop_after",
    }
    run("classify", **given, insitu=sim / "insitu.csv", output=season / "forest")
    known = set(pd.read_csv(sim / "insitu.csv")["NewID"])
    assert balanced(season / "forest", truth, but=known) > 0.85
    run("classify", **given, method="threshold", output=season / "threshold")
    assert balanced(season / "threshold", truth, but=set()) > 0.8
    raster = {"sce": sim / "sce.tif", "main_harvest": sim / "cpmch.tif", "season": 2021}
    run("insitu", **raster, parcels=sim / "parcels.gpkg", output=season / "insitu.csv")
    labels = pd.read_csv(season / "insitu.csv").set_index("NewID").join(truth["class"].rename("true"))
    # A tenth of the layer's pixels lie, so the labels do; the forest outvotes them and the confidence tells the truth.
    wrong = 1 - (labels["class"] == labels["true"]).mean()
    assert 0.04 < wrong < 0.16
    run("classify", **given, insitu=season / "insitu.csv", label_noise=0.1, output=season / "sce")
    assert balanced(season / "sce", truth, but=set()) > 0.88
    run("classify", **given, insitu=season / "insitu.csv", output=season / "sce-plain")
    told, plain = (calibration(season / name, truth) for name in ("sce", "sce-plain"))
    assert told < plain
    details = pd.read_parquet(season / "forest" / "wcc_details.parquet").set_index("NewID")
    candidate = truth["candidate"].reindex(details.index) == 1
    assert (details.loc[~candidate, "status"] == "not a candidate").all()
    assert (details.loc[candidate, "status"] != "not a candidate").mean() > 0.95


def test_flanders(shared: Path, tmp_path: Path) -> None:
    """Maize and potato units are green all winter; pasture is no candidate."""
    data = shared / "data" / "flanders"
    run("markers", items=data / "sentinel-2-l2a", parcels=data / "parcels.gpkg", output=tmp_path / "markers.ipc")
    run("smooth", markers=tmp_path / "markers.ipc", start="2017-06-15", end="2018-07-31", output=tmp_path / "s.arrow")
    (tmp_path / "crops.csv").write_text(
        "crop_code,role\n1200,spring\n5100,spring\n2130,spring\n7900,other\n9120,grass\n"
    )
    run(
        "classify", series=tmp_path / "s.arrow", parcels=data / "parcels.gpkg", method="threshold",
        crops=tmp_path / "crops.csv", crop_after="ori_crop", output=tmp_path / "wcc",
    )  # fmt: skip
    said = pd.read_csv(tmp_path / "wcc" / "wcc.csv").set_index("NewID")["Pred_class"]
    assert said.index.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert (said.loc[[1, 2, 3, 4, 6]] == 1).all()
    details = pd.read_parquet(tmp_path / "wcc" / "wcc_details.parquet").set_index("NewID")
    assert (details.loc[np.arange(8, 15), "status"] == "not a candidate").all()
