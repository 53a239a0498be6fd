//! The VRRP thread: waits for packets, timers, netlink and orders, feeds [`Routers`] and performs what it asks.
//!
//! ```text
//!   adverts ──┐                                  ┌──> raw sockets, addresses (netlink), gratuitous ARP
//!   timerfd ──┼─> epoll ─> Routers::handle ──────┼──> scripts and reports: handed to the main thread
//!   netlink ──┤                                  └
//!   orders  ──┘   (from the main thread, woken by an eventfd)
//! ```
//!
//! Nothing here reads a file, resolves a name, starts a process or writes a log: whatever could wait for something else
//! than the kernel's network stack happens on the main thread. Packets that have arrived are looked at before a timer
//! is believed, so that a process that was late does not take over from a master it has already heard.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use tokio::sync::mpsc::UnboundedSender;

use super::kernel::Kernel;
use crate::controller::report::{Loudness, RoutersReport};
use crate::controller::routers::{Action, Event, Routers, Settings};
use crate::io::netlink::NetlinkError;
use crate::io::netlink::monitor::{self, Monitor};

use crate::io::packet::{AdvertSocket, FrameSocket};
use crate::model::{Channel, Command, InterfaceName, ScriptName};
use crate::notify::vrrp::Message;
use crate::time::Instant;
use crate::track::Outcome;

/// Packets read from one socket before the others, and the timer, get their turn.
const PACKETS_PER_TURN: usize = 64;
/// Larger than any datagram that could be an advert.
const BUFFER: usize = 4096;

/// Epoll tokens; channels count up from [`FIRST_CHANNEL`].
const TIMER: u64 = 0;
const ORDERS: u64 = 1;
const MONITOR: u64 = 2;
const FIRST_CHANNEL: u64 = 3;

/// What the main thread asks of the VRRP thread.
#[derive(Debug)]
pub enum Order {
    /// Begin, or go on with other settings.
    Configure(Settings),
    /// Something that the main thread watches changed.
    Observed(Event),
    /// A script that was asked for ended.
    ScriptFinished {
        /// Which one.
        name: ScriptName,
        /// As in [`News::RunScript`].
        run: u64,
        /// How.
        outcome: Outcome,
    },
    /// Leave every group and end.
    Stop,
}

/// What the VRRP thread tells the main thread.
#[derive(Debug)]
pub enum News {
    /// Run this script; answer with [`Order::ScriptFinished`].
    RunScript {
        /// Which one.
        name: ScriptName,
        /// To be given back.
        run: u64,
        /// What to run.
        command: Command,
        /// End it after this long.
        timeout: Duration,
    },
    /// Tell this and go on.
    Notify(Message),
    /// An instance has become MASTER, or is no longer.
    InstanceChanged {
        /// `vrrp_instance` name.
        name: String,
        /// Whether it is MASTER.
        is_master: bool,
    },
    /// The thread has ended: every address is removed. With a message if it could not go on.
    Ended(Option<String>),
}

/// Why VRRP could not begin, or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum VrrpError {
    /// No netlink socket, or it told nothing.
    #[error("reading interfaces over netlink")]
    Netlink(#[from] NetlinkError),
    /// A descriptor could not be made; raw sockets need CAP_NET_RAW.
    #[error("{doing}")]
    System {
        /// What was being done.
        doing: &'static str,
        /// Why it failed.
        source: std::io::Error,
    },
}

/// The VRRP thread, seen from the main thread.
pub struct VrrpThread {
    way: OrderWay,
    thread: Option<JoinHandle<()>>,
}

/// The way for orders to the VRRP thread, from any thread.
#[derive(Clone)]
pub struct OrderWay {
    orders: mpsc::Sender<Order>,
    wake: std::sync::Arc<EventFd>,
}

impl OrderWay {
    /// Hands over an order. A thread that has ended takes none; [`News::Ended`] has said so.
    pub fn order(&self, order: Order) {
        if self.orders.send(order).is_ok() {
            // Full only after 2⁶⁴ − 1 unread wake-ups.
            let _ = self.wake.write(1);
        }
    }
}

