#!/bin/sh
# The locked libraries of a dependency set, trimmed and compiled to bytecode: libraries.sh SET [PRESENT]
# Into /opt/sen4cap; with PRESENT, the set of the image below, only what that has not, into the same place under /added.
set -eu

. /images/ca.sh
[ -d /opt/sen4cap ] || python3 -m venv --without-pip /opt/sen4cap
place=$(/opt/sen4cap/bin/python -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
wanted=$(mktemp)
present=$(mktemp)
root=
if [ $# -gt 1 ]; then
    root=/added
    cp "/requirements/$2.lock" "$present"
fi
grep -v '^ *#' "/requirements/$1.lock" | grep -vxF -f "$present" >"$wanted"
/build/bin/uv pip install --quiet --python /opt/sen4cap/bin/python ${root:+--target "$root$place"} --link-mode copy \
    --no-deps --no-build --requirement "$wanted"
/build/bin/python /images/trim.py "$root$place"
# Taken as it is, no source is looked at again: dates of files mean nothing in an image.
/opt/sen4cap/bin/python -m compileall -q --invalidation-mode unchecked-hash ${root:+-s "$root"} "$root$place"
