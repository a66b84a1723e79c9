"""Marker tables: names, tables of several makers, blocks of rows."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sen4cap.errors import BadInput
from sen4cap.marker_names import SCALE, STATS, Marker
from sen4cap.marker_table import MarkerTable, new_markers, pooled, seen_twice

DAYS = st.dates(datetime.date(1984, 1, 1), datetime.date(2099, 12, 31))
TILES = st.from_regex(r"\d{2}[A-Z]{3}", fullmatch=True)
MARKERS = st.builds(
    Marker,
    DAYS,
    st.sampled_from(sorted(SCALE)),
    pol=st.sampled_from(["", "VV", "VH"]),
    orbit=st.one_of(st.just(""), st.integers(0, 999).map("{:03d}".format)),
    tile=st.one_of(st.just(""), TILES.filter(str.isascii)),
    band=st.sampled_from(["", "B02", "B8A", "B12"]),
    stat=st.sampled_from(STATS),
)


@given(MARKERS)
@settings(max_examples=300)
def test_a_name_says_all(marker: Marker) -> None:
    assert Marker.parse(marker.name) == marker


@given(st.text(alphabet="0123456789_meanstdvLAIVBRTO", max_size=40))
def test_what_parses_is_written_the_same(name: str) -> None:
    marker = Marker.parse(name)
    assert marker is None or marker.name == name


@pytest.mark.parametrize(
    ("name", "marker"),
    [
        ("20190401_mean_LAI", Marker(datetime.date(2019, 4, 1), "LAI")),
        ("20190401_mean_AMP_VV_102", Marker(datetime.date(2019, 4, 1), "AMP", pol="VV", orbit="102")),
        ("20190401_mean_L2A_31UFS_B8A", Marker(datetime.date(2019, 4, 1), "L2A", tile="31UFS", band="B8A")),
        ("20190401_valid_pixels_cnt_NDVI", Marker(datetime.date(2019, 4, 1), "NDVI", stat="valid_pixels_cnt")),
        ("20190431_mean_LAI", None),
        ("NewID", None),
        ("20190401_mean_lai", None),
        ("20190401_mean_LAI_", None),
    ],
)
def test_names(name: str, marker: Marker | None) -> None:
    assert Marker.parse(name) == marker


values_ = arrays(np.float32, st.integers(1, 8), elements=st.floats(-20, 8000, width=32))
weights_ = st.floats(0.01, 1)


@given(values_, values_, weights_, weights_)
@settings(max_examples=200)
def test_pooling_equals_taking_all_pixels_at_once(one: np.ndarray, other: np.ndarray, w: float, v: float) -> None:
    def of(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
        x = values.astype(np.float64)
        mean = np.average(x, weights=weights)
        return np.array([weights.sum(), mean, np.sqrt(np.average((x - mean) ** 2, weights=weights))])[:, None]

    ones, others = np.full(len(one), w), np.full(len(other), v)
    both = of(np.concatenate([one, other]), np.concatenate([ones, others]))
    np.testing.assert_allclose(pooled(of(one, ones), of(other, others)), both, rtol=1e-9, atol=1e-7)


def test_pooling_with_nothing() -> None:
    nothing = np.full((3, 2), np.nan, np.float32)
    something = np.array([[4.5, np.nan], [2100, np.nan], [33.25, np.nan]], np.float32)
    np.testing.assert_array_equal(pooled(nothing, something)[:, 0], something[:, 0])
    np.testing.assert_array_equal(pooled(something, nothing)[:, 0], something[:, 0])
    assert pooled(nothing, something)[0, 1] == 0


def test_ground_on_two_tiles_counts_once() -> None:
    one, other = np.array([[30.0], [600], [30]]), np.array([[10.0], [200], [10]])
    np.testing.assert_allclose(seen_twice(one, other)[1:], pooled(one, other)[1:])
    assert seen_twice(one, other)[0] == seen_twice(other, one)[0] == 30
    nothing = np.full((3, 1), np.nan)
    np.testing.assert_array_equal(seen_twice(nothing, other), other)
    np.testing.assert_array_equal(seen_twice(other, nothing), other)
    assert seen_twice(nothing, nothing)[0] == 0


def test_two_orbits_of_one_day_are_two_looks(tmp_path: Path) -> None:
    columns = {"NewID": np.array([1], np.int32)}
    for orbit, mean, pixels in (("037", -9.0, 30), ("110", -11.0, 10)):
        columns[f"20211001_mean_AMP_VV_{orbit}"] = [mean]
        columns[f"20211001_valid_pixels_cnt_AMP_VV_{orbit}"] = [pixels]
    looks = MarkerTable([write(tmp_path / "m.ipc", columns)]).looks("AMP", pol="VV")
    assert (looks.mean[0, 0], looks.pixels[0, 0]) == (-9.5, 40)


def test_tables_of_two_tiles_are_one(tmp_path: Path) -> None:
    """Parcel 2 lies on both tiles: it has one row, the looks of both, and no pixel counts twice."""
    days = ["20211001", "20211006"]
    west = {"NewID": np.array([1, 2], np.int32)} | {f"{d}_mean_LAI": [1000.0, 2000.0] for d in days}
    west |= {f"{d}_valid_pixels_cnt_LAI": [50.0, 30.0] for d in days}
    east = {"NewID": np.array([2, 3], np.int32)} | {f"{d}_mean_LAI": [3000.0, 500.0] for d in (days[1], "20211011")}
    east |= {f"{d}_valid_pixels_cnt_LAI": [10.0, 20.0] for d in (days[1], "20211011")}
    table = MarkerTable([write(tmp_path / "31UGS.ipc", west), write(tmp_path / "32ULB.ipc", east)])
    assert table.ids.tolist() == [1, 2, 3]
    assert table.rows_of(np.array([3, 7, 1], np.int32)).tolist() == [2, -1, 0]
    looks = table.looks("LAI")
    assert [str(day) for day in looks.days] == ["2021-10-01", "2021-10-06", "2021-10-11"]
    np.testing.assert_allclose(looks.mean, [[1, 1, np.nan], [2, 2.25, 3], [np.nan, 0.5, 0.5]])
    np.testing.assert_array_equal(looks.pixels, [[50, 50, 0], [30, 30, 10], [0, 20, 20]])


def write(path: Path, columns: dict[str, object], *, rows: int | None = None) -> Path:
    table = pa.table(columns)
    with pa.ipc.new_file(str(path), table.schema) as sink:
        sink.write_table(table, max_chunksize=rows)
    return path


def test_round_trip(tmp_path: Path) -> None:
    day = datetime.date(2021, 10, 1)
    markers = [Marker(day, "LAI", stat=stat) for stat in ("mean", "stdev", "valid_pixels_cnt")]
    markers.append(Marker(datetime.date(2021, 10, 6), "LAI"))
    with new_markers(tmp_path / "m.ipc", np.array([5, 3], np.int32), markers, sources=["a", "b", "a"]) as values:
        values[:3, 0] = 2500, 300, 12.5
    schema = pa.ipc.open_file(tmp_path / "m.ipc").schema
    assert schema.names == ["NewID", *(marker.name for marker in markers)]
    assert {str(field.type) for field in schema} == {"int32", "float"}
    table = MarkerTable([tmp_path / "m.ipc"])
    assert table.sources == ("a", "b")
    assert table.ids.tolist() == [5, 3]
    looks = table.looks("LAI")
    assert looks.days.tolist() == [day]  # the other day holds nothing
    np.testing.assert_allclose(looks.mean, [[2.5], [np.nan]])
    np.testing.assert_allclose(looks.stdev, [[0.3], [np.nan]])
    assert looks.pixels.tolist() == [[12.5], [0]]
    assert [path.name for path in tmp_path.iterdir()] == ["m.ipc"]


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), new_markers(tmp_path / "m.ipc", np.array([1], np.int32), []):
        raise RuntimeError
    assert not list(tmp_path.iterdir())


def test_blocks_have_the_same_days_and_values(tmp_path: Path) -> None:
    """Days that only some parcels saw, record batches that do not fit the blocks, parcels of a second table."""
    random = np.random.default_rng(1)
    count = 40
    days = ["20211001", "20211006", "20211011", "20211016"]
    values = {f"{day}_mean_LAI": random.uniform(0, 5000, count).astype(np.float32) for day in days}
    values["20211006_mean_LAI"][:30] = np.nan
    values["20211016_mean_LAI"][:] = np.nan
    columns = {name: pa.array(v, from_pandas=True) for name, v in values.items()}
    first = write(tmp_path / "a.ipc", {"NewID": np.arange(count, dtype=np.int32), **columns}, rows=7)
    ids = random.permutation(np.arange(30, 50)).astype(np.int32)
    second = write(tmp_path / "b.ipc", {"NewID": ids, "20211021_mean_LAI": np.full(20, 1234.0)}, rows=6)
    table = MarkerTable([first, second])
    assert len(table.ids) == 50
    whole = table.looks("LAI")
    assert [str(day) for day in whole.days] == ["2021-10-01", "2021-10-06", "2021-10-11", "2021-10-21"]
    for size in (1, 3, 16, 50):
        for low in range(0, 50, size):
            block = table.looks("LAI", rows=slice(low, low + size))
            np.testing.assert_array_equal(block.days, whole.days)
            np.testing.assert_array_equal(block.mean, whole.mean[low : low + size])
            np.testing.assert_array_equal(block.pixels, whole.pixels[low : low + size])
    picked = random.permutation(50)[:20]
    np.testing.assert_array_equal(table.looks("LAI", rows=picked).mean, whole.mean[picked])
    assert len(table.looks("LAI", rows=slice(0, 0)).days) == 4
    some = table.looks("LAI", start=datetime.date(2021, 10, 2), end=datetime.date(2021, 10, 11))
    assert [str(day) for day in some.days] == ["2021-10-06", "2021-10-11"]


def test_columns_of_one_day_are_weighted_by_pixels(tmp_path: Path) -> None:
    path = write(
        tmp_path / "m.ipc",
        {
            "NewID": np.array([1, 2], np.int32),
            "20211001_mean_L2A_31UDS_B04": [600.0, 500.0],
            "20211001_stdev_L2A_31UDS_B04": [30.0, 20.0],
            "20211001_valid_pixels_cnt_L2A_31UDS_B04": pa.array([30, 0], pa.int32()),
            "20211001_mean_L2A_31UES_B04": [200.0, 400.0],
            "20211001_stdev_L2A_31UES_B04": [10.0, 5.0],
            "20211001_valid_pixels_cnt_L2A_31UES_B04": pa.array([10, 4], pa.int32()),
        },
    )
    looks = MarkerTable([path]).looks("L2A", band="B04")
    np.testing.assert_allclose(looks.mean[:, 0], [0.05, 0.04], rtol=1e-6)
    spread = np.sqrt(0.75 * 0.003**2 + 0.25 * 0.001**2 + 0.75 * 0.25 * 0.04**2)
    np.testing.assert_allclose(looks.stdev[:, 0], [spread, 0.0005], rtol=1e-5)
    assert looks.pixels[:, 0].tolist() == [30, 4]  # the overlap of two tiles: no pixel counts twice


def test_a_small_spread_survives(tmp_path: Path) -> None:
    columns = {"NewID": np.array([1], np.int32), "20211001_mean_NDVI": [900.0], "20211001_stdev_NDVI": [0.05]}
    looks = MarkerTable([write(tmp_path / "m.ipc", columns)]).looks("NDVI")
    np.testing.assert_allclose(looks.stdev, [[5e-5]], rtol=1e-5)


def test_a_table_made_by_sen4cap(tmp_path: Path) -> None:
    """Doubles, int64 identifiers, absent columns, other statistics, other columns, nulls and several batches."""
    path = write(
        tmp_path / "SEN4CAP_L4_MDB1.ipc",
        {
            "NewID": np.array([7, 8, 9], np.int64),
            "20190401_mean_AMP_VV_102": pa.array([-11.5, None, -9.0], pa.float64()),
            "20190401_p25_AMP_VV_102": [0.0, 0.0, 0.0],
            "20190401_mean_LAI": pa.array([1500, 0, None], pa.int16()),
            "20190406_mean_LAI": pa.nulls(3),
            "comment": ["a", "b", "c"],
        },
        rows=2,
    )
    table = MarkerTable([path])
    assert table.types() == ("AMP", "LAI")
    lai = table.looks("LAI")
    np.testing.assert_array_equal(lai.mean[:, 0], np.array([1.5, 0, np.nan], np.float32))
    assert lai.pixels[:, 0].tolist() == [1, 1, 0]
    amplitude = table.looks("AMP", pol="VV")
    np.testing.assert_array_equal(amplitude.mean[:, 0], np.array([-11.5, np.nan, -9], np.float32))
    with pytest.raises(BadInput, match="no mean of FCOVER, only AMP, LAI"):
        table.looks("FCOVER")


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize(
    ("separator", "point", "quote"), [(",", ".", ""), (";", ".", ""), (";", ",", ""), ("\t", ".", '"'), (",", ".", '"')]
)
def test_csv_forms(tmp_path: Path, bom: bytes, separator: str, point: str, quote: str) -> None:
    header = separator.join(f"{quote}{name}{quote}" for name in ("NewID", "20190401_mean_LAI", "20190401_stdev_LAI"))
    lines = [header, separator.join(["12", f"1500{point}5", "NA"]), separator.join(["13", "", f"20{point}25"])]
    path = tmp_path / "m.csv"
    path.write_bytes(bom + "\r\n".join(lines).encode() + b"\r\n")
    looks = MarkerTable([path]).looks("LAI")
    np.testing.assert_allclose(looks.mean[:, 0], [1.5005, np.nan])
    assert looks.stdev[0, 0] == 0


def test_duplicates_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    columns = {"NewID": np.array([4, 5, 4], np.int32), "20190401_mean_LAI": [1000.0, 2000.0, 3000.0]}
    table = MarkerTable([write(tmp_path / "m.ipc", columns)])
    assert table.ids.tolist() == [4, 5]
    assert table.looks("LAI").mean[:, 0].tolist() == [1, 2]
    assert "1 NewIDs stand twice, the first row of each counts: 4" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "no readable marker table"),
        (b"ARROW1\0\0 and no more", "no readable marker table"),
        (b"ID,20190401_mean_LAI\n1,5\n", "has no NewID, only ID"),
        (b"NewID,20190401_mean_LAI\n1,high\n", "no readable marker table"),
        (b"NewID,20190401_mean_LAI\nfield 1,5\n", "no whole numbers"),
        (b"NewID,20190401_mean_LAI\n1.5,5\n", "no whole numbers"),
        (b"NewID,20190401_mean_LAI\n,5\n2,5\n", "1 rows without NewID"),
        (b"NewID,20190401_mean_LAI\n5000000000,5\n", "no whole numbers of 32 bits"),
        (b"NewID,20190401_mean_LAI,20190401_mean_LAI\n1,5,6\n", "twice"),
    ],
)
def test_bad_tables(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "m.ipc"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=what) as error:
        MarkerTable([path])
    assert str(path) in str(error.value)


def test_a_truncated_table(tmp_path: Path) -> None:
    columns = {"NewID": np.arange(5000, dtype=np.int32), "20190401_mean_LAI": np.ones(5000, np.float32)}
    path = write(tmp_path / "m.ipc", columns)
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(BadInput, match="no readable marker table"):
        MarkerTable([path])


def test_no_table_at_all(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"missing\.ipc"):
        MarkerTable([tmp_path / "missing.ipc"])


@given(st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_looks_are_the_same_with_and_without_deviations(tmp_path: Path, data: st.DataObject) -> None:
    cell = st.one_of(st.none(), st.floats(0, 4000, width=32))
    count = st.one_of(st.none(), st.sampled_from([0.0, 3.5, 40.0]))
    columns: dict[str, object] = {"NewID": pa.array([4, 5, 6], pa.int32())}
    for day in ("20190401", "20190411"):
        columns[f"{day}_mean_LAI"] = pa.array(data.draw(st.lists(cell, min_size=3, max_size=3)), pa.float32())
        if data.draw(st.booleans()):
            name = f"{day}_valid_pixels_cnt_LAI"
            columns[name] = pa.array(data.draw(st.lists(count, min_size=3, max_size=3)), pa.float32())
    table = MarkerTable([write(tmp_path / "m.ipc", columns)])
    whole, quick = (table.looks("LAI", with_stdev=asked) for asked in (True, False))
    np.testing.assert_array_equal(whole.days, quick.days)
    np.testing.assert_array_equal(whole.mean, quick.mean)
    np.testing.assert_array_equal(whole.pixels, quick.pixels)
    assert np.isnan(quick.stdev).all()
    assert quick.stdev.shape == quick.mean.shape