impl VrrpThread {
    /// Opens what the thread needs, then starts it. Nothing is claimed before [`Order::Configure`].
    pub fn start(news: UnboundedSender<News>) -> Result<VrrpThread, VrrpError> {
        let (orders, inbox) = mpsc::channel();
        let wake = EventFd::from_value_and_flags(0, EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK);
        let wake = std::sync::Arc::new(wake.map_err(|errno| system("making an eventfd", errno))?);
        let mut edge = Edge::open(inbox, wake.clone(), news.clone())?;
        let body = move || {
            let result = catch_unwind(AssertUnwindSafe(|| edge.run()));
            let error = match result {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error.to_string()),
                // The hook has told where; a dead thread must not hold an address.
                Err(_) => Some("the VRRP thread panicked".to_owned()),
            };
            if error.is_some() {
                edge.kernel.drop_everything(&edge.indices);
            }
            let _ = news.send(News::Ended(error));
        };
        let thread = std::thread::Builder::new().name("alived_vrrp".to_owned()).spawn(body);
        let thread = thread.map_err(|source| VrrpError::System { doing: "starting the VRRP thread", source })?;
        Ok(VrrpThread { way: OrderWay { orders, wake }, thread: Some(thread) })
    }

    /// Hands over an order.
    pub fn order(&self, order: Order) {
        self.way.order(order);
    }

    /// A way for orders that another thread may keep.
    pub fn way(&self) -> OrderWay {
        self.way.clone()
    }

    /// Waits for the thread to end, after [`Order::Stop`].
    pub fn join(mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn system(doing: &'static str, errno: nix::Error) -> VrrpError {
    VrrpError::System { doing, source: errno.into() }
}

/// Time since the machine was started. It goes on while the machine is suspended, so that an instance that has slept
/// through its timers notices.
fn boot_time() -> Duration {
    let time = nix::time::clock_gettime(nix::time::ClockId::CLOCK_BOOTTIME);
    Duration::from(time.expect("Linux has had this clock since 2.6.39"))
}

/// Packets that go out together.
#[derive(Default)]
struct Outbox {
    datagrams: BTreeMap<Channel, Vec<(IpAddr, Vec<u8>)>>,
    frames: Vec<(u32, Vec<u8>)>,
}

/// Everything the thread owns.
struct Edge {
    routers: Routers,
    epoll: Epoll,
    timer: TimerFd,
    wake: std::sync::Arc<EventFd>,
    inbox: mpsc::Receiver<Order>,
    news: UnboundedSender<News>,
    monitor: Monitor,
    indices: BTreeMap<InterfaceName, u32>,
    kernel: Kernel,
    frames: FrameSocket,
    channels: BTreeMap<u64, (Channel, AdvertSocket)>,
    next_token: u64,
    /// Notifications about routes and rules were asked for.
    watches_routes: bool,
    /// Channels whose last send failed, so that one broken link is not told with every advert.
    send_failed: BTreeSet<Channel>,
    /// What the timer is set to.
    armed: Option<Instant>,
    /// Sends that wait for their like.
    outbox: Outbox,
    epoch: Duration,
    stopping: bool,
}

impl Edge {
    fn open(
        inbox: mpsc::Receiver<Order>,
        wake: std::sync::Arc<EventFd>,
        news: UnboundedSender<News>,
    ) -> Result<Edge, VrrpError> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(|errno| system("making an epoll", errno))?;
        let flags = TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK;
        let timer = TimerFd::new(ClockId::CLOCK_BOOTTIME, flags).map_err(|errno| system("making a timerfd", errno))?;
        let frames = FrameSocket::open()
            .map_err(|source| VrrpError::System { doing: "opening a packet socket for gratuitous ARP", source })?;
        let (monitor, changes) = Monitor::open()?;
        let mut edge = Edge {
            routers: Routers::new(),
            epoll,
            timer,
            wake,
            inbox,
            news,
            indices: monitor.indices(),
            monitor,
            kernel: Kernel::open()?,
            frames,
            channels: BTreeMap::new(),
            next_token: FIRST_CHANNEL,
            watches_routes: false,
            send_failed: BTreeSet::new(),
            armed: None,
            outbox: Outbox::default(),
            epoch: boot_time(),
            stopping: false,
        };
        let readable = |token| EpollEvent::new(EpollFlags::EPOLLIN, token);
        let watch = |result: nix::Result<()>| result.map_err(|errno| system("watching a descriptor", errno));
        watch(edge.epoll.add(&edge.timer, readable(TIMER)))?;
        watch(edge.epoll.add(&*edge.wake, readable(ORDERS)))?;
        watch(edge.epoll.add(&edge.monitor, readable(MONITOR)))?;
        edge.interfaces_changed(changes);
        Ok(edge)
    }

    fn now(&self) -> Instant {
        Instant::from_start(boot_time().saturating_sub(self.epoch))
    }

    fn run(&mut self) -> Result<(), VrrpError> {
        let mut events = [EpollEvent::empty(); 32];
        while !self.stopping {
            self.arm_timer()?;
            let count = match self.epoll.wait(&mut events, EpollTimeout::NONE) {
                Ok(count) => count,
                Err(nix::Error::EINTR) => continue,
                Err(errno) => return Err(system("waiting for events", errno)),
            };
            let mut tokens: Vec<u64> = events[..count].iter().map(EpollEvent::data).collect();
            tokens.sort_unstable_by(|a, b| b.cmp(a)); // packets first, the timer last
            for token in tokens {
                match token {
                    TIMER => {
                        let _ = self.timer.wait(); // reads the count, so that it is quiet again
                        self.armed = None;
                    }
                    ORDERS => self.take_orders(),
                    MONITOR => self.read_monitor()?,
                    channel => self.read_channel(channel),
                }
            }
            if self.routers.next_deadline().is_some_and(|due| due <= self.now()) {
                self.feed(Event::Timer);
            }
        }
        Ok(())
    }

    fn arm_timer(&mut self) -> Result<(), VrrpError> {
        let due = self.routers.next_deadline();
        if due == self.armed {
            return Ok(());
        }
        let armed = match due {
            // Zero would disarm it.
            Some(due) => {
                let wait = due.since(self.now()).max(Duration::from_nanos(1));
                self.timer.set(Expiration::OneShot(TimeSpec::from_duration(wait)), TimerSetTimeFlags::empty())
            }
            None => self.timer.unset(),
        };
        self.armed = due;
        armed.map_err(|errno| system("setting the timer", errno))
    }

    fn take_orders(&mut self) {
        let _ = self.wake.read();
        while let Ok(order) = self.inbox.try_recv() {
            match order {
                Order::Configure(settings) => self.feed(Event::Configure(settings)),
                Order::Observed(event) => self.feed(event),
                Order::ScriptFinished { name, run, outcome } => {
                    self.feed(Event::ScriptFinished { name, run, outcome });
                }
                Order::Stop => {
                    self.feed(Event::Stop);
                    self.stopping = true;
                }
            }
        }
    }

    fn read_monitor(&mut self) -> Result<(), VrrpError> {
        let changes = self.monitor.read()?;
        if changes.iter().any(|change| matches!(change, monitor::Change::Interface { .. })) {
            self.indices = self.monitor.indices();
        }
        self.interfaces_changed(changes);
        Ok(())
    }

    /// Of several changes of one interface in a row the last one tells everything.
    fn interfaces_changed(&mut self, changes: Vec<monitor::Change>) {
        let mut changes = changes.into_iter().peekable();
        while let Some(change) = changes.next() {
            self.feed(match change {
                monitor::Change::Interface { name, facts } => {
                    if let Some(monitor::Change::Interface { name: next, .. }) = changes.peek()
                        && *next == name
                        && facts.is_some()
                    {
                        continue;
                    }
                    Event::Interface { name, facts }
                }
                monitor::Change::AddressRemoved { interface, net } => Event::AddressRemoved { interface, net },
                monitor::Change::RouteRemoved(key) => Event::RouteRemoved(key),
                monitor::Change::RuleRemoved(key) => Event::RuleRemoved(key),
                monitor::Change::Lost => Event::NotificationsLost,
            });
        }
    }

    fn read_channel(&mut self, token: u64) {
        let mut buffer = [0; BUFFER];
        for _ in 0..PACKETS_PER_TURN {
            // A packet may have closed the channel.
            let Some((channel, socket)) = self.channels.get(&token) else { return };
            match socket.receive(&mut buffer) {
                Ok(Some(length)) => {
                    let channel = channel.clone();
                    self.feed(Event::Datagram { channel, bytes: buffer[..length].to_vec() });
                }
                Ok(None) => return,
                // ENETDOWN while the interface goes down; netlink tells the rest.
                Err(error) => {
                    tracing::debug!("reading adverts on {}: {error}", channel.interface);
                    return;
                }
            }
        }
    }

    fn feed(&mut self, event: Event) {
        let now = self.now();
        let actions = self.routers.handle(now, event);
        // What an action fails with is an event of its own, taken when all actions are performed.
        let mut failures = Vec::new();
        for action in actions {
            if !matches!(action, Action::SendDatagram { .. } | Action::SendFrame { .. } | Action::Report(_)) {
                self.send_out();
            }
            failures.extend(self.perform(action));
        }
        self.send_out();
        for failure in failures {
            self.feed(failure);
        }
    }

    fn perform(&mut self, action: Action) -> Option<Event> {
        match action {
            Action::Open(channel) => {
                return self
                    .open_channel(&channel)
                    .err()
                    .map(|error| Event::ChannelFailed { channel, reason: error.to_string() });
            }
            Action::Close(channel) => self.close_channel(&channel),
            Action::SendDatagram { channel, destination, bytes } => {
                self.outbox.datagrams.entry(channel).or_default().push((destination, bytes));
            }
            Action::SendFrame { interface, bytes } => {
                let index = self.indices.get(&interface).copied()?;
                self.outbox.frames.push((index, bytes));
            }
            Action::AddAddresses(addresses) => self.kernel.add_addresses(addresses, &self.indices),
            Action::RemoveAddresses(addresses) => self.kernel.remove_addresses(&addresses, &self.indices),
            Action::AddRoutes(routes) => {
                self.watch_routes();
                self.kernel.add_routes(routes, &self.indices);
            }
            Action::RemoveRoutes(routes) => self.kernel.remove_routes(&routes, &self.indices),
            Action::AddRules(rules) => {
                self.watch_routes();
                self.kernel.add_rules(rules);
            }
            Action::RemoveRules(rules) => self.kernel.remove_rules(&rules),
            Action::RunScript { name, run, command, timeout } => {
                let _ = self.news.send(News::RunScript { name, run, command, timeout });
            }
            Action::Notify(message) => {
                let _ = self.news.send(News::Notify(message));
            }
            Action::Report(report) => {
                if let RoutersReport::Router { instance, report: crate::vrrp::Report::Entered { to, .. } } = &report {
                    let is_master = *to == crate::vrrp::StateName::Master;
                    let _ = self.news.send(News::InstanceChanged { name: instance.clone(), is_master });
                }
                say(&report);
            }
        }
        None
    }

    /// Sends what has gathered, many packets with one system call. Adverts first, as they say who may announce.
    fn send_out(&mut self) {
        for (channel, packets) in std::mem::take(&mut self.outbox.datagrams) {
            let Some((_, socket)) = self.channels.values().find(|(open, _)| *open == channel) else { continue };
            match socket.send_all(&packets) {
                Ok(()) => drop(self.send_failed.remove(&channel)),
                Err(error) => {
                    if self.send_failed.insert(channel.clone()) {
                        tracing::warn!("sending adverts on {}: {error}", channel.interface);
                    }
                }
            }
        }
        if !self.outbox.frames.is_empty() {
            if let Err(error) = self.frames.send_all(&self.outbox.frames) {
                tracing::warn!("announcing addresses: {error}");
            }
            self.outbox.frames.clear();
        }
    }

    /// Routes and rules are watched from the first one on that is set.
    fn watch_routes(&mut self) {
        if !std::mem::replace(&mut self.watches_routes, true)
            && let Err(error) = self.monitor.watch_routes()
        {
            tracing::warn!("watching routes and rules: {error}; a removed one is not put back");
        }
    }

    fn open_channel(&mut self, channel: &Channel) -> std::io::Result<()> {
        let index = self.indices.get(&channel.interface).copied();
        let index = index.ok_or_else(|| std::io::Error::from_raw_os_error(libc::ENODEV))?;
        let socket = AdvertSocket::open(channel, index)?;
        let token = self.next_token;
        self.next_token += 1;
        self.epoll.add(&socket, EpollEvent::new(EpollFlags::EPOLLIN, token))?;
        self.channels.insert(token, (channel.clone(), socket));
        Ok(())
    }

    fn close_channel(&mut self, channel: &Channel) {
        // Closing the descriptors takes them out of the epoll set.
        self.channels.retain(|_, (open, _)| open != channel);
        self.send_failed.remove(channel);
    }
}

fn say(report: &RoutersReport) {
    match report.loudness() {
        Loudness::Detail => tracing::debug!("{report}"),
        Loudness::Ordinary => tracing::info!("{report}"),
        Loudness::Warning => tracing::warn!("{report}"),
    }
}
