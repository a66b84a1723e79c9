"""Networks folded for a scene's digital numbers, and their compiled pass over a block. Arrays in, arrays out.

`fold` puts scale, offset and normalisation into the weights of the first layer once, so that the pass works on digital
numbers; what depends on 20 m bands and angles is computed once for each 20 m pixel; float32 throughout, with a rational
tanh (`_tanh`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled_fast
from .networks import Network

_STEP = 1024
"""20 m pixels that are worked on at a time."""
_FUSED = 3
"""Bands that are weighed in one loop: as many as the networks read of those stored at 10 m."""


@dataclass(frozen=True, eq=False)
class Folded:
    """Networks of several variables, made ready for the digital numbers of one scene by `fold`.

    V variables, N neurons, F and C the 10 m and 20 m bands that the network reads.

    Attributes
    ----------
    variables : tuple of str
    fine, coarse : (F,), (C,)
        Where the network's bands stand in the block's arrays, int64.
    w_fine, w_coarse, w_angle : (V, N, F), (V, N, C), (V, N, 3)
        First layer on digital numbers and cosines.
    b1 : (V, N)
    w2, b2 : (V, N), (V,)
        Output layer in units of the variable.
    low, high, tolerance : (V,)
    clamps : bool
    domain_fine, domain_coarse : (V, F, 2), (V, C, 2)
        Least and greatest digital number inside the domain; infinite where no limit is published.
    """

    variables: tuple[str, ...]
    fine: NDArray[np.int64]
    coarse: NDArray[np.int64]
    w_fine: NDArray[np.float32]
    w_coarse: NDArray[np.float32]
    w_angle: NDArray[np.float32]
    b1: NDArray[np.float32]
    w2: NDArray[np.float32]
    b2: NDArray[np.float32]
    low: NDArray[np.float32]
    high: NDArray[np.float32]
    tolerance: NDArray[np.float32]
    clamps: bool
    domain_fine: NDArray[np.float32]
    domain_coarse: NDArray[np.float32]


def fold(
    network: Network,
    variables: Sequence[str],
    *,
    fine: Sequence[str],
    coarse: Sequence[str],
    scaling: Mapping[str, tuple[float, float]],
) -> Folded:
    """Make a network ready for a scene's blocks.

    Parameters
    ----------
    network
        From `networks.load` or `networks.network_for`.
    variables
        Out of LAI, FAPAR, FCOVER, in the order wanted.
    fine, coarse
        Names of the block's 10 m and 20 m bands, as `Scene.fine` and `Scene.coarse`; together they hold all bands of
        the network and may hold more.
    scaling
        Scale and offset that make reflectance of digital numbers, by band, as `Scene.scaling`.
    """
    inputs = {name: index for index, name in enumerate(network.bands)}
    picks = [[index for index, name in enumerate(names) if name in inputs] for names in (fine, coarse)]
    used = [[names[index] for index in pick] for names, pick in zip((fine, coarse), picks, strict=True)]
    columns = [[inputs[name] for name in names] for names in used]
    if sorted([*columns[0], *columns[1]]) != list(range(len(inputs))):
        raise ValueError(f"{network.name} needs {network.bands}, the block has {(*fine, *coarse)}")
    scale = np.array([scaling[name][0] for name in network.bands] + [1.0] * 3)
    offset = np.array([scaling[name][1] for name in network.bands] + [0.0] * 3)
    parts = [network.variables[name] for name in variables]
    w1, b1, w2, b2, domain = [], [], [], [], []
    for part in parts:
        least, most = part.norm.T
        slope = 2 / (most - least)
        w1.append(part.w1 * slope * scale)
        b1.append(part.b1 + part.w1 @ ((offset - least) * slope - 1))
        half = 0.5 * (part.denorm[1] - part.denorm[0])
        w2.append(half * part.w2)
        b2.append(half * (part.b2 + 1) + part.denorm[0])
        limits = part.domain if part.domain is not None else np.tile([-np.inf, np.inf], (len(inputs), 1))
        domain.append((limits - offset[: len(inputs), None]) / scale[: len(inputs), None])
    first = np.stack(w1)

    def numbers(values: Any) -> NDArray[np.float32]:
        return np.ascontiguousarray(values, np.float32)

    return Folded(
        tuple(variables),
        fine=np.array(picks[0], np.int64),
        coarse=np.array(picks[1], np.int64),
        w_fine=numbers(first[:, :, columns[0]]),
        w_coarse=numbers(first[:, :, columns[1]]),
        w_angle=numbers(first[:, :, -3:]),
        b1=numbers(b1),
        w2=numbers(w2),
        b2=numbers(b2),
        low=numbers([part.low for part in parts]),
        high=numbers([part.high for part in parts]),
        tolerance=numbers([part.tolerance for part in parts]),
        clamps=network.clamps,
        domain_fine=numbers(np.stack(domain)[:, columns[0]]),
        domain_coarse=numbers(np.stack(domain)[:, columns[1]]),
    )


def evaluate(
    fine: NDArray[Any],
    coarse: NDArray[Any],
    cosines: NDArray[np.float32],
    folded: Folded,
    out: NDArray[np.float32],
    codes: NDArray[np.uint8],
) -> None:
    """Call the compiled pass: constant cosines go into the bias."""
    b1 = folded.b1
    if cosines.ndim == 1:
        b1 = (b1 + folded.w_angle @ cosines).astype(np.float32)
        cosines = np.empty((0, *coarse.shape[1:]), np.float32)
    _networks(
        *contiguous(fine, coarse, cosines),
        folded.fine,
        folded.coarse,
        folded.w_fine,
        folded.w_coarse,
        folded.w_angle,
        b1,
        folded.w2,
        folded.b2,
        np.stack([folded.low, folded.high, folded.tolerance], axis=1),
        folded.clamps,
        bool(np.isfinite(folded.domain_fine).any() or np.isfinite(folded.domain_coarse).any()),
        folded.domain_fine,
        folded.domain_coarse,
        out,
        codes,
    )


def contiguous(*arrays: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    """Arrays as the compiled functions know them: a slice would be compiled for anew."""
    return tuple(np.ascontiguousarray(array) for array in arrays)


@compiled_fast
def _tanh(x: Any) -> Any:
    """Hyperbolic tangent as a rational function, odd degree 9 over even degree 6: error below 5e-7 in float32.

    The function of these degrees whose greatest error up to 7.75 is least (1.4e-7 before rounding); beyond, the tangent
    is 1 within 4e-7.
    """
    most = np.float32(7.75)
    x = min(max(x, -most), most)
    s = x * x
    p = np.float32(-6.3056897481317264e-09)
    p = p * s + np.float32(7.241006642288994e-06)
    p = p * s + np.float32(2.7054334059357643e-03)
    p = p * s + np.float32(0.1272040456533432)
    p = p * s + np.float32(0.9999992847442627)
    q = np.float32(1.9798928406089544e-04)
    q = q * s + np.float32(2.288661152124405e-02)
    q = q * s + np.float32(0.4605346918106079)
    q = q * s + np.float32(1)
    return x * p / q


@compiled_fast
def _networks(  # noqa: C901
    fine: Any, coarse: Any, cosines: Any, fine_at: Any, coarse_at: Any, w_fine: Any, w_coarse: Any, w_angle: Any,
    b1: Any, w2: Any, b2: Any, limits: Any, clamps: Any, limited: Any, domain_fine: Any, domain_coarse: Any,
    out: Any, codes: Any,
) -> None:  # fmt: skip
    """Evaluate all networks on some 20 m pixels of a row after the others; each loop is one vector operation.

    Even and odd columns of 10 m pixels stand apart, so that both go with the same 20 m pixels. Buffers of one step stay
    in the cache: `a`, `c` hold the digital numbers as float32, `t` what each neuron gets from 20 m bands and angles.
    """
    variables, neurons = b1.shape
    half = coarse.shape[2]
    step = -(-half // -(-half // _STEP))
    a = np.zeros((4, max(len(fine_at), _FUSED), step), np.float32)
    thirds = -(-len(coarse_at) // _FUSED)
    c = np.zeros((thirds * _FUSED, step), np.float32)
    t = np.empty((variables, neurons, step), np.float32)
    x = np.empty(step, np.float32)
    y = np.empty((2, step), np.float32)
    empty = np.empty((4, step), np.uint8)
    empty_coarse = np.empty(step, np.uint8)
    outside = np.empty((2, step), np.uint8)
    outside_coarse = np.empty(step, np.uint8)
    first = np.zeros((variables, neurons, _FUSED), np.float32)
    first[:, :, : min(len(fine_at), _FUSED)] = w_fine[:, :, :_FUSED]
    others = np.zeros((variables, neurons, thirds * _FUSED), np.float32)
    others[:, :, : len(coarse_at)] = w_coarse
    flagged = codes.shape[0] > 0
    for row in range(coarse.shape[1]):
        for left in range(0, half, step):
            past = min(left + step, half)
            _fill(empty_coarse, np.uint8(0))
            for band in range(len(coarse_at)):
                _numbers(coarse[coarse_at[band], row, left:past], c[band], empty_coarse)
            for v in range(variables):
                for n in range(neurons):
                    _fill(t[v, n], b1[v, n])
                    for third in range(0, len(c), _FUSED):
                        _add_three(c[third:], others[v, n, third:], t[v, n])
                    for angle in range(cosines.shape[0]):
                        _add(cosines[angle, row, left:past], w_angle[v, n, angle], t[v, n])
            for part in range(4):
                _copy(empty_coarse, empty[part])
            for band in range(len(fine_at)):
                for r in range(2):
                    line = fine[fine_at[band], 2 * row + r, 2 * left : 2 * past]
                    _apart(line, a[2 * r, band, : past - left], a[2 * r + 1, band, : past - left])
                    mark_zeros(a[2 * r, band], empty[2 * r])
                    mark_zeros(a[2 * r + 1, band], empty[2 * r + 1])
            for v in range(variables):
                low, high, tolerance = limits[v]
                if flagged:
                    _fill(outside_coarse, np.uint8(0))
                    if limited:
                        _mark(c[: len(coarse_at)], domain_coarse[v], outside_coarse)
                for r in range(2):
                    for k in range(2):
                        bands = a[2 * r + k]
                        _fill(y[k], b2[v])
                        for n in range(neurons):
                            before = t[v, n]
                            if len(fine_at) > _FUSED:
                                _copy(before, x)
                                for band in range(_FUSED, len(fine_at)):
                                    _add(bands[band], w_fine[v, n, band], x)
                                before = x
                            _add_neuron(before, bands, first[v, n], w2[v, n], y[k])
                        if flagged:
                            _copy(outside_coarse, outside[k])
                            if limited:
                                _mark(bands[: len(fine_at)], domain_fine[v], outside[k])
                    at = 2 * row + r
                    gone = empty[2 * r : 2 * r + 2]
                    if flagged:
                        _flag(y, gone, outside, low - tolerance, high + tolerance, codes[v, at, 2 * left : 2 * past])
                    _bound(y, gone, low, high, tolerance, clamps, out[v, at, 2 * left : 2 * past])


@compiled_fast
def _fill(line: Any, value: Any) -> None:
    for i in range(len(line)):
        line[i] = value


@compiled_fast
def _copy(line: Any, out: Any) -> None:
    for i in range(len(line)):
        out[i] = line[i]


@compiled_fast
def _numbers(line: Any, out: Any, empty: Any) -> None:
    """Take digital numbers as float32, and mark where they are no data."""
    for i in range(len(line)):
        out[i] = np.float32(line[i])
        empty[i] |= np.uint8(line[i] == 0)


@compiled_fast
def _apart(line: Any, even: Any, odd: Any) -> None:
    """Take digital numbers as float32, even and odd columns apart."""
    for i in range(len(even)):
        even[i] = np.float32(line[2 * i])
        odd[i] = np.float32(line[2 * i + 1])


@compiled_fast
def mark_zeros(numbers: Any, empty: Any) -> None:
    """Set `empty` to 1 where a digital number is 0, which is nodata in every band."""
    for i in range(len(empty)):
        empty[i] |= np.uint8(numbers[i] == 0)


@compiled_fast
def _add(line: Any, weight: Any, out: Any) -> None:
    for i in range(len(line)):
        out[i] += weight * line[i]


@compiled_fast
def _add_three(bands: Any, weights: Any, out: Any) -> None:
    """Add the weighted sum of the first three bands."""
    w0, w1, w2 = weights[0], weights[1], weights[2]
    a0, a1, a2 = bands[0], bands[1], bands[2]
    for i in range(len(out)):
        out[i] += w0 * a0[i] + w1 * a1[i] + w2 * a2[i]


@compiled_fast
def _add_neuron(before: Any, bands: Any, weights: Any, weight: Any, out: Any) -> None:
    """Add a neuron's share to the output: `before` is what it gets from all but the first three 10 m bands."""
    w0, w1, w2 = weights[0], weights[1], weights[2]
    a0, a1, a2 = bands[0], bands[1], bands[2]
    for i in range(len(out)):
        out[i] += weight * _tanh(before[i] + w0 * a0[i] + w1 * a1[i] + w2 * a2[i])


