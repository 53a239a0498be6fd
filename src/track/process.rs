//! `vrrp_track_process`: how many processes of a kind there are, and whether that is as many as there should be
//! (keepalived.conf(5), "Process tracking"). Fed with what the kernel says about processes; reads nothing itself.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{ParameterMatch, ProcessName, TrackProcess};
use crate::time::Instant;

/// Longest name of a process (`TASK_COMM_LEN` − 1, linux/sched.h).
const LONGEST_NAME: usize = 15;

/// What a process is called.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommandLine {
    /// `/proc/PID/comm` without its end of line.
    pub name: Vec<u8>,
    /// `/proc/PID/cmdline`: words, each with a NUL after it.
    pub words: Vec<u8>,
}

/// What can happen to processes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// All that there are: at the start, and when something may have been missed.
    Snapshot(Vec<(u32, CommandLine)>),
    /// One became two.
    Forked {
        /// The one that was there.
        parent: u32,
        /// The new one, which is called the same.
        child: u32,
    },
    /// One became another program; `None` when it was gone before it could be looked at.
    Executed(u32, Option<CommandLine>),
    /// One gave itself another name.
    Renamed(u32, Vec<u8>),
    /// One ended.
    Exited(u32),
    /// The deadline may have come.
    Timer,
}

/// Whether there are as many as there should be is another answer now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quorum {
    /// Of which.
    pub name: ProcessName,
    /// Neither too few nor too many.
    pub reached: bool,
}

/// Why the number changed: a delay may pass before it counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reason {
    Fork,
    Exit,
    Other,
}

struct Counted {
    config: TrackProcess,
    pids: BTreeSet<u32>,
    reached: bool,
    /// When another answer will count.
    due: Option<Instant>,
}

/// All processes that are tracked.
#[derive(Default)]
pub struct ProcessTracker {
    kinds: Vec<Counted>,
}

impl ProcessTracker {
    /// Nothing has been seen: no quorum is reached that needs a process.
    pub fn new(configs: Vec<TrackProcess>) -> ProcessTracker {
        let counted = |config| Counted { config, pids: BTreeSet::new(), reached: false, due: None };
        ProcessTracker { kinds: configs.into_iter().map(counted).collect() }
    }

    /// Whether nothing is tracked.
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// What holds now.
    pub fn quorums(&self) -> Vec<Quorum> {
        let quorum = |kind: &Counted| Quorum { name: kind.config.name.clone(), reached: kind.reached };
        self.kinds.iter().map(quorum).collect()
    }

    /// When [`Event::Timer`] is due.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.kinds.iter().filter_map(|kind| kind.due).min()
    }

    /// Takes one event at `now`.
    pub fn handle(&mut self, now: Instant, event: Event) -> Vec<Quorum> {
        match event {
            Event::Snapshot(all) => {
                let mut pids: BTreeMap<usize, BTreeSet<u32>> = BTreeMap::new();
                for (pid, command) in &all {
                    for (index, kind) in self.kinds.iter().enumerate() {
                        if matches(&kind.config, command) {
                            pids.entry(index).or_default().insert(*pid);
                        }
                    }
                }
                for (index, kind) in self.kinds.iter_mut().enumerate() {
                    kind.pids = pids.remove(&index).unwrap_or_default();
                }
            }
            Event::Forked { parent, child } => {
                for kind in self.kinds.iter_mut().filter(|kind| kind.pids.contains(&parent)) {
                    kind.pids.insert(child);
                }
                return self.settle(now, Reason::Fork);
            }
            Event::Executed(pid, command) => {
                for kind in &mut self.kinds {
                    kind.set(pid, command.as_ref().is_some_and(|command| matches(&kind.config, command)));
                }
            }
            Event::Renamed(pid, name) => {
                let command = CommandLine { name, words: Vec::new() };
                for kind in self.kinds.iter_mut().filter(|kind| !kind.config.full_command) {
                    kind.set(pid, matches(&kind.config, &command));
                }
            }
            Event::Exited(pid) => {
                self.kinds.iter_mut().for_each(|kind| kind.set(pid, false));
                return self.settle(now, Reason::Exit);
            }
            Event::Timer => {
                for kind in self.kinds.iter_mut().filter(|kind| kind.due.is_some_and(|due| due <= now)) {
                    kind.due = None;
                }
                let waiting = |kind: &Counted| kind.due.is_some();
                return self.settle_those(now, Reason::Other, |kind| !waiting(kind));
            }
        }
        self.settle(now, Reason::Other)
    }

    fn settle(&mut self, now: Instant, reason: Reason) -> Vec<Quorum> {
        self.settle_those(now, reason, |_| true)
    }

    fn settle_those(&mut self, now: Instant, reason: Reason, which: impl Fn(&Counted) -> bool) -> Vec<Quorum> {
        let kinds = self.kinds.iter_mut().filter(|kind| which(kind));
        kinds.filter_map(|kind| kind.settle(now, reason)).collect()
    }
}

