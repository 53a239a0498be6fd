//! Runs the virtual servers: waits for commands, results and time, feeds [`Services`], performs what it asks.
//!
//! Probes over the network are carried out right here, by a [`Prober`]; scripts and mails are tasks; the kernel's table is read and changed on a thread of its own, since netlink blocks. At
//! most one such job is under way, so the kernel sees changes in the order they were decided. Nothing here can hold
//! up VRRP.

use std::collections::{BTreeSet, VecDeque};
use std::error::Error;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::time::Duration;

use jiff::Zoned;
use tokio::io::unix::AsyncFd;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep_until, timeout};

use super::addresses::Addresses;
use super::ipvs::Link;
use crate::check::{Outcome, ScriptEnd};
use crate::controller::services::{ProbeId, Services, ServicesAction, ServicesEvent, Severity};
use crate::io::probe::Prober;
use crate::io::track_files::{Reading, TrackFiles};
use crate::io::{process, smtp, sys};
use crate::model::{CheckerKind, Command, Config, TrackFile};
use crate::notify::mail::{LocalNames, Mail, Mailer};
use crate::time::Instant;
use crate::track;

/// How long the names of this machine may take to find.
const NAMES_TIMEOUT: Duration = Duration::from_secs(2);

/// How long mails about the end may take.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What the rest of the daemon tells the virtual servers.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one at a time, and seldom")]
pub enum ServicesCommand {
    /// Run this configuration from now on.
    Reload(Config),
    /// A BFD session is up, or is not.
    SessionChanged(String, bool),
    /// The instance of that name is MASTER now, or is no longer.
    InstanceChanged(String, bool),
    /// Take everything of ours out of the kernel and end; told through the channel when done.
    Stop(oneshot::Sender<()>),
}

/// What the virtual servers tell others.
#[derive(Debug)]
pub enum ServicesNotice {
    /// Run this and go on.
    Run(Command),
    /// Write this line to `notify_fifo` and `lvs_notify_fifo`.
    Line(String),
}

/// Runs the virtual servers of `config` until told to stop, or until `commands` closes. Returns when nothing of ours
/// is left in the kernel. Needs a tokio runtime with time and I/O, of any flavour.
pub async fn run(
    config: Config,
    mut commands: mpsc::UnboundedReceiver<ServicesCommand>,
    notices: mpsc::UnboundedSender<ServicesNotice>,
) {
    let prober = Prober::new(seed()).and_then(|prober| Ok((sys::watch_readable(prober.readiness()?)?, prober)));
    let (readiness, prober) = match prober {
        Ok(prober) => prober,
        Err(error) => return tracing::error!("virtual servers cannot be checked: making an epoll descriptor: {error}"),
    };
    let mut edge = Edge {
        services: Services::new(seed()),
        clock: tokio::time::Instant::now(),
        prober,
        readiness,
        scripts: JoinSet::new(),
        files: None,
        queued: VecDeque::new(),
        link: Link::new(config.global.lvs.namespace.clone()),
        kernel: JoinSet::new(),
        addresses: None,
        mails: JoinSet::new(),
        notices,
        names: None,
        stopped: false,
    };
    let mut done = Vec::new();
    edge.configure(config).await;
    while !edge.stopped {
        let event = tokio::select! {
            command = commands.recv() => match command {
                Some(ServicesCommand::Reload(config)) => {
                    edge.configure(config).await;
                    continue;
                }
                Some(ServicesCommand::SessionChanged(name, up)) => ServicesEvent::SessionChanged(name, up),
                Some(ServicesCommand::InstanceChanged(name, is_master)) => {
                    ServicesEvent::InstanceChanged(name, is_master)
                }
                Some(ServicesCommand::Stop(sender)) => {
                    done.push(sender);
                    ServicesEvent::Stop
                }
                // Closed: nobody is left who could stop us later. A closed channel is always ready: wait no more.
                None => {
                    edge.feed(ServicesEvent::Stop);
                    edge.finish().await;
                    break;
                }
            },
            event = edge.next() => event,
        };
        edge.feed(event);
    }
    edge.last_words().await;
    for sender in done {
        // Whoever asked may have left.
        let _ = sender.send(());
    }
}

