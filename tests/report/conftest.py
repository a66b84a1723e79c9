"""Result files of a small invented season, made with the suite's own nouns."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from sen4cap.marker_names import Marker
from sen4cap.marker_table import new_markers
from sen4cap.series import NEVER_SEEN, new_series
from sen4cap.tables import write_csv, write_details

START = datetime.date(2021, 6, 15)
DAYS = 411
SOURCES = ("S2A_31UFS_20210620_0_L2A", "https://stac.example/items/S2B_31UFS_20210625")


@dataclass(frozen=True)
class Season:
    """A season on disk: its folder, and the truth the report must show."""

    folder: Path
    options: tuple[str, ...]
    count: int
    records: int
    codes: np.ndarray
    season: pd.DataFrame


def make_season(folder: Path, *, count: int, crs: str = "EPSG:31370", seed: int = 7) -> Season:
    """Write all files a report reads, for `count` usable parcels and two records that cannot be used."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    ids = np.arange(1001, 1001 + count, dtype=np.int32)
    codes = rng.choice([1, 2, 0], count, p=[0.5, 0.3, 0.2]).astype(np.uint8)
    codes[:6] = [1, 1, 1, 2, 0, 1]
    records = _write_parcels(folder / "parcels.gpkg", ids, rng, crs)
    emergence = np.datetime64("2021-09-25") + rng.normal(0, 14, count).astype(int)
    termination = np.datetime64("2022-04-05") + rng.normal(0, 18, count).astype(int)
    missing = np.zeros(count, bool)
    missing[2] = True
    _write_classes(folder, ids, codes, rng)
    season = _write_season(folder, ids, codes, emergence, termination, missing, rng)
    _write_intercrop(folder, ids, codes, rng)
    _write_series(folder, ids, codes, emergence, termination, rng)
    write_csv(folder / "harvest.csv", {"NewID": ids, "harvest_start": np.full(count, np.datetime64("2021-08-02"))})
    edges = np.array(["2021-06-15", "2021-08-05", "2021-10-01", "2022-04-10", "2022-07-31"], "datetime64[D]")
    write_csv(
        folder / "soil.csv",
        {
            "NewID": np.repeat(ids, 4),
            "start": np.tile(edges[:4], count),
            "end": np.tile(edges[1:], count),
            "state": ["NBS", "BS", "NBS", "BS"] * count,
        },
    )
    named = ("parcels", "series", "season", "intercrop", "harvest", "soil", "markers")
    files = ("parcels.gpkg", "series.arrow", "season.csv", "intercrop.csv", "harvest.csv", "soil.csv", "markers.ipc")
    options = [text for name, file in zip(named, files, strict=True) for text in (f"--{name}", str(folder / file))]
    return Season(folder, (*options, "--classes", str(folder / "wcc")), count, records, codes, season)


def _write_parcels(path: Path, ids: np.ndarray, rng: np.random.Generator, crs: str) -> int:
    side = int(np.ceil(np.sqrt(len(ids))))
    scale = 1 / 80_000 if crs == "EPSG:4326" else 1.0
    origin = (4.5, 50.6) if crs == "EPSG:4326" else (160_000, 140_000)
    row, column = np.divmod(np.arange(len(ids)), side)
    west, south = column * 190.0, row * 150.0
    shapes = []
    for w, s, shift in zip(west, south, rng.uniform(-20, 20, (len(ids), 4)), strict=True):
        corners = [(w + shift[0], s), (w + 170, s + shift[1]), (w + 170 + shift[2], s + 130), (w, s + 130 + shift[3])]
        shapes.append(shapely.Polygon([(origin[0] + x * scale, origin[1] + y * scale) for x, y in corners]))
    hole = shapely.affinity.scale(shapes[0], 0.3, 0.3)
    shapes[0] = shapes[0].difference(hole)
    frame = gpd.GeoDataFrame(
        {
            "NewID": [*ids.tolist(), int(ids[0]), int(ids[-1]) + 1],
            "ori_crop": ["1200"] * (len(ids) + 2),
            "before": ["winter wheat"] * (len(ids) + 2),
        },
        geometry=[*shapes, shapes[1], shapely.Polygon()],
        crs=crs,
    )
    frame.to_file(path, layer="parcels", engine="pyogrio")
    return len(frame)


