#!/usr/bin/env bash
# The whole chain on a simulated season, as a user would run it. `make demo` calls it with the environment on PATH.
set -euo pipefail

cd "$(dirname "$0")/.."
if [ ! -f demo/sim/catalog.json ]; then
    echo "demo: simulating season 2021 into demo/sim" >&2
    sen4cap simulate --season 2021 --parcels-count 200 --seed 1 --output demo/sim
fi
echo "demo: sen4cap run --output demo/wcc workflows/wcc.cwl workflows/wcc.job.yml --no-container" >&2
sen4cap run --output demo/wcc workflows/wcc.cwl workflows/wcc.job.yml --no-container >/dev/null
results=demo/wcc/report
echo "demo: the results are in $results, the record and the logs in demo/wcc/run" >&2
awk -F'","' -v wanted=parcels,wcc,nwcc,unclassified,emergence,termination '
    BEGIN { split(wanted, order, ","); split("parcels,WCC,NWCC,unclassified,median emergence,median termination", names, ",") }
    { gsub(/"/, ""); split($0, cell, ","); value[cell[1]] = cell[2] }
    END { for (i = 1; i in order; i++) printf "%-20s %s\n", names[i], value[order[i]] }
' <(sed 's/","/,/g' "$results/summary.csv")
echo "$results/index.html"
