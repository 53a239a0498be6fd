#!/usr/bin/env bash
# Runs every test of alived on a Debian machine with Rust, as root: the tests make network namespaces, start
# keepalived beside alived, and boot a small machine for IPVS. Installs the Debian packages they need first.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packages=(
    keepalived              # the daemon that alived is compared with
    ipvsadm                 # reads the kernel's IPVS table
    iproute2 procps         # ip, for namespaces; sysctl
    tcpdump tshark          # capture on the switch; a second opinion on every packet
    nginx-light curl        # web servers to check, and a client
    openssl dnsmasq-base    # TLS and name servers to check
    python3-aiosmtpd        # a mail server to check
    frr bird2               # other people's BFD
    user-mode-linux         # a kernel with ip_vs that boots in a second
    qemu-system-x86         # a whole machine, where that one does not do
    busybox-static          # what runs inside it
)

if [ "$(id -u)" -ne 0 ]; then
    echo "The tests make network namespaces and need root. Run: sudo env \"PATH=\$PATH\" \"HOME=\$HOME\" tests/run.sh" >&2
    exit 1
fi

is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=()
for package in "${packages[@]}"; do
    is_installed "$package" || missing+=("$package")
done

if [ "${#missing[@]}" -gt 0 ]; then
    echo "Installing: ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    # tshark asks whether everybody may capture: no.
    echo 'wireshark-common wireshark-common/install-setuid boolean false' | debconf-set-selections
    # What is installed for the tests must not run as a service, neither now nor after a reboot.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' > "$policy"
        chmod +x "$policy"
        trap 'rm -f "$policy"' EXIT
    fi
    apt-get update -q
    apt-get install -q -y --no-install-recommends "${missing[@]}"
    if command -v systemctl > /dev/null; then
        for service in keepalived nginx frr bird; do
            [[ " ${missing[*]} " == *" $service"* ]] && systemctl disable "$service" || true
        done
    fi
fi

# The laboratories mostly wait, so more of them than cores; tests/common/lab.rs limits how many run at once.
export RUST_TEST_THREADS="${RUST_TEST_THREADS:-8}"
# The same random inputs in every run, so that a failure is one of the change; another number looks further.
export PROPTEST_RNG_SEED="${PROPTEST_RNG_SEED:-3768}"
mkdir -p target
log=target/tests.log
status=0
cargo test --no-fail-fast 2>&1 | tee "$log" || status=$?

# Many runners, one line; and a test that did not run is no test that passed. The last result of a runner is its own:
# those before it stand in what a failed test printed, and are a guest's.
read -r passed failed skipped < <(
    awk '
        function settle(words) {
            if (split(last, words) > 8) { passed += words[4]; failed += words[6]; skipped += words[8] }
            last = ""
        }
        /^ +(Running|Doc-tests) / { settle() }
        /^test result:/ { last = $0 }
        END { settle(); print passed + 0, failed + 0, skipped + 0 }
    ' "$log"
)
echo "$passed passed, $failed failed, $skipped skipped"
if [ "$skipped" -gt 0 ] || [ "$passed" -eq 0 ]; then
    status=1
fi
exit "$status"
