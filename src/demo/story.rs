//! The story, chapter by chapter. Each waits for what should happen, and everything that does is shown meanwhile.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::Spoiled;
use super::client::Experience;
use super::event::{Event, Kind};
use super::network::{HostId, VIP};
use super::screen::{Screen, Voice, seconds};
use super::stage::Stage;
use crate::model::{AdvertInterval, DownTimerAdverts, Priority};
use crate::vrrp::timer::{master_down_interval, skew_time};

/// Longest wait for anything; what is waited for takes half of it at most.
const LIMIT: Duration = Duration::from_secs(8);
/// How early the measured times may be: they are taken by a program, not by the wire.
const EARLY: Duration = Duration::from_millis(20);
/// How late a busy machine may make them.
const LATE: Duration = Duration::from_secs(2);
/// Bursts of gratuitous ARP are told once.
const BURST: Duration = Duration::from_secs(1);

/// An advert as the story remembers it.
#[derive(Debug, Clone, Copy)]
struct Heard {
    at: Instant,
    priority: Priority,
    interval: AdvertInterval,
}

/// One measured change of owner.
struct Measured {
    /// From the old owner's last word to the new owner's gratuitous ARP.
    took: Duration,
    /// What the protocol says.
    theory: Duration,
    /// The client's longest time without an answer.
    gap: Duration,
}

/// The one who tells.
pub struct Story<'a> {
    screen: &'a Screen,
    stage: Stage,
    events: Receiver<Event>,
    adverts: BTreeMap<HostId, Heard>,
    announced: BTreeMap<(HostId, Ipv4Addr), Instant>,
    client: Experience,
    /// Directors whose daemon should be running.
    running: Vec<HostId>,
}

