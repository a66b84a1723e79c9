"""Irregular looks to smooth daily series. Arrays in, arrays out.

The Whittaker smoother (Eilers 2003, Analytical Chemistry 75, 3631) on a daily grid minimises, for one series,

    sum_i w_i (y_i - z(t_i))^2 + lambda sum_t (z(t-1) - 2 z(t) + z(t+1))^2

over all daily z. Days without a look enter through the roughness alone, so the minimiser is a discrete natural cubic
spline: its second difference g is linear between looks and zero at both ends. With gamma = g at the inner looks and
h = days between looks, following Reinsch (1967, Numerische Mathematik 10, 177) with sums in place of integrals,

    Q'z = R gamma,  W (y - z) = lambda Q gamma,  hence  (R + lambda Q' W^-1 Q) gamma = Q'y

    R[i, i] = (h[i-1] + h[i]) / 3 + (1 / h[i-1] + 1 / h[i]) / 6,   R[i, i+1] = (h[i] - 1 / h[i]) / 6

which is pentadiagonal in the number of looks, not of days, and exactly the solution of the dense daily system.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled

METHODS = ("whittaker", "savitzky-golay")
ROBUST = ("none", "bisquare", "envelope")
BOUNDS = {
    "LAI": (0.0, np.inf),
    "FCOVER": (0.0, 1.0),
    "FAPAR": (0.0, 1.0),
    "NDVI": (-1.0, 1.0),
    "NBR2": (-1.0, 1.0),
    "NDWI": (-1.0, 1.0),
    "BRIGHTNESS": (0.0, np.inf),
    "RATIO": (-np.inf, np.inf),
}
"""Physical limits by variable; a smooth curve may overshoot them and is cut there."""

LANES = 8
"""Series worked on side by side, so that the compiler fills vector registers."""
FULL_SHARE = 0.5
"""A look that shows at least this share of the parcel's pixels has full weight."""
LEAST_WEIGHT = 1e-3
"""Floor of a look's weight: nothing divides by zero, and nothing is felt of such a look."""
BISQUARE = 4.685
"""Residuals beyond this many standard deviations count nothing (Tukey's bisquare, 95 % efficiency)."""
LEAST_SPREAD = 0.03
"""Floor of the residual standard deviation as a share of the series' range: a perfect fit has no outliers."""
SPIKE = 0.3
"""Savitzky-Golay: a look this share of the range off the line between its neighbours is an outlier."""


@dataclass(frozen=True)
class Smoothing:
    """How looks become a daily series.

    Attributes
    ----------
    method : str
        One of `METHODS`.
    roughness : float
        Whittaker's lambda on the daily grid.
    robust : str
        One of `ROBUST`: what lowers the weight of looks off the curve; ``envelope`` only of those below it.
    passes : int
        Whittaker fits in all; each after the first uses weights from the residuals of the one before.
    window, degree : int
        Savitzky-Golay: days (odd) and degree of the polynomial.
    """

    method: str
    roughness: float
    robust: str
    passes: int
    window: int
    degree: int

    def to_text(self) -> str:
        """As kept in a series file."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Smoothing:
        """Read back what `to_text` wrote."""
        return cls(**json.loads(text))


def smooth_daily(
    looks: NDArray[np.integer],
    values: NDArray[np.float32],
    pixels: NDArray[np.float32],
    /,
    *,
    days: int,
    smoothing: Smoothing,
    low: float,
    high: float,
) -> NDArray[np.float32]:
    """Daily values of a block of series.

    Parameters
    ----------
    looks : (look,)
        Day index of each look, ascending, from 0 to days - 1.
    values, pixels : (parcel, look)
        Observations (NaN where not seen) and their clear pixels; a look's weight is its share of the parcel's most
        pixels, full from `FULL_SHARE` on.
    days
        Length of the daily grid.
    low, high
        Physical limits (`BOUNDS`).

    Returns
    -------
    (parcel, day) float32
        NaN before a series' first look and after its last one, and everywhere where it has none.
    """
    at = np.ascontiguousarray(looks, np.int64)
    values = np.ascontiguousarray(values, np.float32)
    daily = np.full((len(values), days), np.nan, np.float32)
    if not values.size:
        return daily
    if smoothing.method == "whittaker":
        weights = look_weights(np.ascontiguousarray(pixels, np.float32))
        passes = 1 if smoothing.robust == "none" else smoothing.passes
        envelope = smoothing.robust == "envelope"
        _whittaker(at, values, weights, smoothing.roughness, passes, envelope, low, high, daily)
    else:
        _linear(at, values, SPIKE, daily)
        _savitzky_golay(daily, *_tables(smoothing.window, smoothing.degree), low, high)
    return daily


def look_weights(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weight of each look, 0 to 1: its share of the parcel's most clear pixels, saturating at `FULL_SHARE`."""
    most = pixels.max(axis=1, keepdims=True, initial=0)
    weights: NDArray[np.float32] = np.clip(pixels / (FULL_SHARE * np.maximum(most, 1e-6)), LEAST_WEIGHT, 1)
    return weights.astype(np.float32)


