#!/usr/bin/env bash
# Debian packages that the suite needs beside Python: system-packages.sh run|dev|images|slurm PYTHON
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
if [ "$purpose" = images ]; then
    # A container engine where there is none that answers; what makes a base image where no registry is reachable.
    if ! command -v podman >/dev/null && ! { command -v docker >/dev/null && docker info >/dev/null 2>&1; }; then
        needed+=(podman buildah runc netavark aardvark-dns iptables catatonit uidmap slirp4netns)
    fi
    if [ "${BASE:-}" = local ] && ! command -v mmdebstrap >/dev/null; then
        needed+=(mmdebstrap)
    fi
fi
if [ "$purpose" = slurm ]; then
    # A cluster of several nodes on this machine, for the tests of the national workflow: scripts/slurm/cluster.sh.
    for command in slurmctld slurmd munged; do
        PATH=$PATH:/usr/sbin:/sbin command -v "$command" >/dev/null || { needed+=("${command/munged/munge}"); }
    done
    command -v sbatch >/dev/null || needed+=(slurm-client)
    [ ${#needed[@]} -eq 0 ] || needed+=(slurm-wlm-basic-plugins)
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