def _write_classes(folder: Path, ids: np.ndarray, codes: np.ndarray, rng: np.random.Generator) -> None:
    wcc = folder / "wcc"
    wcc.mkdir(exist_ok=True)
    sure = np.round(np.clip(rng.beta(5, 2, len(ids)), 0.5, 1), 4)
    first = np.where(codes == 1, sure, np.round(1 - sure, 4))
    done = codes > 0
    write_csv(
        wcc / "wcc.csv",
        {
            "NewID": ids[done],
            "Pred_class": codes[done].astype(np.int32),
            "Conf_pred1": first[done],
            "Conf_pred2": np.round(1 - first[done], 4),
        },
    )
    status = np.where(done, "classified", np.where(np.arange(len(ids)) % 2 == 0, "not a candidate", "not classified"))
    reasons = {"classified": "", "not a candidate": "crop after the winter is grass", "not classified": "1 clear look"}
    write_details(
        wcc / "wcc.csv",
        {
            "NewID": pd.array([*ids.tolist(), int(ids[0]), int(ids[-1]) + 1], dtype="Int64"),
            "record": np.arange(1, len(ids) + 3),
            "status": [*status.tolist(), "not classified", "not classified"],
            "reason": [*(reasons[s] for s in status), "duplicate identifier", "empty geometry"],
        },
    )
    bins = [
        {"from": k / 10, "to": (k + 1) / 10, "count": 10 + k, "confidence": k / 10 + 0.05, "observed": k / 10 + 0.03}
        for k in range(10)
    ]
    measured = {
        "evaluation": "5-fold cross-validation over spatial blocks",
        "classified_by": "forest",
        "confusion": {
            "classes": ["WCC", "NWCC"],
            "rows": "reference",
            "columns": "predicted",
            "counts": [[80, 9], [7, 49]],
        },
        "balanced_accuracy": 0.887,
        "recall": {"WCC": 0.899, "NWCC": 0.875},
        "precision": {"WCC": 0.92, "NWCC": 0.845},
        "f1": {"WCC": 0.909, "NWCC": 0.86},
        "reliability": bins,
        "importance": {"impurity_by_group": {"LAI": 0.6, "August": 0.01, "October": 0.14}},
        "by_months": [
            {
                "until": until,
                "months": k + 1,
                "balanced_accuracy": value,
                "per_fold": [value - 0.03, value + 0.02][: 2 * k],
            }
            for k, (until, value) in enumerate((("08-31", 0.712), ("09-30", 0.806), ("10-31", 0.871), ("05-31", 0.887)))
        ],
    }
    (wcc / "accuracy.json").write_text(json.dumps(measured))
    (wcc / "catalog.json").write_text("{}")
    (wcc / "model.npz").write_bytes(b"model")


def _write_season(
    folder: Path,
    ids: np.ndarray,
    codes: np.ndarray,
    emergence: np.ndarray,
    termination: np.ndarray,
    missing: np.ndarray,
    rng: np.random.Generator,
) -> pd.DataFrame:
    wcc = codes == 1
    ended = np.where(missing, np.datetime64("NaT", "D"), termination)
    length = (termination - emergence).astype(float)
    length[missing] = np.nan
    columns = {
        "NewID": ids,
        "Em_d": emergence,
        "Ter_d": ended,
        "S_length": length,
        "Uncert_em": rng.integers(4, 15, len(ids)).astype(float),
        "Uncert_ter": np.where(missing, np.nan, rng.integers(3, 12, len(ids))),
        "M_gro_d": ended - 12,
        "M_gro_val": np.where(missing, np.nan, np.round(rng.uniform(1.5, 4, len(ids)), 3)),
        "M_gro_t": length - 12,
        "M_cov_d": ended - 10,
        "M_co_val": np.where(missing, np.nan, np.round(rng.uniform(0.4, 0.95, len(ids)), 3)),
        "M_co_t": length - 10,
    }
    write_csv(folder / "season.csv", {name: values[wcc] for name, values in columns.items()})
    write_details(
        folder / "season.csv",
        {
            "NewID": ids,
            "next_emergence": np.full(len(ids), np.datetime64("2022-05-12")),
            "em_reason": [""] * len(ids),
            "quality": np.where(missing, "partial", "good").tolist(),
            "ter_reason": np.where(missing, "no fall before the end of the series", "").tolist(),
        },
    )
    return pd.DataFrame({name: values[wcc] for name, values in columns.items()})


