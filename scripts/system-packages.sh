#!/usr/bin/env bash
# Debian packages that the suite needs beside Python: system-packages.sh run|dev PYTHON
# Installs what is missing as root or through sudo; otherwise says what to install.
set -euo pipefail

purpose=$1
python=$2
wanted=()

"$python" -c 'import ensurepip, venv' 2>/dev/null || wanted+=(python3-venv)
if [ "$purpose" = dev ]; then
    # A real STAC API for the tests of `fetch`: PostgreSQL with PostGIS.
    compgen -G '/usr/share/postgresql/*/extension/postgis.control' >/dev/null || wanted+=(postgresql-postgis)
fi

[ ${#wanted[@]} -gt 0 ] || exit 0
if ! command -v apt-get >/dev/null; then
    echo "system-packages: no apt-get here; install what Debian calls: ${wanted[*]}" >&2
    exit 1
fi
as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo)
if [ ${#as_root[@]} -gt 0 ] && ! command -v sudo >/dev/null; then
    echo "system-packages: as root, run: apt-get install ${wanted[*]}" >&2
    exit 1
fi
echo "system-packages: installing ${wanted[*]}" >&2
"${as_root[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${wanted[@]}" >/dev/null