def nearest_look(looks: NDArray[np.integer], seen: NDArray[np.bool_], /, *, days: int, never: int) -> NDArray[np.int16]:
    """Days from every day to the nearest look of each parcel.

    Parameters
    ----------
    looks : (look,)
        Day index of each look, ascending.
    seen : (parcel, look)
        Whether the parcel was seen.
    never
        What to say for a parcel without a look.

    Returns
    -------
    (parcel, day) int16
    """
    gap = np.full((len(seen), days), never, np.int16)
    _nearest(np.ascontiguousarray(looks, np.int64), np.ascontiguousarray(seen), gap)
    return gap


@compiled
def _nearest(looks, seen, gap):
    for p in range(len(seen)):
        last = -1
        for k in range(len(looks)):
            if not seen[p, k]:
                continue
            t = looks[k]
            if last < 0:
                for day in range(t + 1):
                    gap[p, day] = t - day
            else:
                for day in range(last + 1, t + 1):
                    gap[p, day] = min(day - last, t - day)
            last = t
        if last >= 0:
            for day in range(last + 1, gap.shape[1]):
                gap[p, day] = day - last


@compiled
def _whittaker(looks, values, weights, roughness, passes, envelope, low, high, daily):
    """Fit every series of a block, LANES at a time; the module's docstring has the equations."""
    most = len(looks)
    room = np.zeros((14, most + 2, LANES))
    t, y, w0, w, z, gamma, v = room[0], room[1], room[2], room[3], room[4], room[5], room[6]
    step, diag, off, inner, d, l1, l2 = room[7], room[8], room[9], room[10], room[11], room[12], room[13]
    count = np.zeros(LANES, np.int64)
    spread = np.zeros(LANES)
    for first in range(0, len(values), LANES):
        lanes = min(LANES, len(values) - first)
        longest = _gather(looks, values, weights, first, lanes, t, y, w0, count, spread)
        _system(t, count, longest, step, diag, off, inner)
        for j in range(longest):
            for lane in range(LANES):
                w[j, lane] = w0[j, lane]
        for turn in range(passes):
            _solve(y, w, roughness, longest, step, diag, off, inner, v, d, l1, l2, gamma, z)
            if turn + 1 < passes:
                _reweight(y, z, w0, w, longest, spread, envelope)
        for lane in range(lanes):
            _fill(t, z, gamma, lane, count[lane], low, high, daily[first + lane])


@compiled
def _gather(looks, values, weights, first, lanes, t, y, w0, count, spread):
    """Put the looks that a series has one after another; lanes without a series are empty."""
    longest = 0
    for lane in range(LANES):
        n = 0
        least, most = np.inf, -np.inf
        if lane < lanes:
            for k in range(len(looks)):
                value = values[first + lane, k]
                if np.isfinite(value):
                    t[n, lane] = looks[k]
                    y[n, lane] = value
                    w0[n, lane] = weights[first + lane, k]
                    least, most = min(least, value), max(most, value)
                    n += 1
        count[lane] = n
        spread[lane] = max(LEAST_SPREAD * (most - least), 1e-6) if n else 1.0
        longest = max(longest, n)
    for lane in range(LANES):
        for j in range(count[lane], longest + 2):
            t[j, lane] = 0.0
            y[j, lane] = 0.0
            w0[j, lane] = 1.0
    return longest