impl<'a> Story<'a> {
    /// A story on `stage`, about what `events` brings.
    pub fn new(screen: &'a Screen, stage: Stage, events: Receiver<Event>) -> Story<'a> {
        Story {
            screen,
            stage,
            events,
            adverts: BTreeMap::new(),
            announced: BTreeMap::new(),
            client: Experience::default(),
            running: Vec::new(),
        }
    }

    /// Tells it to the end.
    pub fn tell(mut self) -> Result<(), Spoiled> {
        self.introduce();
        self.elect()?;
        let crash = self.crash()?;
        self.come_back()?;
        let stop = self.stop()?;
        self.conclude(&crash, &stop);
        Ok(())
    }

    fn introduce(&self) {
        let screen = self.screen;
        screen.plain("alived demo: two directors share the address 10.80.0.100; a client asks it for a web page.");
        screen.plain("");
        screen.plain("  client         director a     director b     web 1          web 2");
        screen.plain("  10.80.0.50     10.80.0.1      10.80.0.2      10.81.0.11     10.81.0.12");
        screen.plain("     |              |              |              |              |");
        screen.plain("     +--------------+--- switch ---+--------------+--------------+");
        screen.plain("");
        screen.plain("The configurations are fixtures/demo/director-a.conf and director-b.conf.");
        if self.stage.kernel_has_ipvs {
            screen.plain("This kernel has ip_vs: the requests go through IPVS, which alived programs.");
        } else {
            screen.plain("This kernel has no ip_vs: a small TCP forwarder of the demo stands in for IPVS on both");
            screen
                .plain("directors. Everything else (VRRP, the addresses, ARP, the health checks) is the real daemon.");
        }
    }

    fn elect(&mut self) -> Result<(), Spoiled> {
        self.screen.chapter("Both directors start. a has the higher priority and becomes MASTER.");
        self.stage.start_client();
        self.start(HostId::A)?;
        self.start(HostId::B)?;
        self.until("a to announce the address", |event| announces(event, HostId::A))?;
        self.until_answered("the first answer to the client")?;
        self.watch_for(Duration::from_millis(2300))?;
        self.only_master(HostId::A)
    }

    fn crash(&mut self) -> Result<Measured, Spoiled> {
        self.screen.chapter("a dies: SIGKILL, and its cable goes dead. It cannot say goodbye.");
        self.client.forget_gap();
        self.end(HostId::A, |stage| stage.a.kill());
        self.stage.network.set_cable(HostId::A, false)?;
        let measured = self.b_takes_over("b to take over", |interval, priority| {
            master_down_interval(DownTimerAdverts::default(), interval, priority)
        })?;
        self.watch_for(Duration::from_millis(1500))?;
        Ok(Measured { gap: self.client.longest_gap, ..measured })
    }

    fn come_back(&mut self) -> Result<(), Spoiled> {
        self.screen.chapter("a returns, listens for three adverts, and takes its place back (preemption).");
        self.start(HostId::A)?;
        // It cleans up what its predecessor left behind before anybody can hear it.
        self.until("a's daemon to be ready", |event| takes_up_a_state(event, HostId::A))?;
        self.stage.network.set_cable(HostId::A, true)?;
        self.client.forget_gap();
        self.until("a to announce the address again", |event| announces(event, HostId::A))?;
        self.until_answered("an answer through a")?;
        self.watch_for(Duration::from_millis(1200))?;
        self.only_master(HostId::A)
    }

    fn stop(&mut self) -> Result<Measured, Spoiled> {
        self.screen.chapter("a is stopped with SIGTERM: it says goodbye with priority 0, and b waits only its skew.");
        self.client.forget_gap();
        self.end(HostId::A, |stage| stage.a.terminate());
        let measured = self.b_takes_over("b to take over", skew_time)?;
        self.watch_for(Duration::from_millis(500))?;
        let goodbye = self.adverts.get(&HostId::A).map(|heard| heard.priority);
        if goodbye != Some(Priority::STOP) {
            return Err(Spoiled::Wrong("a did not say goodbye with priority 0".to_owned()));
        }
        let gap = self.client.longest_gap;
        self.screen.chapter("b is stopped as well: nobody owns the address any more.");
        self.end(HostId::B, |stage| stage.b.terminate());
        self.until("b to stop as well", |event| matches!(event.kind, Kind::Ended { on: HostId::B, .. }))?;
        Ok(Measured { gap, ..measured })
    }

    fn conclude(&self, crash: &Measured, stop: &Measured) {
        let screen = self.screen;
        screen.chapter("As told.");
        screen.plain(&format!(
            "  a died:    last advert -> b's gratuitous ARP {}; 3 x advert_int + skew is {}",
            seconds(crash.took),
            seconds(crash.theory)
        ));
        screen.plain(&format!("             longest time without an answer for the client: {}", seconds(crash.gap)));
        screen.plain(&format!(
            "  a stopped: priority 0 -> b's gratuitous ARP {}; skew is {}",
            seconds(stop.took),
            seconds(stop.theory)
        ));
        screen.plain(&format!("             longest time without an answer for the client: {}", seconds(stop.gap)));
        screen
            .plain(&format!("  client:    {} requests answered, {} not", self.client.answered, self.client.unanswered));
    }

    /// Waits for b's gratuitous ARP and compares the silence before it with `theory`.
    fn b_takes_over(
        &mut self,
        what: &'static str,
        theory: impl Fn(AdvertInterval, Priority) -> Duration,
    ) -> Result<Measured, Spoiled> {
        let garp = self.until(what, |event| announces(event, HostId::B))?;
        let (Some(last), Some(new)) = (self.adverts.get(&HostId::A), self.adverts.get(&HostId::B)) else {
            return Err(Spoiled::Wrong("b announced the address without an advert".to_owned()));
        };
        let (took, theory) = (garp.saturating_duration_since(last.at), theory(new.interval, new.priority));
        let text = format!("b owns {VIP} {} after a's last word; the protocol says {}", seconds(took), seconds(theory));
        if took + EARLY < theory || took > theory + LATE {
            return Err(Spoiled::Wrong(text));
        }
        self.screen.say(garp, Voice::Demo, &text);
        self.until_answered("an answer through b")?;
        Ok(Measured { took, theory, gap: Duration::ZERO })
    }

    fn start(&mut self, host: HostId) -> Result<(), Spoiled> {
        let reporter = self.stage.reporter.clone();
        let director = if host == HostId::A { &mut self.stage.a } else { &mut self.stage.b };
        director.start(&reporter).map_err(|source| Spoiled::Setup { doing: "starting the daemon", source })?;
        self.running.push(host);
        Ok(())
    }

    /// Ends the daemon on `host` with `how`.
    fn end(&mut self, host: HostId, how: impl FnOnce(&mut Stage)) {
        self.running.retain(|running| *running != host);
        how(&mut self.stage);
    }

    /// `host` and nobody else sent an advert during the last interval.
    fn only_master(&self, host: HostId) -> Result<(), Spoiled> {
        let lately = |heard: &Heard| heard.at.elapsed() < heard.interval.duration() * 5 / 4;
        let masters: Vec<&str> =
            self.adverts.iter().filter(|(_, heard)| lately(heard)).map(|(host, _)| host.label()).collect();
        if masters == [host.label()] {
            return Ok(());
        }
        Err(Spoiled::Wrong(format!("{} should be the only master; masters: {}", host.label(), masters.join(", "))))
    }

    fn until_answered(&mut self, what: &'static str) -> Result<(), Spoiled> {
        let since = Instant::now();
        self.until(what, |event| matches!(event.kind, Kind::Answer { .. }) && event.at > since).map(drop)
    }

    /// Shows what happens until `awaited` does; when that was.
    fn until(&mut self, what: &'static str, awaited: impl Fn(&Event) -> bool) -> Result<Instant, Spoiled> {
        let deadline = Instant::now() + LIMIT;
        while let Some(event) = self.next(deadline)? {
            if awaited(&event) {
                return Ok(event.at);
            }
        }
        Err(Spoiled::Late { what, limit: LIMIT })
    }

    /// Shows what happens during `period`.
    fn watch_for(&mut self, period: Duration) -> Result<(), Spoiled> {
        let deadline = Instant::now() + period;
        while self.next(deadline)?.is_some() {}
        Ok(())
    }

    /// The next event before `deadline`, already shown.
    fn next(&mut self, deadline: Instant) -> Result<Option<Event>, Spoiled> {
        match self.events.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(event) => {
                self.show(&event)?;
                Ok(Some(event))
            }
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(Spoiled::Wrong("nobody reports any more".to_owned())),
        }
    }

