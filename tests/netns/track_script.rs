//! Does a health script move the address? The shape is seed 002's: a script on the preferred router, an interval and a
//! negative weight.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use crate::common::daemon::Program;
use crate::common::lab::Lab;
use crate::common::vrrp_conf::{VIP, VrrpConf};
use crate::common::wait::{eventually, stamp, throughout, wait_for};
use crate::pairs::{HIGH, LATENESS, LOW, Pairing};

/// A service that a test can break, and the script that looks at it.
struct Service {
    directory: PathBuf,
}

impl Service {
    /// The script is `check.sh`: it fails while the file `broken` exists, and notes each failure in `failures`.
    fn on(lab: &Lab) -> Service {
        let service = Service { directory: lab.directory().to_owned() };
        let directory = service.directory.display();
        let script = service.directory.join("check.sh");
        let text =
            format!("#!/bin/sh\n[ -e {directory}/broken ] || exit 0\necho failed >> {directory}/failures\nexit 1\n");
        fs::write(&script, text).expect("writing the script");
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("making it executable");
        service
    }

    /// `conf` with the script and `settings`, tracked.
    fn track(&self, mut conf: VrrpConf, settings: &str) -> VrrpConf {
        let script = self.directory.join("check.sh");
        conf.blocks = format!(
            "vrrp_script chk_service {{\n    script \"{}\"\n    interval 1\n    {settings}\n}}\n",
            script.display()
        );
        conf.line("track_script {").line("    chk_service").line("}")
    }

    fn break_it(&self) {
        fs::write(self.directory.join("broken"), "").expect("breaking the service");
    }

    fn repair(&self) {
        fs::remove_file(self.directory.join("broken")).expect("repairing the service");
    }

    /// How often the script has failed.
    fn failures(&self) -> usize {
        fs::read_to_string(self.directory.join("failures")).unwrap_or_default().lines().count()
    }
}

/// A pair of `programs`, the script tracked on a.
fn tracked(pairing: Pairing, priorities: (u8, u8), settings: &str) -> (Lab, Service) {
    let lab = Lab::pair();
    let service = Service::on(&lab);
    let a = service.track(pairing.conf(&lab, "a", priorities.0), settings);
    lab.host("a").start(pairing.a, &a.text());
    lab.host("b").start(pairing.b, &pairing.conf(&lab, "b", priorities.1).text());
    lab.settle("a", VIP);
    (lab, service)
}

#[test]
fn a_failing_script_moves_the_address_between_two_alived() {
    a_failing_script_moves_the_address(Pairing { a: Program::Alived, b: Program::Alived, unicast: false });
}

#[test]
fn a_failing_script_moves_the_address_to_keepalived() {
    a_failing_script_moves_the_address(Pairing { a: Program::Alived, b: Program::Keepalived, unicast: false });
}

#[test]
fn a_failing_script_of_keepalived_moves_the_address_to_alived() {
    a_failing_script_moves_the_address(Pairing { a: Program::Keepalived, b: Program::Alived, unicast: false });
}

fn a_failing_script_moves_the_address(pairing: Pairing) {
    let (lab, service) = tracked(pairing, (HIGH, LOW), "weight -60");
    let (a, b) = (lab.host("a"), lab.host("b"));
    let broken = stamp();
    service.break_it();
    let lowered = wait_for("an advert of priority 150 - 60", Duration::from_secs(4), || {
        lab.adverts_of(a, broken).into_iter().find(|advert| advert.priority == HIGH - 60)
    });
    eventually("b alone to hold the address", Duration::from_secs(6), || lab.owners(VIP) == ["b"]);
    assert!(lab.garps_of(b, lowered.at).len() >= 5, "b announces the address");
    assert!(lab.adverts_of(a, broken).iter().all(|advert| advert.priority != 0), "a yields, it does not leave");

    service.repair();
    eventually("a alone to hold the address again", Duration::from_secs(8), || lab.owners(VIP) == ["a"]);
    assert_eq!(lab.next_advert(a, LATENESS).priority, HIGH);
}

/// Seed 002 takes 20 from 100 against a peer of 80: that only equals the peer, and a backup yields to its equal.
#[test]
fn a_weight_that_only_reaches_the_peers_priority_moves_nothing() {
    let pairing = Pairing { a: Program::Alived, b: Program::Alived, unicast: false };
    let (lab, service) = tracked(pairing, (100, 80), "weight -20");
    let broken = stamp();
    service.break_it();
    wait_for("an advert of priority 80", Duration::from_secs(4), || {
        lab.adverts_of(lab.host("a"), broken).into_iter().find(|advert| advert.priority == 80)
    });
    throughout("a alone holds the address", Duration::from_secs(5), || lab.owners(VIP) == ["a"]);
    assert_eq!(lab.adverts_of(lab.host("b"), broken), [], "an equal backup is silent");
}

#[test]
fn without_weight_the_third_failure_in_a_row_is_a_fault() {
    let pairing = Pairing { a: Program::Alived, b: Program::Alived, unicast: false };
    let (lab, service) = tracked(pairing, (HIGH, LOW), "fall 3\n    rise 2");
    let broken = stamp();
    service.break_it();
    wait_for("an advert of priority 0", Duration::from_secs(8), || {
        lab.adverts_of(lab.host("a"), broken).into_iter().find(|advert| advert.priority == 0)
    });
    assert!(service.failures() >= 3, "{} failures are not yet three", service.failures());
    eventually("b alone to hold the address", Duration::from_secs(4), || lab.owners(VIP) == ["b"]);
    service.repair();
    eventually("a alone to hold the address again", Duration::from_secs(10), || lab.owners(VIP) == ["a"]);
}

/// A script must never have more rights than the file gives it.
#[test]
fn a_script_runs_as_the_user_that_script_user_names() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).expect("opening it to everybody");
    let note = directory.path().join("who");
    let lab = Lab::pair();
    let pairing = Pairing { a: Program::Alived, b: Program::Alived, unicast: false };
    let mut conf = pairing.conf(&lab, "a", HIGH);
    conf.blocks = format!(
        "global_defs {{\n    script_user nobody nogroup\n}}\nvrrp_script who {{\n    script \"/bin/sh -c 'id > {}'\"\n}}\n",
        note.display()
    );
    lab.host("a").start(pairing.a, &conf.line("track_script {").line("    who").line("}").text());
    let who = wait_for("the script's note", LATENESS + LATENESS, || {
        fs::read_to_string(&note).ok().filter(|text| text.ends_with('\n'))
    });
    assert!(who.contains("(nobody) gid=65534(nogroup) groups=65534(nogroup)"), "{who}");
}