@compiled_fast
def _mark(bands: Any, domain: Any, outside: Any) -> None:
    """Mark where a band lies outside its domain."""
    for band in range(len(bands)):
        least, most = domain[band]
        line = bands[band]
        for i in range(len(outside)):
            outside[i] |= np.uint8((line[i] < least) | (line[i] > most))


@compiled_fast
def _flag(y: Any, empty: Any, outside: Any, least: Any, most: Any, out: Any) -> None:
    """Domain codes of one row, its even and odd columns put together (`_code_of`)."""
    for i in range(len(out) // 2):
        out[2 * i] = _code_of(y[0, i], empty[0, i], outside[0, i], least, most)
        out[2 * i + 1] = _code_of(y[1, i], empty[1, i], outside[1, i], least, most)


@compiled_fast
def _code_of(value: Any, empty: Any, outside: Any, least: Any, most: Any) -> Any:
    """255 no data, 2 too low, 3 too high, 1 input outside, 0 inside."""
    code = np.uint8(2) if value < least else np.uint8(3) if value > most else outside
    return np.uint8(255) if empty else code


@compiled_fast
def _bound(y: Any, empty: Any, low: Any, high: Any, tolerance: Any, clamps: Any, out: Any) -> None:
    """Apply the output rule to one row, its even and odd columns put together."""
    for i in range(len(out) // 2):
        out[2 * i] = _bounded(y[0, i], empty[0, i], low, high, tolerance, clamps)
        out[2 * i + 1] = _bounded(y[1, i], empty[1, i], low, high, tolerance, clamps)


@compiled_fast
def _bounded(value: Any, empty: Any, low: Any, high: Any, tolerance: Any, clamps: Any) -> Any:
    """`Perceptron.bounded` of one number; NaN without data."""
    nan = np.float32(np.nan)
    beyond = (value < low - tolerance) | (value > high + tolerance)
    clipped = min(max(value, low), high)
    if clamps:
        value = clipped if beyond else value
    else:
        value = nan if beyond else clipped
    return nan if empty else value
