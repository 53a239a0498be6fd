//! What does SIGHUP change, and what does it leave alone?

use std::fs;
use std::net::Ipv4Addr;
use std::time::Duration;

use ipnet::Ipv4Net;

use crate::common::daemon::Program;
use crate::common::lab::Lab;
use crate::common::vrrp_conf::{VIP, VrrpConf};
use crate::common::wait::{Stamp, eventually, stamp, throughout, wait_for};
use crate::pairs::{HIGH, LATENESS, LOW};

const SECOND_VIP: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 101);
/// Two adverts of a master whose rhythm is undisturbed are never further apart.
const LONGEST_GAP: Duration = Duration::from_millis(1400);

/// Two alived, a owning the address.
fn settled() -> Lab {
    let lab = Lab::pair();
    lab.host("a").start(Program::Alived, &VrrpConf::with_priority(HIGH).text());
    lab.host("b").start(Program::Alived, &VrrpConf::with_priority(LOW).text());
    lab.settle("a", VIP);
    lab
}

/// a's adverts since `since` never paused, never said goodbye; b never spoke.
#[track_caller]
fn assert_undisturbed(lab: &Lab, since: Stamp) {
    let adverts = lab.adverts_of(lab.host("a"), since);
    assert!(adverts.iter().all(|advert| advert.priority == HIGH), "{adverts:?}");
    let times: Vec<Stamp> =
        std::iter::once(since).chain(adverts.iter().map(|advert| advert.at)).chain([stamp()]).collect();
    for gap in times.windows(2) {
        assert!(gap[1] - gap[0] < LONGEST_GAP, "{:?} without an advert", gap[1] - gap[0]);
    }
    assert_eq!(lab.adverts_of(lab.host("b"), since), [], "b had no reason to speak");
}

#[test]
fn an_added_address_is_announced_without_losing_mastership_or_rhythm() {
    let lab = settled();
    let (a, b) = (lab.host("a"), lab.host("b"));
    let changed = |priority| {
        let mut conf = VrrpConf::with_priority(priority);
        conf.addresses.push(format!("{SECOND_VIP}/24"));
        conf.text().into_bytes()
    };
    // The backup first, as for keepalived: before 2.3.3 it refuses a master that names other addresses.
    b.reload(&changed(LOW));
    let reloaded = a.reload(&changed(HIGH));
    let garp = wait_for("a gratuitous ARP for the new address", LATENESS, || {
        lab.garps_of(a, reloaded).into_iter().find(|garp| garp.address == SECOND_VIP)
    });
    assert!(garp.at > reloaded);
    throughout("a alone holds both addresses", Duration::from_secs(5), || {
        lab.owners(VIP) == ["a"] && lab.owners(SECOND_VIP) == ["a"]
    });
    assert_undisturbed(&lab, reloaded);
    assert_eq!(lab.next_advert(a, LATENESS).addresses, [VIP, SECOND_VIP]);
}

#[test]
fn a_removed_address_goes_and_the_others_stay() {
    let lab = Lab::pair();
    let a = lab.host("a");
    let mut conf = VrrpConf::with_priority(HIGH);
    conf.addresses.push(format!("{SECOND_VIP}/24"));
    a.start(Program::Alived, &conf.text());
    lab.settle("a", SECOND_VIP);
    let reloaded = a.reload(VrrpConf::with_priority(HIGH).text().as_bytes());
    eventually("the second address to go", LATENESS, || !a.holds(SECOND_VIP));
    throughout("the first stays", Duration::from_secs(2), || a.holds(VIP));
    assert_undisturbed(&lab, reloaded);
}

#[test]
fn a_reload_without_a_change_is_not_noticed() {
    let lab = settled();
    let before = lab.host("a").hang_up();
    lab.host("b").hang_up();
    throughout("a alone holds the address", Duration::from_secs(4), || lab.owners(VIP) == ["a"]);
    assert_undisturbed(&lab, before);
    assert_eq!(lab.garps_of(lab.host("b"), before), []);
}

/// A file that cannot be used changes nothing, and the log names it.
#[track_caller]
fn assert_refused(break_the_file: impl Fn(&std::path::Path)) {
    let lab = settled();
    let a = lab.host("a");
    let addresses: Vec<Ipv4Net> = a.addresses();
    let said = a.log().len();
    break_the_file(&a.conf_file());
    let reloaded = a.hang_up();
    let file = a.conf_file().display().to_string();
    eventually("the log to name the file", LATENESS, || a.log()[said..].contains(&file));
    throughout("everything stays", Duration::from_secs(3), || a.is_running() && a.addresses() == addresses);
    assert_undisturbed(&lab, reloaded);

    // Mended, the same daemon takes the next file.
    let mut conf = VrrpConf::with_priority(HIGH);
    conf.addresses.push(format!("{SECOND_VIP}/24"));
    let _ = fs::remove_dir(a.conf_file());
    a.reload(conf.text().as_bytes());
    eventually("the mended file to be used", LATENESS, || a.holds(SECOND_VIP));
}

#[test]
fn a_file_with_an_unclosed_brace_changes_nothing() {
    assert_refused(|file| {
        let whole = VrrpConf::with_priority(42).text();
        let unclosed = whole.trim_end().strip_suffix('}').expect("it ends with a brace");
        fs::write(file, unclosed).expect("writing the file");
    });
}

#[test]
fn a_file_of_binary_junk_changes_nothing() {
    assert_refused(|file| {
        let junk: Vec<u8> = (0..4096_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        fs::write(file, junk).expect("writing the file");
    });
}

#[test]
fn a_missing_file_changes_nothing() {
    assert_refused(|file| fs::remove_file(file).expect("removing the file"));
}

#[test]
fn a_directory_in_place_of_the_file_changes_nothing() {
    assert_refused(|file| {
        fs::remove_file(file).expect("removing the file");
        fs::create_dir(file).expect("making a directory");
    });
}

/// Monitoring asks keepalived for dumps by these; unhandled they would end the daemon and leave its address behind.
#[test]
fn the_signals_for_dumps_disturb_nothing() {
    let lab = settled();
    let a = lab.host("a");
    let since = a.signal(nix::sys::signal::Signal::SIGUSR1);
    a.signal(nix::sys::signal::Signal::SIGUSR2);
    eventually("a to say that it has no dumps", LATENESS, || a.log().matches("has no effect yet").count() == 2);
    throughout("a alone holds the address", Duration::from_secs(2), || a.is_running() && lab.owners(VIP) == ["a"]);
    assert_undisturbed(&lab, since);
}
