//! One BFD session (RFC 5880 §6): when it sends, what it makes of what it receives, and when it gives the neighbour up.
//!
//! ```text
//!                Down heard              Init or Up heard
//!   Down ────────────────────> Init ───────────────────────> Up
//!     │  Init heard                                           ^
//!     └───────────────────────────────────────────────────────┘
//!   Down <── nothing heard for the detection time, or Down heard while Up, or AdminDown heard
//! ```
//!
//! Asynchronous mode. A neighbour that asks for demand mode gets it: no periodic packets while both are up, polls are
//! answered. Never knows a socket; whom a packet belongs to is [`super::Sessions`]' affair.

use std::time::Duration;

use crate::model::{BfdInstance, BfdInterval};
use crate::random::Random;
use crate::time::Instant;
use crate::wire::bfd::{Control, Diagnostic, State};

/// What happens to a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Begin; also after [`Event::Disable`].
    Enable,
    /// It cannot or must not run.
    Disable,
    /// A packet that belongs to it.
    Received(Control),
    /// The deadline may have come.
    Timer,
    /// Go on with other intervals, multiplier or role. Addresses, port and TTL are the same.
    Reconfigured(Box<BfdInstance>),
}

/// What a session wants done, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Send this.
    Send(Control),
    /// It has become usable, or has stopped being so. Not told when the neighbour was taken down by its operator.
    Changed {
        /// Whether it is up.
        up: bool,
    },
    /// Say so.
    Report(Report),
}

/// What a session has to tell people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// It is in another state.
    Entered {
        /// From which.
        from: State,
        /// To which.
        to: State,
        /// Why, as this side says.
        local: Diagnostic,
        /// Why, as the neighbour said last.
        remote: Diagnostic,
    },
    /// Nothing was heard for the detection time.
    Expired {
        /// Since the last packet.
        silent: Duration,
        /// Later than the detection time.
        overdue: Duration,
        /// The state until now.
        from: State,
    },
    /// The neighbour's packets may be missing for another time than before.
    DetectionTime {
        /// From now on.
        now: Duration,
        /// Until now.
        before: Duration,
    },
    /// The neighbour is asked to confirm other intervals.
    Polling,
}

/// A part of the interval by which each packet may come early, so that packets of many sessions are sent together.
const TOGETHER: f64 = 0.05;
/// The most that an interval is shortened by, [`TOGETHER`] included (RFC 5880 §6.8.7).
const MOST_JITTER: f64 = 0.25;
/// The least, with a multiplier of 1: a single lost packet would otherwise end the session (RFC 5880 §6.8.7).
const LEAST_JITTER_OF_ONE: f64 = 0.10;

/// A session; see the module's description.
#[derive(Debug, Clone)]
pub struct Session {
    config: BfdInstance,
    random: Random,
    state: State,
    diagnostic: Diagnostic,
    /// `bfd.LocalDiscr`
    discriminator: u32,
    remote: Remote,
    /// `bfd.DesiredMinTxInterval` that packets are sent at; follows what they say when a poll ends or it shrinks.
    tx: BfdInterval,
    /// `bfd.RequiredMinRxInterval` that the detection time is made of; follows when a poll ends or it grows.
    rx: BfdInterval,
    /// A Poll Sequence is under way.
    poll: bool,
    sent_at: Option<Instant>,
    send_at: Option<Instant>,
    expires_at: Option<Instant>,
    heard_at: Option<Instant>,
}

/// What is known of the neighbour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remote {
    /// `bfd.RemoteSessionState`
    pub state: State,
    /// `bfd.RemoteDiscr`; 0 when unknown.
    pub discriminator: u32,
    /// Its diagnostic.
    pub diagnostic: Diagnostic,
    /// `bfd.RemoteMinRxInterval`, µs; 0 wants no periodic packets.
    pub min_rx: u32,
    /// Its desired minimum TX interval, µs.
    pub min_tx: u32,
    /// `bfd.RemoteDemandMode`
    pub demand: bool,
    /// Its detection multiplier; 0 before the first packet.
    pub detect_mult: u8,
}