def _write_intercrop(folder: Path, ids: np.ndarray, codes: np.ndarray, rng: np.random.Generator) -> None:
    done, wcc = codes > 0, codes == 1
    period = rng.integers(240, 290, len(ids))
    before, after = rng.integers(10, 40, len(ids)), rng.integers(5, 30, len(ids))
    bare = before + after + np.where(wcc, 0, 90)

    def share(days: np.ndarray) -> np.ndarray:
        return np.round(100 * days / period, 1)

    def cover(values: np.ndarray) -> np.ndarray:
        return np.where(wcc, values, np.nan)

    columns = {
        "NewID": ids,
        "Inter_d": period,
        "BS_d": bare,
        "NBS_d": period - bare,
        "BS_b": cover(before),
        "BS_a": cover(after),
        "BS_per": share(bare),
        "NBS_per": share(period - bare),
        "BS_b_per": cover(share(before)),
        "BS_a_per": cover(share(after)),
    }
    write_csv(folder / "intercrop.csv", {name: np.asarray(values)[done] for name, values in columns.items()})


def _write_series(
    folder: Path,
    ids: np.ndarray,
    codes: np.ndarray,
    emergence: np.ndarray,
    termination: np.ndarray,
    rng: np.random.Generator,
) -> None:
    day = np.datetime64(START) + np.arange(DAYS)
    since = (day[None, :] - emergence[:, None]).astype(float)
    until = (termination[:, None] - day[None, :]).astype(float)
    crop = 3.4 / (1 + np.exp(-(since - 35) / 12)) / (1 + np.exp(-(until + 3) / 4))
    main = 3.0 / (1 + np.exp((np.arange(DAYS) - 35) / 6)) + 3.5 / (1 + np.exp(-(np.arange(DAYS) - 365) / 9))
    lai = (main + np.where((codes == 1)[:, None], crop, 0.05 * crop)).astype(np.float32)
    looks = np.unique(rng.choice(DAYS, 60, replace=False))
    looks = looks[(looks < 180) | (looks > 225)]
    gap = np.abs(np.arange(DAYS)[:, None] - looks).min(axis=1).astype(np.int16)
    values = {"LAI": lai, "FCOVER": (1 - np.exp(-0.65 * lai)).astype(np.float32)}
    with new_series(
        folder / "series.arrow",
        ids,
        start=START,
        days=DAYS,
        variables=list(values),
        season=2021,
        method="whittaker, lambda 400",
        sources=SOURCES,
    ) as series:
        never = np.arange(len(ids))[:, None] == 4
        series.write(
            0,
            {name: np.where(never, np.nan, array) for name, array in values.items()},
            np.where(never, NEVER_SEEN, gap),
        )
    markers = sorted(
        Marker(START + datetime.timedelta(days=int(look)), name, stat=stat)
        for look in looks
        for name in values
        for stat in ("mean", "stdev", "valid_pixels_cnt")
    )
    with new_markers(folder / "markers.ipc", ids, markers, sources=SOURCES) as table:
        for row, marker in enumerate(markers):
            seen = values[marker.type][:, (marker.day - START).days]
            noise = rng.normal(0, 0.06, len(ids)) * (seen + 0.2)
            table[row] = {"mean": 1000 * (seen + noise), "stdev": 120.0, "valid_pixels_cnt": 60.0}[marker.stat]
        table[:, 4] = np.nan


@pytest.fixture(scope="session")
def season(tmp_path_factory: pytest.TempPathFactory) -> Season:
    """A season of 60 parcels in Belgian Lambert 72."""
    return make_season(tmp_path_factory.mktemp("season"), count=60)
