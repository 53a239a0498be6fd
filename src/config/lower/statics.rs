//! What the daemon owns whoever is master: `static_ipaddress`, `static_routes`, `static_rules`.

use std::collections::BTreeSet;

use crate::config::context::Context;
use crate::config::cursor::{Line, lines};
use crate::config::host::Interface;
use crate::diagnostic::{Diagnostic, ErrorClass, Name};
use crate::model::route::{Hops, Route};
use crate::model::{InterfaceName, Rule, VirtualAddress};
use crate::syntax::Word;

use super::addresses::{self, AddressDraft};
use super::rules::{self, Priorities};
use super::words::{complain, shown};
use super::{Draft, routes};

/// The interface of static addresses when nothing else is said (keepalived.conf(5), `default_interface`).
const DEFAULT_INTERFACE: &str = "eth0";

/// What the blocks say, in the order of the file.
#[derive(Default)]
pub(in crate::config) struct StaticsDraft {
    pub addresses: Vec<AddressDraft>,
    pub routes: Vec<Route>,
    pub rules: Vec<Rule>,
}

/// Reads one of the blocks; `groups` are the names of the `track_group` blocks before it.
pub(super) fn read(
    context: &mut Context,
    draft: &mut StaticsDraft,
    priorities: &mut Priorities,
    groups: &BTreeSet<String>,
    block: &Line,
) {
    let body = block.body();
    match block.keyword.name.as_str() {
        "static_ipaddress" => {
            for line in lines(context, body) {
                draft.addresses.extend(addresses::read(context, "static_ipaddress", &line, groups));
            }
        }
        "static_routes" => {
            for line in lines(context, body) {
                draft.routes.extend(routes::read(context, &line, Some(groups)));
            }
        }
        "static_rules" => {
            for line in lines(context, body) {
                draft.rules.extend(rules::read(context, &line, priorities, Some(groups)));
            }
        }
        other => unreachable!("grammar/root.conf calls '{other}' effective"),
    }
}

/// The static addresses; one without `dev` is on the default interface, which must be there.
pub(super) fn finish_addresses(context: &mut Context, draft: &Draft) -> Vec<VirtualAddress> {
    let default = draft.global.vrrp.default_interface.clone().or_else(|| InterfaceName::new(DEFAULT_INTERFACE));
    let Some(default) = default else { return Vec::new() };
    let missing = context.host.is_some_and(|host| host.interface(&default) == Interface::Missing);
    for address in draft.statics.addresses.iter().filter(|address| missing && address.interface.is_none()) {
        let ip = address.net.value.addr();
        let gist = format!("Static address {ip} requires either an interface or default interface must exist");
        context.report(
            Diagnostic::error(Name::UNKNOWN_INTERFACE, format!("{ip} has no interface, and there is no {default}"))
                .at(address.net.span)
                .class(ErrorClass::Fatal)
                .gist(gist)
                .help("write 'dev' and an interface after the address"),
        );
    }
    draft.statics.addresses.iter().map(|address| address.on(&default)).collect()
}

/// The group that a static route or rule names, which must be there.
pub(super) fn track_group(context: &mut Context, word: &Word, groups: &BTreeSet<String>) -> Option<String> {
    let text = word.text().into_owned();
    if groups.contains(&text) {
        return Some(text);
    }
    let message = format!("no track_group '{}' is defined before this", shown(word));
    complain(context, Name::UNKNOWN_REFERENCE, word.span, message, format!("track_group {} not found", shown(word)));
    None
}

/// Which instances stand on which interfaces because of a `track_group`.
pub(super) struct Stands(Vec<(String, InterfaceName)>);

impl Stands {
    pub fn new(draft: &Draft) -> Stands {
        let mut found = Vec::new();
        for group in &draft.track_groups {
            for interface in draft.statics.interfaces_of(&group.name.value) {
                found.extend(group.members.iter().map(|member| (member.value.clone(), interface.clone())));
            }
        }
        Stands(found)
    }

    /// The interfaces that an instance stands on because of its groups.
    pub fn interfaces_of(&self, instance: &str) -> BTreeSet<InterfaceName> {
        let its = self.0.iter().filter(|(name, _)| name == instance);
        its.map(|(_, interface)| interface.clone()).collect()
    }
}

impl StaticsDraft {
    /// The interfaces of what is in `group`.
    fn interfaces_of<'a>(&'a self, group: &'a str) -> impl Iterator<Item = InterfaceName> + 'a {
        let is_in = move |name: &Option<String>, tracked: bool| tracked && name.as_deref() == Some(group);
        let routes = self.routes.iter().filter(move |route| is_in(&route.track_group, route.tracked));
        let rules = self.rules.iter().filter(move |rule| is_in(&rule.track_group, rule.tracked));
        let of_route = |route: &Route| match &route.hops {
            Hops::One(hop) => hop.interface.clone(),
            Hops::Several(_) => None,
        };
        let is_one = move |address: &&AddressDraft| is_in(&address.options.track_group, !address.options.untracked);
        let addresses = self.addresses.iter().filter(is_one).filter_map(|address| address.interface.clone());
        addresses.chain(routes.filter_map(of_route)).chain(rules.filter_map(|rule| rule.input.clone()))
    }
}
