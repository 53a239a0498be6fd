//! A daemon under test on one host: started with a configuration, killed in several ways, its log at hand.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::namespace::Namespace;
use super::wait::{eventually, wait_for};

/// Which daemon runs on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// The one under test.
    Alived,
    /// The system's keepalived: peer and measure.
    Keepalived,
}

impl Program {
    /// The executable. `ALIVED_UNDER_TEST` puts another one in alived's place: with keepalived there, the suite checks
    /// the laboratory itself, and fails only where docs/DESIGN.md names a difference (forged streams, other address
    /// lists, reloads of unusable files).
    fn executable(self) -> PathBuf {
        match self {
            Program::Alived => {
                std::env::var_os("ALIVED_UNDER_TEST").unwrap_or_else(|| env!("CARGO_BIN_EXE_alived").into()).into()
            }
            Program::Keepalived => "keepalived".into(),
        }
    }

    /// The name to print.
    pub fn name(self) -> &'static str {
        match self {
            Program::Alived => "alived",
            Program::Keepalived => "keepalived",
        }
    }
}

/// A running daemon.
pub struct Daemon {
    main: Child,
    directory: PathBuf,
}

impl Daemon {
    /// Starts `program` inside `namespace`, with `conf` and its pid files and temporary files in `directory`.
    pub fn start(program: Program, namespace: &Namespace, directory: &Path, conf: &str) -> Daemon {
        let file = directory.join("keepalived.conf");
        fs::write(&file, conf).expect("the laboratory's directory is writable");
        let log = File::options().create(true).append(true).open(directory.join("log")).expect("a log file");
        let mut command = Command::new(program.executable());
        command.args(["-n", "-l", "-D", "-f"]).arg(&file);
        for (flag, name) in [("-p", "main.pid"), ("-r", "vrrp.pid"), ("-c", "checkers.pid"), ("-b", "bfd.pid")] {
            command.arg(flag).arg(directory.join(name));
        }
        command.env("TMPDIR", directory).current_dir(directory).stdin(Stdio::null());
        command.stdout(log.try_clone().expect("a second handle")).stderr(log);
        let main = namespace
            .inside(move || command.spawn())
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", program.name()));
        Daemon { main, directory: directory.to_owned() }
    }

    /// Everything it has said so far, earlier runs on the same host included.
    pub fn log(&self) -> String {
        read_log(&self.directory)
    }

    /// Replaces its configuration file; it takes notice at the next [`Daemon::signal`] with SIGHUP.
    pub fn write_conf(&self, conf: &[u8]) {
        fs::write(self.directory.join("keepalived.conf"), conf).expect("the laboratory's directory is writable");
    }

    /// The configuration file's path.
    pub fn conf_file(&self) -> PathBuf {
        self.directory.join("keepalived.conf")
    }

    /// Sends `signal` to its first process.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.main.id() as i32), signal).expect("the daemon is running");
    }

    /// Whether its first process is still there.
    pub fn is_running(&mut self) -> bool {
        self.main.try_wait().expect("waiting for a child").is_none()
    }

    /// SIGTERM, and its exit status.
    pub fn terminate(mut self, namespace: &Namespace) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        let status = wait_for("the daemon to stop after SIGTERM", Duration::from_secs(10), || {
            self.main.try_wait().expect("waiting for a child")
        });
        eventually("the daemon's last process to go", Duration::from_secs(10), || namespace.processes().is_empty());
        status
    }

    /// SIGKILL of everything in its namespace, frozen first so that no process sees another one die.
    pub fn kill(mut self, namespace: &Namespace) {
        let processes = namespace.processes();
        assert!(!processes.is_empty(), "nothing to kill: the daemon is not running");
        for signal in [Signal::SIGSTOP, Signal::SIGKILL] {
            for &pid in &processes {
                let _ = kill(pid, signal);
            }
        }
        let status = self.main.wait().expect("waiting for a child");
        assert_eq!(status.signal(), Some(libc::SIGKILL));
    }
}

/// The log of the daemons that ran with `directory`.
pub fn read_log(directory: &Path) -> String {
    String::from_utf8_lossy(&fs::read(directory.join("log")).unwrap_or_default()).into_owned()
}
