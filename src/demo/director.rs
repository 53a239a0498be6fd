//! A director: the real daemon, this very program, with its configuration in a namespace.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use super::event::{Kind, Reporter};
use super::namespace::Namespace;
use super::network::HostId;
use crate::io::sys;

/// Length of the date that begins each line of the log: `Sat Nov 21 01:49:39 2026`.
const DATE_LEN: usize = 24;

/// One of the two directors.
pub struct Director {
    host: HostId,
    namespace: Namespace,
    directory: PathBuf,
    running: Option<Running>,
}

/// Its daemon, while it runs.
struct Running {
    /// The first process, which leads their group.
    main: Pid,
    /// Started the process and stays until it is gone: the kernel kills the daemon when this thread ends.
    keeper: JoinHandle<()>,
}

impl Director {
    /// A director on `host` whose files are in `directory`.
    pub fn new(host: HostId, namespace: &Namespace, directory: &Path, conf: &str) -> io::Result<Director> {
        let directory = directory.join(host.label());
        fs::create_dir(&directory)?;
        fs::write(directory.join("keepalived.conf"), conf)?;
        Ok(Director { host, namespace: namespace.clone(), directory, running: None })
    }

    /// Starts its daemon.
    pub fn start(&mut self, reporter: &Reporter) -> io::Result<()> {
        let (namespace, reporter, host, command) =
            (self.namespace.clone(), reporter.clone(), self.host, self.command());
        let (started, starting) = mpsc::channel();
        let keeper = thread::spawn(move || keep(&namespace, command, host, &reporter, &started));
        let main = starting.recv().unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()))?;
        self.running = Some(Running { main, keeper });
        Ok(())
    }

    /// SIGKILL of all its processes: nothing can be said or done any more.
    pub fn kill(&mut self) {
        if let Some(running) = self.running.take() {
            // An error means that they are gone already.
            let _ = killpg(running.main, Signal::SIGKILL);
            let _ = running.keeper.join();
        }
    }

    /// SIGTERM: the daemon ends by itself, which is reported.
    pub fn terminate(&self) {
        if let Some(running) = &self.running {
            let _ = kill(running.main, Signal::SIGTERM);
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new("/proc/self/exe");
        command.arg0("alived").args(["-n", "-l", "-D"]);
        for (flag, file) in [("-f", "keepalived.conf"), ("-p", "main.pid"), ("-r", "vrrp.pid"), ("-c", "checkers.pid")]
        {
            command.arg(flag).arg(self.directory.join(file));
        }
        command.stdin(Stdio::null()).process_group(0);
        sys::die_with_thread(&mut command);
        command
    }
}

impl Drop for Director {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs `command` inside `namespace` to its end and reports each line it says.
fn keep(
    namespace: &Namespace,
    mut command: Command,
    host: HostId,
    reporter: &Reporter,
    started: &mpsc::Sender<io::Result<Pid>>,
) {
    let spawn = || {
        namespace.enter()?;
        let (log, end) = io::pipe()?;
        command.stdout(end.try_clone()?).stderr(end);
        let child = command.spawn()?;
        // The command still holds the writing ends; the log ends when the daemon's are the last.
        drop(command);
        Ok((child, log))
    };
    let (mut child, log) = match spawn() {
        Ok(spawned) => spawned,
        Err(error) => {
            let _ = started.send(Err(error));
            return;
        }
    };
    let _ = started.send(Ok(Pid::from_raw(child.id() as i32)));
    for line in BufReader::new(log).lines().map_while(Result::ok) {
        reporter.report(Kind::Said { by: host, text: without_date(&line).to_owned() });
    }
    let how = child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
    reporter.report(Kind::Ended { on: host, how });
}

/// A log line without its date, if it begins with one.
fn without_date(line: &str) -> &str {
    match line.get(DATE_LEN..).and_then(|rest| rest.strip_prefix(": ")) {
        Some(text) => text,
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_is_taken_off_and_nothing_else() {
        assert_eq!(
            without_date("Sat Nov 21 01:49:39 2026: (web) Entering MASTER STATE"),
            "(web) Entering MASTER STATE"
        );
        assert_eq!(without_date("short: line"), "short: line");
        assert_eq!(without_date(""), "");
    }
}
