//! The event loops: wait, feed a controller, perform what it asks.
//!
//! ```text
//!   main thread ─────────────── tokio, one thread: signals, reload, scripts, health checks, IPVS, mail
//!     │  orders ↓   ↑ news
//!   alived_vrrp ─────────────── epoll and a timerfd: adverts, addresses, gratuitous ARP; see [`vrrp`]
//!   alived_bfd ──────────────── epoll and a timerfd: BFD sessions, told to the two above; see [`bfd`]
//!   alived_log ──────────────── the only thread that writes log lines; see [`log`]
//! ```
//!
//! A reload is parsed here, on the main thread, and reaches the others as a finished configuration or not at all.

mod addresses;
pub mod bfd;
mod ipvs;
mod kernel;
pub mod log;
pub mod notifier;
pub mod pidfile;
pub mod services;
pub mod vrrp;
pub mod watch;

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::config;
use crate::controller::routers::{Event, Settings};
use crate::diagnostic::{self, Severity};
use crate::io::files::NodeFiles;
use crate::io::host::SystemHost;
use crate::io::process;
use crate::model::{Config, ScriptName};
use crate::track::Outcome;
use log::LogOptions;
use notifier::Notifier;
use pidfile::PidFile;
use services::{ServicesCommand, ServicesNotice};
use vrrp::{News, Order, VrrpThread};
use watch::Watch;

/// Exit statuses of keepalived (lib/scheduler.h), as far as they apply.
mod status {
    /// Something essential is missing.
    pub const FATAL: u8 = 1;
    /// The configuration cannot be run.
    pub const CONFIG: u8 = 2;
    /// The process lacks a permission.
    pub const NO_PERMISSION: u8 = 4;
    /// There is no configuration file, or it cannot be used.
    pub const NO_CONFIG: u8 = 6;
}

/// How long to wait before the VRRP thread is started again.
const RESPAWN_DELAY: Duration = Duration::from_secs(1);

/// How to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// `-f`
    pub file: PathBuf,
    /// `-i`, `-e`
    pub files: NodeFiles,
    /// Run VRRP.
    pub vrrp: bool,
    /// Run health checks and IPVS.
    pub checkers: bool,
    /// Run BFD: not with `-B`.
    pub bfd: bool,
    /// `-n`
    pub foreground: bool,
    /// `-p`
    pub pid_file: PathBuf,
    /// `-r`
    pub vrrp_pid_file: PathBuf,
    /// `-c`
    pub checkers_pid_file: PathBuf,
    /// `-b`; written when there are BFD sessions at the start.
    pub bfd_pid_file: PathBuf,
    /// `-l`, `-D`, `-G`, `-S`
    pub log: LogOptions,
    /// Options that were given and have no effect (yet).
    pub without_effect: Vec<&'static str>,
    /// Words that belong to no option.
    pub unexpected: Vec<String>,
}

