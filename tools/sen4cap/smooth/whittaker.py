"""The Whittaker smoother, solved at the looks. Arrays in, arrays out.

The Whittaker smoother (Eilers 2003, Analytical Chemistry 75, 3631) on a daily grid minimises, for one series,

    sum_i w_i (y_i - z(t_i))^2 + lambda sum_t (z(t-1) - 2 z(t) + z(t+1))^2

over all daily z. Days without a look enter through the roughness alone, so the minimiser is a discrete natural cubic
spline: its second difference g is linear between looks and zero at both ends. With gamma = g at the inner looks and
h = days between looks, following Reinsch (1967, Numerische Mathematik 10, 177) and Green and Silverman (1994,
Nonparametric Regression and Generalized Linear Models, 2.3.3) with sums in place of integrals,

    Q'z = R gamma,  W (y - z) = lambda Q gamma,  hence  (R + lambda Q' W^-1 Q) gamma = Q'y

    R[i, i] = (h[i-1] + h[i]) / 3 + (1 / h[i-1] + 1 / h[i]) / 6,   R[i, i+1] = (h[i] - 1 / h[i]) / 6

which is pentadiagonal in the number of looks, not of days, and exactly the solution of the dense daily system. Robust
passes need the curve at the looks alone; days are filled once, at the end.

LANES series are solved side by side. What is known of their looks stands in one array `room` of (look, field, lane):
each step of a recurrence is the same arithmetic in all lanes, one after another in memory, and since all fields lie in
one array the compiler sees that they never overlap and fills vector registers. Row 0 of `room` is empty, row j + 1
holds look j, so that two rows before and after one can always be asked for. Lanes have the looks that their series has;
rows after the last are harmless: nothing couples them to the ones before.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled, compiled_fused

LANES = 16
"""Series worked on side by side; from 16 on the compiler makes vectors of them on AVX2 and AVX-512 alike."""
LEAST_WEIGHT = 1e-3
"""Floor of a look's weight: nothing divides by zero, and nothing is felt of such a look."""
FULL_SHARE = 0.5
"""A look that shows at least this share of the parcel's pixels has full weight."""
BISQUARE = 4.685
"""Residuals beyond this many standard deviations count nothing (Tukey's bisquare, 95 % efficiency)."""
LEAST_SPREAD = 0.03
"""Floor of the residual standard deviation as a share of the series' range: a perfect fit has no outliers."""

FIELDS = 13
DAY, Y, SURE, WEIGHT, V, STEP, DIAG, OFF, D, L1, L2, GAMMA, Z = range(FIELDS)
"""Of a look: its day, value, weight as observed and now; lambda / weight; 1 / h; the diagonals of R; the factors
L D L'; second difference; curve."""
C1, C2, C3 = D, L1, L2
"""Once the factors are done with: the cubic from a look to the next, z + C1 x + C2 x^2 + C3 x^3, x in days."""
FIXED = 1e30
"""On the diagonal it sets gamma to zero, as at the first and the last look."""
STRIP = 4
"""Days written at a time; those beyond an interval's end are written over by the next one."""


@compiled
def whittaker(
    looks: NDArray,
    values: NDArray,
    pixels: NDArray,
    roughness: float,
    passes: int,
    envelope: bool,
    low: float,
    high: float,
    daily: NDArray,
) -> None:
    """Fit every series of a block, LANES at a time; the module's docstring has the equations.

    Parameters
    ----------
    looks : (look,) int64
        Day index of each look.
    values, pixels : (series, look) float32
        Observations, NaN where not seen, and their clear pixels.
    roughness
        lambda.
    passes
        Fits in all; each after the first takes the weights that the residuals of the one before leave.
    envelope
        Looks above the curve keep their weight.
    low, high
        The curve is cut there.
    daily : (series, day) float32
        Written whole: NaN before the first look and after the last.
    """
    room = np.zeros((len(looks) + 4, FIELDS, LANES))
    count = np.zeros(LANES, np.int64)
    per_lane = np.zeros((4, LANES))
    strip = np.zeros(daily.shape[1] + STRIP, np.float32)
    for first in range(0, len(values), LANES):
        lanes = min(LANES, len(values) - first)
        longest = _gather(looks, values[first : first + lanes], pixels[first : first + lanes], room, count)
        _system(room, longest, count, roughness, per_lane)
        for turn in range(passes):
            _factorise(room, longest)
            _substitute(room, longest)
            if turn + 1 < passes:
                _reweight(room, longest, count, roughness, envelope, per_lane)
        _cubics(room, longest)
        for lane in range(lanes):
            _fill(room, lane, count[lane], np.float32(low), np.float32(high), strip, daily[first + lane])


@compiled
def _unit(pixels: NDArray) -> float:
    """Weight of a look by the pixel."""
    most = np.float32(1e-6)
    for k in range(len(pixels)):
        most = max(most, pixels[k])
    return 1.0 / (FULL_SHARE * float(most))


