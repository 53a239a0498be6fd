//! Tracked objects: what may change an instance's priority or put it in FAULT.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::address::InterfaceName;

macro_rules! name {
    ($name:ident, $block:literal) => {
        #[doc = concat!("The name of a `", $block, "` block.")]
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub String);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(ScriptName, "vrrp_script");
name!(FileName, "track_file");
name!(ProcessName, "vrrp_track_process");
name!(SessionName, "bfd_instance");

/// A program to run and its arguments. Never passed through a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The program, then its arguments; never empty.
    pub argv: Vec<String>,
    /// User and group to run as, defaults already applied; `None` is the user alived runs as.
    pub user: Option<(String, Option<String>)>,
}

/// `weight N [reverse]`: −254 to 254; 0 means "failing is FAULT".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TrackWeight {
    value: i16,
    /// The sign of the effect is inverted.
    pub reverse: bool,
}

impl TrackWeight {
    /// `None` outside −254…254.
    pub fn new(value: i64, reverse: bool) -> Option<TrackWeight> {
        (-254..=254).contains(&value).then_some(TrackWeight { value: value as i16, reverse })
    }

    /// −254 to 254.
    pub fn value(self) -> i16 {
        self.value
    }
}

/// What can be tracked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TrackedObject {
    /// `track_interface`: whether it is up and has a carrier.
    Interface(InterfaceName),
    /// `track_script`: whether the `vrrp_script` succeeds.
    Script(ScriptName),
    /// `track_file`: the number in the file.
    File(FileName),
    /// `track_process`: whether there are as many processes as there should be.
    Process(ProcessName),
    /// `track_bfd`: whether the session is up.
    Session(SessionName),
}

impl fmt::Display for TrackedObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrackedObject::Interface(name) => write!(f, "interface {name}"),
            TrackedObject::Script(name) => write!(f, "script {name}"),
            TrackedObject::File(name) => write!(f, "file {name}"),
            TrackedObject::Process(name) => write!(f, "process {name}"),
            TrackedObject::Session(name) => write!(f, "BFD session {name}"),
        }
    }
}

/// One line of a `track_*` block. The object exists in the same [`super::Config`], save for interfaces, which may come
/// and go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracked {
    /// Which.
    pub object: TrackedObject,
    /// The line's own weight, else the object's.
    pub weight: TrackWeight,
}

/// One `vrrp_script` block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VrrpScript {
    /// The block's name.
    pub name: ScriptName,
    /// `script`
    pub command: Command,
    /// `interval`, default 1 s: from start to start.
    pub interval: Duration,
    /// `timeout`; `None` (or 0 in the file) means the interval.
    pub timeout: Option<Duration>,
    /// `weight`, default 0; an instance's `track_script` line may set another.
    pub weight: TrackWeight,
    /// `rise`: successes in a row until it counts as up, default 1, at least 1.
    pub rise: u32,
    /// `fall`: failures in a row until it counts as down, default 1, at least 1.
    pub fall: u32,
    /// `init_fail`: counts as failed until it has succeeded.
    pub init_fail: bool,
}

/// One `track_file` block: a file with a number in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackFile {
    /// The block's name.
    pub name: FileName,
    /// `file`
    pub path: PathBuf,
    /// `weight`, default 1: what the number is multiplied by.
    pub weight: TrackWeight,
    /// `init_file`: the file is written when the daemon starts.
    pub init: Option<FileInit>,
}

/// `init_file [N] [overwrite]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileInit {
    /// What is written, default 0.
    pub value: i32,
    /// Also into a file that exists already.
    pub overwrite: bool,
}

/// One `vrrp_track_process` block: how many processes of a kind there should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackProcess {
    /// The block's name.
    pub name: ProcessName,
    /// The first word of `process`: the name of a command, with [`TrackProcess::full_command`] as it was started.
    pub command: String,
    /// The other words of `process`.
    pub parameters: Vec<String>,
    /// `param_match`, and whether the command's arguments count at all.
    pub matching: ParameterMatch,
    /// `full_command`, implied by arguments: `/proc/PID/cmdline` is compared, not the name of 15 characters.
    pub full_command: bool,
    /// `weight`, default 0
    pub weight: TrackWeight,
    /// `quorum`: the fewest processes, default 1.
    pub quorum: u32,
    /// `quorum_max`: the most processes; `None` is unlimited.
    pub quorum_max: Option<u32>,
    /// `terminate_delay`: how long a process that ended is not missed.
    pub terminate_delay: Duration,
    /// `fork_delay`: how long a process that was forked does not count.
    pub fork_delay: Duration,
}

/// How the arguments of a process are compared (keepalived.conf(5), `param_match`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ParameterMatch {
    /// Not at all.
    #[default]
    Ignored,
    /// All of them, to the letter.
    Exact,
    /// They begin with the configured ones, the last of which may be the beginning of a word.
    Initial,
    /// They begin with the configured ones, word by word.
    Partial,
}

/// One `track_group` block: instances that static addresses, routes and rules may be tied to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackGroup {
    /// The block's name.
    pub name: String,
    /// `group`: names of instances that exist.
    pub members: Vec<String>,
}