impl Counted {
    fn set(&mut self, pid: u32, counts: bool) {
        if counts {
            self.pids.insert(pid);
        } else {
            self.pids.remove(&pid);
        }
    }

    /// Compares the number with what it should be; a wait that is over, or has no reason any more, ends.
    fn settle(&mut self, now: Instant, reason: Reason) -> Option<Quorum> {
        let count = u32::try_from(self.pids.len()).unwrap_or(u32::MAX);
        let reached = count >= self.config.quorum && self.config.quorum_max.is_none_or(|most| count <= most);
        if reached == self.reached {
            self.due = None;
            return None;
        }
        let delay = match reason {
            Reason::Fork => self.config.fork_delay,
            Reason::Exit => self.config.terminate_delay,
            Reason::Other => std::time::Duration::ZERO,
        };
        if self.due.is_some() && reason != Reason::Other {
            return None;
        }
        if !delay.is_zero() {
            self.due = Some(now + delay);
            return None;
        }
        (self.reached, self.due) = (reached, None);
        Some(Quorum { name: self.config.name.clone(), reached })
    }
}

/// Whether a process is of the kind.
fn matches(config: &TrackProcess, command: &CommandLine) -> bool {
    let wanted = config.command.as_bytes();
    if !config.full_command {
        return command.name == wanted[..wanted.len().min(LONGEST_NAME)];
    }
    let end = command.words.iter().position(|byte| *byte == 0).unwrap_or(command.words.len());
    let (program, parameters) = (&command.words[..end], command.words.get(end + 1..).unwrap_or_default());
    program == wanted && parameters_match(config, parameters)
}

