#!/usr/bin/env bash
# A Slurm cluster of several nodes on this machine, for tests:
#   cluster.sh start ROOM [NODES]    prints the environment to use it: eval "$(cluster.sh start ROOM)"
#   cluster.sh stop ROOM
# Needs root and Debian's slurmctld, slurmd, slurm-client, munge and slurm-wlm-basic-plugins. Everything that runs and is
# written lies in ROOM, but for munge's key and socket, which are the machine's.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cpus=${SLURM_NODE_CPUS:-2}
memory_mib=${SLURM_NODE_MEMORY_MIB:-6000}
socket=/run/munge/munge.socket.2

free_ports() {
    python3 - "$1" <<'PY'
import socket, sys
held = [socket.socket() for _ in range(int(sys.argv[1]))]
for each in held:
    each.bind(("127.0.0.1", 0))
print(*(each.getsockname()[1] for each in held))
PY
}

start_munge() {
    if [ -S "$socket" ] && munge -n >/dev/null 2>&1; then return; fi
    if [ ! -s /etc/munge/munge.key ]; then
        install -d -o munge -g munge -m 700 /etc/munge
        head -c 1024 /dev/urandom >/etc/munge/munge.key
        chown munge:munge /etc/munge/munge.key
        chmod 400 /etc/munge/munge.key
    fi
    install -d -o munge -g munge -m 755 /run/munge
    setpriv --reuid=munge --regid=munge --clear-groups munged --force --pid-file=/run/munge/munged.pid >&2
    cp /run/munge/munged.pid "$room/munged.pid"
    until_true 10 test -S "$socket"
}

until_true() {  # SECONDS COMMAND...
    local last=$((SECONDS + $1)); shift
    until "$@"; do
        [ "$SECONDS" -lt "$last" ] || { echo "cluster: waited in vain for: $*" >&2; return 1; }
        sleep 0.2
    done
}

idle_nodes() { [ "$(sinfo -h -N -t idle -o %N 2>/dev/null | wc -l)" = "$1" ]; }

start() {
    local count=$1 host ports nodes="" number
    host=$(hostname -s)
    read -ra ports <<<"$(free_ports $((count + 1)))"
    mkdir -p "$room/state"
    for number in $(seq "$count"); do
        mkdir -p "$room/spool-w$number"
        nodes+="NodeName=w$number NodeHostname=$host NodeAddr=127.0.0.1 Port=${ports[$number]}"
        nodes+=" CPUs=$cpus RealMemory=$memory_mib"$'\n'
    done
    export SLURM_CONF=$room/slurm.conf
    sed -e "s|@ROOM@|$room|g" -e "s|@HOST@|$host|g" -e "s|@CONTROLLER_PORT@|${ports[0]}|g" \
        -e "s|@NODES@|${nodes//$'\n'/\\n}|" "$here/slurm.conf.in" >"$SLURM_CONF"
    start_munge
    slurmctld -f "$SLURM_CONF" -i >&2
    for number in $(seq "$count"); do slurmd -f "$SLURM_CONF" -N "w$number" >&2; done
    until_true 60 idle_nodes "$count"
    echo "export SLURM_CONF=$SLURM_CONF"
}

stop() {
    local file pid
    [ ! -s "$room/slurm.conf" ] || SLURM_CONF=$room/slurm.conf scancel --user=root 2>/dev/null || true
    for file in "$room"/slurmd-*.pid "$room/slurmctld.pid" "$room/munged.pid"; do
        [ -s "$file" ] || continue
        pid=$(cat "$file")
        kill "$pid" 2>/dev/null || true
        for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
        rm -f "$file"
    done
}

[ $# -ge 2 ] || { sed -n '2,6s/^# //p' "$0" >&2; exit 2; }
mkdir -p "$2"
room=$(cd "$2" && pwd)
case $1 in
    start) start "${3:-3}" ;;
    stop) stop ;;
    *) sed -n '2,6s/^# //p' "$0" >&2; exit 2 ;;
esac
