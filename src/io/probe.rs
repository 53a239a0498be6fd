//! Carries out the probes of health checks that need the network: many at once, on one thread, without blocking.
//!
//! ```text
//! start ──→ socket, connect ──→ [TLS] ──→ octets of a `Dialogue` to and fro ──→ take_finished
//!                 └───── epoll says when to go on; a deadline says when not ─────┘
//! ```
//!
//! A task of a runtime for each probe would cost more than the probe: thousands of them a second are a few system calls
//! each. Decides nothing but which errors are the server's.

mod connection;
mod patterns;
mod ping_range;
mod running;
mod tls;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollTimeout};

use crate::check::{Dialogue, Outcome, Probe};
use crate::model::ClientCertificate;
use crate::time::Instant;

use connection::Opening;
use patterns::Patterns;
use ping_range::PingRange;
use running::Running;
use tls::Tls;

/// Events taken from the kernel at a time.
const EVENTS: usize = 64;
/// More than any dialogue reads at a time.
const BUFFER: usize = 65_536;

/// Probes under way, each known to the caller by an `Id`.
pub struct Prober<Id> {
    epoll: Epoll,
    running: HashMap<u64, (Id, Running)>,
    /// The key of the next one; none is used twice.
    next_key: u64,
    deadlines: BTreeSet<(Instant, u64)>,
    finished: VecDeque<(Id, Outcome)>,
    buffer: Vec<u8>,
    random: Random,
    patterns: Patterns,
    tls: Tls,
    ping_range: PingRange,
    /// What servers said, if that is to be kept.
    record: Option<Vec<u8>>,
}

impl<Id: Copy> Prober<Id> {
    /// Nothing is under way yet. `seed` names questions to name servers.
    pub fn new(seed: u64) -> io::Result<Prober<Id>> {
        Ok(Prober {
            epoll: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?,
            running: HashMap::new(),
            next_key: 0,
            deadlines: BTreeSet::new(),
            finished: VecDeque::new(),
            buffer: vec![0; BUFFER],
            random: Random(seed),
            patterns: Patterns::default(),
            tls: Tls::new(ClientCertificate::default()),
            ping_range: PingRange::default(),
            record: None,
        })
    }

    /// Shows this certificate from now on.
    pub fn identify(&mut self, files: ClientCertificate) {
        self.tls = Tls::new(files);
        self.patterns = Patterns::default();
    }

    /// Keeps what servers say from now on.
    pub fn record(&mut self) {
        self.record = Some(Vec::new());
    }

    /// What servers have said since [`Prober::record`].
    pub fn take_record(&mut self) -> Vec<u8> {
        self.record.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// A descriptor that is readable when [`Prober::turn`] has something to do.
    pub fn readiness(&self) -> io::Result<OwnedFd> {
        self.epoll.0.as_fd().try_clone_to_owned()
    }

    /// Begins a probe; its outcome comes from [`Prober::take_finished`], perhaps at once. A check that needs no network
    /// has none.
    pub fn start(&mut self, now: Instant, id: Id, probe: &Probe) {
        let opened = self.patterns.search(probe).map_err(Outcome::NotMade).and_then(|search| {
            let dialogue = Dialogue::new(probe, self.random.next(), search);
            let opened =
                dialogue.map(|dialogue| Ok((dialogue, connection::open(probe, &mut self.tls, &mut self.ping_range)?)));
            opened.transpose()
        });
        let (dialogue, (connection, opening)) = match opened {
            Ok(Some(opened)) => opened,
            Ok(None) => return,
            Err(outcome) => return self.finished.push_back((id, outcome)),
        };
        let mut running = Running::new(connection, dialogue, now, probe.checker.timing.connect_timeout);
        let outcome = match opening {
            Opening::Made => running.connected(now),
            Opening::InProgress => None,
        };
        let key = self.next_key;
        match outcome.or_else(|| running.watch(&self.epoll, key)) {
            Some(outcome) => self.finished.push_back((id, outcome)),
            None => {
                self.next_key += 1;
                self.deadlines.insert((running.deadline(), key));
                self.running.insert(key, (id, running));
            }
        }
    }

    /// Goes on with what is ready, and ends what has taken too long. False when there is more: others get their turn
    /// before it is called again.
    pub fn turn(&mut self, now: Instant) -> bool {
        let mut events = [EpollEvent::empty(); EVENTS];
        let count = self.epoll.wait(&mut events, EpollTimeout::ZERO).unwrap_or(0);
        let mut is_idle = count < EVENTS;
        for event in &events[..count] {
            is_idle &= self.proceed(now, event.data());
        }
        while let Some(&(_, key)) = self.deadlines.first().filter(|(at, _)| *at <= now) {
            self.deadlines.pop_first();
            if let Some((id, running)) = self.running.remove(&key) {
                self.finished.push_back((id, running.timed_out()));
            }
        }
        is_idle
    }

    /// False when the probe could go on at once.
    fn proceed(&mut self, now: Instant, key: u64) -> bool {
        let Some((id, running)) = self.running.get_mut(&key) else { return true };
        let (id, before) = (*id, running.deadline());
        let outcome =
            running.proceed(now, &mut self.buffer, &mut self.record).or_else(|| running.watch(&self.epoll, key));
        let after = running.deadline();
        let is_idle = outcome.is_some() || !running.has_more();
        if outcome.is_some() || after != before {
            self.deadlines.remove(&(before, key));
        }
        match outcome {
            Some(outcome) => {
                self.running.remove(&key);
                self.finished.push_back((id, outcome));
            }
            None if after != before => drop(self.deadlines.insert((after, key))),
            None => {}
        }
        is_idle
    }

    /// When [`Prober::turn`] has something to do even if nothing becomes ready.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// The outcome of a probe that is over.
    pub fn take_finished(&mut self) -> Option<(Id, Outcome)> {
        self.finished.pop_front()
    }

    /// Ends every probe without an outcome.
    pub fn abandon_all(&mut self) {
        self.running.clear();
        self.deadlines.clear();
        self.finished.clear();
    }
}

/// A multiplicative congruential generator (Steele, Vigna 2021): its numbers only have to differ.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u16 {
        self.0 = self.0.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(0x9e37_79b9_7f4a_7c15);
        (self.0 >> 48) as u16
    }
}

#[cfg(test)]
mod tests;
