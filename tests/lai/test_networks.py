"""The networks' numbers and equations against the cases that their makers published."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from sen4cap import options
from sen4cap.errors import BadInput
from sen4cap.lai.networks import NAMES, TABLES, VARIABLES, bands_of, load, network_for

MODELS = {
    "S2A_20m": "snap-3.0-s2a-20m",
    "S2B_20m": "snap-3.0-s2b-20m",
    "S2A_10m": "snap-3.0-s2a-10m",
    "S2_v2.1_20m": "snap-2.1-20m",
}
BY_HAND = np.array([0.06, 0.04, 0.40, 0.10, 0.30, 0.38, 0.42, 0.20, 0.10, 0.99, 0.70, 0.20])


def rows(path: Path) -> list[dict[str, str]]:
    with path.open() as source:
        return list(csv.DictReader(source))


def test_numbers_are_those_of_the_source(shared: Path) -> None:
    source = json.loads((shared / "data/bvnet/networks.json").read_text())["networks"]
    assert set(source) == set(TABLES)
    for name, record in source.items():
        network = load(name)
        bands = [f"B{band[1:]:0>2}" for band in record["inputs"] if not band.startswith("cos")]
        assert list(network.bands) == bands
        assert network.clamps == name.startswith("sen4cap")
        assert set(network.variables) == set(record["variables"]) == set(VARIABLES)
        for variable, numbers in record["variables"].items():
            part = network.variables[variable]
            assert part.norm.tolist() == numbers["norm"]
            assert part.w1.tolist() == numbers["W1"]
            assert part.b1.tolist() == numbers["b1"]
            assert part.w2.tolist() == numbers["W2"]
            assert part.b2 == numbers["b2"]
            assert list(part.denorm) == numbers["denorm"]
            assert [part.low, part.high, part.tolerance] == [
                numbers[key] for key in ("out_min", "out_max", "tolerance")
            ]
            domain = np.stack([numbers["domain_min"], numbers["domain_max"]], 1) if "domain_min" in numbers else None
            assert np.array_equal(part.domain, domain) if domain is not None else part.domain is None


def test_by_hand() -> None:
    network = load("sen4cap-allbands")
    found = [network.variables[name].raw(BY_HAND) for name in VARIABLES]
    assert found == pytest.approx([2.498217510, 0.797928022, 0.726498218], abs=1e-9)


@pytest.mark.parametrize(("model", "name"), MODELS.items())
def test_cases_delivered_with_snap(shared: Path, model: str, name: str) -> None:
    cases = [row for row in rows(shared / "data/bvnet/snap_test_cases.csv") if row["model"] == model]
    assert len(cases) in (20, 40)
    network = load(name)
    for row in cases:
        part = network.variables[row["variable"]]
        inputs = np.array([float(row[f"x{i}"]) for i in range(1, len(network.bands) + 4)])
        got = part.bounded(part.raw(inputs))
        assert got == pytest.approx(float(row["expected"]), abs={"LAI": 3.4e-4, "FCOVER": 2.4e-4}[row["variable"]])


@pytest.mark.parametrize("name", ["sen4cap-allbands", "sen4cap-rededge"])
def test_cases_of_sen4cap(shared: Path, name: str) -> None:
    cases = rows(shared / "data/bvnet/sen4cap_test_cases.csv")
    assert len(cases) == 100
    network = load(name)
    columns = [f"B{int(band[1:])}" if band != "B8A" else band for band in network.bands]
    inputs = np.array([[float(row[c]) for c in (*columns, "cosVZA", "cosSZA", "cosRAA")] for row in cases])
    for variable, part in network.variables.items():
        expected = [float(row[f"{name.removeprefix('sen4cap-')}_{variable}_raw"]) for row in cases]
        # The table holds ten decimals.
        np.testing.assert_allclose(part.raw(inputs), expected, rtol=0, atol=1e-9)


def test_output_rules() -> None:
    values = np.array([-0.25, -0.15, 0.0, 4.0, 8.0, 8.15, 8.25])
    clamped = load("sen4cap-allbands").variables["LAI"].bounded(values)
    assert clamped.tolist() == [0.0, -0.15, 0.0, 4.0, 8.0, 8.15, 8.0]
    clipped = load("snap-2.1-20m").variables["LAI"].bounded(values)
    np.testing.assert_array_equal(clipped, [np.nan, 0.0, 0.0, 4.0, 8.0, 8.0, np.nan])


@pytest.mark.parametrize(("platform", "letter"), [("sentinel-2a", "a"), ("Sentinel-2B", "b"), ("S2A", "a")])
def test_the_platform_chooses_the_table(platform: str, letter: str) -> None:
    assert network_for("snap-3.0-20m", platform, where="item").name == f"snap-3.0-s2{letter}-20m"
    assert network_for("snap-3.0-10m", platform, where="item").name == f"snap-3.0-s2{letter}-10m"
    assert network_for("sen4cap-rededge", platform, where="item").name == "sen4cap-rededge"


@pytest.mark.parametrize("platform", ["", "sentinel-2", "sentinel-2c", "landsat-8"])
def test_a_platform_without_table_is_refused(platform: str) -> None:
    with pytest.raises(BadInput, match="scene-1: is of platform"):
        network_for("snap-3.0-20m", platform, where="scene-1")


def test_options_offer_every_network() -> None:
    assert set(options.NETWORKS) == set(NAMES)
    assert bands_of("snap-3.0-10m") == ("B03", "B04", "B08")
    for name in NAMES:
        assert bands_of(name)
