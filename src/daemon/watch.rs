//! What the main thread watches for VRRP: tracked files and tracked processes. Feeds the process tracker; the VRRP thread
//! hears only of numbers and quorums that changed.

use std::io;
use std::time::Duration;

use super::log_chain;
use crate::controller::routers::Event;
use crate::io::processes::{self, ProcessEvents};
use crate::io::track_files::{self, Reading, TrackFiles};
use crate::model::{Config, TrackProcess};
use crate::time::Instant;
use crate::track::process::{self, ProcessTracker, Quorum};

/// How often processes are counted where the kernel tells nothing.
const POLL: Duration = Duration::from_secs(1);

/// Everything that is watched.
pub struct Watch {
    files: Option<TrackFiles>,
    tracker: ProcessTracker,
    configs: Vec<TrackProcess>,
    events: Option<ProcessEvents>,
    /// When processes are counted next, without [`Watch::events`].
    count_at: Option<tokio::time::Instant>,
    clock: tokio::time::Instant,
}

impl Default for Watch {
    /// Watches nothing.
    fn default() -> Watch {
        Watch {
            files: None,
            tracker: ProcessTracker::default(),
            configs: Vec::new(),
            events: None,
            count_at: None,
            clock: tokio::time::Instant::now(),
        }
    }
}

impl Watch {
    /// Watches what `config` tracks from now on. All that VRRP has to know before it takes the configuration.
    pub fn configure(&mut self, config: &Config, starting: bool) -> Vec<Event> {
        for error in track_files::initialise(&config.files, starting) {
            tracing::warn!("{}", log_chain(&error));
        }
        self.files = None;
        let mut events = Vec::new();
        if !config.files.is_empty() {
            match TrackFiles::open(&config.files) {
                Ok((files, readings)) => {
                    self.files = Some(files);
                    events.extend(file_events(readings));
                }
                Err(error) => tracing::error!("Unable to monitor track files: {error}"),
            }
        }
        events.extend(self.configure_processes(&config.processes));
        events
    }

    /// A reload that changes nothing about them goes on counting.
    fn configure_processes(&mut self, configs: &[TrackProcess]) -> Vec<Event> {
        if self.configs != configs {
            self.configs = configs.to_vec();
            self.tracker = ProcessTracker::new(configs.to_vec());
            (self.events, self.count_at) = (None, None);
            if !configs.is_empty() {
                // Subscribed before they are counted, so that none begins or ends in between.
                match ProcessEvents::open() {
                    Ok(events) => self.events = Some(events),
                    Err(error) => self.poll_instead(&error),
                }
                self.feed(process::Event::Snapshot(processes::all()));
            }
        }
        self.tracker.quorums().into_iter().map(quorum_event).collect()
    }

    fn poll_instead(&mut self, error: &io::Error) {
        let every = POLL.as_secs();
        tracing::warn!("the kernel tells nothing about processes ({error}); they are counted every {every} s");
        self.events = None;
        self.count_at = Some(tokio::time::Instant::now() + POLL);
    }

    fn feed(&mut self, event: process::Event) -> Vec<Event> {
        let now = Instant::from_start(self.clock.elapsed());
        self.tracker.handle(now, event).into_iter().map(quorum_event).collect()
    }

    /// What VRRP has to know now; perhaps nothing. Safe to abandon.
    pub async fn next(&mut self) -> Vec<Event> {
        let deadline = self.tracker.next_deadline().map(|at| self.clock + at.since_start());
        tokio::select! {
            readings = next_files(&mut self.files) => match readings {
                Ok(readings) => file_events(readings),
                Err(error) => {
                    tracing::error!("track files are no longer watched: {error}");
                    self.files = None;
                    Vec::new()
                }
            },
            events = next_processes(&mut self.events) => match events {
                Ok(events) => events.into_iter().flat_map(|event| self.feed(event)).collect(),
                Err(error) => {
                    self.poll_instead(&error);
                    Vec::new()
                }
            },
            () = super::wait_until(deadline) => self.feed(process::Event::Timer),
            () = super::wait_until(self.count_at) => {
                self.count_at = Some(tokio::time::Instant::now() + POLL);
                self.feed(process::Event::Snapshot(processes::all()))
            }
        }
    }
}

fn quorum_event(Quorum { name, reached }: Quorum) -> Event {
    Event::ProcessQuorum { name, reached }
}

fn file_events(readings: Vec<Reading>) -> Vec<Event> {
    let event = |reading: Reading| match reading {
        Ok((name, value)) => Some(Event::FileValue { name, value }),
        Err(error) => {
            tracing::warn!("{}", log_chain(&error));
            None
        }
    };
    readings.into_iter().filter_map(event).collect()
}

async fn next_files(files: &mut Option<TrackFiles>) -> io::Result<Vec<Reading>> {
    match files {
        Some(files) => files.next().await,
        None => std::future::pending().await,
    }
}

async fn next_processes(events: &mut Option<ProcessEvents>) -> io::Result<Vec<process::Event>> {
    match events {
        Some(events) => events.next().await,
        None => std::future::pending().await,
    }
}
