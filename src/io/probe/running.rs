//! One probe under way: connecting, agreeing on keys, talking.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags};

use crate::check::{Cause, Dialogue, Outcome, Step};
use crate::time::Instant;

use super::connection::{Connection, Progress};

/// Pieces of one answer that are read before others get their turn.
const READS: usize = 16;

/// A probe under way.
pub(super) struct Running {
    connection: Connection,
    dialogue: Dialogue,
    phase: Phase,
    /// What is not sent yet.
    outbox: Vec<u8>,
    timeout: Duration,
    deadline: Instant,
    /// What epoll waits for, and what it should wait for; empty before it knows the descriptor.
    watched: EpollFlags,
    wanted: EpollFlags,
    has_more: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Connecting,
    Handshaking,
    Talking,
}

impl Running {
    /// A probe that has begun to connect.
    pub(super) fn new(connection: Connection, dialogue: Dialogue, now: Instant, timeout: Duration) -> Running {
        Running {
            connection,
            dialogue,
            phase: Phase::Connecting,
            outbox: Vec::new(),
            timeout,
            deadline: now + timeout,
            watched: EpollFlags::empty(),
            wanted: EpollFlags::EPOLLOUT,
            has_more: false,
        }
    }

    /// Whether there was more to read when others got their turn.
    pub(super) fn has_more(&self) -> bool {
        self.has_more
    }

    /// When it has taken too long.
    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Makes epoll wait for what comes next; an outcome when that is not possible.
    pub(super) fn watch(&mut self, epoll: &Epoll, key: u64) -> Option<Outcome> {
        if self.watched == self.wanted {
            return None;
        }
        let mut event = EpollEvent::new(self.wanted, key);
        let fd: BorrowedFd = self.connection.fd();
        let done = if self.watched.is_empty() { epoll.add(fd, event) } else { epoll.modify(fd, &mut event) };
        self.watched = self.wanted;
        done.err().map(|error| Outcome::NotMade(error.to_string()))
    }

    /// What comes of it when its time is over.
    pub(super) fn timed_out(self) -> Outcome {
        match self.phase {
            Phase::Connecting | Phase::Handshaking => Outcome::Failed(Cause::ConnectTimeout),
            Phase::Talking => self.dialogue.timed_out(),
        }
    }

    /// Goes on after epoll found it ready.
    pub(super) fn proceed(&mut self, now: Instant, buffer: &mut [u8], record: &mut Option<Vec<u8>>) -> Option<Outcome> {
        match self.phase {
            Phase::Connecting => match self.connection.error() {
                None => self.connected(now),
                Some(error) if error.raw_os_error() == Some(Errno::ETIMEDOUT as i32) => {
                    Some(Outcome::Failed(Cause::ConnectTimeout))
                }
                Some(_) => Some(Outcome::Failed(Cause::ConnectFailed)),
            },
            Phase::Handshaking => self.handshake(now),
            Phase::Talking if self.outbox.is_empty() => self.read(now, buffer, record),
            Phase::Talking => self.write(),
        }
    }

    /// There is a connection.
    pub(super) fn connected(&mut self, now: Instant) -> Option<Outcome> {
        self.phase = Phase::Handshaking;
        self.handshake(now)
    }

    fn handshake(&mut self, now: Instant) -> Option<Outcome> {
        match self.connection.handshake() {
            Ok(Progress::Done(_)) => {}
            Ok(Progress::Blocked(wanted)) => {
                self.wanted = wanted;
                return None;
            }
            Err(reason) => return Some(Outcome::Failed(Cause::Handshake(reason))),
        }
        self.phase = Phase::Talking;
        self.deadline = now + self.timeout;
        self.wanted = EpollFlags::EPOLLIN;
        let step = self.dialogue.opened();
        self.follow(step)
    }

    fn follow(&mut self, step: Step) -> Option<Outcome> {
        match step {
            Step::Read => None,
            Step::Send(octets) => {
                self.outbox = octets;
                self.write()
            }
            Step::Done(outcome) => {
                self.connection.close();
                Some(outcome)
            }
        }
    }

    fn write(&mut self) -> Option<Outcome> {
        while !self.outbox.is_empty() {
            match self.connection.write(&self.outbox) {
                Ok(Progress::Done(sent)) => drop(self.outbox.drain(..sent)),
                Ok(Progress::Blocked(wanted)) => {
                    self.wanted = wanted;
                    return None;
                }
                Err(_) => return Some(Outcome::Failed(Cause::WriteFailed)),
            }
        }
        self.wanted = EpollFlags::EPOLLIN;
        None
    }

    fn read(&mut self, now: Instant, buffer: &mut [u8], record: &mut Option<Vec<u8>>) -> Option<Outcome> {
        self.has_more = false;
        for _ in 0..READS {
            let room = self.dialogue.room().min(buffer.len());
            match self.connection.read(&mut buffer[..room]) {
                Ok(Progress::Done(0)) if self.connection.has_end() => return Some(self.ended()),
                Ok(Progress::Done(length)) => {
                    if self.dialogue.is_patient() && !self.connection.is_encrypted() {
                        self.deadline = now + self.timeout;
                    }
                    if let Some(record) = record {
                        record.extend_from_slice(&buffer[..length]);
                    }
                    let step = self.dialogue.received(&buffer[..length]);
                    let outcome = self.follow(step);
                    if outcome.is_some() || !self.outbox.is_empty() {
                        return outcome;
                    }
                }
                Ok(Progress::Blocked(wanted)) => {
                    self.wanted = wanted;
                    return None;
                }
                Err(_) => return Some(self.broken()),
            }
        }
        self.has_more = true;
        None
    }

    /// The server ended its side.
    fn ended(&mut self) -> Outcome {
        let outcome = std::mem::replace(&mut self.dialogue, Dialogue::Connect).closed();
        self.connection.close();
        outcome
    }

    /// An error of TLS after the header was seen is no failure; any other is.
    fn broken(&mut self) -> Outcome {
        if self.connection.is_encrypted() { self.ended() } else { Outcome::Failed(Cause::ReadFailed) }
    }
}
