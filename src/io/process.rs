//! Runs scripts: own process group, no input or output, a time limit, and the user they are configured for.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Gid, Group, Pid, Uid, User};
use std::os::unix::process::ExitStatusExt;

use crate::model::Command;
use crate::track::Outcome;

/// How long a script that was told to end may take before it is killed.
const GRACE: Duration = Duration::from_secs(2);
/// What keepalived takes out of a script's environment.
const FORBIDDEN_VARIABLES: [&str; 3] = ["IFS", "LD_PRELOAD", "LD_LIBRARY_PATH"];

/// Why a script could not be started.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    #[error("there is no user {0}")]
    NoUser(String),
    #[error("there is no group {0}")]
    NoGroup(String),
    #[error("{0}")]
    System(#[from] io::Error),
}

/// Runs `command` to its end, or until `timeout`: then its process group gets SIGTERM, and two seconds later SIGKILL.
/// Dropping the future ends all of it.
pub async fn run(command: Command, timeout: Duration) -> Outcome {
    let mut child = match start(&command) {
        Ok(child) => child,
        Err(error) => return Outcome::NotStarted(error.to_string()),
    };
    // The group's number is the leader's; it stays ours until the leader is waited for.
    let mut running = Running(child.id().map(|id| Pid::from_raw(id.cast_signed())));
    let outcome = match tokio::time::timeout(timeout, child.wait()).await {
        Ok(status) => outcome(status),
        Err(_) => {
            running.signal(Signal::SIGTERM);
            if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
                running.signal(Signal::SIGKILL);
                let _ = child.wait().await;
            }
            Outcome::TimedOut
        }
    };
    running.0 = None;
    outcome
}

/// The process group of a script that runs; nobody waits for it any more when this is dropped.
struct Running(Option<Pid>);

impl Running {
    fn signal(&self, signal: Signal) {
        if let Some(group) = self.0 {
            // It may be gone already.
            let _ = killpg(group, signal);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.signal(Signal::SIGTERM);
    }
}

/// Runs `command` to its end, however long it takes. Dropping the future kills it.
pub async fn run_to_end(command: Command) -> Outcome {
    match start(&command) {
        Ok(mut child) => outcome(child.wait().await),
        Err(error) => Outcome::NotStarted(error.to_string()),
    }
}

fn outcome(status: io::Result<ExitStatus>) -> Outcome {
    match status {
        Err(error) => Outcome::NotStarted(error.to_string()),
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => Outcome::Exited(code),
            (None, signal) => Outcome::Signalled(signal.unwrap_or_default()),
        },
    }
}

fn start(command: &Command) -> Result<tokio::process::Child, StartError> {
    let [program, arguments @ ..] = command.argv.as_slice() else {
        return Err(io::Error::from(io::ErrorKind::InvalidInput).into());
    };
    let mut process = tokio::process::Command::new(program);
    process.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    process.process_group(0).kill_on_drop(true);
    for variable in FORBIDDEN_VARIABLES {
        process.env_remove(variable);
    }
    if let Some(user) = &command.user {
        let (user, group) = user_and_group(user)?;
        process.uid(user.as_raw()).gid(group.as_raw());
    }
    Ok(process.spawn()?)
}

/// The numbers of a user and a group; without a group it is the user's own.
pub(super) fn user_and_group((user, group): &(String, Option<String>)) -> Result<(Uid, Gid), StartError> {
    let no_user = || StartError::NoUser(user.clone());
    let user = User::from_name(user).map_err(io::Error::from)?.ok_or_else(no_user)?;
    let Some(group) = group else { return Ok((user.uid, user.gid)) };
    let no_group = || StartError::NoGroup(group.clone());
    let group = Group::from_name(group).map_err(io::Error::from)?.ok_or_else(no_group)?;
    Ok((user.uid, group.gid))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        Command { argv: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(), user: None }
    }

    fn ended(command: Command, timeout: Duration) -> Outcome {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(run(command, timeout))
    }

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn the_exit_status_and_the_signal_are_told_apart() {
        assert_eq!(ended(shell("exit 0"), LONG), Outcome::Exited(0));
        assert_eq!(ended(shell("exit 7"), LONG), Outcome::Exited(7));
        assert_eq!(ended(shell("kill -9 $$"), LONG), Outcome::Signalled(9));
    }

    #[test]
    fn a_script_past_its_time_ends_with_its_children() {
        let marker = tempfile::NamedTempFile::new().expect("a file");
        let script = format!("sleep 60 & echo $! > {} ; wait", marker.path().display());
        assert_eq!(ended(shell(&script), Duration::from_millis(300)), Outcome::TimedOut);
        let child = std::fs::read_to_string(marker.path()).expect("the child's number");
        let stat = format!("/proc/{}/stat", child.trim());
        // The signal is sent; dying takes the child a moment. Gone, or waiting to be reaped by whoever adopted it.
        let ended = || std::fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "));
        let deadline = std::time::Instant::now() + Duration::from_secs(5);
        while !ended() {
            assert!(std::time::Instant::now() < deadline, "the child still runs");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_program_that_is_not_there_is_a_reason_not_a_panic() {
        let missing = Command { argv: vec!["/nonexistent/check".to_owned()], user: None };
        assert!(matches!(ended(missing, LONG), Outcome::NotStarted(_)));
        let nobody = Command { user: Some(("no-such-user".to_owned(), None)), ..shell("true") };
        assert_eq!(ended(nobody, LONG), Outcome::NotStarted("there is no user no-such-user".to_owned()));
    }
}
