//! Does the address move when its owner dies, stops or is cut off, and after which time?

use std::time::Duration;

use crate::common::eventually;
use crate::common::vrrp_conf::{VIP, skew_time};
use crate::common::wait::{stamp, throughout, wait_for};
use crate::pairs::{CLOCK_SLACK, LATENESS, LOW, Pairing, b_takes_over_after_silence, on_every_pairing, report};

on_every_pairing! {
    killing_the_master_moves_the_address
    stopping_the_master_moves_the_address_at_once
    cutting_the_masters_link_moves_the_address
}

fn killing_the_master_moves_the_address(pairing: Pairing) {
    let lab = pairing.settled();
    let fault = lab.host("a").kill();
    b_takes_over_after_silence(&pairing, &lab, fault, "kill -9");
    // Nobody is left on a to take the address away: it stays there, and b holds it too.
    assert!(lab.host("b").holds(VIP));
    let last_words = lab.adverts_of(lab.host("a"), fault);
    assert!(last_words.iter().all(|advert| advert.priority != 0), "a killed daemon says nothing");
}

fn stopping_the_master_moves_the_address_at_once(pairing: Pairing) {
    let lab = pairing.settled();
    let (a, b) = (lab.host("a"), lab.host("b"));
    let fault = stamp();
    let status = a.terminate();
    assert!(status.success(), "SIGTERM ends in {status}");
    assert!(!a.holds(VIP), "the address is taken away before the daemon ends");

    let goodbye = wait_for("an advert of priority 0", LATENESS, || {
        lab.adverts_of(a, fault).into_iter().find(|advert| advert.priority == 0)
    });
    let garp =
        wait_for("b's gratuitous ARP", Duration::from_secs(5), || lab.garps_of(b, goodbye.at).into_iter().next());
    let first = lab.adverts_of(b, fault).into_iter().next().expect("an advert before the gratuitous ARP");
    let silence = first.at - goodbye.at;
    let theory = skew_time(LOW);
    report(&format!(
        "SIGTERM ({pairing}): priority 0 to first advert {} ms, to first gratuitous ARP {} ms; skew {} ms",
        silence.as_millis(),
        (garp.at - goodbye.at).as_millis(),
        theory.as_millis(),
    ));
    assert!(silence + CLOCK_SLACK >= theory, "b took over too early: {silence:?}, {theory:?} are due");
    assert!(silence <= theory + LATENESS, "b took over too late: {silence:?}, {theory:?} are due");
    eventually("b alone to hold the address", LATENESS, || lab.owners(VIP) == ["b"]);
    let words = lab.adverts_of(a, goodbye.at);
    assert!(words.iter().all(|advert| advert.priority == 0), "nothing but goodbyes after the first: {words:?}");
}

fn cutting_the_masters_link_moves_the_address(pairing: Pairing) {
    let lab = pairing.settled();
    let fault = lab.cut_link("a");
    eventually("a to give the address up without carrier", LATENESS, || !lab.host("a").holds(VIP));
    b_takes_over_after_silence(&pairing, &lab, fault, "link down");
    assert_eq!(lab.owners(VIP), ["b"]);

    // a hears b first, then takes its place back: never both for longer than an advert travels.
    lab.restore_link("a");
    eventually("a to take the address back", Duration::from_secs(12), || lab.owners(VIP) == ["a"]);
    throughout("a alone holds the address", Duration::from_secs(2), || lab.owners(VIP) == ["a"]);
}
