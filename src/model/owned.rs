//! What a virtual router owns besides the addresses that it advertises, and what the daemon owns whoever is master.

use std::collections::BTreeSet;
use std::fmt;

use super::address::InterfaceName;
use super::route::Route;
use super::rule::Rule;
use super::vrrp::VirtualAddress;

/// What comes and goes with mastership, beside `virtual_ipaddress`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Owned {
    /// `virtual_ipaddress_excluded`, in file order: set and announced, but not advertised.
    pub excluded: Vec<VirtualAddress>,
    /// `virtual_routes`, in file order.
    pub routes: Vec<Route>,
    /// `virtual_rules`, in file order.
    pub rules: Vec<Rule>,
    /// The interfaces that addresses, routes and rules name, unless with `no_track`, and those that a `track_group`
    /// stands for: while one is down the instance must not be MASTER. Its own interface is not among them.
    pub interfaces: BTreeSet<InterfaceName>,
}

impl fmt::Debug for Owned {
    /// Leaves out what there is none of.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Owned { excluded, routes, rules, interfaces } = self;
        let mut shown = f.debug_struct("Owned");
        if !excluded.is_empty() {
            shown.field("excluded", excluded);
        }
        if !routes.is_empty() {
            shown.field("routes", routes);
        }
        if !rules.is_empty() {
            shown.field("rules", rules);
        }
        if !interfaces.is_empty() {
            shown.field("interfaces", interfaces);
        }
        shown.finish()
    }
}

/// What the daemon sets at its start and takes away at its end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Statics {
    /// `static_ipaddress`, in file order.
    pub addresses: Vec<VirtualAddress>,
    /// `static_routes`, in file order.
    pub routes: Vec<Route>,
    /// `static_rules`, in file order.
    pub rules: Vec<Rule>,
}
