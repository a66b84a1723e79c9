#!/usr/bin/env bash
# Resolve the versions that `make` installs: dev.lock holds everything, run.lock the part that runs the suite, tools.lock
# and train.lock what the images of these names hold, images.lock what builds them.
set -euo pipefail

cd "$(dirname "$0")/.."
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
.venv/bin/python -m venv "$room/uv"
"$room/uv/bin/pip" install --quiet --disable-pip-version-check uv
resolve() {
    "$room/uv/bin/uv" pip compile pyproject.toml --quiet --universal --python-version 3.11 --no-emit-index-url --no-header "$@"
}
resolve --upgrade --extra dev --extra prosail --output-file requirements/dev.lock >/dev/null
resolve --extra tools --extra train --extra run --constraints requirements/dev.lock --output-file requirements/run.lock >/dev/null
for image in tools train; do
    resolve --extra "$image" --constraints requirements/dev.lock --output-file "requirements/$image.lock" >/dev/null
done
# Nothing of these meets the suite: no constraints.
resolve --upgrade --group images --output-file requirements/images.lock >/dev/null
