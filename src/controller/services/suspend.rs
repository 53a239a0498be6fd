//! `ha_suspend`: the checkers of a virtual server rest while none of its addresses is on this host. What they found out
//! before stays as it is.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::{Services, ServicesAction};
use crate::model::lvs::GroupEntry;
use crate::model::{ServerKey, Target, VirtualServer};
use crate::time::Instant;

/// Whether a virtual server's checkers rest on a host with these addresses.
pub(super) fn rests(server: &VirtualServer, addresses: &BTreeSet<IpAddr>) -> bool {
    server.ha_suspend && !is_here(&server.target, addresses)
}

fn is_here(target: &Target, addresses: &BTreeSet<IpAddr>) -> bool {
    match target {
        Target::Service(ServerKey::Address { address, .. }) => addresses.contains(address),
        Target::Service(ServerKey::Fwmark { .. }) => true,
        Target::Group { entries, .. } => entries.iter().any(|entry| match entry {
            GroupEntry::Range { first, last, .. } => addresses.range(first..=last).next().is_some(),
            GroupEntry::Fwmark { .. } => false,
        }),
    }
}

impl Services {
    /// Whether the checkers of the virtual server at a position rest.
    pub(super) fn is_resting(&self, position: usize) -> bool {
        self.servers.get(position).is_some_and(|server| rests(server.config(), &self.addresses))
    }

    /// This host has these addresses now.
    pub(super) fn addresses_changed(
        &mut self,
        now: Instant,
        addresses: BTreeSet<IpAddr>,
        actions: &mut Vec<ServicesAction>,
    ) {
        let before = std::mem::replace(&mut self.addresses, addresses);
        let mut woken = Vec::new();
        for (position, server) in self.servers.iter().enumerate().filter(|(_, server)| server.config().ha_suspend) {
            let (rested, rests) = (rests(server.config(), &before), self.is_resting(position));
            if rested == rests {
                continue;
            }
            let verb = if rests { "Suspending" } else { "Activating" };
            for (real_position, real) in server.reals().enumerate() {
                for (checker_position, checker) in real.checkers().iter().enumerate() {
                    let (real, server) = (real.name(), server.name());
                    self.say(actions, format!("{verb} healthchecker for service {real} for VS {server}"));
                    let due = checker.next_deadline().filter(|_| !rests);
                    woken.extend(due.map(|at| (at.max(now), (position, real_position, checker_position))));
                }
            }
        }
        self.schedule.extend(woken);
    }
}
