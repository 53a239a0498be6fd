//! Sync groups: what the others do when one member moves. In keepalived's order: the member first, then the others in
//! the group's order, then the group is told.

use super::{Action, Routers};
use crate::controller::report::RoutersReport as Report;
use crate::model;
use crate::model::Priority;
use crate::notify::vrrp::{Kind, Occasion, Subject};
use crate::time::Instant;
use crate::vrrp::router::Company;
use crate::vrrp::sync_group::Standing;
use crate::vrrp::{self, StateName, SyncGroup};

/// One group, and what belongs to it alone.
pub(super) struct Group {
    pub(super) sync: SyncGroup,
    /// Indices of its members' entries, in the group's order.
    members: Vec<usize>,
    /// The state that the last mail told.
    mailed: Option<Occasion>,
    /// It has just come into being.
    new: bool,
}

/// What a member did, as far as it concerns the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Move {
    /// It would be MASTER.
    WantsMaster,
    /// It hears a master that it obeys.
    Obeys,
    /// It entered a state.
    Entered(StateName),
    /// As MASTER it heard a worse router.
    Challenged,
}

impl Move {
    pub(super) fn of(report: &vrrp::Report) -> Option<Move> {
        match report {
            // What begins as BACKUP follows its group; it does not lead it.
            vrrp::Report::Entered { from: StateName::Init, to: StateName::Backup } => None,
            vrrp::Report::Entered { to, .. } => Some(Move::Entered(*to)),
            vrrp::Report::Challenged { .. } => Some(Move::Challenged),
            _ => None,
        }
    }
}

impl Group {
    /// Tells what the group has become.
    pub(super) fn notify(&mut self, occasion: Occasion, fault_mails: bool, out: &mut Vec<Action>) {
        let config = self.sync.config();
        let (kind, priority) = (Kind::Group, Priority::STOP);
        let subject = Subject { kind, name: &config.name, notify: &config.notify, priority };
        out.extend(subject.entered(occasion, &mut self.mailed, fault_mails).into_iter().map(Action::Notify));
    }

    fn line(&self) -> Option<Action> {
        let config = self.sync.config();
        let occasion = occasion(self.sync.state())?;
        let (kind, priority) = (Kind::Group, Priority::STOP);
        let subject = Subject { kind, name: &config.name, notify: &config.notify, priority };
        Some(Action::Notify(subject.line(&occasion.to_string())))
    }
}

/// How a state is told; what has not begun is not.
pub(super) fn occasion(state: StateName) -> Option<Occasion> {
    match state {
        StateName::Init => None,
        StateName::Backup => Some(Occasion::Backup),
        StateName::Master => Some(Occasion::Master),
        StateName::Fault => Some(Occasion::Fault),
    }
}

impl Routers {
    /// Groups are the same when they are called the same. Called when the entries are those of the new settings.
    pub(super) fn configure_groups(&mut self, configs: Vec<model::SyncGroup>) {
        let mut old = std::mem::take(&mut self.groups);
        for entry in &mut self.entries {
            entry.group = None;
            entry.router.set_company(Company::Alone);
        }
        for config in configs {
            let index_of = |name: &String| self.entries.iter().position(|e| e.router.config().name == *name);
            let members: Vec<usize> = config.members.iter().filter_map(index_of).collect();
            let of_owners = members.iter().all(|member| self.entries[*member].router.starts_as_master());
            for member in &members {
                self.entries[*member].group = Some(self.groups.len());
                self.entries[*member].router.set_company(Company::Group { of_owners });
            }
            let group = match old.iter().position(|group| group.sync.config().name == config.name) {
                Some(index) => {
                    let mut group = old.remove(index);
                    group.sync.reconfigure(config);
                    Group { members, ..group }
                }
                None => Group { sync: SyncGroup::new(config), members, mailed: None, new: true },
            };
            self.groups.push(group);
        }
    }

    /// After a reload: what groups hold against their members is brought up to date, and the state of each is the one
    /// its members are in. Those of `started` have not begun.
    pub(super) fn settle_groups(&mut self, now: Instant, started: &[usize], out: &mut Vec<Action>) {
        for index in 0..self.entries.len() {
            self.hold_back(now, index, out);
            if !started.contains(&index) {
                self.let_go(now, index, out);
            }
        }
        for index in 0..self.groups.len() {
            let group = &mut self.groups[index];
            let states = group.members.iter().map(|member| self.entries[*member].router.state());
            let settled = match standing(&group.members, &self.entries) {
                Standing::Failed => StateName::Fault,
                Standing::Waiting => StateName::Init,
                // A MASTER goes on; the others join it, or take it along when they hear a better router.
                Standing::Free if states.clone().any(|state| state == StateName::Master) => StateName::Master,
                Standing::Free => StateName::Backup,
            };
            let of_owners = group.members.iter().all(|member| self.entries[*member].router.starts_as_master());
            let begins = states.clone().all(|state| state == StateName::Init);
            if begins && settled == StateName::Backup && of_owners {
                group.new = false;
                continue;
            }
            let changed = group.sync.enter(settled);
            if std::mem::take(&mut group.new) | changed && !(begins && settled == StateName::Fault) {
                self.notify_group(index, out);
            }
        }
    }