@compiled
def _system(t, count, longest, step, diag, off, inner):
    """1 / h, the two diagonals of R, and which looks are inner ones (the others' gamma is zero)."""
    for j in range(longest + 2):
        for lane in range(LANES):
            n = count[lane]
            step[j, lane] = 1.0 / (t[j + 1, lane] - t[j, lane]) if j + 1 < n else 0.0
            inner[j, lane] = 1.0 if 0 < j < n - 1 else 0.0
    for j in range(1, longest):
        for lane in range(LANES):
            if inner[j, lane] > 0:
                a, c = step[j - 1, lane], step[j, lane]
                diag[j, lane] = (1.0 / a + 1.0 / c) / 3.0 + (a + c) / 6.0
                off[j, lane] = (1.0 / c - c) / 6.0
            else:
                diag[j, lane] = 1.0
                off[j, lane] = 0.0


@compiled
def _solve(y, w, roughness, longest, step, diag, off, inner, v, d, l1, l2, gamma, z):
    """LDL' of R + lambda Q' W^-1 Q, gamma by substitution, z = y - lambda W^-1 Q gamma."""
    for j in range(longest + 2):
        for lane in range(LANES):
            v[j, lane] = roughness / w[j, lane] if j < longest else 0.0
            d[j, lane] = 1.0
            l1[j, lane] = 0.0
            l2[j, lane] = 0.0
            gamma[j, lane] = 0.0
    for j in range(1, longest - 1):
        for lane in range(LANES):
            a, c, e = step[j - 1, lane], step[j, lane], step[j + 1, lane]
            u, u1, u2 = inner[j, lane], inner[j + 1, lane], inner[j + 2, lane]
            b, b1 = a + c, c + e
            main = diag[j, lane] + u * (a * a * v[j - 1, lane] + b * b * v[j, lane] + c * c * v[j + 1, lane])
            side = u * u1 * (off[j, lane] - b * v[j, lane] * c - c * v[j + 1, lane] * b1)
            far = u * u2 * c * v[j + 1, lane] * e
            before = d[j - 1, lane] * l1[j - 1, lane]
            main -= before * l1[j - 1, lane]
            side -= before * l2[j - 1, lane]
            rhs = u * ((y[j + 1, lane] - y[j, lane]) * c - (y[j, lane] - y[j - 1, lane]) * a)
            rhs -= l1[j - 1, lane] * gamma[j - 1, lane]
            if j > 1:
                main -= d[j - 2, lane] * l2[j - 2, lane] * l2[j - 2, lane]
                rhs -= l2[j - 2, lane] * gamma[j - 2, lane]
            inverse = 1.0 / main
            d[j, lane] = main
            l1[j, lane] = side * inverse
            l2[j, lane] = far * inverse
            gamma[j, lane] = rhs
    for j in range(longest - 2, 0, -1):
        for lane in range(LANES):
            gamma[j, lane] = (
                gamma[j, lane] / d[j, lane]
                - l1[j, lane] * gamma[j + 1, lane]
                - l2[j, lane] * gamma[j + 2, lane]
            )
    for lane in range(LANES):
        z[0, lane] = y[0, lane] - v[0, lane] * (gamma[1, lane] - gamma[0, lane]) * step[0, lane]
    for j in range(1, longest):
        for lane in range(LANES):
            bend = (gamma[j + 1, lane] - gamma[j, lane]) * step[j, lane]
            bend -= (gamma[j, lane] - gamma[j - 1, lane]) * step[j - 1, lane]
            z[j, lane] = y[j, lane] - v[j, lane] * bend


