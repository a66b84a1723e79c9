#!/usr/bin/env bash
# A Debian base image without any registry, from Debian's own packages: base-image.sh TAG [SUITE]
# Needs root, mmdebstrap and $RUNTIME (podman or docker).
set -euo pipefail

tag=$1
suite=${2:-bookworm}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# A tmpfs spares the thousands of small writes of dpkg; where it is too small, TMPDIR of the caller.
room=/dev/shm
[ "$(df --output=avail -k "$room" 2>/dev/null | tail -n 1)" -gt 1000000 ] 2>/dev/null || room=${TMPDIR:-/tmp}
# Merged by a hook, /usr needs no package that does it, nor the whole of Perl with it.
TMPDIR=$room mmdebstrap --quiet --variant=minbase --mode=root --include=ca-certificates,usr-is-merged \
    --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
    --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt=force-unsafe-io \
    "$suite" "$work/base.tar"
case $RUNTIME in
    *podman*) "$RUNTIME" import --quiet --change 'CMD ["bash"]' "$work/base.tar" "$tag" ;;
    *) "$RUNTIME" import --change 'CMD ["bash"]' "$work/base.tar" "$tag" ;;
esac
