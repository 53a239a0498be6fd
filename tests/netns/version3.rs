//! Does VRRPv3 work in hundredths of a second, and does a backup learn the master's interval?

use std::time::Duration;

use crate::common::daemon::Program;
use crate::common::lab::Lab;
use crate::common::vrrp_conf::VIP;
use crate::common::wait::{Stamp, stamp, throughout, wait_for};
use crate::pairs::{CLOCK_SLACK, HIGH, LATENESS, LOW, Pairing, on_every_pairing, report};

on_every_pairing! {
    a_silent_master_is_missed_after_three_tenths_and_the_skew
}

/// RFC 9568 §6.1: the skew is a part of the interval.
fn skew_time(interval: Duration, priority: u8) -> Duration {
    interval * (256 - u32::from(priority)) / 256
}

/// What b heard last from a, and how long after that it spoke itself; the first word since `fault`.
fn silence_before_b(lab: &Lab, fault: Stamp, limit: Duration) -> (u8, Duration) {
    let (a, b) = (lab.host("a"), lab.host("b"));
    let first = wait_for("an advert of b", limit, || lab.adverts_of(b, fault).into_iter().next());
    let adverts = lab.capture().adverts();
    let last = adverts.iter().rfind(|advert| advert.mac == a.mac && advert.at < first.at).expect("a was the master");
    (last.priority, first.at - last.at)
}

fn a_silent_master_is_missed_after_three_tenths_and_the_skew(pairing: Pairing) {
    let interval = Duration::from_millis(100);
    let lab = pairing.settled_with(|conf| conf.version_3(10));
    let fault = lab.host("a").kill();
    let (_, silence) = silence_before_b(&lab, fault, LATENESS + LATENESS);
    let theory = 3 * interval + skew_time(interval, LOW);
    report(&format!(
        "kill -9 at advert_int 0.1 ({pairing}): last advert to first advert {:.1} ms; 3 x advert_int + skew {:.1} ms",
        silence.as_secs_f64() * 1e3,
        theory.as_secs_f64() * 1e3,
    ));
    assert!(silence + CLOCK_SLACK >= theory, "b took over too early: {silence:?} of silence, {theory:?} are due");
    assert!(silence <= theory + LATENESS, "b took over too late: {silence:?} of silence, {theory:?} are due");
}

#[test]
fn a_goodbye_is_answered_after_the_skew_alone() {
    let pairing = Pairing { a: Program::Keepalived, b: Program::Alived, unicast: false };
    let lab = pairing.settled_with(|conf| conf.version_3(50));
    let fault = stamp();
    lab.host("a").terminate();
    let (priority, silence) = silence_before_b(&lab, fault, LATENESS + LATENESS);
    let theory = skew_time(Duration::from_millis(500), LOW);
    assert_eq!(priority, 0, "a said goodbye");
    assert!(silence + CLOCK_SLACK >= theory && silence <= theory + LATENESS, "{silence:?}, {theory:?} are due");
}

#[test]
fn a_backup_waits_by_the_interval_of_the_master_it_hears() {
    let pairing = Pairing { a: Program::Keepalived, b: Program::Alived, unicast: false };
    let lab = Lab::pair();
    lab.host("a").start(pairing.a, &pairing.conf(&lab, "a", HIGH).version_3(100).text());
    lab.settle("a", VIP);
    lab.host("b").start(pairing.b, &pairing.conf(&lab, "b", LOW).version_3(10).text());
    // By its own interval b would have lost patience ten times.
    throughout("a alone holds the address", Duration::from_secs(4), || lab.owners(VIP) == ["a"]);
    let fault = lab.host("a").kill();
    let (_, silence) = silence_before_b(&lab, fault, Duration::from_secs(6));
    let theory = Duration::from_secs(3) + skew_time(Duration::from_secs(1), LOW);
    assert!(silence + CLOCK_SLACK >= theory && silence <= theory + LATENESS, "{silence:?}, {theory:?} are due");
}
