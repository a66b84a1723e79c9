"""Hold packages against the OGC best practice and against CWL.

    python scripts/check_packages.py dist/*.cwl

Each must pass, with its workflow as entry point: cwltool --validate; eoap-validator, profiles eoap-package and
metadata, without a warning; ap-validator without an error or note; and what those leave open: all results are folders,
each image is of the package's version, only `fetch` by reference may use the network.

ap-validator also hints at tools and workflows without a Directory. Tools hand tables to each other, so its hints about
single tools say nothing of a package; of the workflow only "no input of type Directory" is right, and only where the
images come by reference or as tables.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import sys
from pathlib import Path
from typing import Any

import cwltool.main
import yaml
from ap_validator.app_package import AppPackage
from bundle import FOLDERS
from eoap_validator.engine import validate
from loguru import logger

ALLOWED_HINT = "No input of type 'Directory'/'Directory[]' for Workflow"


def entry_of(document: dict[str, Any]) -> str:
    """Id of the workflow to run: the first of the graph."""
    return str(document["$graph"][0]["id"])


def problems(path: Path) -> list[str]:
    """What is wrong with a package; nothing where all is well."""
    try:
        document = yaml.safe_load(path.read_text())
        entry = entry_of(document)
    except (OSError, yaml.YAMLError) as error:
        return [f"is not readable ({' '.join(str(error).split())})"]
    except (TypeError, KeyError, IndexError):
        return ["is no package: it has no $graph that begins with a workflow"]
    return [
        *(f"cwltool: {text}" for text in _cwltool(path, entry)),
        *(f"eoap-validator: {text}" for text in _eoap(path, entry)),
        *(f"ap-validator: {text}" for text in _ap(path, entry)),
        *_ours(document),
    ]


def _cwltool(path: Path, entry: str) -> list[str]:
    said = io.StringIO()
    code = cwltool.main.main(["--validate", "--quiet", f"{path}#{entry}"], stdout=io.StringIO(), stderr=said)
    return [said.getvalue().strip()] if code else []


def _eoap(path: Path, entry: str) -> list[str]:
    report = validate(f"{path}#{entry}", profiles=("eoap-package", "metadata"))
    if not any(finding.status == "passed" for finding in report.findings):
        return ["assessed nothing"]
    return [
        f"{finding.rule_id} {finding.location.path}: {finding.message}"
        for finding in report.findings
        if finding.status not in ("passed", "not-applicable")
    ]


def _ap(path: Path, entry: str) -> list[str]:
    said = io.StringIO()
    with contextlib.redirect_stderr(io.StringIO()):
        code = AppPackage.process_cli(str(path), entry_point=entry, detail="all", format="json", stdout=said)
    result = json.loads(said.getvalue())
    found = [
        f"{issue['type']} {issue['req'] or ''}: {issue['message']}"
        for issue in result["issues"]
        if issue["type"] != "hint" or (" for Workflow" in issue["message"] and ALLOWED_HINT not in issue["message"])
    ]
    return found or ([f"exit code {code}"] if code else [])


def _ours(document: dict[str, Any]) -> list[str]:
    workflow, *others = document["$graph"]
    tools = [process for process in others if process["class"] == "CommandLineTool"]
    version = document.get("s:softwareVersion")
    found = [
        f"output {name}: is {entry['type']}, and a platform publishes folders only"
        for name, entry in workflow["outputs"].items()
        if entry["type"] not in FOLDERS
    ]
    for tool in tools:
        image = tool["requirements"].get("DockerRequirement", {}).get("dockerPull", "no image")
        if "@sha256:" not in image and not image.endswith(f":{version}"):
            found.append(f"tool {tool['id']}: the image {image} is not of version {version}")
        network = tool["requirements"].get("NetworkAccess", {}).get("networkAccess")
        if network != ("string" in str(tool["inputs"].get("catalog", {}).get("type"))):
            found.append(f"tool {tool['id']}: networkAccess is {network}")
    return found


def main(words: list[str]) -> int:
    """Check the packages named; one line for each that passes, one for each problem."""
    logging.getLogger("cwltool").setLevel(logging.ERROR)
    logging.getLogger().setLevel(logging.ERROR)
    logger.disable("cwl_loader")
    if not words:
        print("check-packages: name the packages, such as dist/*.cwl", file=sys.stderr)
        return 2
    failed = False
    for word in words:
        wrong = problems(Path(word))
        failed = failed or bool(wrong)
        for text in wrong:
            print(f"{word}: {text}", file=sys.stderr)
        if not wrong:
            print(f"{word}: passes cwltool, eoap-validator and ap-validator")
    return 3 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
