"""The compiled pass against the plain equations, and the product's codes against plain loops."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sen4cap import l3b
from sen4cap.lai import kernel
from sen4cap.lai.folded import _tanh, fold
from sen4cap.lai.networks import TABLES, VARIABLES, load

TOLERANCE = 1e-4


def reference(network, variables, bands, scaling, cosines):
    """Values by the float64 equations, NaN where a band has no data, and how far outputs are from a bound."""
    inputs = [bands[name] * scaling[name][0] + scaling[name][1] for name in network.bands]
    inputs = np.stack([*inputs, *np.broadcast_to(cosines, (3, *inputs[0].shape))], axis=-1)
    empty = np.any([bands[name] == 0 for name in network.bands], axis=0)
    values, raws = [], []
    for name in variables:
        raw = network.variables[name].raw(inputs)
        value = network.variables[name].bounded(raw)
        value[empty] = np.nan
        values.append(value)
        raws.append(raw)
    return np.array(values), np.array(raws), inputs, empty


def spread(array):
    return array.repeat(2, axis=-2).repeat(2, axis=-1)


@st.composite
def blocks(draw):
    network = load(draw(st.sampled_from(TABLES)))
    variables = tuple(draw(st.permutations(VARIABLES))[: draw(st.integers(1, 3))])
    extra = draw(st.sampled_from([(), ("B02",), ("B12", "B02")]))
    names = draw(st.permutations(sorted({*network.bands, *extra})))
    # Which bands come at 10 m is the catalogue's business, not the network's.
    fine_too = draw(st.sampled_from([("B02", "B03", "B04", "B08"), (), tuple(names)]))
    fine = tuple(name for name in names if name in fine_too)
    coarse = tuple(name for name in names if name not in fine_too)
    half = draw(st.integers(1, 5)), draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    offset = draw(st.sampled_from([0.0, -0.1]))
    dtype = draw(st.sampled_from([np.uint16, np.int32]))
    top = draw(st.sampled_from([3000, 6000, 12000]))
    arrays = [
        rng.integers(1, top, (len(fine), 2 * half[0], 2 * half[1])).astype(dtype),
        rng.integers(1, top, (len(coarse), *half)).astype(dtype),
    ]
    for array in arrays:
        array[rng.random(array.shape) < 0.02] = 0
    scaling = {name: (1e-4, offset) for name in names}
    gridded = draw(st.booleans())
    cosines = rng.uniform(0.3, 1, (3, *half) if gridded else 3).astype(np.float32)
    return network, variables, fine, coarse, arrays[0], arrays[1], scaling, cosines


@settings(max_examples=50)
@given(blocks())
def test_agrees_with_the_equations(case) -> None:
    network, variables, fine, coarse, at10, at20, scaling, cosines = case
    folded = fold(network, variables, fine=fine, coarse=coarse, scaling=scaling)
    got = kernel.biophysical(at10, at20, cosines, folded)
    again, codes = kernel.biophysical_with_domain(at10, at20, cosines, folded)
    np.testing.assert_array_equal(got, again)
    assert got.dtype == np.float32
    bands = {**dict(zip(fine, at10, strict=True)), **dict(zip(coarse, spread(at20), strict=True))}
    wide = spread(cosines) if cosines.ndim == 3 else cosines[:, None, None]
    values, raws, inputs, empty = reference(network, variables, bands, scaling, wide)
    for i, name in enumerate(variables):
        part = network.variables[name]
        least, most = part.low - part.tolerance, part.high + part.tolerance
        # Where float32 may stand on the other side of a limit, either answer is right.
        sure = (np.abs(raws[i] - least) > TOLERANCE) & (np.abs(raws[i] - most) > TOLERANCE)
        np.testing.assert_allclose(got[i][sure], values[i][sure], rtol=0, atol=TOLERANCE)
        outside = np.zeros(empty.shape, bool)
        if part.domain is not None:
            reflectance = inputs[..., :-3]
            outside = ((reflectance < part.domain[:, 0]) | (reflectance > part.domain[:, 1])).any(axis=-1)
            edge = np.minimum(np.abs(reflectance - part.domain[:, 0]), np.abs(reflectance - part.domain[:, 1]))
            sure &= (edge > 1e-7).all(axis=-1)
        expected = np.where(empty, 255, np.where(raws[i] < least, 2, np.where(raws[i] > most, 3, outside)))
        np.testing.assert_array_equal(codes[i][sure], expected[sure])


@given(blocks())
@settings(max_examples=30)
def test_a_block_is_the_sum_of_its_parts(case) -> None:
    network, variables, fine, coarse, at10, at20, scaling, cosines = case
    folded = fold(network, variables, fine=fine, coarse=coarse, scaling=scaling)
    whole = kernel.biophysical(at10, at20, cosines, folded)
    for row in range(at20.shape[1]):
        part = kernel.biophysical(
            at10[:, 2 * row : 2 * row + 2],
            at20[:, row : row + 1],
            cosines[:, row : row + 1] if cosines.ndim == 3 else cosines,
            folded,
        )
        np.testing.assert_array_equal(part, whole[:, 2 * row : 2 * row + 2])


@pytest.mark.parametrize("name", ["sen4cap-allbands", "sen4cap-rededge"])
def test_cases_of_sen4cap_by_the_compiled_pass(shared: Path, name: str) -> None:
    with (shared / "data/bvnet/sen4cap_test_cases.csv").open() as source:
        cases = list(csv.DictReader(source))
    network = load(name)
    scaling = {band: (1e-4, 0.0) for band in network.bands}
    # The cases give four decimals, so digital numbers hold them exactly.
    at10 = np.array(
        [[round(1e4 * float(row[f"B{int(b[1:])}" if b != "B8A" else b])) for row in cases] for b in network.bands],
        np.uint16,
    )
    at10 = spread(at10.reshape(len(network.bands), 1, len(cases)))
    cosines = np.array([[float(row[c]) for row in cases] for c in ("cosVZA", "cosSZA", "cosRAA")], np.float32)
    folded = fold(network, VARIABLES, fine=network.bands, coarse=(), scaling=scaling)
    empty = np.empty((0, 1, len(cases)), np.uint16)
    got = kernel.biophysical(at10, empty, cosines.reshape(3, 1, -1), folded)[:, 0, ::2]
    for i, variable in enumerate(VARIABLES):
        raw = np.array([float(row[f"{name.removeprefix('sen4cap-')}_{variable}_raw"]) for row in cases])
        np.testing.assert_allclose(got[i], network.variables[variable].bounded(raw), rtol=0, atol=2e-5)


def test_tanh() -> None:
    x = np.linspace(-20, 20, 400001).astype(np.float32)
    got = np.array([_tanh(value) for value in x[::20]])
    assert np.abs(got - np.tanh(x[::20].astype(np.float64))).max() < 5e-7


def test_blocks_that_do_not_fit_are_refused() -> None:
    network = load("snap-3.0-s2a-10m")
    with pytest.raises(ValueError, match="needs"):
        fold(network, ("LAI",), fine=("B03", "B04"), coarse=("B05",), scaling={})
    folded = fold(network, ("LAI",), fine=network.bands, coarse=(), scaling=dict.fromkeys(network.bands, (1e-4, 0.0)))
    with pytest.raises(ValueError, match="do not fit"):
        kernel.biophysical(np.ones((3, 4, 4), np.uint16), np.ones((0, 3, 2), np.uint16), np.ones(3, np.float32), folded)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=50)
def test_codes_of_the_product(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scl = rng.integers(0, 13, (3, 4)).astype(np.uint8)
    at10 = rng.integers(0, 4, (2, 6, 8)).astype(np.uint16)
    at20 = rng.integers(0, 4, (1, 3, 4)).astype(np.uint16)
    values = rng.uniform(-1, 9, (6, 8)).astype(np.float32)
    values[rng.random(values.shape) < 0.2] = np.nan
    clear = tuple(sorted(rng.choice(np.arange(1, 12), 3, replace=False).tolist()))
    status = kernel.statuses(at10, at20, scl, l3b.status_table(clear))
    codes = kernel.coded(values, status)
    flags = kernel.domain_flags(np.ones((6, 8), np.uint8), status)
    for row in range(6):
        for column in range(8):
            scene_class = scl[row // 2, column // 2]
            expected = {1: 5, 6: 1, 11: 3}.get(scene_class, 4)
            if scene_class in clear:
                expected = 0
            if scene_class in (0, 12) or 0 in (*at10[:, row, column], *at20[:, row // 2, column // 2]):
                expected = 255
            assert status[row, column] == expected
            without = expected in (3, 4, 255)
            assert flags[row, column] == (255 if without else 1)
            value = values[row, column]
            good = not (without or np.isnan(value))
            assert codes[row, column] == (int(value * np.float32(1000)) if good else -10000)


def test_codes_are_truncated_not_rounded() -> None:
    land = np.zeros((2, 2), np.uint8)
    got = kernel.coded(np.array([[2.4989, -0.1509], [0.0009, -0.0009]], np.float32), land)
    assert got.tolist() == [[2498, -150], [0, 0]]


def test_ndvi() -> None:
    red = np.array([[0.05, -0.02, 0.0, np.nan, 0.1]], np.float32)
    nir = np.array([[0.45, 0.30, 0.0, 0.4, -0.2]], np.float32)
    got = kernel.ndvi(red, nir)
    assert got[0, 0] == pytest.approx(0.8, abs=1e-6)
    assert got[0, 1] == 1
    assert np.isnan(got[0, 2:]).all()


@pytest.mark.parametrize(("clear", "land"), [((4, 5), {4, 5}), ((2, 4, 5, 7), {2, 4, 5, 7}), ((4,), {4})])
def test_classes_that_count_as_clear(clear: tuple[int, ...], land: set[int]) -> None:
    table = l3b.status_table(clear)
    assert set(np.flatnonzero(table == l3b.LAND).tolist()) == land
    assert table[0] == table[12] == table[255] == l3b.NO_DATA
    assert [int(table[code]) for code in (1, 6, 11, 3, 8, 9, 10)] == [5, 1, 3, 4, 4, 4, 4]


def test_winter_wheat_in_switzerland(shared: Path) -> None:
    """The level that a correct implementation reaches on in-situ green LAI, by the compiled pass."""
    with (shared / "data/swiss-lai/matchups.csv").open() as source:
        pairs = [row for row in csv.DictReader(source) if row["SCL"] in "45" and abs(int(row["day_gap"])) <= 2]
    assert len(pairs) == 94
    network = load("sen4cap-allbands")
    columns = ["B8A" if band == "B08" else band for band in network.bands]
    at10 = np.array([[round(1e4 * float(row[c])) for row in pairs] for c in columns], np.uint16)
    at10 = spread(at10.reshape(len(columns), 1, -1))
    sun = np.cos(np.radians([float(row["sun_zenith"]) for row in pairs]))
    cosines = np.stack([np.full(94, np.cos(np.radians(6))), sun, np.zeros(94)]).astype(np.float32)
    scaling = {band: (1e-4, 0.0) for band in network.bands}
    folded = fold(network, ("LAI",), fine=network.bands, coarse=(), scaling=scaling)
    got = kernel.biophysical(at10, np.empty((0, 1, 94), np.uint16), cosines.reshape(3, 1, 94), folded)[0, 0, ::2]
    error = got - np.array([float(row["lai_insitu"]) for row in pairs])
    assert abs(error.mean()) <= 0.15
    assert np.sqrt((error**2).mean()) <= 1.15
