//! Runs the tests of this binary in a virtual machine whose kernel has IPVS.
//!
//! Every test is written as `vm::case("its_name", || …)`. On the host, the first one that runs boots one machine, in
//! which this same binary runs all tests that were asked for; there the bodies are executed, each in namespaces of its
//! own. Back on the host every test takes its own result from what came out.

use std::collections::HashMap;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use std::{fs, thread};

use super::engine::Engine;
use super::guest;

/// Set inside the machine.
const INSIDE: &str = "ALIVED_VM_INSIDE";
/// Modules of the guest.
const MODULES: &str = "ipv6 dummy veth nlmon ip_vs ip_vs_rr ip_vs_wrr ip_vs_wlc";
/// How long all tests together may take.
const TIME_LIMIT: Duration = Duration::from_secs(240);

/// What the machine had to say.
pub struct Run {
    /// The verdict of each test that ran.
    passed: HashMap<String, bool>,
    /// Output and console, for failures.
    pub output: String,
}

/// Runs `body` inside the machine as the test `name`, which must be the path of the calling function within this binary.
pub fn case(name: &str, body: impl FnOnce() + Send) {
    if is_inside() {
        return guest::isolated(body);
    }
    static RUN: OnceLock<Result<Run, String>> = OnceLock::new();
    let run = RUN.get_or_init(boot).as_ref().unwrap_or_else(|reason| panic!("no virtual machine: {reason}"));
    match run.passed.get(name) {
        Some(true) => {}
        Some(false) => panic!("{name} failed in the virtual machine:\n{}", section(&run.output, name)),
        None => panic!("{name} did not run in the virtual machine; what came out:\n{}", run.output),
    }
}

/// The part of the output about one failed test.
fn section(output: &str, name: &str) -> String {
    let start = format!("---- {name} stdout ----");
    match output.split_once(&start) {
        Some((_, rest)) => rest.split("\n---- ").next().unwrap_or(rest).to_owned(),
        None => output.to_owned(),
    }
}

/// Whether this runs inside the machine.
pub fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Boots a machine and runs this binary in it, with the filters that were given.
pub fn boot() -> Result<Run, String> {
    let engine = Engine::choose()?;
    let job = tempfile::tempdir().map_err(|error| format!("making a directory: {error}"))?;
    let this = std::env::current_exe().map_err(|error| format!("finding this binary: {error}"))?;
    // Filters, but not the options of the host's test runner.
    let filters = std::env::args().skip(1).filter(|argument| !argument.starts_with('-') || argument == "--exact");
    let quoted: String = filters.map(|argument| format!(" '{}'", argument.replace('\'', r"'\''"))).collect();
    let command = format!("export {INSIDE}=1 TZ=UTC\nexec '{}' --test-threads=1{quoted}\n", this.display());
    fs::write(job.path().join("command"), command).map_err(|error| format!("writing the command: {error}"))?;
    let console = fs::File::create(job.path().join("console")).map_err(|error| format!("the console: {error}"))?;
    let both = console.try_clone().map_err(|error| format!("the console: {error}"))?;
    let mut machine = engine
        .boot(job.path(), MODULES)?
        .stdin(Stdio::null())
        .stdout(console)
        .stderr(both)
        .spawn()
        .map_err(|error| format!("starting it: {error}"))?;
    let deadline = Instant::now() + TIME_LIMIT;
    let ended = loop {
        match machine.try_wait() {
            Ok(Some(_)) => break true,
            Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(50)),
            Ok(None) | Err(_) => break false,
        }
    };
    if !ended {
        let _ = machine.kill();
        let _ = machine.wait();
    }
    let read = |name: &str| {
        let bytes = fs::read(job.path().join(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let (output, console) = (read("output"), read("console"));
    if read("status").is_empty() {
        let what = if ended { "it ended without a result" } else { "it took too long" };
        return Err(format!("{what}; console:\n{console}\noutput:\n{output}"));
    }
    let verdict = |line: &str| {
        let (name, verdict) = line.strip_prefix("test ")?.split_once(" ... ")?;
        Some((name.to_owned(), verdict.starts_with("ok")))
    };
    let passed = output.lines().filter_map(verdict).collect();
    Ok(Run { passed, output })
}

/// Runs a command and returns what it printed; it must succeed.
pub fn run(command: &str) -> String {
    let mut words = command.split_whitespace();
    let program = words.next().expect("a program");
    let output = Command::new(program).args(words).output().unwrap_or_else(|error| panic!("{command}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}
