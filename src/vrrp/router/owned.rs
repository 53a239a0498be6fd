//! What comes and goes with mastership: addresses first, then routes that may send from them, then rules that lead to
//! the routes. It goes in the opposite order.

use super::{Action, VirtualRouter};
use crate::model::{VirtualAddress, VrrpInstance};
use crate::vrrp::report::Report;

impl VirtualRouter {
    /// Takes all of it.
    pub(super) fn take(&self, out: &mut Vec<Action>) {
        out.push(Action::Report(Report::SettingAddresses));
        out.push(Action::AddAddresses(self.config.all_addresses()));
        add_routes_and_rules(&self.config, out);
    }

    /// Gives all of it up.
    pub(super) fn release(&self, out: &mut Vec<Action>) {
        let (routes, rules) = (&self.config.owned.routes, &self.config.owned.rules);
        if !rules.is_empty() {
            out.push(Action::Report(Report::Rules { setting: false }));
            out.push(Action::RemoveRules(rules.clone()));
        }
        if !routes.is_empty() {
            out.push(Action::Report(Report::Routes { setting: false }));
            out.push(Action::RemoveRoutes(routes.clone()));
        }
        out.push(Action::Report(Report::RemovingAddresses));
        out.push(Action::RemoveAddresses(self.config.all_addresses()));
    }

    /// What a master has to do now that the file says something else than `old`; the addresses that are new.
    pub(super) fn move_to_new_settings(&self, old: &VrrpInstance, out: &mut Vec<Action>) -> Vec<VirtualAddress> {
        let (was, is) = (old.all_addresses(), self.config.all_addresses());
        let (old, new) = (&old.owned, &self.config.owned);
        let (removed, added) = (missing(&was, &is), missing(&is, &was));
        let rules_removed = missing(&old.rules, &new.rules);
        let mut routes_removed = missing(&old.routes, &new.routes);
        // The kernel takes a route along with the address that it sends from, even if the file keeps it.
        let lost_source = |source| removed.iter().any(|vip| vip.net.addr() == source);
        let again = new.routes.iter().filter(|route| route.source.is_some_and(lost_source)).cloned();
        let mut routes_added = missing(&new.routes, &old.routes);
        let again: Vec<_> = again.filter(|route| !routes_added.contains(route)).collect();
        routes_added.extend(again);

        if !rules_removed.is_empty() {
            out.push(Action::RemoveRules(rules_removed));
        }
        routes_removed.retain(|route| !routes_added.contains(route));
        if !routes_removed.is_empty() {
            out.push(Action::RemoveRoutes(routes_removed));
        }
        for vip in &removed {
            let text = format!("{} dev {}", vip.net, vip.interface);
            out.push(Action::Report(Report::AddressNoLongerConfigured(text)));
        }
        if !removed.is_empty() {
            out.push(Action::RemoveAddresses(removed));
        }
        if !added.is_empty() {
            out.push(Action::AddAddresses(added.clone()));
        }
        if !routes_added.is_empty() {
            out.push(Action::AddRoutes(routes_added));
        }
        let rules_added = missing(&new.rules, &old.rules);
        if !rules_added.is_empty() {
            out.push(Action::AddRules(rules_added));
        }
        added
    }
}

/// Puts all of it back, because the kernel takes routes along with the address that they send from, and says nothing.
pub(super) fn restore(config: &VrrpInstance, out: &mut Vec<Action>) {
    out.push(Action::Report(Report::Restored));
    out.push(Action::AddAddresses(config.all_addresses()));
    add_routes_and_rules(config, out);
    out.push(Action::Announce { rounds: 1 });
}

fn add_routes_and_rules(config: &VrrpInstance, out: &mut Vec<Action>) {
    let (routes, rules) = (&config.owned.routes, &config.owned.rules);
    if !routes.is_empty() {
        out.push(Action::Report(Report::Routes { setting: true }));
        out.push(Action::AddRoutes(routes.clone()));
    }
    if !rules.is_empty() {
        out.push(Action::Report(Report::Rules { setting: true }));
        out.push(Action::AddRules(rules.clone()));
    }
}

/// What is in `all` and not in `others`.
fn missing<T: Clone + Ord>(all: &[T], others: &[T]) -> Vec<T> {
    let others: std::collections::BTreeSet<&T> = others.iter().collect();
    all.iter().filter(|one| !others.contains(one)).cloned().collect()
}
