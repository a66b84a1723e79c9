#!/usr/bin/env bash
# Look for known vulnerabilities in the images, by their content: fails on high ones that have a correction.
# SCANNER names another image of grype; its database is fetched from the network.
set -euo pipefail

cd "$(dirname "$0")/.."
. scripts/containers.sh

scanner=${SCANNER:-docker.io/anchore/grype:v0.92.2}
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
mkdir -p build
failed=()
for image in $(sed -n 's/.*dockerPull: "\(.*\)".*/\1/p' cwl/*.cwl | sort -u); do
    name=$(basename "${image%:*}")
    "$RUNTIME" save --output "$room/$name.tar" "$image"
    if ! "$RUNTIME" run --rm --volume "$room:/images:ro" "$scanner" \
        --fail-on high --only-fixed "docker-archive:/images/$name.tar" | tee "build/scan-$name.txt"; then
        failed+=("$image")
    fi
    rm "$room/$name.tar"
done
if [ ${#failed[@]} -gt 0 ]; then
    echo "scan-images: ${failed[*]}: correct what build/scan-*.txt lists (make lock; a newer base), or say why not" >&2
    exit 3
fi