@compiled
def _reweight(y, z, w0, w, longest, spread, envelope):
    """Tukey's bisquare on the residuals, scaled by their mean size under the weights they had."""
    for lane in range(LANES):
        total, size = 0.0, 0.0
        for j in range(longest):
            if y[j, lane] != 0.0 or z[j, lane] != 0.0:
                total += w[j, lane]
                size += w[j, lane] * abs(y[j, lane] - z[j, lane])
        limit = BISQUARE * max(1.2533 * size / max(total, 1e-9), spread[lane])
        for j in range(longest):
            residual = y[j, lane] - z[j, lane]
            if envelope and residual > 0:
                w[j, lane] = w0[j, lane]
            else:
                u = min(abs(residual) / limit, 1.0)
                factor = (1.0 - u * u) * (1.0 - u * u)
                w[j, lane] = max(w0[j, lane] * factor, LEAST_WEIGHT)


@compiled
def _fill(t, z, gamma, lane, n, low, high, daily):
    """Days from a series' first look to its last: a cubic in the days since the look before, exact on the grid."""
    if not n:
        return
    daily[int(t[0, lane])] = min(max(z[0, lane], low), high)
    for j in range(n - 1):
        begin = int(t[j, lane])
        h = int(t[j + 1, lane]) - begin
        g0, g1 = gamma[j, lane], gamma[j + 1, lane]
        bend = (g1 - g0) / h
        slope = (z[j + 1, lane] - z[j, lane]) / h - g0 * (h - 1) / 2.0 - bend * (h * h - 1) / 6.0
        c0, c1, c2, c3 = z[j, lane], slope - g0 / 2.0 - bend / 6.0, g0 / 2.0, bend / 6.0
        for k in range(1, h + 1):
            value = c0 + k * (c1 + k * (c2 + k * c3))
            daily[begin + k] = min(max(value, low), high)


@compiled
def _linear(looks, values, spike, daily):
    """Lines from look to look, without the looks that stand off the line between their neighbours."""
    most = len(looks)
    t = np.zeros(most, np.int64)
    y = np.zeros(most)
    for p in range(len(values)):
        n = 0
        for k in range(most):
            if np.isfinite(values[p, k]):
                t[n] = looks[k]
                y[n] = values[p, k]
                n += 1
        if n == 0:
            continue
        reach = np.max(y[:n]) - np.min(y[:n])
        last = 0
        daily[p, t[0]] = y[0]
        for k in range(1, n):
            if k + 1 < n:
                share = (t[k] - t[last]) / (t[k + 1] - t[last])
                off = abs(y[k] - (y[last] + share * (y[k + 1] - y[last])))
                if off > spike * reach and abs(y[k + 1] - y[last]) < 0.5 * off:
                    continue
            h = t[k] - t[last]
            for i in range(1, h + 1):
                daily[p, t[last] + i] = y[last] + (y[k] - y[last]) * i / h
            last = k


def _tables(window: int, degree: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Projections onto polynomials for every odd window up to `window`, one under another, and where each begins.

    A series shorter than the window is fitted over the longest odd window it holds.
    """
    sizes = np.arange(1, window + 1, 2)
    begins = np.concatenate([[0], np.cumsum(sizes**2)])
    table = np.zeros(begins[-1])
    for size, begin in zip(sizes, begins[:-1], strict=True):
        x = np.linspace(-1, 1, size) if size > 1 else np.zeros(1)
        basis, _ = np.linalg.qr(np.vander(x, min(degree, size - 1) + 1))
        table[begin : begin + size**2] = (basis @ basis.T).reshape(-1)
    return table, begins


@compiled
def _savitzky_golay(daily, table, begins, low, high):
    """Local polynomials of the days that a series has, in place; the ends take the polynomial of the last window."""
    largest = len(begins) - 2
    series = np.zeros(daily.shape[1])
    for p in range(len(daily)):
        n, first = 0, -1
        for day in range(daily.shape[1]):
            if np.isfinite(daily[p, day]):
                if first < 0:
                    first = day
                series[n] = daily[p, day]
                n += 1
        if n == 0:
            continue
        order = min(largest, (n - 1) // 2)
        size = 2 * order + 1
        begin = begins[order]
        for i in range(n):
            left = min(max(i - order, 0), n - size)
            row = begin + (i - left) * size
            total = 0.0
            for k in range(size):
                total += table[row + k] * series[left + k]
            daily[p, first + i] = min(max(total, low), high)
