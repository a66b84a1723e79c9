"""Series to seasons: smooth, season, soil and intercrop beside their peers, and how their cost grows."""

from __future__ import annotations

import datetime
import time
from pathlib import Path
from typing import Any

import numpy as np

from sen4cap.compiled import over_blocks
from sen4cap.season.wise import macd_div
from sen4cap.series import open_series
from sen4cap.smooth.kernel import Smoothing, smooth_daily
from sen4cap.smooth.run import BLOCK

from . import made, peers
from .plan import THREADS, Plan
from .rows import Bound, Curve, Findings, Row
from .timing import Sample, apart, command, middle, ratios, take_turns

END = made.START + datetime.timedelta(days=made.DAYS - 1)
SPAN = ("--start", made.START, "--end", END)
TWO = ("LAI", "FCOVER")
FOUR = (*TWO, "NDVI", "NBR2")
ROUGHNESS = 700.0
CHAIN = ("season", "soil", "intercrop")
"""Commands whose time on a million parcels counts together."""


def measure(plan: Plan) -> Findings:
    """Measure the kernel, the command, the two dates, and the growth with the number of parcels."""
    place = plan.work / "series"
    place.mkdir(parents=True, exist_ok=True)
    found = Findings()
    for part in (_smooth_kernel, _smooth_command, _smooth_and_season, _growing):
        found.extend(part(plan, place))
    return found


def _smooth_kernel(plan: Plan, place: Path) -> Findings:
    answer = apart(kernel_beside_whittaker_eilers, plan.slow_series, plan.rounds + 2).answer
    if answer["worst"] > 1e-3:
        raise AssertionError(f"smooth and whittaker-eilers differ by {answer['worst']}")
    return Findings(
        rows=[
            Row(
                f"smooth: {made.LOOKS} looks to {made.DAYS} days, three robust passes, kernel on two threads",
                "whittaker-eilers on the daily grid, built per series, one pass, which has no threads",
                [a / b for a, b in zip(answer["peer"], answer["ours"], strict=True)],
                bound=Bound(least=100),
                cpu=[a / b for a, b in zip(answer["peer_cpu"], answer["ours_cpu"], strict=True)],
                note=f"{1e6 * np.median(answer['ours_cpu']):.2f} against {1e6 * np.median(answer['peer_cpu']):.0f} "
                f"microseconds of one core a series; one pass of both agrees within {answer['worst']:.1e} LAI",
                any_size=True,
            )
        ],
        numbers={"smooth_kernel_us": 1e6 * float(np.median(answer["ours_cpu"]))},
    )


def kernel_beside_whittaker_eilers(slow: int, rounds: int) -> dict[str, Any]:
    """Seconds per series of both, in turns, ours on two threads, and how far one pass of both differs."""
    count = 100_000
    rng = np.random.default_rng(5)
    at = made.look_days()
    looks = made.lai_looks(at, count, rng)
    looks[rng.random(looks.shape) < 0.05] = np.nan
    pixels = np.where(np.isfinite(looks), 250, 0).astype(np.float32)
    robust = Smoothing("whittaker", ROUGHNESS, "bisquare", 3, 61, 2)
    single = Smoothing("whittaker", ROUGHNESS, "none", 1, 61, 2)
    limits: dict[str, Any] = {"days": made.DAYS, "low": -np.inf, "high": np.inf}
    weights = np.isfinite(looks).astype(float)  # every look shows the whole parcel

    def block(low: int, past: int) -> None:
        smooth_daily(at, looks[low:past], pixels[low:past], smoothing=robust, **limits)

    block(0, 8)
    times: dict[str, Any] = {name: [] for name in ("ours", "ours_cpu", "peer", "peer_cpu")}
    for _ in range(rounds):
        cpu, wall = time.process_time(), time.perf_counter()
        over_blocks(block, count, block=BLOCK, threads=THREADS)
        times["ours"].append((time.perf_counter() - wall) / count)
        times["ours_cpu"].append((time.process_time() - cpu) / count)
        cpu, wall = time.process_time(), time.perf_counter()
        expected = peers.whittaker_daily(at, looks[:slow], weights[:slow], made.DAYS, ROUGHNESS)
        times["peer"].append((time.perf_counter() - wall) / slow)
        times["peer_cpu"].append((time.process_time() - cpu) / slow)
    found = smooth_daily(at, looks[:slow], pixels[:slow], smoothing=single, **limits)
    if not np.array_equal(np.isnan(found), np.isnan(expected)):
        raise AssertionError("smooth and whittaker-eilers fill different days")
    return times | {"worst": float(np.nanmax(np.abs(found - expected)))}


