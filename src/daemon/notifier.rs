//! Tells others what VRRP has become: starts scripts, writes to FIFOs, sends mails. Nothing here is waited for, and
//! nothing here can hold up VRRP.

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use super::{log_chain, services};
use crate::io::fifo::Fifo;
use crate::io::process;
use crate::model::{Command, Config, Global, NotifyFifo};
use crate::notify::mail::Mailer;
use crate::notify::vrrp::Message;
use crate::track::Outcome;

/// How long notify scripts may go on when everything else has ended, as keepalived's.
const LAST_SCRIPTS: Duration = Duration::from_secs(1);

/// Scripts, FIFOs and the way to the mail server.
#[derive(Default)]
pub struct Notifier {
    scripts: JoinSet<()>,
    readers: JoinSet<PathBuf>,
    pipes: Vec<Pipe>,
    global: Option<Global>,
    mails: Option<mpsc::UnboundedSender<(String, &'static str)>>,
    mailers: JoinSet<()>,
}

struct Pipe {
    config: NotifyFifo,
    /// `notify_fifo` and `vrrp_notify_fifo`: told of instances and sync groups.
    of_vrrp: bool,
    /// `notify_fifo` and `lvs_notify_fifo`: told of virtual and real servers.
    of_services: bool,
    fifo: Fifo,
    reader: Option<AbortHandle>,
    /// That lines are lost has been said.
    told: bool,
}

impl Notifier {
    /// Tells whom `config` names from now on. A FIFO that stays the same stays open, and its reader goes on.
    pub fn configure(&mut self, config: &Config) {
        let global = &config.global;
        let both = global.fifo.iter().map(|fifo| (fifo, true, true));
        let vrrp = global.vrrp.fifo.iter().map(|fifo| (fifo, true, false));
        let services = global.lvs_fifo.iter().map(|fifo| (fifo, false, true));
        let wanted: Vec<(&NotifyFifo, bool, bool)> = both.chain(vrrp).chain(services).collect();
        let is_wanted = |pipe: &Pipe| wanted.iter().any(|(fifo, ..)| **fifo == pipe.config);
        let (kept, gone): (Vec<Pipe>, Vec<Pipe>) = std::mem::take(&mut self.pipes).into_iter().partition(is_wanted);
        self.pipes = kept;
        self.pipes.iter_mut().for_each(|pipe| (pipe.of_vrrp, pipe.of_services) = (false, false));
        gone.into_iter().for_each(Pipe::close);
        for (config, of_vrrp, of_services) in wanted {
            // Two keywords may name one file; it is told everything once.
            if self.pipes.iter().all(|pipe| pipe.config.path != config.path) {
                self.open(config);
            }
            for pipe in self.pipes.iter_mut().filter(|pipe| pipe.config.path == config.path) {
                pipe.of_vrrp |= of_vrrp;
                pipe.of_services |= of_services;
            }
        }
        if self.global.as_ref() != Some(global) {
            self.global = Some(global.clone());
            self.mails = (global.email.server.is_some() && !global.email.recipients.is_empty()).then(|| {
                let (mails, inbox) = mpsc::unbounded_channel();
                self.mailers.spawn(send_mails(global.clone(), inbox));
                mails
            });
        }
    }

    fn open(&mut self, config: &NotifyFifo) {
        let fifo = match Fifo::open(config) {
            Ok(fifo) => fifo,
            Err(error) => return tracing::error!("{}", log_chain(&error)),
        };
        let path = fifo.path().to_owned();
        let reader = config.reader.clone().map(|mut command| {
            command.argv.push(config.path.clone());
            self.readers.spawn(async move {
                run(command).await;
                path
            })
        });
        self.pipes.push(Pipe { config: config.clone(), of_vrrp: false, of_services: false, fifo, reader, told: false });
    }

    /// Tells one thing.
    pub fn tell(&mut self, message: Message) {
        match message {
            Message::Run(command) => {
                self.scripts.spawn(run(command));
            }
            Message::Line(line) => {
                self.pipes.iter_mut().filter(|pipe| pipe.of_vrrp).for_each(|pipe| pipe.write(&line));
            }
            Message::Mail { subject, body } => {
                if let Some(mails) = &self.mails {
                    let _ = mails.send((subject, body));
                }
            }
        }
    }

    /// Runs a script of a virtual or real server.
    pub fn run(&mut self, command: Command) {
        self.scripts.spawn(run(command));
    }

    /// Writes a line about a virtual or real server.
    pub fn write_of_services(&mut self, line: &str) {
        self.pipes.iter_mut().filter(|pipe| pipe.of_services).for_each(|pipe| pipe.write(line));
    }

    /// Lets go of what has ended. Never returns; safe to abandon.
    pub async fn reap(&mut self) {
        loop {
            tokio::select! {
                Some(_) = self.scripts.join_next() => {}
                Some(_) = self.mailers.join_next() => {}
                Some(ended) = self.readers.join_next() => {
                    if let Ok(path) = ended {
                        tracing::warn!("the script that reads {} has ended", path.display());
                    }
                }
                else => std::future::pending().await,
            }
        }
    }

    /// Closes the FIFOs, and gives scripts, readers and mails a moment to come to an end.
    pub async fn finish(mut self) {
        self.pipes.clear();
        self.mails = None;
        let scripts = async { while self.scripts.join_next().await.is_some() {} };
        let readers = async { while self.readers.join_next().await.is_some() {} };
        let mails = async { while self.mailers.join_next().await.is_some() {} };
        let all = async { tokio::join!(scripts, readers, mails) };
        if tokio::time::timeout(LAST_SCRIPTS, all).await.is_err() {
            tracing::warn!("notify scripts still running are ended");
        }
    }
}

impl Pipe {
    fn write(&mut self, line: &str) {
        let written = self.fifo.write(line);
        let path = self.fifo.path();
        match written {
            Ok(0) => self.told = false,
            Ok(_) if self.told => {}
            Ok(_) => {
                self.told = true;
                tracing::warn!("nobody reads {}: it is full, and lines are lost", path.display());
            }
            Err(error) => tracing::warn!("writing to {}: {error}", path.display()),
        }
    }

    fn close(self) {
        if let Some(reader) = self.reader {
            reader.abort();
        }
    }
}

/// Runs one script; only that it could not be run is worth a line.
async fn run(command: Command) {
    let program = command.argv.first().cloned().unwrap_or_default();
    if let Outcome::NotStarted(reason) = process::run_to_end(command).await {
        tracing::warn!("notify script {program} was not run: {reason}");
    }
}

/// Sends what comes, each mail by itself, until nothing more can come and all are sent.
async fn send_mails(global: Global, mut inbox: mpsc::UnboundedReceiver<(String, &'static str)>) {
    let mut names = None;
    let mut under_way = JoinSet::new();
    while let Some((subject, body)) = inbox.recv().await {
        if names.is_none() {
            names = Some(if Mailer::needs_names(&global) { services::local_names().await } else { Default::default() });
        }
        let mailer = names.as_ref().and_then(|names| Mailer::new(&global, names));
        if let Some(mailer) = mailer {
            under_way.spawn(services::deliver(mailer.mail(&subject, body)));
        }
    }
    while under_way.join_next().await.is_some() {}
}
