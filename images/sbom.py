"""Write what an image holds as a CycloneDX document: sbom.py SET ENVIRONMENT OUTPUT. Stops where it is not valid.

The Python distributions come from cyclonedx-py; the packages of the operating system, from its own database, are added.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

LISTED = Path("/usr/share/sen4cap/os-packages.tsv")
"""What os-packages.sh wrote down."""


def of_python(environment: Path) -> dict[str, Any]:
    """Describe the Python distributions of an environment."""
    command = [sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible", "--spec-version", "1.6"]
    done = subprocess.run([*command, environment / "bin" / "python"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def of_system(listed: Path) -> list[dict[str, str]]:
    """Describe the packages of the operating system, from the list taken before anything to build with came in."""
    release = platform.freedesktop_os_release()
    kind = "deb" if release["ID"] == "debian" or "debian" in release.get("ID_LIKE", "") else "rpm"
    components = []
    for line in listed.read_text().splitlines():
        name, version, architecture = line.split("\t")
        version = version.removeprefix("0:")
        origin = f"arch={architecture}&distro={release['ID']}-{release['VERSION_ID']}"
        purl = f"pkg:{kind}/{release['ID']}/{quote(name)}@{quote(version)}?{origin}"
        components.append({"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl})
    return components


def main(name: str, environment: Path, output: Path) -> None:
    """Write the document of one image."""
    document = of_python(environment)
    suite = next(part for part in document["components"] if part["name"] == "sen4cap")
    # It came from a wheel of the build, which is nowhere to be had.
    suite["purl"] = f"pkg:pypi/sen4cap@{suite['version']}"
    suite.pop("externalReferences", None)
    document["metadata"]["component"] = {
        "type": "container",
        "bom-ref": f"sen4cap/{name}",
        "name": f"sen4cap/{name}",
        "version": suite["version"],
        "licenses": [{"license": {"id": "Apache-2.0"}}],
    }
    document["components"] += of_system(LISTED)
    document.setdefault("dependencies", []).append({"ref": f"sen4cap/{name}", "dependsOn": [suite["bom-ref"]]})
    text = json.dumps(document, indent=1, sort_keys=True)
    if fault := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise SystemExit(f"sbom: {fault}")
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text + "\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
