#!/usr/bin/env bash
# Debian packages that the suite needs beside Python: system-packages.sh run|dev PYTHON
# Installs what is missing, as root or through sudo; otherwise says what to install.
set -euo pipefail

purpose=$1
python=$2
needed=()
useful=()

"$python" -c 'import ensurepip, venv' 2>/dev/null || needed+=(python3-venv)
if [ "$purpose" = dev ]; then
    # A real STAC API for the tests of `fetch`, PostgreSQL with PostGIS; without it they are skipped.
    compgen -G '/usr/share/postgresql/*/extension/postgis.control' >/dev/null || useful+=(postgresql-postgis)
fi
wanted=("${needed[@]}" "${useful[@]}")
[ ${#wanted[@]} -gt 0 ] || exit 0

as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo)
if ! command -v apt-get >/dev/null || { [ ${#as_root[@]} -gt 0 ] && ! command -v sudo >/dev/null; }; then
    echo "system-packages: cannot install here what Debian calls ${wanted[*]}; install it as root" >&2
    [ ${#needed[@]} -eq 0 ]
    exit
fi
echo "system-packages: installing ${wanted[*]}" >&2
"${as_root[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${wanted[@]}" >/dev/null