fn parameters_match(config: &TrackProcess, parameters: &[u8]) -> bool {
    let wanted: Vec<u8> = config.parameters.iter().flat_map(|word| word.bytes().chain([0])).collect();
    match config.matching {
        ParameterMatch::Ignored => true,
        ParameterMatch::Exact => parameters == wanted,
        ParameterMatch::Partial => parameters.starts_with(&wanted),
        // The last word may be the beginning of one.
        ParameterMatch::Initial => parameters.starts_with(wanted.strip_suffix(&[0]).unwrap_or(&wanted)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::TrackWeight;

    fn process(command: &str, parameters: &[&str]) -> TrackProcess {
        TrackProcess {
            name: ProcessName("web".to_owned()),
            command: command.to_owned(),
            parameters: parameters.iter().map(|word| (*word).to_owned()).collect(),
            matching: ParameterMatch::Ignored,
            full_command: false,
            weight: TrackWeight::default(),
            quorum: 1,
            quorum_max: None,
            terminate_delay: Duration::ZERO,
            fork_delay: Duration::ZERO,
        }
    }

    fn command(words: &str) -> CommandLine {
        let words: Vec<&str> = words.split(' ').collect();
        let program = words[0].rsplit('/').next().unwrap_or_default();
        let name = program.as_bytes()[..program.len().min(LONGEST_NAME)].to_vec();
        CommandLine { name, words: words.iter().flat_map(|word| word.bytes().chain([0])).collect() }
    }

    fn answers(config: TrackProcess, events: &[(u64, Event)]) -> Vec<Option<bool>> {
        let mut tracker = ProcessTracker::new(vec![config]);
        let answer = |(seconds, event): &(u64, Event)| {
            let now = Instant::from_start(Duration::from_secs(*seconds));
            tracker.handle(now, event.clone()).first().map(|quorum| quorum.reached)
        };
        events.iter().map(answer).collect()
    }

    fn executed(pid: u32, words: &str) -> Event {
        Event::Executed(pid, Some(command(words)))
    }

    #[test]
    fn a_process_counts_from_its_start_to_its_end_and_so_do_its_children() {
        let events = [
            (0, Event::Snapshot(vec![(1, command("/sbin/init"))])),
            (1, executed(7, "/usr/sbin/nginx -g x")),
            (2, Event::Forked { parent: 7, child: 8 }),
            (3, Event::Exited(7)),
            (4, Event::Forked { parent: 7, child: 9 }),
            (5, Event::Exited(8)),
        ];
        let expected = [None, Some(true), None, None, None, Some(false)];
        assert_eq!(answers(process("nginx", &[]), &events), expected);
    }

    #[test]
    fn too_few_and_too_many_are_both_no_quorum() {
        let config = TrackProcess { quorum: 2, quorum_max: Some(3), ..process("nginx", &[]) };
        let events: Vec<_> = (1..=4).map(|pid| (0, executed(pid, "nginx"))).chain([(0, Event::Exited(1))]).collect();
        assert_eq!(answers(config, &events), [None, Some(true), None, Some(false), Some(true)]);
        let forbidden = TrackProcess { quorum: 0, quorum_max: Some(0), ..process("evil", &[]) };
        let events = [(0, Event::Snapshot(Vec::new())), (1, executed(9, "evil")), (2, Event::Exited(9))];
        assert_eq!(answers(forbidden, &events), [Some(true), Some(false), Some(true)]);
    }

    #[test]
    fn a_lost_process_is_missed_only_after_terminate_delay() {
        let config = TrackProcess { terminate_delay: Duration::from_secs(3), ..process("nginx", &[]) };
        let back = [
            (0, executed(7, "nginx")),
            (1, Event::Exited(7)),
            (2, Event::Timer),
            (3, executed(8, "nginx")),
            (9, Event::Timer),
        ];
        assert_eq!(answers(config.clone(), &back), [Some(true), None, None, None, None]);
        let gone = [(0, executed(7, "nginx")), (1, Event::Exited(7)), (4, Event::Timer)];
        assert_eq!(answers(config, &gone), [Some(true), None, Some(false)]);
    }

    #[test]
    fn a_forked_process_counts_only_after_fork_delay() {
        let delay = Duration::from_secs(2);
        let config = TrackProcess { quorum: 2, fork_delay: delay, ..process("nginx", &[]) };
        let fork = Event::Forked { parent: 7, child: 8 };
        let other = [(0, executed(7, "nginx")), (1, fork.clone()), (1, executed(8, "sh")), (9, Event::Timer)];
        assert_eq!(answers(config.clone(), &other), [None, None, None, None]);
        let same = [(0, executed(7, "nginx")), (1, fork), (3, Event::Timer)];
        assert_eq!(answers(config, &same), [None, None, Some(true)]);
    }

    #[test]
    fn names_have_fifteen_characters_and_can_change() {
        let events = [
            (0, executed(7, "averyveryverylongname")),
            (1, Event::Renamed(7, b"other".to_vec())),
            (2, Event::Renamed(7, b"averyveryverylo".to_vec())),
            (3, Event::Executed(7, None)),
        ];
        assert_eq!(
            answers(process("averyveryverylongname", &[]), &events),
            [Some(true), Some(false), Some(true), Some(false)]
        );
    }

    #[test]
    fn parameters_are_compared_as_param_match_says() {
        let counts = |matching, parameters: &[&str], words| {
            let config = TrackProcess { full_command: true, matching, ..process("/bin/a", parameters) };
            super::matches(&config, &command(words))
        };
        use ParameterMatch::{Exact, Ignored, Initial, Partial};
        assert!(counts(Ignored, &[], "/bin/a x"));
        assert!(!counts(Ignored, &[], "/usr/bin/a"));
        assert!(counts(Exact, &[], "/bin/a"));
        assert!(!counts(Exact, &[], "/bin/a x"));
        assert!(counts(Exact, &["x", "y"], "/bin/a x y"));
        assert!(!counts(Exact, &["x", "y"], "/bin/a x y z"));
        assert!(counts(Partial, &["x", "y"], "/bin/a x y z"));
        assert!(!counts(Partial, &["x", "y"], "/bin/a x yes"));
        assert!(counts(Initial, &["x", "y"], "/bin/a x yes"));
        assert!(!counts(Initial, &["x", "y"], "/bin/a xy"));
        assert!(counts(Initial, &[], "/bin/a x"));
    }
}
