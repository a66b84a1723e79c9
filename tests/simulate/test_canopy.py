"""The canopy model against independent integrations, against PROSAIL, and through the LAI networks."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.integrate
import scipy.special
from hypothesis import given
from hypothesis import strategies as st

from sen4cap.lai.networks import load
from sen4cap.simulate import canopy, spectra
from sen4cap.simulate.canopy import GapFractionModel, Geometry, Stand

AREAS = np.array([0.0, 0.1, 0.3, 0.6, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0])
SUMMER, WINTER = Geometry(35.0, 7.0, 50.0), Geometry(72.0, 7.0, 60.0)


def one_stand(*, green: float = 1.0, brown: float = 0.0, chlorophyll: float = 45.0, flatness: float = 1.0) -> Stand:
    return Stand(*(np.array([value]) for value in (green, brown, chlorophyll, flatness)))


def over_ground(found: canopy.Coefficients, ground: np.ndarray) -> np.ndarray:
    return found.black + found.joint * ground + found.through * ground / (1 - found.back * ground)


def bare(soil: str, moisture: float, residue: float = 0.0) -> np.ndarray:
    values = (np.array([moisture]), np.array([residue]), np.array([0.5]))
    return canopy.ground_reflectance(spectra.SOILS[soil][None], *values)[0]


def retrieve(variable: str, reflectance: np.ndarray, geometry: Geometry) -> np.ndarray:
    network = load("sen4cap-allbands")
    columns = [reflectance[..., spectra.BANDS.index(name)] for name in network.bands]
    angles = np.cos(np.radians([geometry.view_zenith, geometry.sun_zenith, geometry.azimuth_difference]))
    columns += [np.full(reflectance.shape[:-1], angle) for angle in angles]
    return network.variables[variable].raw(np.stack(columns, axis=-1))


@given(st.floats(1e-6, 30))
def test_exponential_integral(x: float) -> None:
    assert canopy.exponential_integral(np.array(x)) == pytest.approx(scipy.special.exp1(x), abs=3e-7, rel=1e-4)


@pytest.mark.parametrize("flatness", [0.6, 1.0, 1.6])
@pytest.mark.parametrize("zenith", [0.0, 0.5, 1.1])
def test_extinction_is_the_mean_projection_of_the_ellipsoid(flatness: float, zenith: float) -> None:
    # Leaves lie on a spheroid of axes (flatness, flatness, 1): mean |leaf normal . direction| over its surface.
    polar, turn = np.linspace(0, np.pi, 2001)[:, None], np.linspace(0, 2 * np.pi, 721)[None, :-1]
    area = np.sin(polar) * np.sqrt((flatness * np.cos(polar)) ** 2 + np.sin(polar) ** 2)
    across, up = np.sin(polar) / flatness, np.cos(polar)
    facing = np.abs(across * np.sin(zenith) * np.cos(turn) + up * np.cos(zenith)) / np.hypot(across, up)
    projected = (area * facing).sum() / (area + 0 * facing).sum()
    expected = projected / np.cos(zenith)
    assert canopy.extinction(zenith, np.array(flatness)) == pytest.approx(expected, rel=0.012)


def test_two_stream_solves_its_equations() -> None:
    r, t, area, level, k = 0.42, 0.38, 3.0, 1 / 3, 0.8
    layer = canopy.TwoStream(*(np.array(value) for value in (r, t, area, level)))
    backward = (r + t + level * (r - t)) / 2
    loss = 1 - (r + t - level * (r - t)) / 2
    beam_forward, beam_backward = (k * (r + t) - level * (r - t)) / 2, (k * (r + t) + level * (r - t)) / 2

    def slope(depth: np.ndarray, flux: np.ndarray) -> np.ndarray:
        down, up = flux
        beam = np.exp(-k * depth)
        return np.stack(
            [-loss * down + backward * up + beam_forward * beam, loss * up - backward * down - beam_backward * beam]
        )

    depths = np.linspace(0, area, 31)
    solved = scipy.integrate.solve_bvp(
        slope, lambda top, bottom: [top[0], bottom[1]], depths, np.zeros((2, 31)), tol=1e-8
    )
    down, up = layer.fluxes(np.array(k), depths)
    np.testing.assert_allclose(down, solved.sol(depths)[0], atol=1e-5)
    np.testing.assert_allclose(up, solved.sol(depths)[1], atol=1e-5)


def test_no_leaves_show_the_ground() -> None:
    ground = bare("loam", 0.4)
    found = GapFractionModel().coefficients(one_stand(), SUMMER, np.array([0.0]))
    np.testing.assert_allclose(over_ground(found, ground)[0, 0], ground, atol=1e-5)


@given(st.floats(0, 8), st.floats(0, 4), st.floats(8, 60), st.floats(0.6, 1.8), st.floats(20, 76), st.floats(0, 180))
def test_reflectance_stays_physical(green, brown, chlorophyll, flatness, sun, azimuth) -> None:
    stand = one_stand(green=green, brown=brown, chlorophyll=chlorophyll, flatness=flatness)
    found = GapFractionModel().coefficients(stand, Geometry(sun, 8.0, azimuth), np.array([0.2, 1.0, 2.0]))
    value = over_ground(found, bare("sandy loam", 0.0))
    assert np.isfinite(value).all()
    assert (value > 0).all()
    assert (value < 0.9).all()


@pytest.mark.parametrize("soil", list(spectra.SOILS))
@pytest.mark.parametrize("moisture", [0.0, 0.5, 1.0])
def test_bare_soil_and_residue_lie_where_thresholds_expect_them(soil: str, moisture: float) -> None:
    def indices(ground: np.ndarray) -> tuple[float, float]:
        red, near, swir1, swir2 = (ground[spectra.BANDS.index(name)] for name in ("B04", "B08", "B11", "B12"))
        return (near - red) / (near + red), (swir1 - swir2) / (swir1 + swir2)

    ndvi, nbr2 = indices(bare(soil, moisture))
    assert 0.1 < ndvi < 0.2
    assert 0.02 < nbr2 < 0.09
    assert indices(bare(soil, moisture, residue=0.8))[1] > nbr2 + 0.03


@pytest.mark.parametrize("geometry", [SUMMER, WINTER], ids=["summer", "winter"])
@pytest.mark.parametrize("soil", ["silt loam", "clay"])
def test_network_retrieves_the_leaf_area(geometry: Geometry, soil: str) -> None:
    found = GapFractionModel().coefficients(one_stand(), geometry, AREAS)
    lai = retrieve("LAI", over_ground(found, bare(soil, 0.4))[0], geometry)
    assert (np.diff(lai[1:]) > 0).all()
    assert lai[0] < 0.35
    assert np.corrcoef(lai, AREAS)[0, 1] > 0.98
    assert abs((lai - AREAS)[AREAS <= 4].mean()) < 0.25
    cover = retrieve("FCOVER", over_ground(found, bare(soil, 0.4))[0], geometry)
    np.testing.assert_allclose(cover, canopy.green_cover(AREAS, np.array(1.0)), atol=0.08)


def test_agrees_with_prosail() -> None:
    pytest.importorskip("prosail", reason="the extra `prosail` is not installed")
    from sen4cap.simulate.prosail_canopy import ProsailModel

    random = np.random.default_rng(0)
    count = 60
    stand = Stand(
        random.uniform(0, 5, count),
        random.uniform(0, 1, count) * (random.random(count) < 0.5),
        random.uniform(20, 55, count),
        random.uniform(0.8, 1.4, count),
    )
    multiples = np.array([0.2, 1.0, 1.6])
    for geometry in (SUMMER, WINTER):
        own = GapFractionModel().coefficients(stand, geometry, multiples)
        theirs = ProsailModel().coefficients(stand, geometry, multiples)
        for ground in (0.05, 0.15, 0.3):
            level = np.full(len(spectra.BANDS), ground)
            apart = over_ground(own, level) - over_ground(theirs, level)
            assert np.sqrt((apart**2).mean(axis=(0, 1))).max() < 0.015


@pytest.mark.parametrize("flatness", [0.8, 1.3])
@pytest.mark.parametrize("geometry", [SUMMER, Geometry(60.0, 7.0, 60.0)], ids=["summer", "autumn"])
def test_network_reads_dense_stands_low_on_prosail_too(geometry: Geometry, flatness: float) -> None:
    """Without clouds, neighbours or noise: what maxima lack is the network's saturation, not this canopy's light."""
    pytest.importorskip("prosail", reason="the extra `prosail` is not installed")
    from sen4cap.simulate.prosail_canopy import ProsailModel

    areas = np.array([2.0, 3.0, 4.0, 5.0])
    readings = []
    for model in (GapFractionModel(), ProsailModel()):
        found = model.coefficients(one_stand(flatness=flatness), geometry, areas)
        readings.append(retrieve("LAI", over_ground(found, bare("silt loam", 0.5))[0], geometry))
    np.testing.assert_allclose(readings[0], readings[1], atol=0.15)
    short = areas - np.array(readings)
    assert (np.abs(short[:, 0]) < 0.25).all()
    assert (short[:, 1] > 0.05).all()
    assert (short[:, 2] > 0.35).all()
    assert (short[:, 3] > 0.65).all()
