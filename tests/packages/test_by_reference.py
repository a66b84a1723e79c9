"""The package that reads by reference runs on a static catalogue over HTTP."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pystac
import yaml
from bundle import BY_REFERENCE, bundle, write
from package_metadata import Facts

from servers.files import FileServer

ROOT = Path(__file__).parents[2]


def test_lai_reads_what_the_address_gives(
    about: Facts, season: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    path = ROOT / "workflows" / "lai.cwl"
    package = bundle(path, BY_REFERENCE, about=about, digests={}, containers="hints")
    file = write(package, tmp_path)
    job = {"start": "2021-09-01", "end": "2021-09-07", "catalog": ""}
    job["parcels"] = {"class": "File", "location": (season / "parcels.gpkg").as_uri()}
    with FileServer(season) as server:
        job["catalog"] = f"{server.url}/catalog.json"
        (tmp_path / "job.yml").write_text(yaml.safe_dump(job))
        command = ["cwltool", "--no-container", "--tmpdir-prefix", f"{tmp_path}/tmp/", "--outdir", f"{tmp_path}/out"]
        done = subprocess.run(
            [*command, f"{file}#{package.entry}", str(tmp_path / "job.yml")],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-4000:]
    items = list(pystac.Catalog.from_file(str(tmp_path / "out" / "l3b" / "catalog.json")).get_items(recursive=True))
    source = pystac.Catalog.from_file(str(season / "catalog.json")).get_items(recursive=True)
    days = {
        item.datetime.date()
        for item in source
        if item.datetime and "2021-09-01" <= f"{item.datetime:%F}" <= "2021-09-07"
    }
    assert {item.datetime.date() for item in items if item.datetime} == days
    assert len(days) >= 2
