"""When an unfinished run is gone on with, and when finished steps might be worth nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sen4cap.run.folder import RunFolder
from sen4cap.run.job import fingerprint
from sen4cap.run.record import Record
from sen4cap.run.run import to_go_on_from

MARK = {"the version of the suite": "1", "the job file or a file it names": "a"}


def unfinished(folder: RunFolder, status: str) -> Record | None:
    folder.state.mkdir(parents=True)
    said = {"status": status, "attempts": [{}], "fingerprint": MARK, "steps": []}
    folder.record.write_text(json.dumps(said))
    return Record.read(folder.record)


@pytest.mark.parametrize(("status", "goes_on"), [("running", 1), ("stopped", 1), ("failed", 1), ("finished", 0)])
def test_by_status(tmp_path: Path, status: str, goes_on: int) -> None:
    folder = RunFolder(tmp_path)
    assert (to_go_on_from(unfinished(folder, status), MARK, folder) is not None) == bool(goes_on)


@pytest.mark.parametrize("name", MARK)
def test_what_has_changed_is_told(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = RunFolder(tmp_path)
    assert to_go_on_from(unfinished(folder, "failed"), {**MARK, name: "other"}, folder) is None
    assert f"{name} is not that of the unfinished run" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "{", "[]", '{"status": "failed"}', "null"])
def test_a_record_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    assert Record.read(tmp_path / "run.json") is None


def test_files_and_folders_of_a_job_are_part_of_it(tmp_path: Path) -> None:
    (tmp_path / "l2a" / "deep").mkdir(parents=True)
    (tmp_path / "l2a" / "deep" / "item.json").write_text("{}")
    (tmp_path / "parcels.gpkg").write_text("a")
    job = {
        "catalog": {"class": "Directory", "location": "l2a"},
        "several": [{"class": "File", "path": "parcels.gpkg"}],
        "remote": {"class": "File", "location": "https://example.com/a"},
    }
    seen = {fingerprint(job, tmp_path)}
    assert fingerprint(json.loads(json.dumps(job)), tmp_path) in seen
    (tmp_path / "parcels.gpkg").write_text("bb")
    seen.add(fingerprint(job, tmp_path))
    (tmp_path / "l2a" / "deep" / "item.json").write_text("{} ")
    seen.add(fingerprint(job, tmp_path))
    (tmp_path / "l2a" / "other.json").write_text("{}")
    seen.add(fingerprint(job, tmp_path))
    seen.add(fingerprint({**job, "season": 2021}, tmp_path))
    assert len(seen) == 5