def whittaker_series(slow: int) -> None:
    """Smooth so many series by whittaker-eilers."""
    rng = np.random.default_rng(5)
    at = made.look_days()
    looks = made.lai_looks(at, slow, rng)
    peers.whittaker_daily(at, looks, np.ones(looks.shape), made.DAYS, ROUGHNESS)


def _smooth_command(plan: Plan, place: Path) -> Findings:
    name = f"markers-{plan.series}.ipc"
    made.marker_table(place / name, plan.series, variables=TWO)
    count = 2 * plan.series
    turns = take_turns(
        {
            "smooth": lambda: _run_smooth(place, name, f"series-{plan.series}.arrow", TWO),
            "peer": lambda: apart(whittaker_series, plan.slow_series),
        },
        rounds=plan.rounds,
    )
    scale = count / plan.slow_series
    scaled = [Sample(s.wall * scale, s.cpu * scale, s.peak_mib) for s in turns["peer"]]
    size = (place / f"series-{plan.series}.arrow").stat().st_size
    copied = apart(peers.copy_bytes, size)
    return Findings(
        rows=[
            Row(
                f"smooth: the command, read, smooth, write {count:,} series, two threads",
                "whittaker-eilers alone, as above",
                ratios(scaled, turns["smooth"]),
                bound=Bound(least=20),
                cpu=ratios(scaled, turns["smooth"], "cpu"),
                note=f"whittaker-eilers measured on {plan.slow_series} series and scaled; {size / 1e6:.0f} MB written",
            ),
            Row(
                "smooth: the same",
                "",
                [s.peak_mib for s in turns["smooth"]],
                "MiB",
                note="peak memory, file pages included",
            ),
        ],
        numbers={
            "smooth_cpu": middle(turns["smooth"], "cpu"),
            "smooth_wall": middle(turns["smooth"]),
            "smooth_copy": copied.cpu,
            "smooth_series": count,
        },
    )


def _run_smooth(place: Path, markers: str, output: str, variables: tuple[str, ...]) -> Sample:
    return command(
        *("smooth", "--markers", markers, *SPAN, "--variables", ",".join(variables), "--lambda", ROUGHNESS),
        *("--threads", THREADS, "--output", output),
        folder=place,
    )


def _smooth_and_season(plan: Plan, place: Path) -> Findings:
    name, series = f"markers-{plan.series}.ipc", f"series-{plan.series}.arrow"
    answer = apart(plain_beside_kernels, plan.slow_series).answer
    if answer["series"] > 1e-4 or answer["div"] > 1e-6:
        raise AssertionError(f"the suite and plain scipy differ: {answer}")

    def both() -> Sample:
        first = _run_smooth(place, name, series, TWO)
        second = _run_season(place, name, series, "season-small.csv")
        return Sample(first.wall + second.wall, first.cpu + second.cpu, max(first.peak_mib, second.peak_mib))

    turns = take_turns({"ours": both, "peer": lambda: apart(plain_seasons, plan.slow_series)}, rounds=plan.rounds)
    scale = plan.series / plan.slow_series
    scaled = [Sample(s.wall * scale, s.cpu * scale, s.peak_mib) for s in turns["peer"]]
    return Findings(
        rows=[
            Row(
                f"smooth and season: the two commands, {plan.series:,} parcels, two threads",
                "scipy savgol, and WISE, WIST and maxima in plain numpy",
                ratios(scaled, turns["ours"]),
                bound=Bound(least=50),
                cpu=ratios(scaled, turns["ours"], "cpu"),
                note="the peer knows one thread; both give the columns of season.csv and the next crop, but the suite "
                "smooths in three passes, tells stands from main crops and weeds, fits curves of growth and fall, and "
                "states uncertainties and reasons. Where both do the same they agree: Savitzky-Golay within "
                f"{answer['series']:.0e}, MACD_div within {answer['div']:.0e}",
            )
        ],
        numbers={"smooth_season_cpu": middle(turns["ours"], "cpu")},
    )


def plain_seasons(count: int) -> None:
    """Date so many parcels plainly."""
    at = made.look_days()
    looks = made.lai_looks(at, count, np.random.default_rng(5))
    peers.plain_seasons(at, looks, made.cover_of(looks), made.DAYS)


