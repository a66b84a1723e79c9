#!/bin/sh
# The suite itself into /opt/sen4cap, from a wheel, as a user installs it.
set -eu

mkdir /wheel
(cd /source && /build/bin/python -m hatchling build -t wheel -d /wheel >/dev/null)
/build/bin/uv pip install --quiet --python /opt/sen4cap/bin/python --no-deps --offline /wheel/*.whl
package=$(/opt/sen4cap/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/sen4cap
# numba knows the source of a kernel by size and date; a layer keeps dates to the second only.
find "$package" -name '*.py' -exec touch -d "@$(date +%s)" {} +
/opt/sen4cap/bin/python -m compileall -q --invalidation-mode unchecked-hash "$package"
