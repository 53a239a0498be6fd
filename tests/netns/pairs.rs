//! Who plays against whom: a settled pair of routers, and the three pairings every question is asked of.

use std::io::Write as _;
use std::time::Duration;

use crate::common::vrrp_conf::{Transport, VIP, VrrpConf, master_down_interval};
use crate::common::wait::{Stamp, wait_for};
use crate::common::{Lab, Program};

/// Priority of host a.
pub const HIGH: u8 = 150;
/// Priority of host b.
pub const LOW: u8 = 100;
/// How early a stamp may seem: captures and timers do not read the same clock.
pub const CLOCK_SLACK: Duration = Duration::from_millis(5);
/// How late a busy machine may be.
pub const LATENESS: Duration = Duration::from_millis(1500);

/// Which programs run on a and b, and how their adverts travel.
#[derive(Debug, Clone, Copy)]
pub struct Pairing {
    pub a: Program,
    pub b: Program,
    pub unicast: bool,
}

impl Pairing {
    /// The configuration of host `name`, of `priority`.
    pub fn conf(&self, lab: &Lab, name: &str, priority: u8) -> VrrpConf {
        let peer = if name == "a" { "b" } else { "a" };
        let transport = match self.unicast {
            true => Transport::Unicast { own: lab.host(name).address(), peer: lab.host(peer).address() },
            false => Transport::Multicast,
        };
        VrrpConf::with_priority(priority).over(transport)
    }

    /// A laboratory in which a ([`HIGH`]) owns the address and b ([`LOW`]) stands by.
    pub fn settled(&self) -> Lab {
        self.settled_with(|conf| conf)
    }

    /// The same, both configurations changed by `change`.
    pub fn settled_with(&self, change: impl Fn(VrrpConf) -> VrrpConf) -> Lab {
        let lab = Lab::pair();
        lab.host("a").start(self.a, &change(self.conf(&lab, "a", HIGH)).text());
        lab.host("b").start(self.b, &change(self.conf(&lab, "b", LOW)).text());
        lab.settle("a", VIP);
        lab
    }
}

impl std::fmt::Display for Pairing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let transport = if self.unicast { "unicast" } else { "multicast" };
        write!(f, "{} -> {}, {transport}", self.a.name(), self.b.name())
    }
}

/// Says something that is shown also when the test passes.
pub fn report(line: &str) {
    // The test runner swallows print! and eprint!, not the stream itself.
    let _ = writeln!(std::io::stderr(), "    {line}");
}

/// Waits for b to take over from a master whose last advert was before `fault`, checks the wait against the protocol,
/// and reports it.
#[track_caller]
pub fn b_takes_over_after_silence(pairing: &Pairing, lab: &Lab, fault: Stamp, story: &str) {
    let (a, b) = (lab.host("a"), lab.host("b"));
    let limit = master_down_interval(LOW) + LATENESS + LATENESS;
    let garp = wait_for("b's gratuitous ARP", limit, || lab.garps_of(b, fault).into_iter().next());
    let adverts = lab.capture().adverts();
    let last = adverts.iter().rfind(|advert| advert.mac == a.mac && advert.at < garp.at).expect("a was the master");
    let first = adverts.iter().find(|advert| advert.mac == b.mac && advert.at > fault).expect("an advert before ARP");
    let silence = first.at - last.at;
    let theory = master_down_interval(LOW);
    report(&format!(
        "{story} ({pairing}): last advert to first advert {} ms, to first gratuitous ARP {} ms; \
         3 x advert_int + skew {} ms; fault to gratuitous ARP {} ms",
        silence.as_millis(),
        (garp.at - last.at).as_millis(),
        theory.as_millis(),
        garp.at.saturating_sub(fault).as_millis(),
    ));
    assert!(silence + CLOCK_SLACK >= theory, "b took over too early: {silence:?} of silence, {theory:?} are due");
    assert!(silence <= theory + LATENESS, "b took over too late: {silence:?} of silence, {theory:?} are due");
    assert!(garp.at >= first.at, "the advert comes before the gratuitous ARP");
    assert_eq!(garp.address, VIP);
}

/// Runs one question on every pairing that has an alived in it, over both transports.
macro_rules! on_every_pairing {
    ($($question:ident)*) => {$(
        mod $question {
            use crate::common::Program::{Alived, Keepalived};
            use crate::pairs::Pairing;

            #[test]
            fn alived_and_alived_over_multicast() {
                super::$question(Pairing { a: Alived, b: Alived, unicast: false });
            }
            #[test]
            fn alived_and_alived_over_unicast() {
                super::$question(Pairing { a: Alived, b: Alived, unicast: true });
            }
            #[test]
            fn alived_before_keepalived_over_multicast() {
                super::$question(Pairing { a: Alived, b: Keepalived, unicast: false });
            }
            #[test]
            fn alived_before_keepalived_over_unicast() {
                super::$question(Pairing { a: Alived, b: Keepalived, unicast: true });
            }
            #[test]
            fn keepalived_before_alived_over_multicast() {
                super::$question(Pairing { a: Keepalived, b: Alived, unicast: false });
            }
            #[test]
            fn keepalived_before_alived_over_unicast() {
                super::$question(Pairing { a: Keepalived, b: Alived, unicast: true });
            }
        }
    )*};
}
pub(crate) use on_every_pairing;
