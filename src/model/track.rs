//! Tracked objects: what may change an instance's priority or put it in FAULT.

use std::fmt;
use std::time::Duration;

/// The name of a `vrrp_script` block.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScriptName(pub String);

impl fmt::Display for ScriptName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A program to run and its arguments. Never passed through a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The program, then its arguments; never empty.
    pub argv: Vec<String>,
    /// User and group to run as, defaults already applied; `None` is the user alived runs as.
    pub user: Option<(String, Option<String>)>,
}

/// `weight N [reverse]`: −253 to 253; 0 means "failing is FAULT".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScriptWeight {
    value: i16,
    /// The sign of the effect is inverted.
    pub reverse: bool,
}

impl ScriptWeight {
    /// `None` outside −253…253.
    pub fn new(value: i64, reverse: bool) -> Option<ScriptWeight> {
        (-253..=253).contains(&value).then_some(ScriptWeight { value: value as i16, reverse })
    }

    /// −253 to 253.
    pub fn value(self) -> i16 {
        self.value
    }
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
    pub weight: ScriptWeight,
    /// `rise`: successes in a row until it counts as up, default 1, at least 1.
    pub rise: u32,
    /// `fall`: failures in a row until it counts as down, default 1, at least 1.
    pub fall: u32,
    /// `init_fail`: counts as failed until it has succeeded.
    pub init_fail: bool,
}

/// One line of a `track_script` block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackedScript {
    /// Which `vrrp_script`; always one that exists in the same [`super::Config`].
    pub name: ScriptName,
    /// The line's own weight, else the script's.
    pub weight: ScriptWeight,
}