struct Edge {
    services: Services,
    /// The start of the clock that the core sees.
    clock: tokio::time::Instant,
    prober: Prober<ProbeId>,
    /// Readable when the prober has something to do.
    readiness: AsyncFd<OwnedFd>,
    scripts: JoinSet<ServicesEvent>,
    /// The files of FILE_CHECKs.
    files: Option<TrackFiles>,
    /// What is known but not fed yet.
    queued: VecDeque<ServicesEvent>,
    link: Link,
    kernel: JoinSet<ServicesEvent>,
    /// This host's addresses, where `ha_suspend` looks at them.
    addresses: Option<Addresses>,
    mails: JoinSet<()>,
    notices: mpsc::UnboundedSender<ServicesNotice>,
    /// This machine's names, once they were needed.
    names: Option<LocalNames>,
    stopped: bool,
}

impl Edge {
    /// Runs `config` from now on.
    async fn configure(&mut self, config: Config) {
        if self.names.is_none() && Mailer::needs_names(&config.global) {
            self.names = Some(local_names().await);
        }
        let names = self.names.clone().unwrap_or_default();
        self.prober.identify(config.global.certificate.clone());
        let files = watched_files(&config);
        let needs_addresses = config.virtual_servers.iter().any(|server| server.ha_suspend);
        if needs_addresses && self.addresses.is_none() {
            match Addresses::open() {
                Ok(addresses) => {
                    self.feed(ServicesEvent::Addresses(addresses.all()));
                    self.addresses = Some(addresses);
                }
                Err(error) => tracing::error!("ha_suspend: the addresses of this host cannot be watched: {error}"),
            }
        }
        self.feed(ServicesEvent::Configure(config, names));
        self.watch(&files);
    }

    /// Watches these files from now on, and takes in what they hold.
    fn watch(&mut self, files: &[TrackFile]) {
        self.files = None;
        if files.is_empty() {
            return;
        }
        match TrackFiles::open(files) {
            Ok((files, readings)) => {
                self.files = Some(files);
                for event in readings.into_iter().filter_map(file_read) {
                    self.feed(event);
                }
            }
            Err(error) => tracing::error!("FILE_CHECKs do not work: watching files: {error}"),
        }
    }

    /// The next result, or the passing of the next deadline. Safe to abandon.
    async fn next(&mut self) -> ServicesEvent {
        if let Some(event) = self.queued.pop_front() {
            return event;
        }
        let deadline = self.services.next_deadline().into_iter().chain(self.prober.next_deadline()).min();
        loop {
            let result = tokio::select! {
                Some(result) = self.kernel.join_next() => result,
                Some(result) = self.scripts.join_next() => result,
                readings = changed(&mut self.files) => {
                    self.queued.extend(readings.into_iter().filter_map(file_read));
                    return ServicesEvent::Tick;
                }
                Ok(mut ready) = self.readiness.readable() => {
                    let now = Instant::from_start(self.clock.elapsed());
                    if self.prober.turn(now) {
                        ready.clear_ready();
                    }
                    return ServicesEvent::Tick;
                }
                Some(addresses) = moved(&mut self.addresses) => return ServicesEvent::Addresses(addresses),
                Some(_) = self.mails.join_next() => continue,
                () = async {
                    match deadline {
                        Some(at) => sleep_until(self.clock + at.since_start()).await,
                        None => std::future::pending().await,
                    }
                } => return ServicesEvent::Tick,
            };
            match result {
                Ok(event) => return event,
                Err(error) if error.is_cancelled() => {}
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            }
        }
    }

    /// Goes on until everything is out of the kernel.
    async fn finish(&mut self) {
        while !self.stopped {
            let event = self.next().await;
            self.feed(event);
        }
    }

    /// Lets the mails of the end come to theirs.
    async fn last_words(mut self) {
        let all = async { while self.mails.join_next().await.is_some() {} };
        // What is not done by then is ended.
        let _ = timeout(LAST_WORDS, all).await;
    }

    fn feed(&mut self, event: ServicesEvent) {
        let now = Instant::from_start(self.clock.elapsed());
        if self.prober.next_deadline().is_some_and(|at| at <= now) {
            self.prober.turn(now);
        }
        let mut next = Some(event);
        while let Some(event) = next {
            for action in self.services.handle(now, event) {
                self.perform(now, action);
            }
            let finished = self.prober.take_finished();
            next = finished.map(|(id, outcome)| ServicesEvent::ProbeFinished(id, outcome));
        }
    }

