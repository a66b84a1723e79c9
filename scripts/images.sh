#!/usr/bin/env bash
# Build the images: images.sh [SET...], all of images/*/Containerfile without arguments. `make images` calls it.
#   BASE     base image; `local` makes one of Debian's packages first, where no registry is reachable
#   RUNTIME  podman or docker
#   CA       certificates that the build trusts, where a proxy opens TLS; nothing of them stays in an image
set -euo pipefail

cd "$(dirname "$0")/.."
. scripts/containers.sh

registry=ghcr.io/sen4cap
source=https://github.com/sen4cap/winter-cover-crops
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' tools/sen4cap/__init__.py)
# The last commit that changed what an image is made of: another commit makes no other image.
sources=(images requirements tools pyproject.toml LICENSE README.md)
revision=$(git log -1 --format=%H -- "${sources[@]}" 2>/dev/null || echo unknown)
created=$(git log -1 --format=%cI -- "${sources[@]}" 2>/dev/null || echo unknown)
git diff --quiet HEAD -- "${sources[@]}" 2>/dev/null || revision=$revision-changed
base=${BASE:-docker.io/library/debian:bookworm-slim}
certificates=${CA:-${SSL_CERT_FILE:-}}

if [ "$base" = local ]; then
    base=localhost/sen4cap/base:bookworm
    if ! "$RUNTIME" image inspect "$base" >/dev/null 2>&1; then
        echo "images: making $base of Debian's packages" >&2
        bash scripts/base-image.sh "$base" bookworm
    fi
fi

build() {
    local name=$1 tag=$registry/$1:$version
    local options=(--file "images/$name/Containerfile" --tag "$tag" --network host
        --build-arg "BASE=$base" --build-arg "TOOLS=$registry/tools:$version" --build-arg "VERSION=$version"
        --build-arg "REVISION=$revision" --build-arg "CREATED=$created" --build-arg "SOURCE=$source")
    [ -z "$certificates" ] || options+=(--secret "id=ca,src=$certificates")
    case $RUNTIME in
        # Pulling is for the base alone, and only where it is not here.
        *podman*) options+=(--layers --pull=missing --format docker) ;;
    esac
    echo "images: $tag" >&2
    mkdir -p build dist
    if ! "$RUNTIME" build "${options[@]}" . >"build/image-$name.log" 2>&1; then
        tail -n 40 "build/image-$name.log" >&2
        echo "images: $tag could not be built; the whole log is build/image-$name.log" >&2
        exit 1
    fi
    "$RUNTIME" run --rm --network none "$tag" cat /usr/share/sen4cap/sbom.cdx.json >"dist/$name-$version.cdx.json"
    "$RUNTIME" image inspect --format '{{.Size}}' "$tag" |
        awk -v tag="$tag" '{ printf "images: %s, %d MB\n", tag, $1 / 1e6 }' >&2
}

if [ $# = 0 ]; then
    # `tools` first: the others stand on it.
    set -- tools $(find images -mindepth 2 -name Containerfile -printf '%P\n' | sed 's,/.*,,' | grep -vx tools | sort)
fi
for name in "$@"; do
    build "$name"
done
