#!/bin/sh
# Run the suite once on a few simulated fields: kernels.sh tools|train [ROOT]
# The kernels it compiles stay in /opt/sen4cap/kernels, for the common kind of processor that tools/sen4cap/kernel_cache.py
# names, those that are new in the same place below ROOT as well; and an image in which the suite does not run is not built.
set -eu

kind=generic
if [ "$(uname -m)" = x86_64 ] && grep -qw avx2 /proc/cpuinfo; then
    kind=x86-64-v3
fi
kernels=/opt/sen4cap/kernels/$kind
export NUMBA_CACHE_DIR="$kernels" NUMBA_CPU_NAME="$kind" NUMBA_CPU_FEATURES= MPLCONFIGDIR=/tmp/figures
export PATH="/opt/sen4cap/bin:$PATH" PYTHONDONTWRITEBYTECODE=1
mkdir -p "$kernels"
work=$(mktemp -d)
touch "$work/began"
cd "$work"
span="--start 2021-08-01 --end 2022-05-31"

sen4cap simulate --season 2021 --parcels-count 12 --seed 1 $span --clouds clear --insitu-share 1 --output sim
sen4cap markers --items sim --parcels sim/parcels.gpkg $span
sen4cap smooth --markers markers.ipc $span --season 2021
if [ "$1" = train ]; then
    sen4cap classify --series series.arrow --parcels sim/parcels.gpkg --insitu sim/insitu.csv --min-samples 2 --folds 2
else
    sen4cap classify --series series.arrow --parcels sim/parcels.gpkg --method threshold
    sen4cap season --series series.arrow --markers markers.ipc --classes wcc/wcc.csv
    sen4cap soil --markers markers.ipc $span
    sen4cap harvest --series series.arrow
    sen4cap intercrop --season season.csv --harvest harvest.csv --soil soil.csv --classes wcc/wcc.csv
    sen4cap report --parcels sim/parcels.gpkg --series series.arrow --classes wcc --season season.csv --intercrop intercrop.csv
    sen4cap smooth --markers markers.ipc $span --season 2021 --method savitzky-golay --output polynomials.arrow
    for method in wise wise-published threshold; do
        sen4cap season --series series.arrow --markers markers.ipc --emergence-method $method --termination-method wist
    done
    sen4cap season --series series.arrow --markers markers.ipc --termination-method slope
    few="--start 2021-08-01 --end 2021-08-20"
    sen4cap simulate --season 2021 --parcels-count 2 --seed 1 $few --clouds clear --output few
    sen4cap lai --items few
    sen4cap markers --items l3b --parcels few/parcels.gpkg $few --variables LAI,FCOVER --output l3b.ipc
    sen4cap insitu --sce sim/sce.tif --parcels sim/parcels.gpkg --season 2021 --main-harvest sim/cpmch.tif
fi
cd "$kernels"
if [ $# -gt 1 ]; then
    find . -type f -newer "$work/began" | tar -cf - -T - | (mkdir -p "$2$kernels" && tar -xf - -C "$2$kernels")
fi
chmod -R a+rX "$kernels" "${2:-}$kernels"
cd /
rm -rf "$work" /tmp/figures