    fn perform(&mut self, now: Instant, action: ServicesAction) {
        match action {
            ServicesAction::Probe(id, probe) => match &probe.checker.kind {
                CheckerKind::Misc(check) => {
                    let run = process::run(check.command.clone(), check.timeout);
                    self.scripts.spawn(async move { ServicesEvent::ProbeFinished(id, ended(run.await)) });
                }
                _ => self.prober.start(now, id, &probe),
            },
            ServicesAction::AbandonProbes => {
                self.prober.abandon_all();
                self.scripts.abort_all();
            }
            ServicesAction::ReadTable(scope) => self.on_kernel(move |link| link.read(&scope)),
            ServicesAction::Apply(changes) => self.on_kernel(move |link| link.apply(changes)),
            ServicesAction::ReadSettings => self.on_kernel(|link| link.settings()),
            ServicesAction::ApplySettings(changes) => self.on_kernel(move |link| link.apply_settings(changes)),
            // Whoever listens ends after us.
            ServicesAction::Run(command) => drop(self.notices.send(ServicesNotice::Run(command))),
            ServicesAction::Line(line) => drop(self.notices.send(ServicesNotice::Line(line))),
            ServicesAction::Mail(mail) => {
                self.mails.spawn(deliver(mail));
            }
            ServicesAction::Report(Severity::Info, text) => tracing::info!("{text}"),
            ServicesAction::Report(Severity::Warning, text) => tracing::warn!("{text}"),
            ServicesAction::Stopped => self.stopped = true,
        }
    }
}

/// The files that some FILE_CHECK looks at.
fn watched_files(config: &Config) -> Vec<TrackFile> {
    let reals = config.virtual_servers.iter().flat_map(|server| &server.real_servers);
    let names: BTreeSet<_> = reals
        .flat_map(|real| &real.checkers)
        .filter_map(|checker| match &checker.kind {
            CheckerKind::File(check) => Some(&check.name),
            _ => None,
        })
        .collect();
    config.files.iter().filter(|file| names.contains(&file.name)).cloned().collect()
}

/// The next changes of the files, if some are watched. Safe to abandon.
async fn changed(files: &mut Option<TrackFiles>) -> Vec<Reading> {
    match files {
        None => std::future::pending().await,
        Some(watched) => match watched.next().await {
            Ok(readings) => readings,
            Err(error) => {
                tracing::error!("FILE_CHECKs no longer work: watching files: {error}");
                *files = None;
                Vec::new()
            }
        },
    }
}

fn file_read(reading: Reading) -> Option<ServicesEvent> {
    match reading {
        Ok((name, value)) => Some(ServicesEvent::FileRead(name, value)),
        Err(error) => {
            let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
            tracing::warn!("{error}{cause}");
            None
        }
    }
}

impl Edge {
    /// Does something that waits for the kernel, on a thread of its own.
    fn on_kernel(&mut self, work: impl FnOnce(&Link) -> ServicesEvent + Send + 'static) {
        let link = self.link.clone();
        self.kernel.spawn_blocking(move || work(&link));
    }
}

/// What the end of a script is to a checker.
fn ended(outcome: track::Outcome) -> Outcome {
    match outcome {
        track::Outcome::Exited(status) => Outcome::Ended(ScriptEnd::Exited(status)),
        track::Outcome::Signalled(signal) => Outcome::Ended(ScriptEnd::Signalled(signal)),
        track::Outcome::TimedOut => Outcome::Ended(ScriptEnd::TimedOut),
        track::Outcome::NotStarted(reason) => Outcome::NotMade(reason),
    }
}

/// The addresses of this host after the next change of them; never, where nobody looks at them.
async fn moved(addresses: &mut Option<Addresses>) -> Option<BTreeSet<IpAddr>> {
    match addresses {
        Some(addresses) => addresses.changed().await,
        None => std::future::pending().await,
    }
}

/// Sends one mail; how that ended is logged.
pub(super) async fn deliver(mail: Mail) {
    let server = mail.server;
    match smtp::send(mail, Zoned::now().strftime("%a, %d %b %Y %H:%M:%S %z").to_string()).await {
        Ok(()) => tracing::debug!(%server, "SMTP alert successfully sent."),
        Err(error) => {
            let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
            tracing::warn!("SMTP alert not sent: {error}{cause}");
        }
    }
}

/// The names that stand in for what `global_defs` leaves out. May take [`NAMES_TIMEOUT`] where name servers are slow.
pub(super) async fn local_names() -> LocalNames {
    let uid = nix::unistd::getuid();
    let login = nix::unistd::User::from_uid(uid).ok().flatten().map(|user| user.name);
    let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    // The resolver blocks: on a thread of its own, and not waited for without end.
    let full = tokio::task::spawn_blocking(move || host.and_then(|host| sys::canonical_name(&host)));
    let host = timeout(NAMES_TIMEOUT, full).await.ok().and_then(Result::ok).flatten();
    LocalNames { host, login: login.unwrap_or_else(|| uid.to_string()) }
}

/// Different at each start, so that directors started together do not check together.
fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id())
}
