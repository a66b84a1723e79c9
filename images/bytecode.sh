#!/bin/sh
# Bytecode of what was installed below a root, taken as it is: no file is looked at again, for dates mean nothing in an
# image: bytecode.sh [ROOT]
set -eu

/opt/sen4cap/bin/python -m compileall -q --invalidation-mode unchecked-hash ${1:+-s "$1"} "${1:-}/opt/sen4cap/lib"
