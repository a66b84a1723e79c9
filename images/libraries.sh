#!/bin/sh
# The locked libraries of a dependency set: libraries.sh SET [PRESENT]
# Into /opt/sen4cap; with PRESENT, the set of the image below, only what that has not, into the same place under /added.
set -eu

. /images/ca.sh
[ -d /opt/sen4cap ] || python3 -m venv --without-pip /opt/sen4cap
wanted=$(mktemp)
present=$(mktemp)
where=
if [ $# -gt 1 ]; then
    cp "/requirements/$2.lock" "$present"
    where="--target /added$(/opt/sen4cap/bin/python -c 'import sysconfig; print(sysconfig.get_path("platlib"))')"
fi
grep -v '^ *#' "/requirements/$1.lock" | grep -vxF -f "$present" >"$wanted"
# Unquoted: no option at all without PRESENT.
/build/bin/uv pip install --quiet --python /opt/sen4cap/bin/python $where --link-mode copy --no-deps --no-build \
    --requirement "$wanted"
