#!/usr/bin/env bash
# What alived costs beside keepalived, in one run on one machine: memory, CPU of a master that only advertises, CPU of
# a backup that only listens, and how late the backup takes over. As root; needs keepalived, iproute2, tcpdump.
#
#   tests/bench/footprint.sh [ALIVED] [INSTANCES] [SECONDS]
#
# Both run the same file with VRRPv2 and one advert a second for each instance, without details in the log. CPU is the
# scheduler's own account (/proc/PID/task/*/schedstat), so load from other programs moves it little. The figures are
# ratios to keepalived's in the same run; single runs differ, so run it a few times before believing one.
set -euo pipefail
alived=$(readlink -f "${1:-$(dirname "$0")/../../target/release/alived}")
instances=${2:-50}
seconds=${3:-10}
[ -x "$alived" ] || { echo "no $alived: cargo build --release" >&2; exit 1; }

# The measuring happens in namespaces of its own, which vanish with it.
if [ -z "${FOOTPRINT_INSIDE:-}" ]; then
    exec env FOOTPRINT_INSIDE=1 unshare --net --mount --pid --fork --mount-proc bash "$0" "$alived" "$instances" "$seconds"
fi

work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
ip link add eth0 type veth peer name peer0
ip link set lo up
mkdir -p /run/netns && mount -t tmpfs none /run/netns # seen by nobody else
ip netns add other
ip link set peer0 netns other
ip addr add 10.9.0.1/16 dev eth0 && ip link set eth0 up
ip -n other link set lo up && ip -n other addr add 10.9.0.2/16 dev peer0 && ip -n other link set peer0 up

configuration() { # INTERFACE PRIORITY
    for i in $(seq "$instances"); do
        printf 'vrrp_instance V%d {\n interface %s\n virtual_router_id %d\n priority %d\n advert_int 1\n garp_master_delay 0\n virtual_ipaddress {\n 10.9.100.%d/16\n }\n}\n' \
            "$i" "$1" "$i" "$2" "$i"
    done
}
configuration eth0 150 >"$work/master.conf"
configuration peer0 100 >"$work/backup.conf"

start() { # WHAT PROGRAM CONFIGURATION -> pid in $work/WHAT.pid
    "${@:4}" "$2" -n -P -l -G -f "$3" -p "$work/$1.pid" -r "$work/$1.vrrp.pid" >"$work/$1.log" 2>&1 &
    echo $! >"$work/$1.started"
}
family() { # PID: it and its children
    echo "$1"
    pgrep -P "$1" || true
}
cpu_ns() { # PID
    for pid in $(family "$1"); do cat "/proc/$pid/task/"*/schedstat 2>/dev/null || true; done | awk '{s += $1} END {print s + 0}'
}
memory_kb() { # FIELD PID
    for pid in $(family "$2"); do grep "^$1:" "/proc/$pid/smaps_rollup" || true; done | awk '{s += $2} END {print s + 0}'
}
wait_for() { # COUNT WHAT: that many MASTER lines in its log
    for _ in $(seq 200); do
        [ "$(grep -c 'Entering MASTER STATE' "$work/$2.log" || true)" -ge "$1" ] && return
        sleep 0.1
    done
    echo "$2 never became MASTER" >&2
    tail -5 "$work/$2.log" >&2
    exit 1
}

declare -A figure
for name in keepalived alived; do
    program=keepalived
    [ $name = alived ] && program=$alived
    start "$name.master" "$program" "$work/master.conf"
    master=$(cat "$work/$name.master.started")
    wait_for "$instances" "$name.master"
    start "$name.backup" "$program" "$work/backup.conf" ip netns exec other
    backup=$(cat "$work/$name.backup.started")
    sleep 2
    master_before=$(cpu_ns "$master") backup_before=$(cpu_ns "$backup")
    sleep "$seconds"
    figure[$name.master_us_per_advert]=$((($(cpu_ns "$master") - master_before) / 1000 / seconds / instances))
    figure[$name.backup_us_per_advert]=$((($(cpu_ns "$backup") - backup_before) / 1000 / seconds / instances))
    figure[$name.rss_kb]=$(memory_kb Rss "$master")
    figure[$name.private_kb]=$(memory_kb Anonymous "$master")
    # The master dies without a word; the capture tells when it spoke last and when the backup spoke first.
    tcpdump -i eth0 -w "$work/$name.pcap" -U --immediate-mode "ip proto 112" 2>"$work/tcpdump.log" &
    capture=$!
    until grep -q listening "$work/tcpdump.log"; do sleep 0.05; done
    sleep 1.5
    kill -STOP $(family "$master")
    wait_for "$instances" "$name.backup"
    sleep 0.3
    kill -KILL $(family "$master") "$backup" $(pgrep -P "$backup" || true) 2>/dev/null || true
    kill "$capture" && wait "$capture" 2>/dev/null || true
    figure[$name.take_over_late_us]=$(tcpdump -r "$work/$name.pcap" -tt -n -v 2>/dev/null | paste - - | awk '
        { for (i = 1; i <= NF; i++) { if ($i == "vrid") vrid = $(i + 1) + 0; if ($i == "prio") priority = $(i + 1) + 0 } }
        priority == 150 { last[vrid] = $1 }
        priority == 100 && vrid in last && !(vrid in first) { first[vrid] = $1; late = (first[vrid] - last[vrid]) * 1e6 - 3609375; n++; sum += late }
        END { if (n) printf "%d", sum / n; else print "none" }')
    ip addr flush dev eth0 && ip addr add 10.9.0.1/16 dev eth0
    ip -n other addr flush dev peer0 && ip -n other addr add 10.9.0.2/16 dev peer0
done

echo "$(uname -sr), $(nproc) CPU, $instances instances, $seconds s"
printf '%-26s %12s %12s %8s\n' '' keepalived alived ratio
for what in master_us_per_advert backup_us_per_advert rss_kb private_kb take_over_late_us; do
    awk -v what="$what" -v k="${figure[keepalived.$what]}" -v a="${figure[alived.$what]}" \
        'BEGIN { printf "%-26s %12s %12s %8s\n", what, k, a, (k > 0 ? sprintf("%.2f", a / k) : "-") }'
done
