//! What the daemon owns whoever is master: `static_routes`, `static_rules`.

use std::collections::BTreeSet;

use crate::config::context::Context;
use crate::config::cursor::{Line, lines};
use crate::diagnostic::Name;
use crate::model::route::{Hops, Route};
use crate::model::{InterfaceName, Rule};
use crate::syntax::Word;

use super::rules::{self, Priorities};
use super::words::{complain, shown};
use super::{Draft, routes};

/// What the blocks say, in the order of the file.
#[derive(Default)]
pub(in crate::config) struct StaticsDraft {
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
        routes.filter_map(of_route).chain(rules.filter_map(|rule| rule.input.clone()))
    }
}
