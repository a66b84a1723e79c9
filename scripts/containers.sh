# Sourced: chooses RUNTIME, podman or docker, where the caller has not.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

if [ -z "${RUNTIME:-}" ]; then
    if command -v podman >/dev/null; then
        RUNTIME=podman
    elif command -v docker >/dev/null && docker info >/dev/null 2>&1; then
        RUNTIME=docker
    else
        echo "images: neither podman nor a docker that answers; install one: bash scripts/system-packages.sh images" >&2
        exit 1
    fi
fi
export RUNTIME

# Root without CAP_SYS_RESOURCE (bit 24), as in a sandbox: podman's own defaults ask for higher limits than it may set.
if [ "$(id -u)" = 0 ] && [ -z "${CONTAINERS_CONF:-}" ] &&
    [ $((0x$(awk '/^CapEff/ { print $2 }' /proc/self/status) >> 24 & 1)) = 0 ]; then
    export CONTAINERS_CONF=$here/images/podman/containers.conf
fi