impl Session {
    /// Down, silent until [`Event::Enable`]. `discriminator` is not 0 and unique among the sessions of this machine.
    pub fn new(config: BfdInstance, discriminator: u32, random: Random) -> Session {
        Session {
            random,
            state: State::AdminDown,
            diagnostic: Diagnostic::NONE,
            discriminator,
            remote: Remote {
                state: State::Down,
                discriminator: 0,
                diagnostic: Diagnostic::NONE,
                min_rx: 1, // RFC 5880 §6.8.1
                min_tx: 0,
                demand: false,
                detect_mult: 0,
            },
            tx: config.idle_tx,
            rx: config.min_rx,
            poll: false,
            sent_at: None,
            send_at: None,
            expires_at: None,
            heard_at: None,
            config,
        }
    }

    /// Its settings.
    pub fn config(&self) -> &BfdInstance {
        &self.config
    }

    /// `bfd.SessionState`
    pub fn state(&self) -> State {
        self.state
    }

    /// Why it changed its state last.
    pub fn diagnostic(&self) -> Diagnostic {
        self.diagnostic
    }

    /// `bfd.LocalDiscr`: what the neighbour's packets call it.
    pub fn discriminator(&self) -> u32 {
        self.discriminator
    }

    /// What is known of the neighbour.
    pub fn remote(&self) -> Remote {
        self.remote
    }

    /// A Poll Sequence is under way.
    pub fn is_polling(&self) -> bool {
        self.poll
    }

    /// When the neighbour was heard last.
    pub fn heard_at(&self) -> Option<Instant> {
        self.heard_at
    }

