"""Tables as agencies write them are read; ours are written to the letter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sen4cap.errors import BadInput
from sen4cap.tables import details_path, read_csv, read_details, whole_numbers, write_csv, write_details


def test_csv_has_empty_cells_where_values_are_missing(tmp_path: Path) -> None:
    write_csv(
        tmp_path / "t.csv",
        {
            "NewID": np.array([7, -3], np.int32),
            "Em_d": np.array(["2021-09-30", "NaT"], "M8[D]"),
            "LAI": np.array([2.25, np.nan]),
            "days": pd.array([4, None], dtype="Int32"),
            "state": ["BS", "NBS"],
        },
    )
    assert (tmp_path / "t.csv").read_bytes() == (b"NewID,Em_d,LAI,days,state\n7,2021-09-30,2.25,4,BS\n-3,,,,NBS\n")


def test_text_that_needs_quotes_comes_back(tmp_path: Path) -> None:
    names = ['with, comma and "quote"', "plain"]
    write_csv(tmp_path / "t.csv", {"NewID": [1, 2], "name": names})
    assert read_csv(tmp_path / "t.csv")["name"].tolist() == names


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_csv_is_read_in_every_common_form(tmp_path: Path, separator: str, bom: bytes, newline: bytes) -> None:
    lines = [separator.join(row).encode() for row in (["NewID", "class"], ["1", " 2 "], ["3", ""])]
    (tmp_path / "t.csv").write_bytes(bom + newline.join([*lines, b""]))
    table = read_csv(tmp_path / "t.csv", required=["NewID"])
    assert table.to_dict("list") == {"NewID": ["1", "3"], "class": ["2", ""]}
    assert table.index.tolist() == [2, 3]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"a,b\n1\n", "line 2: has 1 cells"),
        (b"a,b\n1,2\n", "has no column NewID, only a, b"),
        (b"a\0b\n", "no text file"),
    ],
)
def test_faults_name_file_and_line(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(BadInput, match=said) as caught:
        read_csv(tmp_path / "t.csv", required=["NewID"])
    assert "t.csv" in str(caught.value)


def test_a_cell_that_is_no_whole_number_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("NewID\n1\n2.5\n")
    with pytest.raises(BadInput, match=r"t\.csv, line 3: NewID '2\.5' is no whole number"):
        whole_numbers(tmp_path / "t.csv", read_csv(tmp_path / "t.csv"), "NewID")


def test_details_stand_beside_their_table(tmp_path: Path) -> None:
    table = tmp_path / "season.csv"
    write_details(table, {"NewID": np.array([1], np.int32), "day": np.array(["2021-09-30"], "M8[D]")})
    assert details_path(table).name == "season_details.parquet"
    frame = read_details(details_path(table))
    assert frame["day"].to_numpy().astype("M8[D]").tolist() == [np.datetime64("2021-09-30").item()]
    with pytest.raises(BadInput, match="is missing"):
        read_details(tmp_path / "none.parquet")
    with pytest.raises(BadInput, match="no readable Parquet"):
        table.write_text("x")
        read_details(table)
