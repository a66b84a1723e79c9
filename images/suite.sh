#!/bin/sh
# The suite itself into /opt/sen4cap, from a wheel, as a user installs it.
set -eu

mkdir /wheel
(cd /source && /build/bin/python -m hatchling build -t wheel -d /wheel >/dev/null)
/build/bin/uv pip install --quiet --python /opt/sen4cap/bin/python --no-deps --offline /wheel/*.whl
