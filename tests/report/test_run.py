"""The result folder: its numbers, its page, its account, its catalogue."""

from __future__ import annotations

import hashlib
import html.parser
import itertools
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pystac
import pytest
from click.testing import CliRunner
from PIL import Image

from sen4cap.cli import main

OPTIONS = ("--crop-before", "before", "--typical", "2")


@pytest.fixture(scope="session")
def made(season, tmp_path_factory):
    """The report of the invented season, and what was printed."""
    folder = tmp_path_factory.mktemp("made") / "report"
    result = CliRunner().invoke(main, ["report", *season.options, *OPTIONS, "--output", str(folder)])
    assert result.exit_code == 0, result.output
    return folder, result


def without(options: tuple[str, ...], *names: str) -> list[str]:
    pairs = zip(options[::2], options[1::2], strict=True)
    return [text for pair in pairs if pair[0].removeprefix("--") not in names for text in pair]


def replaced(options: tuple[str, ...], **paths: Path) -> list[str]:
    return [*without(options, *paths), *(text for name, path in paths.items() for text in (f"--{name}", str(path)))]


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


class Page(html.parser.HTMLParser):
    """What matters of a page: its resources, headings, pictures and tables."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_the_printed_numbers_are_those_of_the_inputs(season, made) -> None:
    folder, result = made
    lines = [line.rsplit(None, 1) for line in result.stdout.splitlines()]
    assert [name for name, *_ in lines[:-1]] == [
        *("parcels", "WCC", "NWCC", "unclassified", "median emergence", "median termination"),
    ]
    printed = {name: value for name, value in lines[:-1]}
    wcc, nwcc = int((season.codes == 1).sum()), int((season.codes == 2).sum())
    assert int(printed["parcels"]) == season.records
    assert (int(printed["WCC"]), int(printed["NWCC"])) == (wcc, nwcc)
    assert int(printed["unclassified"]) == season.records - wcc - nwcc
    for name, column in (("median emergence", "Em_d"), ("median termination", "Ter_d")):
        known = np.sort(season.season[column].dropna().to_numpy())
        assert printed[name] == str(known[(len(known) - 1) // 2])[:10]
    assert result.stdout.splitlines()[-1] == str(folder / "index.html")


def test_the_summary_follows_from_the_tables(season, made) -> None:
    folder, _ = made
    summary = pd.read_csv(folder / "summary.csv").set_index("quantity")["value"]
    crops = pd.read_csv(season.folder / "intercrop.csv").merge(pd.read_csv(season.folder / "wcc" / "wcc.csv"))
    assert float(summary["bare_wcc"]) == pytest.approx(crops.loc[crops.Pred_class == 1, "BS_per"].mean(), abs=0.06)
    assert float(summary["period_nwcc"]) == crops.loc[crops.Pred_class == 2, "Inter_d"].median()
    assert float(summary["length"]) == season.season["S_length"].median()
    assert int(summary["without_termination"]) == season.season["Ter_d"].isna().sum() == 1
    assert float(summary["lai"]) == pytest.approx(season.season["M_gro_val"].median(), abs=0.006)


def test_every_record_is_accounted_for(season, made) -> None:
    folder, _ = made
    account = pd.read_csv(folder / "account.csv", keep_default_na=False)
    assert account["records"].sum() == season.records == season.count + 2
    own = pd.read_parquet(season.folder / "wcc" / "wcc_details.parquet")
    for (status, reason), rows in own.groupby(["status", "reason"]):
        line = account[(account.status == status) & (account.reason == reason)].iloc[0]
        assert line["records"] == len(rows)
        assert line["first"].split()[0] == str(rows["NewID"].iloc[0])
    told = "".join(Page((folder / "index.html").read_text()).text)
    counts = {status: int((own.status == status).sum()) for status in own.status.unique()}
    wanted = (
        f"{season.records} records: {counts['classified']} classified + {counts['not a candidate']} not a candidate + "
        f"{counts['not classified']} not classified = {season.records}."
    )
    assert wanted in told


def test_the_page_needs_nothing_else(made) -> None:
    folder, _ = made
    text = (folder / "index.html").read_text(encoding="utf-8")
    page = Page(text)
    for tag, attributes in page.tags:
        assert tag not in ("script", "link", "iframe", "object", "embed")
        if "src" in attributes:
            assert attributes["src"].startswith("data:image/png;base64,")
        for name in ("href", "srcset", "poster"):
            assert not re.match(r"(https?:)?//", attributes.get(name) or "")
    assert "url(" not in text
    assert "@import" not in text
    for link in {attributes["href"] for attributes in page.all("a")}:
        assert link.startswith("#") or (folder / link).is_file()


def test_the_page_can_be_read_aloud(made) -> None:
    folder, _ = made
    page = Page((folder / "index.html").read_text())
    assert page.all("html")[0]["lang"] == "en"
    assert [a["name"] for a in page.all("meta") if "name" in a] == ["viewport"]
    assert len(page.all("h1")) == 1
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert len(page.all("img")) == len(list(folder.glob("*.png")))
    assert all(len(image["alt"]) > 20 for image in page.all("img"))
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(header["scope"] in ("col", "row") for header in page.all("th"))
    anchors = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    assert {a["href"][1:] for a in page.all("a") if a["href"].startswith("#")} <= anchors


def test_pictures_are_there_and_not_blank(made) -> None:
    folder, _ = made
    names = {path.name for path in folder.glob("*.png")}
    assert names >= {
        *("map_classes.png", "map_emergence.png", "map_termination.png", "hist_dates.png", "bare_soil.png"),
        *("confidence.png", "reliability.png", "months.png"),
    }
    assert sum(name.startswith("curve_") for name in names) == 2
    for name in names:
        with Image.open(folder / name) as image:
            pixels = np.asarray(image.convert("RGB"))
            assert not image.info.keys() & {"Software", "Creation Time", "date"}
        assert (pixels != 255).any(axis=2).mean() > 0.02, name
        assert len(Image.fromarray(pixels).getcolors(maxcolors=1 << 24)) > 20, name


def test_accuracy_by_the_months_that_are_known(made) -> None:
    folder, _ = made
    told = "".join(Page((folder / "index.html").read_text()).text)
    assert "How much of the two years must be seen" in told
    for words in ("August0.712––September", "October0.8710.8410.891", "May0.8870.8570.907"):
        assert words in "".join(told.split())


def test_result_files_are_copied_as_they_are(season, made) -> None:
    folder, _ = made
    for name in ("season.csv", "season_details.parquet", "intercrop.csv", "harvest.csv", "soil.csv"):
        assert (folder / name).read_bytes() == (season.folder / name).read_bytes()
    for name in ("wcc.csv", "wcc_details.parquet", "accuracy.json", "model.npz"):
        assert (folder / name).read_bytes() == (season.folder / "wcc" / name).read_bytes()
    assert not (folder / "series.arrow").exists()


def test_the_catalogue_is_valid_and_complete(season, made) -> None:
    folder, _ = made
    catalog = pystac.Catalog.from_file(folder / "catalog.json")
    (item,) = catalog.get_items()
    catalog.validate()
    item.stac_extensions = []
    item.validate()
    held = {path.name for path in folder.iterdir() if path.is_file()} - {"catalog.json"}
    assert set(item.assets) == held
    for name, asset in item.assets.items():
        assert Path(asset.get_absolute_href()).is_file()
        assert asset.roles
        assert asset.media_type
        if name.endswith(".csv"):
            header = (folder / name).read_text().split("\n", 1)[0].split(",")
            columns = asset.extra_fields["table:columns"]
            assert [column["name"] for column in columns] == header
            assert all(column["description"] for column in columns)
    sources = [link.get_href() for link in item.get_links("derived_from")]
    assert sources == ["S2A_31UFS_20210620_0_L2A", "https://stac.example/items/S2B_31UFS_20210625"]


def test_optional_files_may_be_missing(season, tmp_path: Path) -> None:
    options = without(season.options, "harvest", "soil", "markers", "classes")
    wcc = tmp_path / "wcc"
    wcc.mkdir()
    shutil.copy(season.folder / "wcc" / "wcc.csv", wcc)
    folder = tmp_path / "report"
    result = CliRunner().invoke(
        main, ["report", *options, "--classes", str(wcc), "--typical", "1", "--output", str(folder)]
    )
    assert result.exit_code == 0, result.output
    told = "".join(Page((folder / "index.html").read_text()).text)
    for missing in ("No harvest table", "No bare-soil table", "No marker table", "No accuracy was measured"):
        assert missing in told
    account = pd.read_csv(folder / "account.csv")
    assert account["records"].sum() == season.records
    assert not (folder / "reliability.png").exists()
    assert not (folder / "months.png").exists()


def test_a_country_is_drawn_on_a_grid_with_the_parcels_asked_for(season, tmp_path: Path) -> None:
    folder = tmp_path / "report"
    options = ["report", *season.options, "--typical", "0", "--most-outlines", "10", "--keep-markers"]
    result = CliRunner().invoke(main, [*options, "--curves", "1005,1003", "--output", str(folder)])
    assert result.exit_code == 0, result.output
    with Image.open(folder / "map_classes.png") as image:
        assert len(image.convert("RGB").getcolors(maxcolors=1 << 24)) > 20
    assert (folder / "series.arrow").is_file()
    assert (folder / "markers.ipc").is_file()
    assert {path.name for path in folder.glob("curve_*")} == {"curve_1003.png", "curve_1005.png"}


@pytest.mark.slow
def test_killed_and_run_again_it_gives_the_same_bytes(season, made, tmp_path: Path) -> None:
    folder, _ = made
    command = [sys.executable, "-m", "sen4cap", "report", *season.options, *OPTIONS, "--output", "report"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    scratch = tmp_path / ".report.partial" / "map_classes.png"
    begun = time.monotonic()
    while not scratch.exists() and process.poll() is None and time.monotonic() - begun < 60:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert scratch.exists()
    assert not (tmp_path / "report").exists()
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert again.stdout.splitlines()[-1] == "report/index.html"
    assert digests(tmp_path / "report") == digests(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["report"]
