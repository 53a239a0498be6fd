//! All BFD sessions of a configuration: which one a packet belongs to, which one is due, and a reload as a difference.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use super::session::{self, Report, Session};
use crate::model::BfdInstance;
use crate::random::Random;
use crate::time::Instant;
use crate::wire::bfd::{Control, Discard, LEN, State};

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'a> {
    /// Begin, or go on with other sessions.
    Configure(Vec<BfdInstance>),
    /// A packet came in.
    Datagram {
        /// IP source.
        from: IpAddr,
        /// IP destination, when the system told.
        to: Option<IpAddr>,
        /// TTL or hop limit, when the system told.
        ttl: Option<u8>,
        /// On which port: that of multihop sessions.
        multihop: bool,
        /// The UDP payload.
        bytes: &'a [u8],
    },
    /// A session's socket could not be opened; it is disabled until [`Event::Opened`].
    OpenFailed {
        /// Which session.
        name: String,
    },
    /// A session's socket is open after all.
    Opened {
        /// Which session.
        name: String,
    },
    /// The deadline may have come.
    Timer,
}

/// What must be done, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Open a socket to send from; on failure answer with [`Event::OpenFailed`], and [`Event::Opened`] later.
    Open(Box<BfdInstance>),
    /// Close it.
    Close {
        /// Which session's.
        name: String,
    },
    /// Send this from the session's socket.
    Send {
        /// Position of the session in the configuration.
        index: usize,
        /// The UDP payload.
        bytes: [u8; LEN],
    },
    /// A session has become usable, or has stopped being so.
    Changed {
        /// Which one.
        name: String,
        /// Whether it is up.
        up: bool,
        /// VRRP instances may track it.
        for_vrrp: bool,
        /// Real servers may track it.
        for_checkers: bool,
    },
    /// Say so.
    Report {
        /// Which session.
        name: String,
        /// What.
        report: Report,
    },
}

/// What a session has sent and received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Packets asked to be sent.
    pub sent: u64,
    /// Packets that it took.
    pub received: u64,
    /// Packets whose TTL shows that they came from farther away than `max_hops` allows.
    pub ttl: u64,
    /// Times it went from Up to another state.
    pub failures: u64,
}

/// Received packets that reached no session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Discarded {
    /// Not a packet that anybody could take (RFC 5880 §6.8.6).
    pub malformed: u64,
    /// Authenticated, and no authentication is in use.
    pub authenticated: u64,
    /// A discriminator or an address of no session.
    pub unknown_session: u64,
}

struct Entry {
    session: Session,
    counters: Counters,
    /// As in `due`.
    deadline: Option<Instant>,
}

/// All sessions.
pub struct Sessions {
    entries: Vec<Entry>,
    by_discriminator: HashMap<u32, usize>,
    due: BTreeSet<(Instant, usize)>,
    random: Random,
    discarded: Discarded,
}

/// What one session is and has seen.
#[derive(Debug, Clone)]
pub struct Status {
    /// The session.
    pub session: Session,
    /// Its packets.
    pub counters: Counters,
}

impl Sessions {
    /// No session. `seed` spreads the packets and makes the discriminators hard to guess.
    pub fn new(seed: u64) -> Sessions {
        Sessions {
            entries: Vec::new(),
            by_discriminator: HashMap::new(),
            due: BTreeSet::new(),
            random: Random::new(seed),
            discarded: Discarded::default(),
        }
    }

    /// Every session, in file order.
    pub fn status(&self) -> Vec<Status> {
        let status = |entry: &Entry| Status { session: entry.session.clone(), counters: entry.counters };
        self.entries.iter().map(status).collect()
    }

    /// Received packets that reached no session.
    pub fn discarded(&self) -> Discarded {
        self.discarded
    }

    /// When [`Event::Timer`] is due.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Takes one event at `now`.
    pub fn handle(&mut self, now: Instant, event: Event<'_>) -> Vec<Action> {
        let mut out = Vec::new();
        match event {
            Event::Configure(instances) => self.configure(now, instances, &mut out),
            Event::Datagram { from, to, ttl, multihop, bytes } => {
                self.datagram(now, from, to, ttl, multihop, bytes, &mut out);
            }
            Event::OpenFailed { name } => self.feed_named(now, &name, session::Event::Disable, &mut out),
            Event::Opened { name } => self.feed_named(now, &name, session::Event::Enable, &mut out),
            Event::Timer => {
                // A session that is due again at once waits for its turn: nobody can keep this loop busy.
                let due: Vec<usize> = self.due.range(..=(now, usize::MAX)).map(|(_, index)| *index).collect();
                for index in due {
                    self.feed(now, index, session::Event::Timer, &mut out);
                }
            }
        }
        out
    }

    fn feed_named(&mut self, now: Instant, name: &str, event: session::Event, out: &mut Vec<Action>) {
        if let Some(index) = self.entries.iter().position(|entry| entry.session.config().name == name) {
            self.feed(now, index, event, out);
        }
    }