@compiled
def _weight(pixels: float, unit: float) -> float:
    """Of a look: its share of the parcel's most clear pixels, saturating at `FULL_SHARE`."""
    return min(max(pixels * unit, LEAST_WEIGHT), 1.0)


@compiled
def _gather(looks: NDArray, values: NDArray, pixels: NDArray, room: NDArray, count: NDArray) -> int:
    """Put the looks that each series has one after another; return how many rows that takes.

    A look without a value is written over by the next one. Lanes without a series are empty.
    """
    longest = 0
    for lane in range(LANES):
        n = 0
        if lane < len(values):
            unit = _unit(pixels[lane])
            for k in range(len(looks)):
                value = values[lane, k]
                room[n + 1, DAY, lane] = looks[k]
                room[n + 1, Y, lane] = value
                room[n + 1, SURE, lane] = _weight(pixels[lane, k], unit)
                n += 1 if np.isfinite(value) else 0
        count[lane] = n
        longest = max(longest, n)
    for lane in range(LANES):
        for j in range(count[lane], longest + 2):
            room[j + 1, DAY, lane] = 0.0
            room[j + 1, Y, lane] = 0.0
            room[j + 1, SURE, lane] = 1.0
    return longest


@compiled
def _system(room: NDArray, longest: int, count: NDArray, roughness: float, per_lane: NDArray) -> None:
    """1 / h, the two diagonals of R, first weights; and the least spread that residuals are taken to have."""
    least, most, spread = per_lane[0], per_lane[1], per_lane[2]
    least[:] = np.inf
    most[:] = -np.inf
    for j in range(longest + 2):
        for lane in range(LANES):
            h = room[j + 2, DAY, lane] - room[j + 1, DAY, lane]
            room[j + 1, STEP, lane] = 1.0 / h if j + 1 < count[lane] else 0.0
            room[j + 1, WEIGHT, lane] = room[j + 1, SURE, lane]
            room[j + 1, V, lane] = roughness / room[j + 1, SURE, lane]
            if j < count[lane]:
                least[lane] = min(least[lane], room[j + 1, Y, lane])
                most[lane] = max(most[lane], room[j + 1, Y, lane])
    for lane in range(LANES):
        spread[lane] = max(LEAST_SPREAD * (most[lane] - least[lane]), 1e-6)
    for j in range(longest):
        for lane in range(LANES):
            inner = j + 2 < count[lane]
            a, c = room[j + 1, STEP, lane], room[j + 2, STEP, lane]
            before = room[j + 2, DAY, lane] - room[j + 1, DAY, lane]
            after = room[j + 3, DAY, lane] - room[j + 2, DAY, lane]
            room[j + 2, DIAG, lane] = (before + after) / 3.0 + (a + c) / 6.0 if inner else FIXED
            room[j + 2, OFF, lane] = (after - c) / 6.0 if inner else 0.0


@compiled_fused
def _factorise(room: NDArray, longest: int) -> None:
    """R + lambda Q' W^-1 Q = L D L' and forward substitution, look by look; Z holds D^-1 L^-1 Q'y until it is done."""
    for j in range(2):
        for lane in range(LANES):
            room[j, D, lane] = 1.0
            room[j, L1, lane] = 0.0
            room[j, L2, lane] = 0.0
            room[j, GAMMA, lane] = 0.0
    for j in range(longest - 1):
        for lane in range(LANES):
            a, c, e = room[j + 1, STEP, lane], room[j + 2, STEP, lane], room[j + 3, STEP, lane]
            v, v1, v2 = room[j + 1, V, lane], room[j + 2, V, lane], room[j + 3, V, lane]
            y, y1, y2 = room[j + 1, Y, lane], room[j + 2, Y, lane], room[j + 3, Y, lane]
            b, b1, cv = a + c, c + e, c * v2
            main = room[j + 2, DIAG, lane] + a * a * v + b * b * v1 + c * cv
            side = room[j + 2, OFF, lane] - b * v1 * c - cv * b1
            far = cv * e
            back1, back2 = room[j + 1, L1, lane], room[j, L2, lane]
            before = room[j + 1, D, lane] * back1
            main -= before * back1 + room[j, D, lane] * back2 * back2
            side -= before * room[j + 1, L2, lane]
            right = (y2 - y1) * c - (y1 - y) * a
            right -= back1 * room[j + 1, GAMMA, lane] + back2 * room[j, GAMMA, lane]
            inverse = 1.0 / main
            room[j + 2, D, lane] = main
            room[j + 2, L1, lane] = side * inverse
            room[j + 2, L2, lane] = far * inverse
            room[j + 2, GAMMA, lane] = right
            room[j + 2, Z, lane] = right * inverse