/// Why the daemon ended otherwise than it was asked to.
#[derive(Debug, thiserror::Error)]
enum DaemonError {
    #[error("writing the pid file {path}")]
    PidFile { path: PathBuf, source: io::Error },
    #[error("setting up the event loop")]
    EventLoop(#[source] io::Error),
    #[error("starting VRRP")]
    Vrrp(#[from] vrrp::VrrpError),
}

impl DaemonError {
    fn status(&self) -> u8 {
        use std::error::Error;
        let mut cause: Option<&(dyn Error + 'static)> = Some(self);
        while let Some(error) = cause {
            if error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::PermissionDenied) {
                return status::NO_PERMISSION;
            }
            cause = error.source();
        }
        status::FATAL
    }

    /// The whole chain of reasons on one line.
    fn chain(&self) -> String {
        log_chain(self)
    }
}

/// An error and what caused it, on one line.
fn log_chain(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Runs the daemon until it is told to stop. Without [`Options::foreground`] the calling process ends here and the
/// daemon goes on in the background.
pub fn run(mut options: Options) -> ExitCode {
    for path in [&options.pid_file, &options.vrrp_pid_file, &options.checkers_pid_file, &options.bfd_pid_file] {
        if let Some(pid) = PidFile::running(path) {
            eprintln!("daemon is already running (process {pid}, {})", path.display());
            return ExitCode::SUCCESS;
        }
    }
    // Whoever started us may have blocked the very signals we are told by, and a mask is inherited.
    let _ = nix::sys::signal::SigSet::all().thread_unblock();
    // The background process works in `/`, and a reload must find the same file.
    options.file = std::path::absolute(&options.file).unwrap_or(options.file);
    if !options.foreground
        && let Err(errno) = nix::unistd::daemon(false, false)
    {
        eprintln!("going to the background: {errno}");
        return ExitCode::from(status::FATAL);
    }
    let _log = log::start(options.log); // from here on there are threads
    tracing::info!("Starting alived v{}", env!("CARGO_PKG_VERSION"));
    if !options.without_effect.is_empty() {
        tracing::warn!("these options have no effect yet: --{}", options.without_effect.join(" --"));
    }
    if !options.unexpected.is_empty() {
        tracing::warn!("Unexpected argument(s): {}", options.unexpected.join(" "));
    }
    let config = match load(&options) {
        Ok(config) => config,
        Err(status) => return ExitCode::from(status),
    };
    let result = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(DaemonError::EventLoop)
        .and_then(|runtime| runtime.block_on(serve(&options, config)));
    match result {
        Ok(()) => {
            tracing::info!("Stopped alived v{}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            tracing::error!("{}", error.chain());
            ExitCode::from(error.status())
        }
    }
}

/// Reads the configuration and logs what is to be said about it. `Err` holds the exit status.
fn load(options: &Options) -> Result<Config, u8> {
    let file = &options.file;
    tracing::info!("Opening file '{}'.", file.display());
    let loaded = config::load_on(file, &options.files, &SystemHost);
    for diagnostic in &loaded.diagnostics {
        let line = diagnostic::concise(diagnostic, &loaded.sources);
        match diagnostic.severity {
            Severity::Error => tracing::error!("{line}"),
            Severity::Warning => tracing::warn!("{line}"),
            Severity::Note => tracing::info!("{line}"),
        }
    }
    match loaded.config {
        Some(config) => Ok(config),
        None if loaded.sources.is_empty() => {
            tracing::error!("there is no usable configuration file {}", file.display());
            Err(status::NO_CONFIG)
        }
        None => {
            tracing::error!("{}: the configuration cannot be run", file.display());
            Err(status::CONFIG)
        }
    }
}

fn settings(config: &Config) -> Settings {
    let vrrp = &config.global.vrrp;
    let since_boot = crate::io::host::uptime();
    Settings {
        instances: config.instances.clone(),
        scripts: config.scripts.clone(),
        sync_groups: config.sync_groups.clone(),
        statics: config.statics.clone(),
        no_fault_mails: config.global.email.no_fault_mails,
        states_on_reload: vrrp.fifo_states_on_reload,
        startup_delay: vrrp.startup_delay.max(vrrp.delay_after_boot.saturating_sub(since_boot)),
        announce_paces: config.announce_paces.clone(),
    }
}

/// What runs beside VRRP: the future of [`services::run`] and its commands.
struct Services {
    commands: mpsc::UnboundedSender<ServicesCommand>,
    task: Pin<Box<dyn Future<Output = ()>>>,
}

impl Services {
    fn start(config: Config, notices: mpsc::UnboundedSender<ServicesNotice>) -> Services {
        let (commands, inbox) = mpsc::unbounded_channel();
        Services { commands, task: Box::pin(services::run(config, inbox, notices)) }
    }

    /// Removes what is ours from the kernel, then ends.
    async fn stop(self) {
        let (done, stopped) = oneshot::channel();
        if self.commands.send(ServicesCommand::Stop(done)).is_ok() {
            tokio::select! {
                () = self.task => {}
                _ = stopped => {}
            }
        }
    }
}

/// The main thread's loop.
async fn serve(options: &Options, mut config: Config) -> Result<(), DaemonError> {
    let handle = |kind| signal(kind).map_err(DaemonError::EventLoop);
    let mut terminate = handle(SignalKind::terminate())?;
    let mut interrupt = handle(SignalKind::interrupt())?;
    let mut hangup = handle(SignalKind::hangup())?;

    for (kind, name) in unsupported_signals() {
        let mut unsupported = handle(kind)?;
        tokio::spawn(async move {
            while unsupported.recv().await.is_some() {
                tracing::warn!("the signal for {name} has no effect yet");
            }
        });
    }

    let (news, mut inbox) = mpsc::unbounded_channel();
    let start_vrrp = |config: &Config, observed: Vec<Event>| -> Result<VrrpThread, vrrp::VrrpError> {
        let thread = VrrpThread::start(news.clone())?;
        observed.into_iter().for_each(|event| thread.order(Order::Observed(event)));
        thread.order(Order::Configure(settings(config)));
        Ok(thread)
    };
    let (mut notifier, mut watch) = (Notifier::default(), Watch::default());
    let mut vrrp = None;
    notifier.configure(&config);
    if options.vrrp {
        vrrp = Some(start_vrrp(&config, watch.configure(&config, true))?);
    }
    let (notices, mut noticed) = mpsc::unbounded_channel();
    let mut services = options.checkers.then(|| Services::start(config.clone(), notices));
    let mut sessions = bfd::Bfd::new(options.bfd);
    sessions.tell_vrrp(vrrp.as_ref().map(VrrpThread::way));
    sessions.tell_services(services.as_ref().map(|services| services.commands.clone()));
    sessions.configure(&config.bfd);
    let mut scripts: JoinSet<(ScriptName, u64, Outcome)> = JoinSet::new();
    let mut respawn_at: Option<tokio::time::Instant> = None;

    let mut pid_files = vec![&options.pid_file];
    pid_files.extend(options.vrrp.then_some(&options.vrrp_pid_file));
    pid_files.extend(options.checkers.then_some(&options.checkers_pid_file));
    pid_files.extend((options.bfd && !config.bfd.is_empty()).then_some(&options.bfd_pid_file));
    let create =
        |path: &PathBuf| PidFile::create(path).map_err(|source| DaemonError::PidFile { path: path.clone(), source });
    let _pid_files: Vec<PidFile> = pid_files.into_iter().map(create).collect::<Result<_, _>>()?;
    tracing::info!("Startup complete");

    loop {
        tokio::select! {
            biased;
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hangup.recv() => {
                tracing::info!("Reloading ...");
                match load(options) {
                    Ok(new) => {
                        config = new;
                        notifier.configure(&config);
                        if options.vrrp {
                            let observed = watch.configure(&config, false);
                            if let Some(vrrp) = &vrrp {
                                observed.into_iter().for_each(|event| vrrp.order(Order::Observed(event)));
                                vrrp.order(Order::Configure(settings(&config)));
                            }
                        }
                        if let Some(services) = &services {
                            let _ = services.commands.send(ServicesCommand::Reload(config.clone()));
                        }
                        // After whoever tracks them: a session is told to those who know it.
                        sessions.configure(&config.bfd);
                        tracing::info!("Reload complete");
                    }
                    Err(_) => tracing::error!("Reload refused: the configuration before it goes on running, unchanged"),
                }
            }
            Some(news) = inbox.recv() => match news {
                News::RunScript { name, run, command, timeout } => {
                    scripts.spawn(async move { (name, run, process::run(command, timeout).await) });
                }
                News::Notify(message) => notifier.tell(message),
                News::InstanceChanged { name, is_master } => {
                    if let Some(services) = &services {
                        let _ = services.commands.send(ServicesCommand::InstanceChanged(name, is_master));
                    }
                }
                News::Ended(reason) => {
                    let reason = reason.unwrap_or_else(|| "for no reason given".to_owned());
                    tracing::error!("VRRP ended ({reason}); starting it again in {} s", RESPAWN_DELAY.as_secs());
                    vrrp = None;
                    respawn_at = Some(tokio::time::Instant::now() + RESPAWN_DELAY);
                }
            },
            Some(Ok((name, run, outcome))) = scripts.join_next() => {
                if let Some(vrrp) = &vrrp {
                    vrrp.order(Order::ScriptFinished { name, run, outcome });
                }
            }
            observed = watch.next() => {
                if let Some(vrrp) = &vrrp {
                    observed.into_iter().for_each(|event| vrrp.order(Order::Observed(event)));
                }
            }
            Some(notice) = noticed.recv() => notify(&mut notifier, notice),
            () = notifier.reap() => {}
            () = wait_until(respawn_at) => {
                respawn_at = None;
                match start_vrrp(&config, watch.configure(&config, false)) {
                    Ok(thread) => {
                        sessions.tell_vrrp(Some(thread.way()));
                        vrrp = Some(thread);
                    }
                    Err(error) => {
                        tracing::error!("VRRP cannot be started: {error}");
                        respawn_at = Some(tokio::time::Instant::now() + RESPAWN_DELAY);
                    }
                }
            }
            () = sessions.run() => {}
            () = services_ended(&mut services) => {
                tracing::error!("health checking ended by itself; VRRP goes on");
                services = None;
            }
        }
    }

    tracing::info!("Stopping");
    // VRRP first: the peers should take over while IPVS still forwards what is under way.
    if let Some(vrrp) = vrrp {
        vrrp.order(Order::Stop);
        while let Some(news) = inbox.recv().await {
            match news {
                News::Notify(message) => notifier.tell(message),
                News::Ended(reason) => {
                    reason.into_iter().for_each(|reason| tracing::error!("VRRP ended: {reason}"));
                    break;
                }
                News::RunScript { .. } | News::InstanceChanged { .. } => {}
            }
        }
        vrrp.join();
    }
    if let Some(services) = services {
        services.stop().await;
    }
    sessions.stop();
    while let Ok(notice) = noticed.try_recv() {
        notify(&mut notifier, notice);
    }
    notifier.finish().await;
    Ok(())
}

/// keepalived's signals for dumps. Monitoring sends them, and unhandled they would end the daemon and leave its
/// addresses behind.
fn unsupported_signals() -> [(SignalKind, &'static str); 4] {
    [
        (SignalKind::user_defined1(), "DATA"),
        (SignalKind::user_defined2(), "STATS"),
        (SignalKind::from_raw(libc::SIGRTMAX() - 1), "STATS_CLEAR"),
        (SignalKind::from_raw(libc::SIGRTMIN() + 2), "JSON"),
    ]
}

async fn wait_until(at: Option<tokio::time::Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn notify(notifier: &mut Notifier, notice: ServicesNotice) {
    match notice {
        ServicesNotice::Run(command) => notifier.run(command),
        ServicesNotice::Line(line) => notifier.write_of_services(&line),
    }
}

async fn services_ended(services: &mut Option<Services>) {
    match services {
        Some(services) => services.task.as_mut().await,
        None => std::future::pending().await,
    }
}
