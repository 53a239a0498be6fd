//! How keepalived's processes run: names, priorities, memory, processors. alived has threads in their place.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::model::address::BoundedName;

/// Settings of the processes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Processes {
    /// `process_name`: of the parent.
    pub name: Option<TaskName>,
    /// `vrrp_…`
    pub vrrp: ProcessSettings,
    /// `checker_…`
    pub checker: ProcessSettings,
    /// `bfd_…`
    pub bfd: ProcessSettings,
    /// `max_auto_priority`, `min_auto_priority_delay`
    pub automatic: AutomaticPriority,
}

/// Name of a process: `TASK_COMM_LEN` less its NUL (linux/sched.h).
pub type TaskName = BoundedName<15>;

/// One process, or the thread in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessSettings {
    /// `…_process_name`
    pub name: Option<TaskName>,
    /// `…_priority`, default 0.
    pub nice: Nice,
    /// `…_no_swap`: its memory is locked.
    pub locked: bool,
    /// `…_rt_priority`: it runs under SCHED_RR with that priority.
    pub realtime: Option<RealtimePriority>,
    /// `…_rlimit_rttime`: how long it may run under SCHED_RR without waiting, in microseconds; at least 2, default 10 ms.
    pub realtime_limit: NonZeroU32,
    /// `…_cpu_affinity`: the processors it may run on; all when empty.
    pub processors: Vec<u16>,
}

impl Default for ProcessSettings {
    fn default() -> Self {
        ProcessSettings {
            name: None,
            nice: Nice::default(),
            locked: false,
            realtime: None,
            realtime_limit: NonZeroU32::new(10_000).expect("10000 is not 0"),
            processors: Vec::new(),
        }
    }
}

/// −20 to 19; less is more (setpriority(2)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Nice(i8);

impl Nice {
    /// `None` outside −20…19.
    pub fn new(nice: i8) -> Option<Nice> {
        (-20..=19).contains(&nice).then_some(Nice(nice))
    }

    /// −20 to 19.
    pub fn get(self) -> i8 {
        self.0
    }
}

/// A priority under SCHED_RR, 1 to 99 (sched(7)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RealtimePriority(u8);

impl RealtimePriority {
    /// The nearest that exists.
    pub fn clamped(priority: i128) -> RealtimePriority {
        RealtimePriority(priority.clamp(1, 99) as u8)
    }

    /// 1 to 99.
    pub fn get(self) -> u8 {
        self.0
    }
}

/// Whether a process that is often late gets a priority under SCHED_RR by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AutomaticPriority {
    /// `max_auto_priority`: up to which priority.
    pub most: AutomaticLimit,
    /// `min_auto_priority_delay`: lateness that raises it, 1 µs to 10 s, default 1 s.
    pub lateness: Duration,
}

/// `max_auto_priority`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AutomaticLimit {
    /// 0, the default: not at all; a process that was late says so when it starts.
    #[default]
    Off,
    /// −1: not at all, and nothing is said.
    Silent,
    /// 1 to 99; 99 when the keyword stands alone.
    Priority(RealtimePriority),
}

impl Default for AutomaticPriority {
    fn default() -> Self {
        AutomaticPriority { most: AutomaticLimit::Off, lateness: Duration::from_secs(1) }
    }
}
