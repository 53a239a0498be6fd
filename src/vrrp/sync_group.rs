//! Several virtual routers that change their state together (keepalived.conf(5), "VRRP synchronization group(s)").
//!
//! ```text
//!   a member's timer expires ── all others want it too? ──> MASTER, that member first
//!   a member hears a better router, or obeys one ─────────> BACKUP, all of them
//!   a member has a cause for FAULT ───────────────────────> FAULT, all of them
//!   the last cause of the last member is gone ────────────> BACKUP, that member first
//! ```
//!
//! Decides what the group is and what holds it back. The members themselves are [`super::VirtualRouter`]s.

use std::collections::BTreeSet;

use super::report::{FaultCause, StateName};
use crate::model;

/// What the members' own causes for FAULT mean for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Nothing holds them back.
    Free,
    /// A script has not returned yet.
    Waiting,
    /// A member has failed.
    Failed,
}

impl Standing {
    /// What the causes of one member mean.
    pub fn of(causes: &BTreeSet<FaultCause>) -> Standing {
        let one = |cause: &FaultCause| if cause.is_waiting() { Standing::Waiting } else { Standing::Failed };
        causes.iter().map(one).max().unwrap_or(Standing::Free)
    }

    /// The cause that a member has because of the others, when it has none of that kind itself.
    pub fn cause_for(self, own: Standing, group: &str) -> Option<FaultCause> {
        match self {
            _ if own >= self => None,
            Standing::Free => None,
            Standing::Waiting => Some(FaultCause::UntestedSyncGroup(group.to_owned())),
            Standing::Failed => Some(FaultCause::SyncGroup(group.to_owned())),
        }
    }
}

/// One sync group.
#[derive(Debug, Clone)]
pub struct SyncGroup {
    config: model::SyncGroup,
    state: StateName,
}

impl SyncGroup {
    /// A group that has not begun.
    pub fn new(config: model::SyncGroup) -> SyncGroup {
        SyncGroup { config, state: StateName::Init }
    }

    /// What the file says.
    pub fn config(&self) -> &model::SyncGroup {
        &self.config
    }

    /// Takes new settings after a reload.
    pub fn reconfigure(&mut self, config: model::SyncGroup) {
        self.config = config;
    }

    /// Its state. While members change one after the other, it is the state they change to.
    pub fn state(&self) -> StateName {
        self.state
    }

    /// Goes to a state; false when it is there already.
    pub fn enter(&mut self, state: StateName) -> bool {
        std::mem::replace(&mut self.state, state) != state
    }

    /// Whether a member that wants to may become MASTER: in a group that is MASTER, or when all of them want to.
    pub fn may_be_master(&self, mut wants: impl Iterator<Item = bool>) -> bool {
        self.state == StateName::Master || wants.all(|wants| wants)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Notify, ScriptName};

    fn group() -> SyncGroup {
        SyncGroup::new(model::SyncGroup {
            name: "G".to_owned(),
            members: vec!["A".to_owned(), "B".to_owned()],
            tracked: Vec::new(),
            tracking_weight: false,
            notify: Notify::default(),
        })
    }

    #[test]
    fn a_failure_counts_more_than_a_script_that_has_not_returned() {
        let waiting = FaultCause::UntestedScript(ScriptName("chk".to_owned()));
        let failed = FaultCause::Socket(crate::model::InterfaceName::new("eth0").expect("a name"));
        let standing = |causes: &[&FaultCause]| Standing::of(&causes.iter().copied().cloned().collect());
        assert_eq!(standing(&[]), Standing::Free);
        assert_eq!(standing(&[&waiting]), Standing::Waiting);
        assert_eq!(standing(&[&waiting, &failed]), Standing::Failed);
    }

    #[test]
    fn a_member_without_a_cause_of_that_kind_gets_one_from_the_group() {
        use Standing::{Failed, Free, Waiting};
        let cause = |group: Standing, own| group.cause_for(own, "G");
        assert_eq!(cause(Free, Free), None);
        assert_eq!(cause(Failed, Failed), None);
        assert_eq!(cause(Waiting, Waiting), None);
        assert_eq!(cause(Waiting, Free), Some(FaultCause::UntestedSyncGroup("G".to_owned())));
        assert_eq!(cause(Failed, Free), Some(FaultCause::SyncGroup("G".to_owned())));
        assert_eq!(cause(Failed, Waiting), Some(FaultCause::SyncGroup("G".to_owned())));
    }

    #[test]
    fn nobody_is_master_before_everybody_wants_to_be() {
        let mut group = group();
        assert!(!group.may_be_master([true, false].into_iter()));
        assert!(group.may_be_master([true, true].into_iter()));
        assert!(group.enter(StateName::Master));
        assert!(!group.enter(StateName::Master));
        assert!(group.may_be_master([true, false].into_iter()), "a late member joins");
    }
}
