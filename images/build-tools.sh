#!/bin/sh
# An environment of its own, /build, for what builds an image: uv, hatchling, the SBOM writer.
set -eu

. /images/ca.sh
python3 -m venv /build
/build/bin/pip install --quiet --disable-pip-version-check --no-cache-dir --no-deps --requirement /requirements/images.lock
