#!/usr/bin/env bash
# Push the images of this version and write dist/images.json: image:tag -> digest, which `make packages` puts into the
# packages. PUSH_TO=dir:/some/folder tries it without a registry.
set -euo pipefail

cd "$(dirname "$0")/.."
. scripts/containers.sh

mapfile -t images < <(sed -n 's/.*dockerPull: "\(.*\)".*/\1/p' cwl/*.cwl | sort -u)
[ ${#images[@]} -gt 0 ] || { echo "publish-images: cwl/*.cwl name no image" >&2; exit 3; }
for image in "${images[@]}"; do
    "$RUNTIME" image inspect "$image" >/dev/null 2>&1 ||
        { echo "publish-images: $image is not here; build it with \`make images\`" >&2; exit 3; }
done
mkdir -p dist
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for image in "${images[@]}"; do
    target=docker://$image
    if [ -n "${PUSH_TO:-}" ]; then
        mkdir -p "${PUSH_TO#dir:}"
        target=$PUSH_TO/$(basename "${image%:*}")
    fi
    echo "publish-images: $image to $target" >&2
    "$RUNTIME" push --quiet --digestfile "$scratch/digest" "$image" "$target"
    printf '%s %s\n' "$image" "$(cat "$scratch/digest")" >>"$scratch/all"
done
awk 'BEGIN { print "{" } { printf "%s  \"%s\": \"%s\"", (NR > 1 ? ",\n" : ""), $1, $2 } END { print "\n}" }' \
    "$scratch/all" >dist/.images.json.part
mv dist/.images.json.part dist/images.json
cat dist/images.json
