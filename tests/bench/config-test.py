#!/usr/bin/env python3
"""What `alived -t` costs beside `keepalived -t`, and `alived check` beside `alived -t`, in one run on one machine.

    tests/bench/config-test.py [--alived PATH] [--shapes "SHAPE ..."] [--sizes "LINES ..."] [--runs N]

For each shape of file and each size: CPU (user and system, least of the runs, which take turns), peak memory, alived's
share of keepalived's, and how both grow from one size to the next (1 is linear, 2 quadratic). The least counts because
whatever else the machine does can only add. A run that takes more than a minute is given up. Needs keepalived and GNU time.
"""
import argparse
import math
import os
import signal
import subprocess
import sys
import tempfile
import time

GLOBALS = """global_defs {
    router_id bench
    enable_script_security
    script_user root
    dynamic_interfaces
}
"""
LONGEST = 60  # seconds that one run of keepalived may take


def ipv4(base, number):
    number += base
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))


def instance(number, addresses=2, script=None):
    interface, router = divmod(number, 255)
    lines = [
        f"vrrp_instance VI_{number} {{",
        f"    state {'MASTER' if number % 3 == 0 else 'BACKUP'}",
        f"    interface bench{interface}",
        f"    virtual_router_id {router + 1}",
        f"    priority {50 + number % 200}",
        "    advert_int 1",
    ]
    if script is not None:
        lines += ["    track_script {", f"        chk_{script}", "    }"]
    lines.append("    virtual_ipaddress {")
    lines += [f"        {ipv4(10 << 24, number * addresses + nth)}/32" for nth in range(addresses)]
    return lines + ["    }", "}"]


def script(number):
    return [
        f"vrrp_script chk_{number} {{",
        f'    script "/usr/bin/true {number}"',
        "    interval 2",
        "    timeout 1",
        "    weight -5",
        "}",
    ]


def real_server(address):
    return [
        f"    real_server {address} 80 {{",
        "        weight 1",
        "        TCP_CHECK {",
        "            connect_timeout 3",
        "            retry 2",
        "            delay_before_retry 1",
        "        }",
        "    }",
    ]


def virtual_server(number, reals=4, address=lambda nth: ipv4(172 << 24, nth)):
    lines = [
        f"virtual_server {ipv4(100 << 24, number)} 80 {{",
        "    delay_loop 6",
        "    lb_algo rr",
        "    lb_kind NAT",
        "    protocol TCP",
    ]
    for nth in range(reals):
        lines += real_server(address(number * reals + nth))
    return lines + ["}"]


def blocks(size, block):
    """So many lines of what `block` makes of 0, 1, 2, ..."""
    lines, number = [], 0
    while len(lines) < size:
        lines += block(number)
        number += 1
    return lines


def grouped(number):
    pair = instance(2 * number, 1) + instance(2 * number + 1, 1)
    members = [f"        VI_{2 * number + nth}" for nth in (0, 1)]
    return pair + [f"vrrp_sync_group SG_{number} {{", "    group {", *members, "    }", "}"]