    /// When [`Event::Timer`] is due.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.send_at.into_iter().chain(self.expires_at).min()
    }

    /// Silence after which the neighbour is given up (RFC 5880 §6.8.4); zero before the first packet.
    pub fn detection_time(&self) -> Duration {
        let agreed = self.rx.micros().max(self.remote.min_tx);
        Duration::from_micros(u64::from(self.remote.detect_mult) * u64::from(agreed))
    }

    /// The same on the neighbour's side, for what this one sends.
    pub fn remote_detection_time(&self) -> Duration {
        u32::from(self.config.multiplier.get()) * self.interval()
    }

    /// From packet to packet, before it is shortened at random (RFC 5880 §6.8.7).
    pub fn interval(&self) -> Duration {
        Duration::from_micros(self.tx.micros().max(self.remote.min_rx).into())
    }

    /// The same of the neighbour.
    pub fn remote_interval(&self) -> Duration {
        Duration::from_micros(self.rx.micros().max(self.remote.min_tx).into())
    }

    /// Takes one event at `now`.
    pub fn handle(&mut self, now: Instant, event: Event) -> Vec<Action> {
        let mut out = Vec::new();
        match event {
            Event::Enable => self.enable(now, &mut out),
            Event::Disable => self.disable(&mut out),
            Event::Received(control) => self.received(now, &control, &mut out),
            Event::Timer => self.timer(now, &mut out),
            Event::Reconfigured(config) => self.reconfigured(now, *config, &mut out),
        }
        out
    }

    fn enable(&mut self, now: Instant, out: &mut Vec<Action>) {
        if self.state != State::AdminDown {
            return;
        }
        self.state = State::Down;
        self.diagnostic = Diagnostic::NONE;
        // Whoever tracks it must not take it for up before it is.
        out.push(Action::Changed { up: false });
        if self.sends_periodically() {
            self.send(now, false, out);
        }
    }

    fn disable(&mut self, out: &mut Vec<Action>) {
        if self.state == State::AdminDown {
            return;
        }
        self.enter(State::AdminDown, Diagnostic::ADMINISTRATIVELY_DOWN, out);
        self.send_at = None;
        self.expires_at = None;
    }

    fn timer(&mut self, now: Instant, out: &mut Vec<Action>) {
        if self.expires_at.is_some_and(|due| due <= now) {
            self.expire(now, out);
        }
        let together = self.interval().mul_f64(TOGETHER);
        if self.send_at.is_some_and(|due| due <= now + together) {
            self.send_at = None;
            if self.sends_periodically() {
                self.send(now, false, out);
            }
        }
    }

    /// RFC 5880 §6.8.4: the neighbour is not heard any more.
    fn expire(&mut self, now: Instant, out: &mut Vec<Action>) {
        let due = self.expires_at.take().unwrap_or(now);
        let from = self.state;
        self.remote.discriminator = 0;
        if matches!(from, State::Init | State::Up) {
            let silent = self.heard_at.map_or(Duration::ZERO, |heard| now.since(heard));
            out.push(Action::Report(Report::Expired { silent, overdue: now.since(due), from }));
            self.enter(State::Down, Diagnostic::EXPIRED, out);
            self.tell_the_neighbour(now, out);
        }
    }

    /// RFC 5880 §6.8.6, from where the session has been found.
    fn received(&mut self, now: Instant, control: &Control, out: &mut Vec<Action>) {
        if self.state == State::AdminDown {
            return;
        }
        let detection_time = self.detection_time();
        self.remote = Remote {
            state: control.state,
            discriminator: control.my_discriminator,
            diagnostic: control.diagnostic,
            min_rx: control.required_min_rx,
            min_tx: control.desired_min_tx,
            demand: control.demand,
            detect_mult: control.detect_mult,
        };
        if control.finally && self.poll {
            self.poll = false;
            self.tx = self.desired_min_tx();
            self.rx = self.config.min_rx;
        }
        self.heard_at = Some(now);
        let before = self.state;
        self.transition(control.state, out);
        self.tell_detection_time(detection_time, out);
        self.expires_at = Some(now + self.detection_time());
        if control.poll {
            self.send(now, true, out);
        } else if self.state != before {
            self.tell_the_neighbour(now, out);
        }
        self.schedule(now);
    }

    fn tell_detection_time(&self, before: Duration, out: &mut Vec<Action>) {
        let now = self.detection_time();
        if now != before {
            out.push(Action::Report(Report::DetectionTime { now, before }));
        }
    }

    /// RFC 5880 §6.8.6: the state machine. AdminDown of this side was dealt with before.
    fn transition(&mut self, heard: State, out: &mut Vec<Action>) {
        match (self.state, heard) {
            (State::Down | State::AdminDown, State::AdminDown) => {}
            (State::Init | State::Up, State::AdminDown) => self.enter(State::Down, Diagnostic::NEIGHBOUR_DOWN, out),
            (State::Down, State::Down) => self.enter(State::Init, Diagnostic::NONE, out),
            (State::Down, State::Init) => self.enter(State::Up, Diagnostic::NONE, out),
            // It takes this side for up still: it has to hear Down first.
            (State::Down, State::Up) => {}
            (State::Init, State::Down) => {}
            (State::Init, State::Init | State::Up) => self.enter(State::Up, Diagnostic::NONE, out),
            (State::Up, State::Down) => self.enter(State::Down, Diagnostic::NEIGHBOUR_DOWN, out),
            (State::Up, State::Init | State::Up) => {}
            (State::AdminDown, State::Down | State::Init | State::Up) => {}
        }
    }

    fn enter(&mut self, to: State, diagnostic: Diagnostic, out: &mut Vec<Action>) {
        let from = std::mem::replace(&mut self.state, to);
        self.diagnostic = diagnostic;
        let remote = self.remote.diagnostic;
        out.push(Action::Report(Report::Entered { from, to, local: diagnostic, remote }));
        match (from, to) {
            (_, State::Up) => {
                out.push(Action::Changed { up: true });
                // Faster from now on, and the neighbour has to know.
                self.change_intervals(out);
            }
            (_, State::Down | State::AdminDown) => {
                self.poll = false;
                self.tx = self.desired_min_tx();
                self.rx = self.config.min_rx;
                // Its operator took it down: that says nothing about the path (RFC 5882 §4.1; keepalived is silent too).
                if from == State::Up && self.remote.state != State::AdminDown {
                    out.push(Action::Changed { up: false });
                }
            }
            (_, State::Init) => {}
        }
    }

    /// What packets say: slow while the session is not up (RFC 5880 §6.8.3).
    fn desired_min_tx(&self) -> BfdInterval {
        if self.state == State::Up { self.config.min_tx } else { self.config.idle_tx }
    }

    /// RFC 5880 §6.8.3: other intervals than before while up take a Poll Sequence. A shorter one of sending and a longer
    /// one of receiving count at once, the others when the neighbour has confirmed.
    fn change_intervals(&mut self, out: &mut Vec<Action>) {
        let (tx, rx) = (self.desired_min_tx(), self.config.min_rx);
        if (tx, rx) == (self.tx, self.rx) {
            return;
        }
        self.tx = self.tx.min(tx);
        self.rx = self.rx.max(rx);
        self.poll = true;
        out.push(Action::Report(Report::Polling));
    }

    fn reconfigured(&mut self, now: Instant, config: BfdInstance, out: &mut Vec<Action>) {
        let before = self.detection_time();
        self.config = config;
        match self.state {
            State::Up => self.change_intervals(out),
            State::AdminDown | State::Down | State::Init => {
                self.tx = self.desired_min_tx();
                self.rx = self.config.min_rx;
            }
        }
        self.tell_detection_time(before, out);
        if self.expires_at.is_some()
            && let Some(heard) = self.heard_at
        {
            self.expires_at = Some((heard + self.detection_time()).max(now));
        }
        self.schedule(now);
    }

    /// RFC 5880 §6.8.7.
    fn sends_periodically(&self) -> bool {
        let waits = self.config.passive && self.remote.discriminator == 0;
        let both_up = self.state == State::Up && self.remote.state == State::Up;
        let unwanted = self.remote.min_rx == 0 || (self.remote.demand && both_up && !self.poll);
        self.state != State::AdminDown && !waits && !unwanted
    }

    /// RFC 5880 §6.8.7: a change of state is told between the periodic packets.
    fn tell_the_neighbour(&mut self, now: Instant, out: &mut Vec<Action>) {
        // Also when it asks for demand mode: it cannot know otherwise.
        let waits = self.config.passive && self.remote.discriminator == 0 && self.state == State::Down;
        if self.remote.min_rx != 0 && !waits {
            self.send(now, false, out);
        }
    }

    fn send(&mut self, now: Instant, finally: bool, out: &mut Vec<Action>) {
        out.push(Action::Send(Control {
            diagnostic: self.diagnostic,
            state: self.state,
            poll: self.poll && !finally,
            finally,
            control_plane_independent: false,
            demand: false,
            detect_mult: self.config.multiplier.get(),
            my_discriminator: self.discriminator,
            your_discriminator: self.remote.discriminator,
            desired_min_tx: self.desired_min_tx().micros(),
            required_min_rx: self.config.min_rx.micros(),
            required_min_echo_rx: 0,
        }));
        if !finally {
            self.sent_at = Some(now);
            self.send_at = None;
        }
        self.schedule(now);
    }

    /// The next periodic packet, not later than the interval in force allows.
    fn schedule(&mut self, now: Instant) {
        if !self.sends_periodically() {
            self.send_at = None;
            return;
        }
        let least = if self.config.multiplier.get() == 1 { LEAST_JITTER_OF_ONE } else { 0.0 };
        let shortened = least + (MOST_JITTER - TOGETHER - least) * self.random.fraction();
        let due = self.sent_at.unwrap_or(now) + self.interval().mul_f64(1.0 - shortened);
        self.send_at = Some(self.send_at.map_or(due, |planned| planned.min(due)).max(now));
    }
}

#[cfg(test)]
pub(super) mod tests;
