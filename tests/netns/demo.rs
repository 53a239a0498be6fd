//! Does `alived demo` tell its story to the end, and leave nothing behind?

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::eventually;
use crate::pairs::report;

/// It promises to end by itself in this time.
const LIMIT: Duration = Duration::from_secs(30);

/// A running demo, with a temporary directory of its own.
struct Demo {
    child: Child,
    temporary: tempfile::TempDir,
}

impl Demo {
    fn start() -> Demo {
        let temporary = tempfile::tempdir().expect("a temporary directory");
        let child = Command::new(env!("CARGO_BIN_EXE_alived"))
            .arg("demo")
            .env("TMPDIR", temporary.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("alived is there");
        Demo { child, temporary }
    }

    /// Reads what it says until a line contains `words`, or to the end; then everything read.
    fn read_until(&mut self, words: &str) -> String {
        let mut said = String::new();
        let mut lines = BufReader::new(self.child.stdout.as_mut().expect("its output is piped"));
        while !said.contains(words) && lines.read_line(&mut said).expect("its output is text") > 0 {}
        said
    }

    /// The processes of its daemons: those that name its directory.
    fn daemons(&self) -> Vec<PathBuf> {
        let directory = self.temporary.path().display().to_string();
        let processes = std::fs::read_dir("/proc").expect("/proc is mounted").flatten();
        let names_it = |path: &PathBuf| {
            std::fs::read(path.join("cmdline")).is_ok_and(|line| String::from_utf8_lossy(&line).contains(&directory))
        };
        processes.map(|entry| entry.path()).filter(names_it).collect()
    }

    fn assert_nothing_is_left(&self) {
        eventually("its daemons to go", Duration::from_secs(5), || self.daemons().is_empty());
        let files: Vec<_> = std::fs::read_dir(self.temporary.path()).expect("its directory").flatten().collect();
        assert!(files.is_empty(), "left behind: {files:?}");
    }

    fn end_by(mut self, signal: Signal) -> ExitStatus {
        self.read_until("a announces 10.80.0.100");
        assert_eq!(self.daemons().len(), 2, "two directors are running");
        kill(Pid::from_raw(self.child.id() as i32), signal).expect("it is running");
        let status = self.child.wait().expect("waiting for a child");
        if signal == Signal::SIGKILL {
            eventually("its daemons to die with it", Duration::from_secs(5), || self.daemons().is_empty());
        } else {
            self.assert_nothing_is_left();
        }
        status
    }
}

#[test]
fn the_demo_succeeds_within_half_a_minute_and_leaves_nothing() {
    let begun = Instant::now();
    let mut demo = Demo::start();
    let said = demo.read_until("never said");
    let status = demo.child.wait().expect("waiting for a child");
    assert!(status.success(), "{status}:\n{said}");
    assert!(begun.elapsed() < LIMIT, "it took {:?}", begun.elapsed());
    assert!(said.contains("b owns 10.80.0.100"), "{said}");
    assert!(!said.contains('\x1b'), "colour is for terminals");
    let summary = said.split("== As told.").nth(1).unwrap_or_else(|| panic!("no summary:\n{said}"));
    summary.lines().filter(|line| !line.is_empty()).for_each(|line| report(&format!("demo:{line}")));
    demo.assert_nothing_is_left();
}

#[test]
fn an_interrupted_demo_leaves_nothing() {
    assert_eq!(Demo::start().end_by(Signal::SIGINT).code(), Some(130));
}

#[test]
fn a_terminated_demo_leaves_nothing() {
    assert_eq!(Demo::start().end_by(Signal::SIGTERM).code(), Some(130));
}

#[test]
fn a_killed_demo_takes_its_daemons_with_it() {
    assert!(!Demo::start().end_by(Signal::SIGKILL).success());
}
