"""The Whittaker smoother, solved at the looks. Arrays in, arrays out.

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

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled

LANES = 8
"""Series worked on side by side, so that the compiler fills vector registers."""
LEAST_WEIGHT = 1e-3
"""Floor of a look's weight: nothing divides by zero, and nothing is felt of such a look."""
BISQUARE = 4.685
"""Residuals beyond this many standard deviations count nothing (Tukey's bisquare, 95 % efficiency)."""
LEAST_SPREAD = 0.03
"""Floor of the residual standard deviation as a share of the series' range: a perfect fit has no outliers."""


@compiled
def whittaker(
    looks: NDArray,
    values: NDArray,
    weights: NDArray,
    roughness: float,
    passes: int,
    envelope: bool,
    low: float,
    high: float,
    daily: NDArray,
) -> None:
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
def _gather(
    looks: NDArray,
    values: NDArray,
    weights: NDArray,
    first: int,
    lanes: int,
    t: NDArray,
    y: NDArray,
    w0: NDArray,
    count: NDArray,
    spread: NDArray,
) -> int:
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
def _system(
    t: NDArray, count: NDArray, longest: int, step: NDArray, diag: NDArray, off: NDArray, inner: NDArray
) -> None:
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
def _solve(
    y: NDArray, w: NDArray, roughness: float, longest: int, step: NDArray, diag: NDArray, off: NDArray,
    inner: NDArray, v: NDArray, d: NDArray, l1: NDArray, l2: NDArray, gamma: NDArray, z: NDArray,
) -> None:  # fmt: skip
    """LDL' of R + lambda Q' W^-1 Q, gamma by substitution, z = y - lambda W^-1 Q gamma."""
    for j in range(longest + 2):
        for lane in range(LANES):
            v[j, lane] = roughness / w[j, lane] if j < longest else 0.0
            d[j, lane] = 1.0
            l1[j, lane] = 0.0
            l2[j, lane] = 0.0
            gamma[j, lane] = 0.0
    for j in range(1, longest - 1):
        _eliminate(j, y, step, diag, off, inner, v, d, l1, l2, gamma)
    for j in range(longest - 2, 0, -1):
        for lane in range(LANES):
            later = l1[j, lane] * gamma[j + 1, lane] + l2[j, lane] * gamma[j + 2, lane]
            gamma[j, lane] = gamma[j, lane] / d[j, lane] - later
    for lane in range(LANES):
        z[0, lane] = y[0, lane] - v[0, lane] * (gamma[1, lane] - gamma[0, lane]) * step[0, lane]
    for j in range(1, longest):
        for lane in range(LANES):
            bend = (gamma[j + 1, lane] - gamma[j, lane]) * step[j, lane]
            bend -= (gamma[j, lane] - gamma[j - 1, lane]) * step[j - 1, lane]
            z[j, lane] = y[j, lane] - v[j, lane] * bend


@compiled
def _eliminate(
    j: int, y: NDArray, step: NDArray, diag: NDArray, off: NDArray, inner: NDArray,
    v: NDArray, d: NDArray, l1: NDArray, l2: NDArray, gamma: NDArray,
) -> None:  # fmt: skip
    """Row j of the factorisation and of the forward substitution, in all lanes."""
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


@compiled
def _reweight(y: NDArray, z: NDArray, w0: NDArray, w: NDArray, longest: int, spread: NDArray, envelope: bool) -> None:
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
def _fill(t: NDArray, z: NDArray, gamma: NDArray, lane: int, n: int, low: float, high: float, daily: NDArray) -> None:
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