def plain_beside_kernels(count: int) -> dict[str, float]:
    """How far the plain code and the suite's kernels differ where they do the same."""
    at = made.look_days()
    looks = made.lai_looks(at, count, np.random.default_rng(5))
    plain = peers.plain_seasons(at, looks, made.cover_of(looks), made.DAYS)
    series, div = plain.lai, plain.div
    # Smooth curves without spikes, so that the suite's test for outliers takes nothing away.
    smoothing = Smoothing("savitzky-golay", 1, "none", 1, 61, 2)
    found = smooth_daily(at, looks, np.ones_like(looks), days=made.DAYS, smoothing=smoothing, low=-np.inf, high=np.inf)
    same = np.nanmax(np.abs(found - series), axis=1) < 1e-4
    if same.mean() < 0.5:
        raise AssertionError(f"only {same.mean():.0%} of the series are the same by scipy and by the suite")
    _, ours = macd_div(series, short=5, long=10, signal=5)
    both = np.isfinite(ours) & np.isfinite(div)
    return {
        "series": float(np.nanmax(np.abs(found - series)[same])),
        "div": float(np.abs(ours - div)[both].max()),
    }


def _run_season(place: Path, markers: str, series: str, output: str) -> Sample:
    return command(
        *("season", "--series", series, "--markers", markers, "--threads", THREADS, "--output", output), folder=place
    )


def _growing(plan: Plan, place: Path) -> Findings:
    """Run season, soil and intercrop on more and more parcels."""
    samples: dict[str, list[Sample]] = {name: [] for name in CHAIN}
    for count in plan.sizes:
        markers, series = f"markers-four-{count}.ipc", f"series-four-{count}.arrow"
        made.marker_table(place / markers, count, variables=FOUR)
        if not (place / series).is_file():
            _run_smooth(place, markers, series, TWO)
        command("harvest", "--series", series, "--output", f"harvest-{count}.csv", folder=place)
        samples["season"].append(_run_season(place, markers, series, f"season-{count}.csv"))
        samples["soil"].append(
            command(
                *("soil", "--markers", markers, *SPAN, "--threads", THREADS, "--output", f"soil-{count}.csv"),
                folder=place,
            )
        )
        samples["intercrop"].append(
            command(
                *("intercrop", "--season", f"season-{count}.csv", "--harvest", f"harvest-{count}.csv"),
                *("--soil", f"soil-{count}.csv", "--output", f"intercrop-{count}.csv"),
                folder=place,
            )
        )
        _check_rows(place, count)
    most = plan.sizes[-1]
    together = sum(samples[name][-1].wall for name in CHAIN)
    together_cpu = sum(samples[name][-1].cpu for name in CHAIN)
    before = sum(samples[name][-2].cpu for name in CHAIN)
    start = sum(samples[name][0].cpu for name in CHAIN)
    growth = (together_cpu - start) / (before - start) / ((most - plan.sizes[0]) / (plan.sizes[-2] - plan.sizes[0]))
    work = f"season, soil and intercrop on {most:,} parcels"
    return Findings(
        rows=[
            Row(work, "", [together], "s", Bound(most=60 * most / 1e6) if most >= 10**6 else None, [together_cpu]),
            Row(work, "", [max(samples[name][-1].peak_mib for name in CHAIN)], "MiB", Bound(most=6144),
                note="largest of the three, pages of mapped files included"),
            Row(f"the same: cost of a parcel at {most:,} over that at {plan.sizes[-2]:,}", "", [growth],
                bound=Bound(most=1.25), note="processor seconds, those of the smallest size taken off"),
        ],
        curves=[
            Curve(name, "parcels", plan.sizes, [sample.cpu for sample in samples[name]]) for name in CHAIN
        ],
        numbers={f"{name}_cpu_per_million": 1e6 * samples[name][-1].cpu / most for name in CHAIN},
    )  # fmt: skip


def _check_rows(place: Path, count: int) -> None:
    """See that every parcel came out, and most of those with a cover crop with dates."""
    lines = (place / f"season-{count}.csv").read_text().splitlines()
    dated = sum(1 for line in lines[1:] if all(line.split(",")[1:3]))
    rows = len((place / f"intercrop-{count}.csv").read_text().splitlines()) - 1
    if len(lines) - 1 != count or rows != count or dated < 0.4 * count:
        raise AssertionError(f"{count} parcels: {len(lines) - 1} and {rows} rows, {dated} with both dates")
    if len(open_series(place / f"series-four-{count}.arrow").parcel) != count:
        raise AssertionError("the series lacks parcels")
