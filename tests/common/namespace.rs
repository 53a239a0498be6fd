//! Named network namespaces, and doing things inside them.

use std::collections::HashSet;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::process::Command;
use std::sync::Once;
use std::thread;

use nix::sched::{CloneFlags, setns};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Where iproute2 keeps named namespaces.
const NAMED: &str = "/run/netns";
/// How the laboratory's namespaces begin; the process id follows.
const PREFIX: &str = "alived-lab-";

/// A network namespace that exists as long as this value.
pub struct Namespace {
    name: String,
    handle: File,
}

impl Namespace {
    /// Creates the namespace `alived-lab-PID-suffix`, with its loopback up and without IPv6.
    pub fn create(suffix: &str) -> Namespace {
        static SWEEP: Once = Once::new();
        SWEEP.call_once(sweep);
        let name = format!("{PREFIX}{}-{suffix}", std::process::id());
        run("ip", &["netns", "add", &name]);
        let handle = File::open(format!("{NAMED}/{name}")).expect("the new namespace has a name");
        let namespace = Namespace { name, handle };
        namespace.set_sysctl("net/ipv6/conf/all/disable_ipv6", "1");
        namespace.set_sysctl("net/ipv6/conf/default/disable_ipv6", "1");
        namespace.ip(&["link", "set", "lo", "up"]);
        namespace
    }

    /// Its name, as `ip netns` lists it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs `work` on a thread inside the namespace; processes it starts stay inside.
    pub fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| {
            let worker = scope.spawn(|| {
                setns(&self.handle, CloneFlags::CLONE_NEWNET).expect("entering a network namespace needs root");
                work()
            });
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// `ip -n NAME args…`, which must succeed.
    pub fn ip(&self, args: &[&str]) -> String {
        let mut all = vec!["-n", self.name.as_str()];
        all.extend_from_slice(args);
        run("ip", &all)
    }

    /// Writes `/proc/sys/KEY` of this namespace.
    pub fn set_sysctl(&self, key: &str, value: &str) {
        self.inside(|| fs::write(format!("/proc/sys/{key}"), value))
            .unwrap_or_else(|error| panic!("setting {key} to {value}: {error}"));
    }

    /// Every process that lives in the namespace, without the test itself.
    pub fn processes(&self) -> Vec<Pid> {
        processes_in(&self.handle)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        for pid in self.processes() {
            let _ = kill(pid, Signal::SIGKILL);
        }
        let _ = Command::new("ip").args(["netns", "del", &self.name]).status();
    }
}

fn processes_in(namespace: &File) -> Vec<Pid> {
    let inode = namespace.metadata().expect("metadata of an open file").ino();
    let entries = fs::read_dir("/proc").expect("/proc is mounted");
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .filter(|pid| fs::metadata(format!("/proc/{pid}/ns/net")).is_ok_and(|meta| meta.ino() == inode))
        .filter(|&pid| pid != std::process::id() as i32)
        .map(Pid::from_raw)
        .collect()
}

/// Removes what a killed test run left behind: namespaces that name a process which is gone.
fn sweep() {
    let Ok(entries) = fs::read_dir(NAMED) else { return };
    let mut dead = HashSet::new();
    for entry in entries.flatten() {
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
        let owner = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next()).map(str::to_owned);
        if owner.is_some_and(|owner| !fs::exists(format!("/proc/{owner}")).unwrap_or(true)) {
            dead.insert(name);
        }
    }
    for name in dead {
        if let Ok(handle) = File::open(format!("{NAMED}/{name}")) {
            for pid in processes_in(&handle) {
                let _ = kill(pid, Signal::SIGKILL);
            }
        }
        let _ = Command::new("ip").args(["netns", "del", &name]).status();
    }
}

/// Runs a program that must succeed; its output. A missing program is a failure that names it.
#[track_caller]
pub fn run(program: &str, args: &[&str]) -> String {
    let output = Command::new(program)
        .args(args)
        .output()
        .unwrap_or_else(|error| panic!("cannot run {program}: {error}; tests/run.sh installs what the tests need"));
    assert!(
        output.status.success(),
        "{program} {} failed ({}): {}",
        args.join(" "),
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
