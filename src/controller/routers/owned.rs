//! What the instances and the daemon own in the kernel: what is taken away from a master is put back, and what the
//! daemon keeps whoever is master follows the file.

use ipnet::IpNet;

use super::{Action, Routers};
use crate::model::route::RouteKey;
use crate::model::rule::RuleKey;
use crate::model::{InterfaceName, Statics, VirtualAddress, VrrpInstance};
use crate::time::Instant;
use crate::vrrp;

impl Routers {
    pub(super) fn address_removed(
        &mut self,
        now: Instant,
        interface: &InterfaceName,
        net: IpNet,
        out: &mut Vec<Action>,
    ) {
        let ours = |vip: &VirtualAddress| !vip.options.untracked && vip.interface == *interface && vip.net == net;
        self.lost(now, |config| config.all_addresses().iter().any(ours), out);
    }

    pub(super) fn route_removed(&mut self, now: Instant, key: &RouteKey, out: &mut Vec<Action>) {
        self.lost(now, |config| config.owned.routes.iter().any(|route| route.tracked && route.key() == *key), out);
    }

    pub(super) fn rule_removed(&mut self, now: Instant, key: &RuleKey, out: &mut Vec<Action>) {
        self.lost(now, |config| config.owned.rules.iter().any(|rule| rule.tracked && rule.key() == *key), out);
    }

    /// Tells the instances whose loss it is.
    fn lost(&mut self, now: Instant, is_theirs: impl Fn(&VrrpInstance) -> bool, out: &mut Vec<Action>) {
        for index in 0..self.entries.len() {
            if is_theirs(self.entries[index].router.config()) {
                self.feed(now, index, vrrp::Event::Lost, out);
            }
        }
    }

    /// Sets what masters and the daemon own again; what is there already stays as it is.
    pub(super) fn reassert(&self, out: &mut Vec<Action>) {
        let masters = self.entries.iter().filter(|entry| entry.router.state() == vrrp::StateName::Master);
        let owned = masters.map(|entry| &entry.router.config().owned);
        let routes = owned.clone().flat_map(|owned| &owned.routes).chain(&self.statics.routes);
        let rules = owned.flat_map(|owned| &owned.rules).chain(&self.statics.rules);
        push(out, Action::AddRoutes, routes.cloned().collect());
        push(out, Action::AddRules, rules.cloned().collect());
    }

    /// The other interfaces that an instance stands on and that are down or missing.
    pub(super) fn interfaces_down(&self, config: &VrrpInstance) -> impl Iterator<Item = InterfaceName> {
        let runs = |name: &InterfaceName| self.interfaces.get(name).is_some_and(|interface| interface.running);
        config.owned.interfaces.iter().filter(move |name| !runs(name)).cloned()
    }

    /// The new ones are set after the old ones are gone, for they may have the same key.
    pub(super) fn configure_statics(&mut self, statics: Statics, out: &mut Vec<Action>) {
        let old = std::mem::replace(&mut self.statics, statics);
        let new = &self.statics;
        push(out, Action::RemoveRules, missing(&old.rules, &new.rules));
        push(out, Action::RemoveRoutes, missing(&old.routes, &new.routes));
        push(out, Action::RemoveAddresses, missing(&old.addresses, &new.addresses));
        push(out, Action::AddAddresses, missing(&new.addresses, &old.addresses));
        push(out, Action::AddRoutes, missing(&new.routes, &old.routes));
        push(out, Action::AddRules, missing(&new.rules, &old.rules));
    }

    /// The kernel takes the addresses and routes of an interface along; when it is there again they are set again.
    pub(super) fn reinstate_statics(&self, interface: &InterfaceName, out: &mut Vec<Action>) {
        let addresses = self.statics.addresses.iter().filter(|address| address.interface == *interface);
        push(out, Action::AddAddresses, addresses.cloned().collect());
        let routes = self.statics.routes.iter();
        let on_it = routes.filter(|route| route.hops().iter().any(|hop| hop.interface.as_ref() == Some(interface)));
        push(out, Action::AddRoutes, on_it.cloned().collect());
    }
}

fn push<T>(out: &mut Vec<Action>, action: impl Fn(Vec<T>) -> Action, all: Vec<T>) {
    if !all.is_empty() {
        out.push(action(all));
    }
}

/// What is in `all` and not in `others`.
fn missing<T: Clone + PartialEq>(all: &[T], others: &[T]) -> Vec<T> {
    all.iter().filter(|one| !others.contains(one)).cloned().collect()
}
