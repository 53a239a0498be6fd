//! The BFD thread: waits for packets, timers and orders, feeds [`Sessions`] and performs what it asks.
//!
//! ```text
//!   UDP 3784, 4784 ──┐                                ┌──> a UDP socket for each session
//!   timerfd ─────────┼─> epoll ─> Sessions::handle ───┼──> whoever tracks a session: the VRRP thread, the checkers
//!   orders  ─────────┘   (from the main thread)       └──> reports
//! ```
//!
//! It keeps the VRRP thread's rules: nothing here reads a file, resolves a name, starts a process or writes a log. What
//! a session has become goes to the VRRP thread without a detour over the main thread, which may be reading a file.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

use super::services::ServicesCommand;
use super::vrrp::{self, OrderWay};
use crate::bfd::{Action, Event, Report, Sessions};
use crate::controller::routers;
use crate::io::bfd::{Receiver, Sender};
use crate::model::{BfdInstance, SessionName};
use crate::random::Random;
use crate::time::Instant;

/// Packets read from one socket before the other, and the timer, get their turn.
const PACKETS_PER_TURN: usize = 256;
/// How long until a socket that could not be opened is tried again, as keepalived waits.
const TRY_AGAIN: Duration = Duration::from_secs(60);

/// Epoll tokens.
const TIMER: u64 = 0;
const ORDERS: u64 = 1;
const SINGLE_HOP: u64 = 2;
const MULTIHOP: u64 = 3;

/// What the main thread asks of the BFD thread.
#[derive(Debug)]
pub enum Order {
    /// Begin, or go on with other sessions.
    Configure(Vec<BfdInstance>),
    /// Tell what every session is, as if it had just changed.
    Tell,
    /// End.
    Stop,
}

/// A session has become usable, or has stopped being so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// `bfd_instance` name.
    pub name: String,
    /// Whether it is up.
    pub up: bool,
    /// VRRP instances may track it.
    pub for_vrrp: bool,
    /// Real servers may track it.
    pub for_checkers: bool,
}

/// Whoever tracks sessions. Called on the BFD thread, so it must not wait.
type Listener = Box<dyn Fn(Change) + Send>;

/// Why BFD could not begin, or cannot go on.
#[derive(Debug, thiserror::Error)]
#[error("{doing}")]
pub struct BfdError {
    doing: &'static str,
    source: std::io::Error,
}

fn failed(doing: &'static str, errno: nix::Error) -> BfdError {
    BfdError { doing, source: errno.into() }
}

/// BFD, seen from the main thread: the thread while there is a session, and who is told.
pub struct Bfd {
    wanted: bool,
    instances: Vec<BfdInstance>,
    thread: Option<BfdThread>,
    audience: Arc<Mutex<Audience>>,
    respawn_at: Option<tokio::time::Instant>,
    /// Why a thread ended by itself.
    ended: (tokio::sync::mpsc::UnboundedSender<String>, tokio::sync::mpsc::UnboundedReceiver<String>),
}

/// Who is told what a session has become.
#[derive(Default)]
struct Audience {
    vrrp: Option<OrderWay>,
    services: Option<tokio::sync::mpsc::UnboundedSender<ServicesCommand>>,
}

impl Audience {
    fn tell(&self, change: Change) {
        let Change { name, up, for_vrrp, for_checkers } = change;
        if let (Some(vrrp), true) = (&self.vrrp, for_vrrp) {
            let event = routers::Event::Bfd { name: SessionName(name.clone()), up };
            vrrp.order(vrrp::Order::Observed(event));
        }
        if let (Some(services), true) = (&self.services, for_checkers) {
            // Health checking may have ended; VRRP goes on.
            let _ = services.send(ServicesCommand::SessionChanged(name, up));
        }
    }
}

impl Bfd {
    /// Nothing runs before [`Bfd::configure`], and nothing at all unless `wanted`.
    pub fn new(wanted: bool) -> Bfd {
        let (audience, ended) = (Arc::default(), tokio::sync::mpsc::unbounded_channel());
        Bfd { wanted, instances: Vec::new(), thread: None, audience, respawn_at: None, ended }
    }

    /// Tells this VRRP thread from now on, and at once what every session is.
    pub fn tell_vrrp(&mut self, vrrp: Option<OrderWay>) {
        lock(&self.audience).vrrp = vrrp;
        self.thread.iter().for_each(|thread| thread.order(Order::Tell));
    }