    /// Starts what has not begun, in file order; but where a group fails from the start, those that fail come before
    /// those that are taken along, and the group is told last.
    pub(super) fn start(&mut self, now: Instant, started: Vec<usize>, out: &mut Vec<Action>) {
        let failed = |routers: &Routers, index: usize| {
            let group = routers.entries[index].group?;
            (routers.groups[group].sync.state() == StateName::Fault).then_some(group)
        };
        let mut groups: Vec<usize> = started.iter().filter_map(|index| failed(self, *index)).collect();
        groups.sort_unstable();
        groups.dedup();
        for group in groups {
            let (first, others): (Vec<usize>, Vec<usize>) = started
                .iter()
                .filter(|index| self.entries[**index].group == Some(group))
                .partition(|index| Standing::of(&self.entries[**index].raised) == Standing::Failed);
            for index in first.into_iter().chain(others) {
                self.feed(now, index, vrrp::Event::Start, out);
            }
            self.notify_group(group, out);
        }
        for index in started {
            if self.entries[index].router.state() == StateName::Init {
                self.feed(now, index, vrrp::Event::Start, out);
            }
        }
    }

    /// What holds the group of a member back also holds back the member. Only adds causes.
    pub(super) fn hold_back(&mut self, now: Instant, index: usize, out: &mut Vec<Action>) {
        let wanted = self.group_cause(index);
        if let Some(cause) = wanted.filter(|cause| self.entries[index].group_causes.insert(cause.clone())) {
            self.feed(now, index, vrrp::Event::Fault(cause), out);
        }
    }

    /// What no longer holds the group back no longer holds back the member.
    pub(super) fn let_go(&mut self, now: Instant, index: usize, out: &mut Vec<Action>) {
        let wanted = self.group_cause(index);
        let (kept, gone) = std::mem::take(&mut self.entries[index].group_causes)
            .into_iter()
            .partition(|cause| Some(cause) == wanted.as_ref());
        self.entries[index].group_causes = kept;
        for cause in gone {
            self.feed(now, index, vrrp::Event::Recovered(cause), out);
        }
    }

    fn group_cause(&self, index: usize) -> Option<vrrp::FaultCause> {
        let entry = &self.entries[index];
        let group = &self.groups[entry.group?];
        let name = &group.sync.config().name;
        standing(&group.members, &self.entries).cause_for(Standing::of(&entry.raised), name)
    }

    fn others(&self, group: usize, member: usize) -> Vec<usize> {
        self.groups[group].members.iter().copied().filter(|other| *other != member).collect()
    }

    /// A member moved; the group follows.
    pub(super) fn follow(&mut self, now: Instant, group: usize, member: usize, step: Move, out: &mut Vec<Action>) {
        match step {
            Move::WantsMaster => {
                let others = self.others(group, member);
                let wants = others.into_iter().map(|other| self.entries[other].router.wants_master());
                if self.groups[group].sync.may_be_master(wants) {
                    self.feed(now, member, vrrp::Event::Promote, out);
                }
            }
            // A late member that will not become MASTER: half a group is worth nothing to clients.
            Move::Obeys if self.groups[group].sync.state() != StateName::Master => {}
            Move::Obeys | Move::Entered(StateName::Backup) => {
                self.all_enter(now, group, member, StateName::Backup, out)
            }
            Move::Entered(StateName::Master) => self.all_enter(now, group, member, StateName::Master, out),
            Move::Entered(StateName::Fault) => self.all_enter(now, group, member, StateName::Fault, out),
            Move::Entered(StateName::Init) => {}
            Move::Challenged => {
                for other in self.others(group, member) {
                    self.feed(now, other, vrrp::Event::AnnounceAgain, out);
                }
            }
        }
    }

    fn all_enter(&mut self, now: Instant, group: usize, member: usize, state: StateName, out: &mut Vec<Action>) {
        if !self.groups[group].sync.enter(state) {
            return;
        }
        let name = self.groups[group].sync.config().name.clone();
        out.push(Action::Report(Report::Syncing { group: name, state }));
        for other in self.others(group, member) {
            match state {
                StateName::Master => self.feed(now, other, vrrp::Event::Promote, out),
                StateName::Backup => {
                    self.feed(now, other, vrrp::Event::Yield, out);
                    self.let_go(now, other, out);
                }
                StateName::Fault => {
                    self.hold_back(now, other, out);
                    self.let_go(now, other, out);
                }
                StateName::Init => {}
            }
        }
        self.notify_group(group, out);
    }

    fn notify_group(&mut self, group: usize, out: &mut Vec<Action>) {
        let (group, fault_mails) = (&mut self.groups[group], !self.no_fault_mails);
        if let Some(occasion) = occasion(group.sync.state()) {
            group.notify(occasion, fault_mails, out);
        }
    }

    /// A line for every group and every instance, changed or not.
    pub(super) fn repeat_states(&self, out: &mut Vec<Action>) {
        out.extend(self.groups.iter().filter_map(Group::line));
        out.extend(self.entries.iter().filter_map(super::Entry::state_line));
    }
}

fn standing(members: &[usize], entries: &[super::Entry]) -> Standing {
    members.iter().map(|member| Standing::of(&entries[*member].raised)).max().unwrap_or(Standing::Free)
}

#[cfg(test)]
mod tests;