    fn show(&mut self, event: &Event) -> Result<(), Spoiled> {
        let at = event.at;
        match &event.kind {
            Kind::Advert { from, priority, interval, text } => {
                self.adverts.insert(*from, Heard { at, priority: *priority, interval: *interval });
                self.screen.say(at, Voice::Wire, text);
            }
            Kind::Announcement { from, address } => {
                let before = self.announced.insert((*from, *address), at);
                if before.is_none_or(|before| at.saturating_duration_since(before) > BURST) {
                    let text = format!("{} announces {address} (gratuitous ARP)", from.label());
                    self.screen.say(at, Voice::Wire, &text);
                }
            }
            Kind::Said { by, text } if worth_showing(text) => {
                self.screen.say(at, Voice::Director(by.label()), text);
            }
            Kind::Said { .. } => {}
            Kind::Ended { on, how } if self.running.contains(on) => {
                return Err(Spoiled::Wrong(format!("the daemon on {} ended by itself ({how})", on.label())));
            }
            Kind::Ended { on, how } => {
                self.screen.say(at, Voice::Director(on.label()), &format!("(the daemon has ended: {how})"));
            }
            Kind::Answer { server } => self.tell_of_client(at, |client| client.answer(at, server)),
            Kind::NoAnswer { reason } => self.tell_of_client(at, |client| client.no_answer(reason)),
            Kind::Interrupted => return Err(Spoiled::Interrupted),
        }
        Ok(())
    }

    fn tell_of_client(&mut self, at: Instant, lived: impl FnOnce(&mut Experience) -> Option<String>) {
        if let Some(text) = lived(&mut self.client) {
            self.screen.say(at, Voice::Client, &text);
        }
    }
}

/// Words that mark a line of the log as part of the story: an instance's own lines begin with its name in brackets.
const TELLING: [&str; 7] = ["(web)", "IPVS", "ip_vs", "HTTP", "service", "Netlink reports", "Stopping"];

/// What the wire shows anyway is left out: one line for each gratuitous ARP.
fn worth_showing(text: &str) -> bool {
    TELLING.iter().any(|word| text.contains(word)) && !text.contains("gratuitous ARP")
}

fn announces(event: &Event, host: HostId) -> bool {
    matches!(&event.kind, Kind::Announcement { from, address } if *from == host && *address == VIP)
}

/// Whether the daemon on `host` says that it took up a state.
fn takes_up_a_state(event: &Event, host: HostId) -> bool {
    matches!(&event.kind, Kind::Said { by, text } if *by == host && text.to_lowercase().contains("entering"))
}
