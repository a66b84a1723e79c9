#!/usr/bin/env bash
# Run the packages of dist/ on the benchmark as they will be published, images pulled by their digests, and compare.
set -euo pipefail

cd "$(dirname "$0")/.."
. scripts/containers.sh
case $RUNTIME in
    # Both runners call docker; the shim gives them podman.
    *podman*) export PATH="$PWD/images/podman:$PATH" ;;
esac
.venv/bin/python scripts/reference.py run --containers --packages dist