    /// Tells these virtual servers from now on, and at once what every session is.
    pub fn tell_services(&mut self, services: Option<tokio::sync::mpsc::UnboundedSender<ServicesCommand>>) {
        lock(&self.audience).services = services;
        self.thread.iter().for_each(|thread| thread.order(Order::Tell));
    }

    /// Begins, or goes on with other sessions.
    pub fn configure(&mut self, instances: &[BfdInstance]) {
        self.instances = instances.to_vec();
        if instances.is_empty() || !self.wanted {
            self.thread.take().into_iter().for_each(BfdThread::stop);
            return;
        }
        if self.thread.is_none() {
            self.start();
        }
        if let Some(thread) = &self.thread {
            thread.order(Order::Configure(self.instances.clone()));
            // Those who have just been configured hear of sessions that have not changed as well.
            thread.order(Order::Tell);
        }
    }

    fn start(&mut self) {
        let audience = self.audience.clone();
        let ended = self.ended.0.clone();
        let listener = Box::new(move |change| lock(&audience).tell(change));
        // The main thread may be gone already.
        match BfdThread::start(listener, move |reason| drop(ended.send(reason))) {
            Ok(thread) => self.thread = Some(thread),
            Err(error) => {
                let _ = self.ended.0.send(format!("{error}: {}", error.source));
            }
        }
    }

    /// Starts the thread again should it end by itself. Returns after each step of that; safe to abandon.
    pub async fn run(&mut self) {
        if let Some(at) = self.respawn_at {
            tokio::time::sleep_until(at).await;
            self.respawn_at = None;
            let instances = std::mem::take(&mut self.instances);
            return self.configure(&instances);
        }
        // The channel stays open: one sender is here.
        let Some(reason) = self.ended.1.recv().await else { return std::future::pending().await };
        tracing::error!("BFD ended ({reason}); starting it again in {} s", super::RESPAWN_DELAY.as_secs());
        self.thread = None;
        self.respawn_at = Some(tokio::time::Instant::now() + super::RESPAWN_DELAY);
    }

    /// Ends; the neighbours notice by themselves, as with keepalived.
    pub fn stop(mut self) {
        self.thread.take().into_iter().for_each(BfdThread::stop);
    }
}

/// The audience is only ever replaced whole: nothing is half done when a holder has panicked.
fn lock(audience: &Mutex<Audience>) -> std::sync::MutexGuard<'_, Audience> {
    audience.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The BFD thread.
struct BfdThread {
    orders: mpsc::Sender<Order>,
    wake: Arc<EventFd>,
    thread: Option<JoinHandle<()>>,
}

