"""Faults: one line that names the file and what to do, and the exit code."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from click.testing import CliRunner

from sen4cap.cli import main


def refused(made_season, tmp_path: Path, **changed: Path) -> str:
    """Run with some options changed; exit code 3, one line, nothing written. Returns the line."""
    pairs = dict(zip(made_season.options[::2], made_season.options[1::2], strict=True))
    pairs |= {f"--{name}": str(path) for name, path in changed.items()}
    output = tmp_path / "report"
    words = [word for pair in pairs.items() for word in pair]
    result = CliRunner().invoke(main, ["report", *words, "--output", str(output)])
    assert result.exit_code == 3, result.output
    assert not output.exists()
    lines = [line for line in result.stderr.splitlines() if line.startswith("sen4cap report: ")]
    assert len(lines) == 1
    return lines[0].removeprefix("sen4cap report: ")


@pytest.fixture
def classes(season, tmp_path: Path) -> Path:
    """A copy of the classes folder, to be spoiled."""
    return Path(shutil.copytree(season.folder / "wcc", tmp_path / "wcc"))


def test_a_folder_without_classes(season, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert refused(season, tmp_path, classes=empty).startswith(f"{empty}: holds no wcc.csv")


def test_a_season_without_details(season, tmp_path: Path) -> None:
    alone = Path(shutil.copy(season.folder / "season.csv", tmp_path / "alone.csv"))
    assert refused(season, tmp_path, season=alone).startswith(f"{tmp_path / 'alone_details.parquet'}: is missing")


def test_a_class_that_does_not_exist(season, tmp_path: Path, classes: Path) -> None:
    table = pd.read_csv(classes / "wcc.csv")
    table.loc[3, "Pred_class"] = 7
    table.to_csv(classes / "wcc.csv", index=False)
    line = refused(season, tmp_path, classes=classes)
    assert f"NewID {table.NewID[3]}" in line
    assert "Pred_class 7" in line


def test_results_of_other_parcels(season, tmp_path: Path) -> None:
    frame = gpd.read_file(season.folder / "parcels.gpkg")
    fewer = tmp_path / "fewer.gpkg"
    frame.iloc[5:].to_file(fewer)
    line = refused(season, tmp_path, parcels=fewer)
    assert "wcc.csv, NewID 1002" in line
    assert "is not among the parcels of" in line


def test_an_account_of_other_records(season, tmp_path: Path, classes: Path) -> None:
    details = classes / "wcc_details.parquet"
    pd.read_parquet(details).iloc[:-1].to_parquet(details)
    line = refused(season, tmp_path, classes=classes)
    assert f"accounts for {season.records - 1} records where" in line


def test_an_account_that_contradicts_the_classes(season, tmp_path: Path, classes: Path) -> None:
    details = pd.read_parquet(classes / "wcc_details.parquet")
    details.loc[0, "status"] = "not classified"
    details.to_parquet(classes / "wcc_details.parquet")
    assert "NewID 1001: has a status that contradicts wcc.csv" in refused(season, tmp_path, classes=classes)


def test_accuracy_that_is_no_json(season, tmp_path: Path, classes: Path) -> None:
    (classes / "accuracy.json").write_text("{")
    assert "accuracy.json: is no JSON" in refused(season, tmp_path, classes=classes)


def test_a_table_with_a_cell_that_is_no_date(season, tmp_path: Path) -> None:
    shutil.copy(season.folder / "season_details.parquet", tmp_path)
    spoiled = tmp_path / "season.csv"
    table = pd.read_csv(season.folder / "season.csv", dtype=str)
    table.loc[1, "Em_d"] = "soon"
    table.to_csv(spoiled, index=False)
    line = refused(season, tmp_path, season=spoiled)
    assert str(spoiled) in line
    assert "soon" in line


def test_a_series_that_is_none(season, tmp_path: Path) -> None:
    assert "is no series file" in refused(season, tmp_path, series=season.folder / "season.csv")


def test_an_output_that_holds_its_input(season) -> None:
    result = CliRunner().invoke(main, ["report", *season.options, "--output", str(season.folder)])
    assert result.exit_code == 2
    assert "choose another --output" in result.stderr
    assert (season.folder / "parcels.gpkg").exists()


def test_a_crop_field_that_is_missing(season, tmp_path: Path) -> None:
    options = ["report", *season.options, "--crop-after", "after", "--output", str(tmp_path / "report")]
    result = CliRunner().invoke(main, options)
    assert result.exit_code == 3
    assert "parcels.gpkg: has no field after, only NewID, ori_crop, before" in result.stderr


def test_a_parcel_that_does_not_exist(season, tmp_path: Path) -> None:
    options = ["report", *season.options, "--curves", "77", "--output", str(tmp_path / "report")]
    result = CliRunner().invoke(main, options)
    assert result.exit_code == 3
    assert result.stderr.splitlines()[-1].endswith("has no parcel 77 to draw; correct --curves")


def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.touch()
    code = "import sen4cap.report, matplotlib; print(matplotlib.get_configdir())"
    environment = {"PATH": os.environ["PATH"], "HOME": str(home / "none"), "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()).parent == tmp_path
    assert done.stderr == ""