@compiled_fused
def _substitute(room: NDArray, longest: int) -> None:
    """Gamma from the last look to the first, then z = y - lambda W^-1 Q gamma."""
    for lane in range(LANES):
        room[1, GAMMA, lane] = 0.0
        room[longest, GAMMA, lane] = 0.0
        room[longest + 1, GAMMA, lane] = 0.0
    for back in range(longest - 2):
        j = longest - 1 - back
        for lane in range(LANES):
            later = room[j, L1, lane] * room[j + 1, GAMMA, lane] + room[j, L2, lane] * room[j + 2, GAMMA, lane]
            room[j, GAMMA, lane] = room[j, Z, lane] - later
    for lane in range(LANES):
        bend = (room[2, GAMMA, lane] - room[1, GAMMA, lane]) * room[1, STEP, lane]
        room[1, Z, lane] = room[1, Y, lane] - room[1, V, lane] * bend
    for j in range(longest - 1):
        for lane in range(LANES):
            bend = (room[j + 3, GAMMA, lane] - room[j + 2, GAMMA, lane]) * room[j + 2, STEP, lane]
            bend -= (room[j + 2, GAMMA, lane] - room[j + 1, GAMMA, lane]) * room[j + 1, STEP, lane]
            room[j + 2, Z, lane] = room[j + 2, Y, lane] - room[j + 2, V, lane] * bend


@compiled_fused
def _reweight(room: NDArray, longest: int, count: NDArray, roughness: float, envelope: bool, per_lane: NDArray) -> None:
    """Tukey's bisquare on the residuals, scaled by their mean size under the weights they had."""
    total, size, spread, limit = per_lane[0], per_lane[1], per_lane[2], per_lane[3]
    total[:] = 1e-9
    size[:] = 0.0
    for j in range(longest):
        for lane in range(LANES):
            weight = room[j + 1, WEIGHT, lane] if j < count[lane] else 0.0
            total[lane] += weight
            size[lane] += weight * abs(room[j + 1, Y, lane] - room[j + 1, Z, lane])
    for lane in range(LANES):
        # 1.2533 makes a standard deviation of a mean deviation.
        limit[lane] = 1.0 / (BISQUARE * max(1.2533 * size[lane] / total[lane], spread[lane]))
    for j in range(longest):
        for lane in range(LANES):
            residual = room[j + 1, Y, lane] - room[j + 1, Z, lane]
            share = min(abs(residual) * limit[lane], 1.0)
            factor = 1.0 - share * share
            sure = room[j + 1, SURE, lane]
            lowered = max(sure * factor * factor, LEAST_WEIGHT)
            weight = sure if envelope and residual > 0 else lowered
            room[j + 1, WEIGHT, lane] = weight
            room[j + 1, V, lane] = roughness / weight


@compiled_fused
def _cubics(room: NDArray, longest: int) -> None:
    """What the curve is between a look and the next, exact on the days."""
    for j in range(longest):
        for lane in range(LANES):
            h, step = room[j + 2, DAY, lane] - room[j + 1, DAY, lane], room[j + 1, STEP, lane]
            gamma, z = room[j + 1, GAMMA, lane], room[j + 1, Z, lane]
            bend = (room[j + 2, GAMMA, lane] - gamma) * step
            slope = (room[j + 2, Z, lane] - z) * step - gamma * (h - 1.0) / 2.0 - bend * (h * h - 1.0) / 6.0
            room[j + 1, C1, lane] = slope - gamma / 2.0 - bend / 6.0
            room[j + 1, C2, lane] = gamma / 2.0
            room[j + 1, C3, lane] = bend / 6.0


@compiled_fused
def _fill(room: NDArray, lane: int, count: int, low: float, high: float, strip: NDArray, daily: NDArray) -> None:
    """Days from a series' first look to its last: a cubic in the days since the look before.

    They are written to `strip`, STRIP at a time from the first look on, and cut to the limits on the way to `daily`.
    """
    if count == 0:
        daily[:] = np.nan
        return
    begin = int(room[1, DAY, lane])
    past = int(room[count, DAY, lane]) + 1
    strip[0] = room[1, Z, lane]
    for j in range(count - 1):
        z, c1, c2, c3 = room[j + 1, Z, lane], room[j + 1, C1, lane], room[j + 1, C2, lane], room[j + 1, C3, lane]
        after = int(room[j + 1, DAY, lane]) + 1 - begin
        for part in range((int(room[j + 2, DAY, lane]) - begin - after) // STRIP + 1):
            at = after + part * STRIP
            days = strip[at : at + STRIP]
            for i in range(STRIP):
                x = float(part * STRIP + 1) + i
                days[i] = z + x * (c1 + x * (c2 + x * c3))
    daily[:begin] = np.nan
    inside = daily[begin:past]
    for i in range(past - begin):
        value = strip[i] if strip[i] > low else low
        inside[i] = value if value < high else high
    daily[past:] = np.nan
