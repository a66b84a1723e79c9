"""From series and parcels to the result folder: what it holds, what is refused, what is accounted for."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pystac
import pytest
import shapely
from click.testing import CliRunner, Result

from sen4cap.classes import COLOURS
from sen4cap.cli import main

QUICK = ("--trees", "30", "--folds", "3")


def run(land, output: Path, *more: str, parcels: Path | None = None, series: Path | None = None) -> Result:
    options = ["--series", str(series or land.series), "--parcels", str(parcels or land.parcels)]
    return CliRunner().invoke(main, ["classify", *options, "--output", str(output), *QUICK, *more])


def trained(land, output: Path, *more: str, **files: Path) -> Result:
    return run(land, output, "--insitu", str(land.insitu), *more, **files)


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "wcc.csv").open() as handle:
        return list(csv.DictReader(handle))


def accuracy_of(folder: Path) -> dict:
    return json.loads((folder / "accuracy.json").read_text())


@pytest.fixture(scope="module")
def result(landscape, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("result") / "wcc"
    done = trained(landscape, folder)
    assert done.exit_code == 0, done.stderr
    assert done.stdout == ""
    return folder


def test_csv_is_as_agencies_know_it(result, landscape) -> None:
    text = (result / "wcc.csv").read_text()
    assert text.startswith("NewID,Pred_class,Conf_pred1,Conf_pred2\n")
    rows = rows_of(result)
    assert [int(row["NewID"]) for row in rows] == landscape.ids.tolist()
    for row in rows:
        first, second = float(row["Conf_pred1"]), float(row["Conf_pred2"])
        assert 0 <= first <= 1
        assert first + second == pytest.approx(1, abs=1e-9)
        assert row["Pred_class"] == ("1" if first >= 0.5 else "2")


def test_classes_are_right_where_nothing_was_known(result, landscape) -> None:
    known = set(pd.read_csv(landscape.insitu)["NewID"])
    said = {int(row["NewID"]): row["Pred_class"] == "1" for row in rows_of(result)}
    fresh = [(said[i], w) for i, w in zip(landscape.ids.tolist(), landscape.wcc, strict=True) if i not in known]
    found, truth = np.array(fresh).T
    balanced = (found[truth].mean() + (~found[~truth]).mean()) / 2
    assert balanced > 0.93
    assert accuracy_of(result)["balanced_accuracy"] == pytest.approx(balanced, abs=0.07)


def test_accuracy_file(result) -> None:
    found = accuracy_of(result)
    assert found["season"] == 2021
    assert "spatial blocks" in found["evaluation"]
    assert sum(found["parcels"].values()) == 120
    assert sum(map(sum, found["confusion"]["counts"])) == 120
    assert sum(row["count"] for row in found["reliability"]) == 120
    assert 0 <= found["ece"] < 0.12
    assert set(found["importance"]["balanced_accuracy_lost_when_shuffled"]) >= {"LAI", "FCOVER", "gap", "December"}


def test_layer_holds_every_parcel_and_its_style(result, landscape) -> None:
    assert sorted(name for name, _ in pyogrio.list_layers(result / "wcc.gpkg")) == ["layer_styles", "wcc"]
    layer = gpd.read_file(result / "wcc.gpkg", layer="wcc")
    source = gpd.read_file(landscape.parcels)
    assert layer.crs == source.crs
    assert layer["NewID"].tolist() == source["NewID"].tolist()
    assert layer["ori_crop"].tolist() == source["ori_crop"].tolist()
    assert list(layer.columns)[-4:] == ["Pred_class", "Conf_pred1", "Conf_pred2", "geometry"]
    assert layer.area.tolist() == pytest.approx(source.area.tolist())
    parquet = gpd.read_parquet(result / "wcc.parquet")
    assert parquet["Pred_class"].tolist() == layer["Pred_class"].tolist()
    assert parquet.crs == source.crs
    with sqlite3.connect(result / "wcc.gpkg") as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(layer_styles)")]
        (style,) = database.execute(
            "SELECT styleQML, styleSLD, f_table_catalog, f_table_schema, f_table_name, f_geometry_column, useAsDefault"
            " FROM layer_styles"
        ).fetchall()
        (column,) = database.execute("SELECT column_name FROM gpkg_geometry_columns").fetchone()
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert columns == [
        *("id", "f_table_catalog", "f_table_schema", "f_table_name", "f_geometry_column", "styleName", "styleQML"),
        *("styleSLD", "useAsDefault", "description", "owner", "ui", "update_time"),
    ]
    assert style[2:] == ("", "", "wcc", column, 1)
    qml = ElementTree.fromstring(style[0])
    categories = qml.findall(".//category")
    assert [category.get("value") for category in categories] == ["1", "2", ""]
    assert "season (2021)" in categories[0].get("label", "")
    fills = [option.get("value", "") for option in qml.findall(".//symbol/layer/Option/Option[@name='color']")]
    as_hex = ["#" + "".join(f"{int(part):02x}" for part in fill.split(",")[:3]) for fill in fills]
    assert as_hex == [COLOURS[1], COLOURS[2], COLOURS[0]]
    ElementTree.fromstring(style[1].encode())


def test_folder_is_a_catalogue(result) -> None:
    (item,) = pystac.Catalog.from_file(str(result / "catalog.json")).get_items()
    for key in ("wcc", "layer", "geoparquet", "details", "accuracy", "model", "samples"):
        assert Path(item.assets[key].get_absolute_href() or "").is_file(), key
    assert item.assets["wcc"].extra_fields["table:columns"][0]["name"] == "NewID"
    assert [link.href for link in item.get_links("derived_from")] == ["item"]


def test_same_input_same_values_whatever_the_threads(result, landscape, tmp_path) -> None:
    assert trained(landscape, tmp_path / "wcc", "--threads", "1").exit_code == 0
    for name in ("wcc.csv", "model.npz", "accuracy.json", "wcc_details.parquet", "wcc.parquet"):
        assert (tmp_path / "wcc" / name).read_bytes() == (result / name).read_bytes(), name
    assert trained(landscape, tmp_path / "other", "--seed", "2").exit_code == 0
    assert (tmp_path / "other" / "wcc.csv").read_bytes() != (result / "wcc.csv").read_bytes()


def test_saved_model_gives_the_same_and_needs_no_training_library(result, landscape, tmp_path) -> None:
    code = (
        "import sys; sys.modules['sklearn'] = None; sys.modules['scipy'] = None\nfrom sen4cap.cli import main; main()"
    )
    command = [sys.executable, "-c", code, "classify", "--series", str(landscape.series)]
    command += ["--parcels", str(landscape.parcels), "--model", str(result / "model.npz")]
    done = subprocess.run([*command, "--output", str(tmp_path / "wcc")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "wcc" / "wcc.csv").read_bytes() == (result / "wcc.csv").read_bytes()
    assert accuracy_of(tmp_path / "wcc")["evaluation"] is None
    command[command.index("--model") :] = ["--insitu", str(landscape.insitu)]
    done = subprocess.run([*command, "--output", str(tmp_path / "no")], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "sen4cap[train]" in done.stderr


def test_saved_model_works_on_another_year(result, landscape, make_series, tmp_path) -> None:
    wcc = np.random.default_rng(8).random(len(landscape.ids)) < 0.4
    make_series(tmp_path / "next.arrow", landscape.ids, wcc, seed=99, year=2023)
    (tmp_path / "truth.csv").write_text(
        "NewID;class\n" + "".join(f"{i};{1 if w else 2}\n" for i, w in zip(landscape.ids, wcc, strict=True))
    )
    options = ["--model", str(result / "model.npz"), "--insitu", str(tmp_path / "truth.csv")]
    done = run(landscape, tmp_path / "wcc", *options, series=tmp_path / "next.arrow")
    assert done.exit_code == 0, done.stderr
    found = accuracy_of(tmp_path / "wcc")
    assert found["season"] == 2023
    assert found["classified_by"] == "model of season 2021"
    assert "none of them used for training" in found["evaluation"]
    assert found["balanced_accuracy"] > 0.9


def test_samples_of_an_earlier_season_are_learnt_from(result, landscape, make_series, tmp_path) -> None:
    """Twelve in-situ parcels of this year are few; those of last year help, and are not counted in the figures."""
    wcc = np.random.default_rng(8).random(len(landscape.ids)) < 0.4
    make_series(tmp_path / "next.arrow", landscape.ids, wcc, seed=99, year=2023)
    known = np.concatenate([np.flatnonzero(wcc)[:6], np.flatnonzero(~wcc)[:6]])
    rows = "".join(f"{landscape.ids[k]},{1 if wcc[k] else 2}\n" for k in known)
    (tmp_path / "few.csv").write_text("NewID,class\n" + rows)
    given = ("--insitu", str(tmp_path / "few.csv"))
    right = []
    for name, more in (("few", ()), ("more", ("--samples", str(result / "model_samples.npz")))):
        done = run(landscape, tmp_path / name, *given, *more, series=tmp_path / "next.arrow")
        assert done.exit_code == 0, done.stderr
        said = np.array([row["Pred_class"] == "1" for row in rows_of(tmp_path / name)])
        fresh = ~np.isin(np.arange(len(wcc)), known)
        right.append((said[fresh & wcc].mean() + (~said[fresh & ~wcc]).mean()) / 2)
    assert right[1] >= right[0]
    assert right[1] > 0.93
    found = accuracy_of(tmp_path / "more")
    assert found["earlier_seasons"] == {"2021": 120}
    assert sum(found["parcels"].values()) == 12
    assert "120 samples of season 2021" in done.stderr


def test_samples_that_do_not_serve(result, landscape, make_series, tmp_path) -> None:
    (tmp_path / "text.npz").write_text("samples")
    make_series(tmp_path / "lai.arrow", landscape.ids, landscape.wcc, seed=1, year=2021, variables=["LAI"])
    assert trained(landscape, tmp_path / "lai", series=tmp_path / "lai.arrow").exit_code == 0
    for path, words in (
        (tmp_path / "text.npz", "holds no readable samples"),
        (result / "model.npz", "holds no samples but"),
        (tmp_path / "lai" / "model_samples.npz", "has no FCOVER, only LAI"),
    ):
        done = trained(landscape, tmp_path / "wcc", "--samples", str(path))
        assert done.exit_code == 3, done.stderr
        assert words in done.stderr
        assert str(path) in done.stderr
    with_model = ("--model", str(result / "model.npz"), "--samples", str(result / "model_samples.npz"))
    assert run(landscape, tmp_path / "wcc", *with_model).exit_code == 2


def test_accuracy_by_months(result, landscape, tmp_path) -> None:
    """Nothing tells in August; in the end all is known."""
    assert "by_months" not in accuracy_of(result)
    done = trained(landscape, tmp_path / "wcc", "--by-months")
    assert done.exit_code == 0, done.stderr
    rows = accuracy_of(tmp_path / "wcc")["by_months"]
    assert [row["months"] for row in rows] == list(range(1, 11))
    assert [rows[0]["until"], rows[4]["until"], rows[-1]["until"]] == ["08-31", "12-31", "05-31"]
    assert rows[0]["balanced_accuracy"] < 0.8
    assert rows[-1]["balanced_accuracy"] > 0.93
    assert all(len(row["per_fold"]) == 3 for row in rows)
    assert (tmp_path / "wcc" / "wcc.csv").read_bytes() == (result / "wcc.csv").read_bytes()


def test_a_model_of_other_variables_is_refused(result, landscape, make_series, tmp_path) -> None:
    make_series(tmp_path / "lai.arrow", landscape.ids, landscape.wcc, seed=1, year=2021, variables=["LAI"])
    done = run(landscape, tmp_path / "wcc", "--model", str(result / "model.npz"), series=tmp_path / "lai.arrow")
    assert done.exit_code == 3
    assert "the model wants LAI, FCOVER, the series has LAI" in done.stderr
    done = run(landscape, tmp_path / "wcc", "--method", "threshold", series=tmp_path / "lai.arrow")
    assert done.exit_code == 3
    assert "has no FCOVER" in done.stderr
    assert trained(landscape, tmp_path / "wcc", series=tmp_path / "lai.arrow").exit_code == 0


@pytest.mark.parametrize("damage", ["text", "cut", "series", "arrays"])
def test_a_damaged_model_is_refused(result, landscape, tmp_path, damage) -> None:
    path = tmp_path / "model.npz"
    if damage == "text":
        path.write_text("model")
    elif damage == "cut":
        path.write_bytes((result / "model.npz").read_bytes()[:-300])
    elif damage == "series":
        shutil.copy(landscape.series, path)
    else:
        with np.load(result / "model.npz") as file:
            arrays = dict(file)
        arrays["children"] = arrays["children"] + 1_000_000
        np.savez(path, **arrays)
    done = run(landscape, tmp_path / "wcc", "--model", str(path))
    assert done.exit_code == 3, done.stderr
    assert "model" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_candidates_and_accounting(landscape, tmp_path) -> None:
    frame = gpd.read_file(landscape.parcels)
    frame["before"] = [100.0 if i % 5 == 0 else 201.0 for i in frame["NewID"]]
    frame["S2Pix"] = [1 if i == 1008 else 50 for i in frame["NewID"]]
    extra = frame.iloc[:4].copy()
    extra["NewID"] = [1001, 2001, 2002, 2003]
    shapes = extra.geometry.to_numpy().copy()
    shapes[1] = shapely.Polygon()
    x, y = 150_000.0, 160_000.0
    shapes[2] = shapely.Polygon([(x, y), (x + 100, y + 100), (x + 100, y), (x, y + 100)])
    extra = extra.set_geometry(gpd.GeoSeries(shapes, crs=frame.crs))
    gpd.GeoDataFrame(pd.concat([frame, extra], ignore_index=True), crs=frame.crs).to_file(tmp_path / "parcels.gpkg")
    (tmp_path / "crops.csv").write_text("\ufeffcrop_code;role\n312;winter\n100;Permanent\n")
    crops = ("--crops", str(tmp_path / "crops.csv"), "--crop-before", "before", "--crop-after", "ori_crop")
    done = trained(landscape, tmp_path / "wcc", *crops, parcels=tmp_path / "parcels.gpkg")
    assert done.exit_code == 0, done.stderr
    assert "1 crop codes" in done.stderr
    assert "201" in done.stderr
    details = pd.read_parquet(tmp_path / "wcc" / "wcc_details.parquet")
    assert details["record"].tolist() == list(range(1, 245))
    by_id = details.iloc[:240].set_index("NewID")
    for i in landscape.ids:
        expected = "not a candidate" if i % 7 == 0 or i % 5 == 0 or i == 1008 else "classified"
        assert by_id.loc[i, "status"] == expected
    assert by_id.loc[1008, "reason"] in (
        "fewer than 3 pixels (S2Pix)",
        "the crop after the winter, 312, is sown in autumn",
    )
    assert by_id.loc[1005, "reason"] == "the crop before the winter, 100, is a permanent crop"
    assert details["status"].tolist()[240:] == ["not classified"] * 4
    assert details["reason"].tolist()[240:243] == [
        "duplicate identifier",
        "empty geometry",
        details["reason"].iloc[242],
    ]
    assert "not in the series" in details["reason"].iloc[242]
    layer = gpd.read_file(tmp_path / "wcc" / "wcc.gpkg", layer="wcc")
    assert len(layer) == 242
    assert set(layer.loc[layer["Pred_class"].notna(), "NewID"]) == {
        int(row["NewID"]) for row in rows_of(tmp_path / "wcc")
    }
    assert layer.loc[layer["Pred_class"].isna(), "Conf_pred1"].isna().all()
    found = accuracy_of(tmp_path / "wcc")["parcels_of_the_file"]
    assert sum(found.values()) == 244
    assert accuracy_of(tmp_path / "wcc")["insitu_left_out"]["not a candidate"] > 0
    assert "cannot be used" in done.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("crop_code,role\n312,wintry\n", "role 'wintry' of crop 312"),
        ("crop_code,role\n312,winter\n312,grass\n", "crop 312 is grass here and winter before"),
        ("code,role\n312,winter\n", "has no column crop_code"),
    ],
)
def test_faulty_crop_tables(landscape, tmp_path, text, words) -> None:
    (tmp_path / "crops.csv").write_text(text)
    crops = ("--crops", str(tmp_path / "crops.csv"), "--crop-after", "ori_crop", "--method", "threshold")
    done = run(landscape, tmp_path / "wcc", *crops)
    assert done.exit_code == 3
    assert words in done.stderr
    assert "crops.csv" in done.stderr


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text + "999999,1\n", "1 NewID unknown to the parcels (line 122: '999999')"),
        (lambda text: text + "1001,7\n", "1 class outside the class map (line 122: '7')"),
        (lambda text: text + "x,1\n", "1 NewID that is no whole number (line 122: 'x')"),
        (lambda text: text + "1001,1\n1001,2\n", "duplicates that disagree"),
    ],
)
def test_faulty_rows_in_situ(landscape, tmp_path, change, words) -> None:
    (tmp_path / "insitu.csv").write_text(change(landscape.insitu.read_text()))
    insitu = ("--insitu", str(tmp_path / "insitu.csv"))
    done = run(landscape, tmp_path / "wcc", *insitu)
    assert done.exit_code == 3
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "wcc").exists()
    done = run(landscape, tmp_path / "wcc", *insitu, "--skip-invalid")
    assert done.exit_code == 0
    assert words in done.stderr
    assert sum(accuracy_of(tmp_path / "wcc")["insitu_faults"].values()) >= 1


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("NewID,class\n1001,1\n1002,1\n", "holds only class 1"),
        ("NewID,class\n", "holds no class at all"),
        ("NewID,class\n1001,1\n1002,2\n", "leaves 1 of class WCC and 1 of class NWCC to train on"),
        ("id,class\n1001,1\n", "has no column NewID, only id, class"),
        ("", "is empty"),
    ],
)
def test_too_little_in_situ(landscape, tmp_path, rows, words) -> None:
    (tmp_path / "insitu.csv").write_text(rows)
    done = run(landscape, tmp_path / "wcc", "--insitu", str(tmp_path / "insitu.csv"))
    assert done.exit_code == 3, done.stderr
    assert words in done.stderr
    assert "insitu.csv" in done.stderr


def test_in_situ_of_another_form(result, landscape, tmp_path) -> None:
    table = pd.read_csv(landscape.insitu)
    words = "".join(
        f"{'WCC' if c == 1 else 'none'};{i}.0;x\n" for i, c in zip(table["NewID"], table["class"], strict=True)
    )
    (tmp_path / "field.csv").write_bytes(b"\xef\xbb\xbfcover;parcel;remark\n" + words.encode())
    names = ("--id-column", "parcel", "--class-column", "cover", "--class-map", "wcc=1,None=2")
    done = run(landscape, tmp_path / "wcc", "--insitu", str(tmp_path / "field.csv"), *names)
    assert done.exit_code == 0, done.stderr
    assert (tmp_path / "wcc" / "wcc.csv").read_bytes() == (result / "wcc.csv").read_bytes()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "Give --insitu"),
        (("--method", "threshold", "--model", "M"), "does not go with --method threshold"),
        (("--method", "threshold", "--crops", "M"), "--crops needs"),
        (("--method", "threshold", "--crop-after", "x"), "need --crops"),
        (("--insitu", "M", "--harvest", "M"), "--harvest serves"),
        (("--insitu", "M", "--class-map", "wcc=1"), "must name both classes"),
        (("--insitu", "M", "--class-map", "wcc=1,none=3"), "is no class map"),
    ],
)
def test_wrong_usage(landscape, tmp_path, options, words) -> None:
    done = run(landscape, tmp_path / "wcc", *[str(landscape.insitu) if text == "M" else text for text in options])
    assert done.exit_code == 2
    assert words in done.stderr


def test_two_looks_are_too_few_and_no_fault(landscape, make_series, tmp_path) -> None:
    make_series(tmp_path / "two.arrow", landscape.ids, landscape.wcc, seed=1, year=2021, looks=2)
    done = run(landscape, tmp_path / "wcc", "--method", "threshold", series=tmp_path / "two.arrow")
    assert done.exit_code == 0, done.stderr
    assert rows_of(tmp_path / "wcc") == []
    details = pd.read_parquet(tmp_path / "wcc" / "wcc_details.parquet")
    assert set(details["status"]) == {"not classified"}
    assert details["reason"].str.contains("clear look").all()
    assert gpd.read_file(tmp_path / "wcc" / "wcc.gpkg", layer="wcc")["Pred_class"].isna().all()


def test_thresholds_find_the_truth_and_are_measured(landscape, tmp_path) -> None:
    done = trained(landscape, tmp_path / "wcc", "--method", "threshold")
    assert done.exit_code == 0, done.stderr
    found = accuracy_of(tmp_path / "wcc")
    assert found["classified_by"] == "thresholds"
    assert found["balanced_accuracy"] > 0.9
    assert not (tmp_path / "wcc" / "model.npz").exists()


def test_a_season_seen_until_december(result, landscape, make_series, tmp_path) -> None:
    """A series that ends in the middle of the season still gives an answer, from what is known."""
    make_series(tmp_path / "cut.arrow", landscape.ids, landscape.wcc, seed=1, year=2021, until=190)
    done = run(landscape, tmp_path / "wcc", "--model", str(result / "model.npz"), series=tmp_path / "cut.arrow")
    assert done.exit_code == 0, done.stderr
    said = {int(row["NewID"]): row["Pred_class"] == "1" for row in rows_of(tmp_path / "wcc")}
    truth = dict(zip(landscape.ids.tolist(), landscape.wcc, strict=True))
    assert np.mean([said[i] == truth[i] for i in said]) > 0.75


def test_awkward_attributes_survive(landscape, tmp_path) -> None:
    frame = gpd.read_file(landscape.parcels)
    frame["fid"] = "farm"
    frame["Crop"], frame["CROP"] = "a", "b"
    frame["Pred_class"] = "old"
    frame["geom"] = "text"
    frame = frame.rename(columns={"NewID": "parcel_no"}).to_crs(4326)
    frame.to_parquet(tmp_path / "parcels.parquet")
    done = run(
        landscape, tmp_path / "wcc", "--method", "threshold", "--id-field", "parcel_no",
        parcels=tmp_path / "parcels.parquet",
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    layer = gpd.read_file(tmp_path / "wcc" / "wcc.gpkg", layer="wcc")
    assert set(layer["fid"]) == {"farm"}
    assert {"Crop", "CROP_2", "geom"} <= set(layer.columns)
    assert set(layer["Pred_class"]) == {1, 2}


def test_killed_run_leaves_the_old_result_and_a_rerun_works(result, landscape, tmp_path) -> None:
    output = tmp_path / "wcc"
    shutil.copytree(result, output)
    command = [sys.executable, "-m", "sen4cap", "classify", "--series", str(landscape.series), *QUICK]
    command += ["--parcels", str(landscape.parcels), "--insitu", str(landscape.insitu), "--output", str(output)]
    child = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 20
    while not (tmp_path / ".wcc.partial").exists() and child.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert (output / "wcc.csv").read_bytes() == (result / "wcc.csv").read_bytes()
    assert subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["wcc"]
    for name in ("wcc.csv", "model.npz", "accuracy.json"):
        assert (output / name).read_bytes() == (result / name).read_bytes()
