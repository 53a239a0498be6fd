//! Do the seeds' deployments run as they are written? Their own files, their own addresses, on hosts like theirs.

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use ipnet::Ipv4Net;

use crate::common::daemon::Program;
use crate::common::lab::{HostPlan, Lab};
use crate::common::wait::{eventually, stamp, wait_for};

/// How long a backup of any seed may take: three adverts, a skew below one second, a busy machine.
const TAKE_OVER: Duration = Duration::from_secs(7);

/// `fixtures/seeds/NAME.conf`.
pub fn seed(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/seeds").join(format!("{name}.conf"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Two hosts of a seed, the preferred one first.
struct Deployment {
    interface: &'static str,
    hosts: [(&'static str, Ipv4Addr); 2],
    vip: Ipv4Addr,
}

impl Deployment {
    /// Runs `confs` on alived, on both hosts; kills the preferred one and starts it again: the address goes and returns.
    fn runs(&self, confs: [String; 2]) -> Lab {
        let plan = |(name, address): (&'static str, Ipv4Addr)| HostPlan {
            name,
            interface: self.interface,
            address: Ipv4Net::new(address, 24).expect("24 is a prefix length"),
        };
        let lab = Lab::new(self.hosts.map(plan).to_vec());
        let [preferred, other] = self.hosts.map(|(name, _)| name);
        lab.host(preferred).start(Program::Alived, &confs[0]);
        lab.host(other).start(Program::Alived, &confs[1]);
        lab.settle(preferred, self.vip);

        let fault = lab.host(preferred).kill();
        wait_for("the other host to take over", TAKE_OVER, || lab.garps_of(lab.host(other), fault).into_iter().next());
        assert!(lab.host(other).holds(self.vip));

        lab.host(preferred).start(Program::Alived, &confs[0]);
        eventually("the preferred host to take its address back", 2 * TAKE_OVER, || {
            lab.owners(self.vip) == [preferred]
        });
        lab
    }
}

const SEED_002: Deployment = Deployment {
    interface: "eth0",
    hosts: [("master", Ipv4Addr::new(172, 17, 0, 2)), ("slave", Ipv4Addr::new(172, 17, 0, 3))],
    vip: Ipv4Addr::new(172, 17, 0, 100),
};

const SEED_003: Deployment = Deployment {
    interface: "ens33",
    hosts: [("nginx01", Ipv4Addr::new(192, 168, 175, 101)), ("nginx02", Ipv4Addr::new(192, 168, 175, 102))],
    vip: Ipv4Addr::new(192, 168, 175, 100),
};

const SEED_004: Deployment = Deployment {
    interface: "eth0",
    hosts: [("load2", Ipv4Addr::new(172, 17, 0, 3)), ("load1", Ipv4Addr::new(172, 17, 0, 2))],
    vip: Ipv4Addr::new(172, 17, 0, 10),
};

/// `state SLAVE`, `nopreempt` with `state MASTER`, and a script that lives elsewhere on this machine.
#[test]
fn seed_002_runs_with_its_script() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let script = directory.path().join("nginx_check.sh");
    let runs = directory.path().join("runs");
    fs::write(&script, format!("#!/bin/sh\necho run >> {}\n", runs.display())).expect("writing the script");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("making it executable");
    let conf = |name| {
        let text = seed(name);
        assert!(text.contains("/etc/keepalived/nginx_check.sh"));
        text.replace("/etc/keepalived/nginx_check.sh", &script.display().to_string())
    };
    let lab = SEED_002.runs([conf("002-master"), conf("002-slave")]);
    let before = fs::read_to_string(&runs).expect("the script has run").lines().count();
    eventually("the script to run again and again", Duration::from_secs(8), || {
        fs::read_to_string(&runs).is_ok_and(|text| text.lines().count() >= before + 3)
    });

    // The seed's script ends the daemon when nginx cannot be brought back: that is what moves its address.
    let stopped = stamp();
    assert!(lab.host("master").terminate().success());
    eventually("the slave alone to hold the address", TAKE_OVER, || lab.owners(SEED_002.vip) == ["slave"]);
    let goodbye = lab.adverts_of(lab.host("master"), stopped).into_iter().find(|advert| advert.priority == 0);
    assert_eq!(goodbye.map(|advert| advert.source), Some(Ipv4Addr::new(172, 17, 0, 2)), "mcast_src_ip");
}

#[test]
fn seed_003_runs_over_multicast() {
    SEED_003.runs([seed("003-multicast-1"), seed("003-multicast-2")]);
}

#[test]
fn seed_003_runs_over_unicast() {
    let lab = SEED_003.runs([seed("003-unicast-1"), seed("003-unicast-2")]);
    let adverts = lab.capture().adverts();
    assert!(!adverts.is_empty());
    for advert in adverts {
        assert!(!advert.destination.is_multicast(), "unicast peers get all of it: {advert:?}");
    }
}

/// Its IPVS half needs a kernel with ip_vs and is asked in tests/vm; without one the address moves all the same.
#[test]
fn seed_004_keeps_its_address_whatever_the_kernel_balances() {
    let lab = SEED_004.runs([seed("004-master"), seed("004-backup")]);
    let has_ip_vs = Path::new("/proc/net/ip_vs").exists();
    for host in ["load1", "load2"] {
        let complaints = lab.host(host).log().matches("no ip_vs").count();
        let runs = if host == "load2" { 2 } else { 1 };
        assert_eq!(complaints, if has_ip_vs { 0 } else { runs }, "it is said once in each run");
    }
}