def defined(size):
    count = size // 11
    definitions = [f"$RS_{nth}={ipv4(172 << 24, nth)}" for nth in range(count)]
    servers = [virtual_server(number, address=lambda nth: f"$RS_{nth}") for number in range(count // 4)]
    return definitions + [line for server in servers for line in server]


def commented(number):
    lines = []
    for nth, line in enumerate(instance(number)):
        lines += [f"# line {nth} of block {number}", line + ("  ! see above" if nth % 3 == 1 else "")]
    return lines


def sequence(size):
    """A few lines that stand for `size`."""
    count = size // 10
    body = instance(0, 1)
    head = "~SEQ(N, 0, %d) ~SEQ(M, 1, 100) $VI" % (max(count // 100, 1) - 1)
    replaced = {
        0: "vrrp_instance VI_${N}_${M} { \\",
        2: "    interface bench${N} \\",
        3: "    virtual_router_id ${M} \\",
        7: "        10.${N}.${M}.1/32 \\",
    }
    lines = [replaced.get(at, line + " \\") for at, line in enumerate(body[:-1])]
    return ["$VI= \\", *lines, body[-1], head]


SHAPES = {
    "mixed": lambda size: blocks(size, lambda n: instance(n) + virtual_server(n)),
    "instances": lambda size: blocks(size, instance),
    "servers": lambda size: blocks(size, virtual_server),
    "one-instance": lambda size: instance(0, size),
    "one-server": lambda size: virtual_server(0, size // 8),
    "scripts": lambda size: blocks(size, lambda n: script(n) + instance(n, 1, n)),
    "groups": lambda size: blocks(size, grouped),
    "definitions": defined,
    "comments": lambda size: blocks(size, commented),
    "sequence": sequence,
    "includes": None,  # in files of its own, see write()
}


def write(directory, shape, size):
    path = os.path.join(directory, "k.conf")
    lines = SHAPES["mixed" if shape == "includes" else shape](size)
    text = GLOBALS
    if shape == "includes":
        # A block is whole in its file.
        starts = [at for at, line in enumerate(lines) if not line.startswith((" ", "}"))]
        cuts = starts[::5] + [len(lines)]
        for nth, (start, end) in enumerate(zip(cuts, cuts[1:])):
            with open(os.path.join(directory, f"part-{nth:06}.conf"), "w") as part:
                part.write("\n".join(lines[start:end]) + "\n")
        text += "include part-*.conf\n"
    else:
        text += "\n".join(lines) + "\n"
    with open(path, "w") as file:
        file.write(text)
    return path


def run(command):
    """Exit status, CPU seconds and peak KiB of one run; None when it takes too long."""
    with tempfile.NamedTemporaryFile("r") as peak:
        # A child's peak begins with that of the process it was forked from: time(1) is small, this one is not.
        child = subprocess.Popen(
            ["/usr/bin/time", "-q", "-o", peak.name, "-f", "%M", *command],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + LONGEST
        while True:
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            if pid:
                child.returncode = os.waitstatus_to_exitcode(status)
                return child.returncode, usage.ru_utime + usage.ru_stime, int(peak.read())
            if time.monotonic() > deadline:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
                return None
            time.sleep(0.0005)


def measure(commands, runs):
    """Least CPU and least peak memory of each command; they take turns."""
    best = {}
    for turn in range(runs):
        for name, command in commands.items():
            if name in best and (best[name] is None or (turn > 2 and best[name][1] > 2)):
                continue
            found = run(command)
            before = best.get(name)
            best[name] = found and before and tuple(map(min, found, before)) or found
    return best


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alived", default=os.path.join(here, "../../target/release/alived"))
    parser.add_argument("--keepalived", default="keepalived")
    parser.add_argument("--shapes", default=" ".join(SHAPES))
    parser.add_argument("--sizes", default="1000 10000 100000 300000")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    if not os.access(options.alived, os.X_OK):
        sys.exit(f"no {options.alived}: cargo build --release")
    print(f"{'shape':13}{'lines':>9}{'alived':>10}{'keepalived':>12}{'share':>7}{'growth':>8}{'its':>6}"
          f"{'memory':>10}{'its':>9}{'share':>7}{'check/-t':>10}")
    for shape in options.shapes.split():
        before = None
        for size in map(int, options.sizes.split()):
            with tempfile.TemporaryDirectory() as directory:
                path = write(directory, shape, size)
                found = measure(
                    {
                        "alived": [options.alived, "-t", "-f", path],
                        "check": [options.alived, "check", path],
                        "keepalived": [options.keepalived, "-t", "-f", path],
                    },
                    options.runs,
                )
            ours, check, theirs = (found[name] for name in ("alived", "check", "keepalived"))
            growth = lambda mine, old: (
                f"{math.log(mine[1] / old[1]) / math.log(size / before[0]):.2f}" if mine and old else "-"
            )
            old = before or (size, None, None)
            if theirs and ours[0] != theirs[0]:
                print(f"{shape} {size}: alived answers {ours[0]}, keepalived {theirs[0]}", file=sys.stderr)
            print(
                f"{shape:13}{size:9}{ours[1] * 1e3:8.1f}ms"
                + (f"{theirs[1] * 1e3:10.1f}ms{ours[1] / theirs[1]:7.2f}" if theirs else f"{'> 60 s':>12}{'':7}")
                + f"{growth(ours, old[1]):>8}{growth(theirs, old[2]):>6}{ours[2] / 1024:8.1f}MB"
                + (f"{theirs[2] / 1024:7.1f}MB{ours[2] / theirs[2]:7.2f}" if theirs else f"{'':16}")
                + f"{check[1] / ours[1]:10.2f}",
                flush=True,
            )
            before = (size, ours, theirs)


main()
