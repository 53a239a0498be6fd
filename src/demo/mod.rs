//! `alived demo`: a whole deployment in a box, told live. Two directors, two web servers and a client on one switch,
//! made of network namespaces that vanish with the program; the directors run the real daemon with the files of
//! `fixtures/demo/`.
//!
//! It changes nothing outside its namespaces and a temporary directory. It ends by itself in less than half a minute:
//! with success when everything happened as told, else with the reason. What is not the daemon's work (the web
//! servers, the client, and IPVS where the kernel has none) is played by this program, and the screen says so.

mod client;
mod director;
mod event;
mod http;
mod namespace;
mod network;
mod screen;
mod stage;
mod story;
mod tap;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal};

use event::{Kind, Reporter};
use network::NetworkError;
use screen::Screen;
use stage::Stage;
use story::Story;

/// The exit code of a program ended by SIGINT, as shells give it.
const EXIT_INTERRUPTED: u8 = 130;

/// Why the demo could not be told to its end.
#[derive(Debug, thiserror::Error)]
enum Spoiled {
    /// The network could not be built.
    #[error("cannot build the demo's network")]
    Network(#[from] NetworkError),
    /// Something else could not be set up.
    #[error("{doing}")]
    Setup {
        /// What was being done.
        doing: &'static str,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// What should have happened did not.
    #[error("waited {} s for {what}", .limit.as_secs())]
    Late {
        /// For what.
        what: &'static str,
        /// How long.
        limit: Duration,
    },
    /// What happened should not have.
    #[error("{0}")]
    Wrong(String),
    /// Ctrl-C or SIGTERM.
    #[error("interrupted")]
    Interrupted,
}

/// Runs the demo on the standard output.
pub fn run() -> ExitCode {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("alived demo makes its own network namespaces, which needs root. Run: sudo {} demo", program());
        return ExitCode::FAILURE;
    }
    let screen = Screen::new();
    match tell(&screen) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Spoiled::Interrupted) => {
            screen.plain("\nInterrupted; everything is taken down.");
            ExitCode::from(EXIT_INTERRUPTED)
        }
        Err(spoiled) => {
            let causes = std::iter::successors(std::error::Error::source(&spoiled), |error| error.source());
            let reason = causes.fold(spoiled.to_string(), |text, cause| format!("{text}: {cause}"));
            screen.plain(&format!("\nThe demo failed: {reason}"));
            ExitCode::FAILURE
        }
    }
}

fn tell(screen: &Screen) -> Result<(), Spoiled> {
    let (sender, events) = mpsc::channel();
    let reporter = Reporter::new(sender);
    // Before the first thread: all of them inherit that these signals are for the one that waits for them.
    watch_signals(reporter.clone()).map_err(|source| Spoiled::Setup { doing: "watching for signals", source })?;
    let directory = Directory::create().map_err(|source| Spoiled::Setup { doing: "making a directory", source })?;
    let stage = Stage::set(&directory.0, reporter)?;
    Story::new(screen, stage, events).tell()
}

/// Ctrl-C and SIGTERM become an event, so that everything is taken down in order.
fn watch_signals(reporter: Reporter) -> io::Result<()> {
    let signals: SigSet = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().collect();
    signals.thread_block()?;
    thread::spawn(move || {
        while signals.wait().is_ok() {
            reporter.report(Kind::Interrupted);
        }
    });
    Ok(())
}

/// How this program was called, for a line to copy.
fn program() -> String {
    std::env::args().next().unwrap_or_else(|| "alived".to_owned())
}

/// A temporary directory, removed with the value.
struct Directory(PathBuf);

impl Directory {
    fn create() -> io::Result<Directory> {
        let path = std::env::temp_dir().join(format!("alived-demo-{}", std::process::id()));
        fs::create_dir(&path)?;
        Ok(Directory(path))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(Path::new(&self.0));
    }
}