    fn feed(&mut self, now: Instant, index: usize, event: session::Event, out: &mut Vec<Action>) {
        let entry = &mut self.entries[index];
        for action in entry.session.handle(now, event) {
            let config = entry.session.config();
            match action {
                session::Action::Send(control) => {
                    entry.counters.sent += 1;
                    out.push(Action::Send { index, bytes: control.emit() });
                }
                session::Action::Changed { up } => out.push(Action::Changed {
                    name: config.name.clone(),
                    up,
                    for_vrrp: config.for_vrrp,
                    for_checkers: config.for_checkers,
                }),
                session::Action::Report(report) => {
                    if matches!(report, Report::Entered { from: State::Up, .. }) {
                        entry.counters.failures += 1;
                    }
                    out.push(Action::Report { name: config.name.clone(), report });
                }
            }
        }
        self.reschedule(index);
    }

    fn reschedule(&mut self, index: usize) {
        let entry = &mut self.entries[index];
        let deadline = entry.session.next_deadline();
        if deadline != entry.deadline {
            if let Some(old) = std::mem::replace(&mut entry.deadline, deadline) {
                self.due.remove(&(old, index));
            }
            self.due.extend(deadline.map(|deadline| (deadline, index)));
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the facts of one datagram, and they come together only here")]
    fn datagram(
        &mut self,
        now: Instant,
        from: IpAddr,
        to: Option<IpAddr>,
        ttl: Option<u8>,
        multihop: bool,
        bytes: &[u8],
        out: &mut Vec<Action>,
    ) {
        let control = match Control::parse(bytes) {
            Ok(control) => control,
            Err(Discard::Authenticated) => return self.discarded.authenticated += 1,
            Err(_) => return self.discarded.malformed += 1,
        };
        let index = match control.your_discriminator {
            0 => self.by_address(from, to, multihop),
            discriminator => self.by_discriminator.get(&discriminator).copied(),
        };
        let Some(index) = index else { return self.discarded.unknown_session += 1 };
        let entry = &mut self.entries[index];
        if is_from_too_far(entry.session.config(), ttl) {
            entry.counters.ttl += 1;
            return;
        }
        entry.counters.received += 1;
        self.feed(now, index, session::Event::Received(control), out);
    }

    /// A first packet names no session: its addresses do (RFC 5881 §3).
    fn by_address(&self, from: IpAddr, to: Option<IpAddr>, multihop: bool) -> Option<usize> {
        self.entries.iter().position(|entry| {
            let config = entry.session.config();
            let source_fits = config.source.is_none_or(|source| to.is_none_or(|to| to == source));
            config.neighbour == from && config.multihop == multihop && source_fits
        })
    }

    /// A session is the same when it has the same name, goes the same way and shows the same TTL.
    fn configure(&mut self, now: Instant, instances: Vec<BfdInstance>, out: &mut Vec<Action>) {
        let mut old: HashMap<String, Entry> = std::mem::take(&mut self.entries)
            .into_iter()
            .map(|entry| (entry.session.config().name.clone(), entry))
            .collect();
        self.due.clear();
        let mut kept: Vec<(BfdInstance, Option<Entry>)> = Vec::new();
        for instance in instances {
            let same = old.remove(&instance.name);
            let same = match same {
                Some(entry) if goes_the_same_way(entry.session.config(), &instance) => Some(entry),
                Some(other) => {
                    out.push(Action::Close { name: other.session.config().name.clone() });
                    None
                }
                None => None,
            };
            kept.push((instance, same));
        }
        out.extend(old.into_keys().map(|name| Action::Close { name }));
        self.by_discriminator = kept
            .iter()
            .enumerate()
            .filter_map(|(index, (_, entry))| Some((entry.as_ref()?.session.discriminator(), index)))
            .collect();
        let mut started = Vec::new();
        for (index, (instance, entry)) in kept.into_iter().enumerate() {
            match entry {
                Some(entry) => {
                    self.entries.push(Entry { deadline: None, ..entry });
                    self.feed(now, index, session::Event::Reconfigured(Box::new(instance)), out);
                }
                None => {
                    let discriminator = self.new_discriminator();
                    self.by_discriminator.insert(discriminator, index);
                    let random = Random::new(self.random.bits());
                    out.push(Action::Open(Box::new(instance.clone())));
                    let session = Session::new(instance, discriminator, random);
                    self.entries.push(Entry { session, counters: Counters::default(), deadline: None });
                    started.push(index);
                }
            }
        }
        for index in started {
            self.feed(now, index, session::Event::Enable, out);
        }
    }

    /// Not 0, and no other session's (RFC 5880 §6.8.1).
    fn new_discriminator(&mut self) -> u32 {
        loop {
            let discriminator = (self.random.bits() >> 32) as u32;
            if discriminator != 0 && !self.by_discriminator.contains_key(&discriminator) {
                return discriminator;
            }
        }
    }
}

fn goes_the_same_way(old: &BfdInstance, new: &BfdInstance) -> bool {
    let way = |config: &BfdInstance| (config.neighbour, config.source, config.ttl, config.multihop);
    way(old) == way(new)
}

/// The Generalized TTL Security Mechanism (RFC 5082, RFC 5881 §5), with a number of hops that are allowed.
fn is_from_too_far(config: &BfdInstance, ttl: Option<u8>) -> bool {
    let (Some(max_hops), Some(ttl)) = (config.max_hops, ttl) else { return false };
    u16::from(ttl) + u16::from(max_hops) < u16::from(config.ttl.get())
}

#[cfg(test)]
mod tests;