impl BfdThread {
    /// Starts it. `ended` is called with the reason should it end by itself.
    ///
    /// # Errors
    /// The system has no thread or no descriptor left.
    pub fn start(listener: Listener, ended: impl FnOnce(String) + Send + 'static) -> Result<BfdThread, BfdError> {
        let (orders, inbox) = mpsc::channel();
        let wake = EventFd::from_value_and_flags(0, EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK);
        let wake = Arc::new(wake.map_err(|errno| failed("making an eventfd", errno))?);
        let mut edge = Edge::open(inbox, wake.clone(), listener)?;
        let body = move || match catch_unwind(AssertUnwindSafe(|| edge.run())) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => ended(format!("{error}: {}", error.source)),
            Err(_) => ended("the BFD thread panicked".to_owned()), // the hook has told where
        };
        let thread = std::thread::Builder::new().name("alived_bfd".to_owned()).spawn(body);
        let thread = thread.map_err(|source| BfdError { doing: "starting the BFD thread", source })?;
        Ok(BfdThread { orders, wake, thread: Some(thread) })
    }

    /// Hands over an order. A thread that has ended takes none.
    pub fn order(&self, order: Order) {
        if self.orders.send(order).is_ok() {
            let _ = self.wake.write(1);
        }
    }

    /// Tells it to end, and waits for that.
    pub fn stop(mut self) {
        self.order(Order::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Everything the thread owns.
struct Edge {
    sessions: Sessions,
    epoll: Epoll,
    timer: TimerFd,
    /// What the timer was set to last; it is set again only for something else.
    armed: Option<Instant>,
    wake: Arc<EventFd>,
    inbox: mpsc::Receiver<Order>,
    listener: Listener,
    /// In the order of the configuration, as [`Action::Send`] counts.
    slots: Vec<Slot>,
    receivers: [Option<Receiver>; 2],
    /// Sessions whose socket could not be opened, and when to try again.
    unopened: Vec<(BfdInstance, Instant)>,
    /// What every session was last.
    up: HashMap<String, Change>,
    random: Random,
    epoch: std::time::Instant,
    stopping: bool,
}

/// What a session sends from.
struct Slot {
    /// `bfd_instance` name.
    name: String,
    sender: Option<Sender>,
    /// The last packet could not be sent: told once, not with every packet.
    fails: bool,
}

impl Edge {
    fn open(inbox: mpsc::Receiver<Order>, wake: Arc<EventFd>, listener: Listener) -> Result<Edge, BfdError> {
        use std::hash::{BuildHasher, RandomState};
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(|errno| failed("making an epoll", errno))?;
        let flags = TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK;
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags).map_err(|errno| failed("making a timerfd", errno))?;
        let watch = |result: nix::Result<()>| result.map_err(|errno| failed("watching a descriptor", errno));
        watch(epoll.add(&timer, EpollEvent::new(EpollFlags::EPOLLIN, TIMER)))?;
        watch(epoll.add(&*wake, EpollEvent::new(EpollFlags::EPOLLIN, ORDERS)))?;
        // Different at each start, and not to be guessed from outside.
        let seed = |what: &str| RandomState::new().hash_one(what);
        Ok(Edge {
            sessions: Sessions::new(seed("sessions")),
            epoll,
            timer,
            armed: None,
            wake,
            inbox,
            listener,
            slots: Vec::new(),
            receivers: [None, None],
            unopened: Vec::new(),
            up: HashMap::new(),
            random: Random::new(seed("ports")),
            epoch: std::time::Instant::now(),
            stopping: false,
        })
    }

    fn now(&self) -> Instant {
        Instant::from_start(self.epoch.elapsed())
    }

    fn run(&mut self) -> Result<(), BfdError> {
        let mut events = [EpollEvent::empty(); 8];
        while !self.stopping {
            self.arm_timer()?;
            let count = match self.epoll.wait(&mut events, EpollTimeout::NONE) {
                Ok(count) => count,
                Err(nix::Error::EINTR) => continue,
                Err(errno) => return Err(failed("waiting for events", errno)),
            };
            let mut tokens: Vec<u64> = events[..count].iter().map(EpollEvent::data).collect();
            // Packets first: a process that was late must not give up a neighbour whose packet is already here.
            tokens.sort_unstable_by(|a, b| b.cmp(a));
            for token in tokens {
                match token {
                    TIMER => {
                        let _ = self.timer.wait(); // reads the count, so that it is quiet again
                        self.armed = None;
                    }
                    ORDERS => self.take_orders(),
                    token => self.read(token == MULTIHOP),
                }
            }
            let now = self.now();
            if self.sessions.next_deadline().is_some_and(|due| due <= now) {
                let actions = self.sessions.handle(now, Event::Timer);
                self.perform_all(actions);
            }
            self.try_again(now);
        }
        Ok(())
    }

    fn arm_timer(&mut self) -> Result<(), BfdError> {
        let retry = self.unopened.iter().map(|(_, at)| *at).min();
        let due = self.sessions.next_deadline().into_iter().chain(retry).min();
        if due == self.armed {
            return Ok(());
        }
        let armed = match due {
            Some(due) => {
                let wait = due.since(self.now()).max(Duration::from_nanos(1)); // zero would disarm it
                self.timer.set(Expiration::OneShot(TimeSpec::from_duration(wait)), TimerSetTimeFlags::empty())
            }
            None => self.timer.unset(),
        };
        self.armed = due;
        armed.map_err(|errno| failed("setting the timer", errno))
    }

    fn take_orders(&mut self) {
        let _ = self.wake.read();
        while let Ok(order) = self.inbox.try_recv() {
            match order {
                Order::Configure(instances) => self.configure(instances),
                Order::Tell => self.up.values().cloned().for_each(|change| (self.listener)(change)),
                Order::Stop => self.stopping = true,
            }
        }
    }

    fn configure(&mut self, instances: Vec<BfdInstance>) {
        let mut old: HashMap<String, Slot> =
            std::mem::take(&mut self.slots).into_iter().map(|slot| (slot.name.clone(), slot)).collect();
        let slot = |instance: &BfdInstance| {
            let name = instance.name.clone();
            old.remove(&name).unwrap_or(Slot { name, sender: None, fails: false })
        };
        self.slots = instances.iter().map(slot).collect();
        self.unopened.retain(|(unopened, _)| instances.contains(unopened));
        self.up.retain(|name, _| instances.iter().any(|instance| instance.name == *name));
        for multihop in [false, true] {
            let needed = instances.iter().any(|instance| instance.multihop == multihop);
            self.open_receiver(multihop, needed);
        }
        let now = self.now();
        let actions = self.sessions.handle(now, Event::Configure(instances));
        self.perform_all(actions);
    }

    fn open_receiver(&mut self, multihop: bool, needed: bool) {
        let place = &mut self.receivers[usize::from(multihop)];
        if !needed {
            *place = None; // closing it takes it out of the epoll set
        } else if place.is_none() {
            let token = if multihop { MULTIHOP } else { SINGLE_HOP };
            let opened = Receiver::open(multihop).and_then(|receiver| {
                self.epoll.add(&receiver, EpollEvent::new(EpollFlags::EPOLLIN, token))?;
                Ok(receiver)
            });
            match opened {
                Ok(receiver) => *place = Some(receiver),
                Err(error) => tracing::error!("BFD: opening the port to receive on: {error}"),
            }
        }
    }

    fn read(&mut self, multihop: bool) {
        for _ in 0..PACKETS_PER_TURN {
            let Some(receiver) = &self.receivers[usize::from(multihop)] else { return };
            match receiver.receive() {
                Ok(Some(packet)) => {
                    let bytes = &packet.buffer[..packet.length];
                    let event = Event::Datagram { from: packet.from, to: packet.to, ttl: packet.ttl, multihop, bytes };
                    let actions = self.sessions.handle(self.now(), event);
                    self.perform_all(actions);
                }
                Ok(None) => return,
                Err(error) => {
                    tracing::debug!("BFD: receiving: {error}");
                    return;
                }
            }
        }
    }

    /// Tries sockets again that could not be opened.
    fn try_again(&mut self, now: Instant) {
        if self.unopened.iter().all(|(_, at)| *at > now) {
            return;
        }
        let (due, later) = std::mem::take(&mut self.unopened).into_iter().partition(|(_, at)| *at <= now);
        self.unopened = later;
        let due: Vec<(BfdInstance, Instant)> = due;
        for (instance, _) in due {
            let name = instance.name.clone();
            if self.open_sender(instance) {
                let actions = self.sessions.handle(now, Event::Opened { name });
                self.perform_all(actions);
            }
        }
    }

    fn perform_all(&mut self, actions: Vec<Action>) {
        for action in actions {
            self.perform(action);
        }
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Open(instance) => {
                let name = instance.name.clone();
                if !self.open_sender(*instance) {
                    let now = self.now();
                    let actions = self.sessions.handle(now, Event::OpenFailed { name });
                    self.perform_all(actions);
                }
            }
            Action::Close { name } => {
                self.up.remove(&name);
                self.slot(&name).into_iter().for_each(|slot| slot.sender = None);
            }
            Action::Send { index, bytes } => self.send(index, &bytes),
            Action::Changed { name, up, for_vrrp, for_checkers } => {
                let change = Change { name: name.clone(), up, for_vrrp, for_checkers };
                self.up.insert(name, change.clone());
                (self.listener)(change);
            }
            Action::Report { name, report } => say(&name, &report),
        }
    }

    /// The slot of a session, if it is configured still.
    fn slot(&mut self, name: &str) -> Option<&mut Slot> {
        self.slots.iter_mut().find(|slot| slot.name == name)
    }

    fn open_sender(&mut self, instance: BfdInstance) -> bool {
        let opened = Sender::open(&instance, self.random.bits() as u16);
        let at = self.now() + TRY_AGAIN;
        let Some(slot) = self.slot(&instance.name) else { return false };
        match opened {
            Ok(sender) => {
                (slot.sender, slot.fails) = (Some(sender), false);
                true
            }
            Err(error) => {
                let name = &instance.name;
                tracing::error!("({name}) Unable to open output socket, disabling instance: {error}");
                self.unopened.push((instance, at));
                false
            }
        }
    }

    fn send(&mut self, index: usize, bytes: &[u8]) {
        let Some(slot) = self.slots.get_mut(index) else { return };
        let Some(sender) = &slot.sender else { return };
        let result = sender.send(bytes);
        if let (Err(error), false) = (&result, slot.fails) {
            tracing::error!("({}) Error sending packet: {error}", slot.name);
        }
        slot.fails = result.is_err();
    }
}

fn say(name: &str, report: &Report) {
    if report.is_detail() {
        tracing::debug!("({name}) {report}");
    } else if report.is_warning() {
        tracing::warn!("({name}) {report}");
    } else {
        tracing::info!("({name}) {report}");
    }
}
