"""Shared option types refuse what they cannot be, and say what to write."""

from __future__ import annotations

import datetime
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from sen4cap.cli import main
from sen4cap.options import Date, MonthDay, Numbers, Words, check_span


def test_good_values() -> None:
    assert Date().convert("2021-08-01", None, None) == datetime.date(2021, 8, 1)
    assert MonthDay().convert("05-31", None, None) == "05-31"
    assert Words(("LAI", "FCOVER")).convert("FCOVER, LAI,FCOVER", None, None) == ("FCOVER", "LAI")
    assert Numbers().convert("5,4,5", None, None) == (4, 5)


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        (Date(), "1.8.2021", "write YYYY-MM-DD"),
        (Date(), "2021-13-01", "write YYYY-MM-DD"),
        (MonthDay(), "02-29", "write MM-DD"),
        (Words(("LAI",)), "LAY", "LAY is not among LAI"),
        (Words(("LAI",)), "", "nothing is not among LAI"),
        (Numbers(), "4,five", "write for example 4,5"),
    ],
)
def test_bad_values(kind: click.ParamType, text: str, said: str) -> None:
    with pytest.raises(click.BadParameter, match=said):
        kind.convert(text, None, None)


def test_a_span_that_ends_before_it_begins_is_wrong_usage() -> None:
    check_span(datetime.date(2021, 1, 1), datetime.date(2021, 1, 1))
    check_span(None, datetime.date(2021, 1, 1))
    with pytest.raises(click.UsageError, match="--start 2021-02-01 is after --end 2021-01-01"):
        check_span(datetime.date(2021, 2, 1), datetime.date(2021, 1, 1))


@pytest.mark.parametrize("tool", ["season", "intercrop"])
def test_a_folder_without_classes_is_refused(tool: str, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    result = CliRunner().invoke(main, [tool, "--classes", str(tmp_path / "run")])
    assert result.exit_code == 3
    assert f"{tmp_path / 'run'}: holds no wcc.csv" in result.stderr
