//! What the VRRP thread sets in the kernel, and remembers to take away again: addresses, routes, rules.

use std::collections::{BTreeMap, BTreeSet};

use netlink_sys::protocols::NETLINK_ROUTE;

use crate::io::netlink::address::{self, change_addresses};
use crate::io::netlink::route::{self, change_routes};
use crate::io::netlink::rule::{self, change_rules};
use crate::io::netlink::{Connection, NetlinkError};
use crate::model::route::Route;
use crate::model::{InterfaceName, Rule, VirtualAddress};

type Indices = BTreeMap<InterfaceName, u32>;

/// A connection for requests, and everything that was set through it and not removed.
pub(super) struct Kernel {
    requests: Connection,
    addresses: BTreeSet<VirtualAddress>,
    routes: BTreeSet<Route>,
    rules: BTreeSet<Rule>,
}

impl Kernel {
    pub(super) fn open() -> Result<Kernel, NetlinkError> {
        let requests = Connection::open(NETLINK_ROUTE)?;
        Ok(Kernel { requests, addresses: BTreeSet::new(), routes: BTreeSet::new(), rules: BTreeSet::new() })
    }

    pub(super) fn add_addresses(&mut self, addresses: Vec<VirtualAddress>, indices: &Indices) {
        for (address, error) in change_addresses(&mut self.requests, address::Change::Add, &addresses, indices) {
            tracing::error!("adding {} to {}: {error}", address.net, address.interface);
        }
        self.addresses.extend(addresses);
    }

    pub(super) fn remove_addresses(&mut self, addresses: &[VirtualAddress], indices: &Indices) {
        for (address, error) in change_addresses(&mut self.requests, address::Change::Remove, addresses, indices) {
            tracing::error!("removing {} from {}: {error}", address.net, address.interface);
        }
        for address in addresses {
            self.addresses.remove(address);
        }
    }

    pub(super) fn add_routes(&mut self, routes: Vec<Route>, indices: &Indices) {
        for (route, error) in change_routes(&mut self.requests, route::Change::Add, &routes, indices) {
            tracing::error!("adding the route {route}: {error}");
        }
        self.routes.extend(routes);
    }

    pub(super) fn remove_routes(&mut self, routes: &[Route], indices: &Indices) {
        for (route, error) in change_routes(&mut self.requests, route::Change::Remove, routes, indices) {
            tracing::error!("removing the route {route}: {error}");
        }
        for route in routes {
            self.routes.remove(route);
        }
    }

    pub(super) fn add_rules(&mut self, rules: Vec<Rule>) {
        for (rule, error) in change_rules(&mut self.requests, rule::Change::Add, &rules) {
            tracing::error!("adding the rule {rule}: {error}");
        }
        self.rules.extend(rules);
    }

    pub(super) fn remove_rules(&mut self, rules: &[Rule]) {
        for (rule, error) in change_rules(&mut self.requests, rule::Change::Remove, rules) {
            tracing::error!("removing the rule {rule}: {error}");
        }
        for rule in rules {
            self.rules.remove(rule);
        }
    }

    /// After a failure that nothing else survives: nothing may stay on a host that no longer speaks for it.
    pub(super) fn drop_everything(&mut self, indices: &Indices) {
        let rules: Vec<Rule> = std::mem::take(&mut self.rules).into_iter().collect();
        self.remove_rules(&rules);
        let routes: Vec<Route> = std::mem::take(&mut self.routes).into_iter().collect();
        self.remove_routes(&routes, indices);
        let addresses: Vec<VirtualAddress> = std::mem::take(&mut self.addresses).into_iter().collect();
        self.remove_addresses(&addresses, indices);
    }
}
