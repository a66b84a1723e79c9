"""The classified parcels as a layer that a person opens: a GeoPackage with its style, and GeoParquet."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from xml.sax.saxutils import quoteattr

import geopandas as gpd
import pandas as pd
import pyogrio

from ..classes import COLOURS, NWCC, OTHER, OUTLINE, WCC, label
from ..outputs import whole_file

LAYER = "wcc"
GEOMETRY = "geom"
STYLE = "Winter cover crops"
RESULT = ("Pred_class", "Conf_pred1", "Conf_pred2")
WRITTEN = "2000-01-01T00:00:00.000Z"
"""Time stamp inside the GeoPackage: always the same, so that the same input gives the same file."""


def write_layer(folder: Path, frame: gpd.GeoDataFrame, *, season: int) -> None:
    """Write ``wcc.gpkg`` with a default style for QGIS, and ``wcc.parquet`` beside it.

    Parameters
    ----------
    frame
        Every usable parcel with its attributes and the columns `RESULT`, null where a parcel is not classified.
    season
        For the legend.
    """
    with whole_file(folder / f"{LAYER}.gpkg") as scratch:
        _write_geopackage(scratch, frame)
        _add_style(scratch, season)
    with whole_file(folder / f"{LAYER}.parquet") as scratch:
        frame.to_parquet(scratch, index=False)


def _write_geopackage(path: Path, frame: gpd.GeoDataFrame) -> None:
    fields = [str(name).casefold() for name in frame.columns if name != frame.geometry.name]
    key = next(name for name in ("fid", "wcc_fid", "wcc_row") if name not in fields)
    column = next(name for name in (GEOMETRY, "wcc_geom") if name not in fields)
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": WRITTEN})
    try:
        pyogrio.write_dataframe(
            _distinct(frame),
            path,
            layer=LAYER,
            driver="GPKG",
            promote_to_multi=True,
            layer_options={"FID": key, "GEOMETRY_NAME": column, "IDENTIFIER": "Winter cover crops"},
        )
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def _distinct(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Field names of a GeoPackage differ in more than case: number those that do not."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for name in frame.columns:
        new, count = str(name), 1
        while new.casefold() in taken:
            count += 1
            new = f"{name}_{count}"
        taken.add(new.casefold())
        names[name] = new
    return frame if all(old == new for old, new in names.items()) else frame.rename(columns=names)


def _add_style(path: Path, season: int) -> None:
    """Add the table `layer_styles`, from which QGIS takes the default style of a layer when it is opened."""
    with closing(sqlite3.connect(path)) as database, database:
        (column,) = database.execute(
            "SELECT column_name FROM gpkg_geometry_columns WHERE table_name = ?", (LAYER,)
        ).fetchone()
        database.execute(
            """CREATE TABLE layer_styles (
                id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
                f_table_catalog TEXT(256), f_table_schema TEXT(256), f_table_name TEXT(256),
                f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN,
                description TEXT, owner TEXT(30), ui TEXT(30),
                update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')))"""
        )
        database.execute(
            "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName,"
            " styleQML, styleSLD, useAsDefault, description, owner, ui, update_time)"
            " VALUES ('', '', ?, ?, ?, ?, ?, 1, ?, '', NULL, ?)",
            (LAYER, column, STYLE, qml(season), sld(season), f"{STYLE}, season {season}", WRITTEN),
        )
        database.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change, srs_id)"
            " VALUES ('layer_styles', 'attributes', 'layer_styles', '', ?, 0)",
            (WRITTEN,),
        )


def qml(season: int) -> str:
    """Style for QGIS 3: categories by Pred_class; the empty value is QGIS's own category for NULL and all else."""
    categories, symbols = [], []
    for place, code in enumerate((WCC, NWCC, OTHER)):
        value, kind = (str(code), "integer") if code != OTHER else ("", "string")
        categories.append(
            f'<category type="{kind}" value="{value}" symbol="{place}" label={quoteattr(label(code, season))}'
            f' render="true" uuid="{place}"/>'
        )
        options = {
            "color": _rgba(COLOURS[code]),
            "outline_color": _rgba(OUTLINE),
            "outline_style": "solid",
            "outline_width": "0.1",
            "outline_width_unit": "MM",
            "joinstyle": "bevel",
            "style": "solid",
        }
        said = "".join(f'<Option type="QString" name="{name}" value="{text}"/>' for name, text in options.items())
        symbols.append(
            f'<symbol type="fill" name="{place}" alpha="1" clip_to_extent="1" force_rhr="0">'
            f'<layer class="SimpleFill" enabled="1" locked="0" pass="0"><Option type="Map">{said}</Option></layer>'
            "</symbol>"
        )
    return (
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
        '<qgis version="3.22.0" styleCategories="Symbology">'
        '<renderer-v2 type="categorizedSymbol" attr="Pred_class" symbollevels="0" forceraster="0" enableorderby="0"'
        f' referencescale="-1"><categories>{"".join(categories)}</categories>'
        f"<symbols>{''.join(symbols)}</symbols><rotation/><sizescale/></renderer-v2>"
        "<blendMode>0</blendMode><featureBlendMode>0</featureBlendMode><layerOpacity>1</layerOpacity>"
        "<layerGeometryType>2</layerGeometryType></qgis>"
    )


def sld(season: int) -> str:
    """Return the same style as SLD 1.1, for other software."""
    rules = []
    for code in (WCC, NWCC, OTHER):
        test = (
            "<ogc:PropertyIsNull><ogc:PropertyName>Pred_class</ogc:PropertyName></ogc:PropertyIsNull>"
            if code == OTHER
            else "<ogc:PropertyIsEqualTo><ogc:PropertyName>Pred_class</ogc:PropertyName>"
            f"<ogc:Literal>{code}</ogc:Literal></ogc:PropertyIsEqualTo>"
        )
        rules.append(
            f"<se:Rule><se:Name>{label(code, season)}</se:Name><ogc:Filter>{test}</ogc:Filter><se:PolygonSymbolizer>"
            f'<se:Fill><se:SvgParameter name="fill">{COLOURS[code]}</se:SvgParameter></se:Fill>'
            f'<se:Stroke><se:SvgParameter name="stroke">{OUTLINE}</se:SvgParameter>'
            '<se:SvgParameter name="stroke-width">0.5</se:SvgParameter></se:Stroke></se:PolygonSymbolizer></se:Rule>'
        )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<StyledLayerDescriptor version="1.1.0" xmlns="http://www.opengis.net/sld"'
        ' xmlns:se="http://www.opengis.net/se" xmlns:ogc="http://www.opengis.net/ogc">'
        f"<NamedLayer><se:Name>{LAYER}</se:Name><UserStyle><se:Name>{STYLE}</se:Name><se:FeatureTypeStyle>"
        f"{''.join(rules)}</se:FeatureTypeStyle></UserStyle></NamedLayer></StyledLayerDescriptor>"
    )


def with_result(frame: gpd.GeoDataFrame, columns: dict[str, pd.array]) -> gpd.GeoDataFrame:
    """Parcels with the result columns last before the geometry; columns of those names are replaced."""
    old = [name for name in frame.columns if str(name).casefold() in {text.casefold() for text in RESULT}]
    shapes = frame.geometry.name
    whole = frame.drop(columns=old)
    for name in RESULT:
        whole[name] = columns[name]
    return whole[[*(name for name in whole.columns if name != shapes), shapes]]


def _rgba(colour: str) -> str:
    red, green, blue = (int(colour[k : k + 2], 16) for k in (1, 3, 5))
    return f"{red},{green},{blue},255"
