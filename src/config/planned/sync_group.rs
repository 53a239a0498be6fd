//! `vrrp_sync_group` (`vrrp/vrrp_sync.c`).

use std::collections::{HashMap, HashSet};

use crate::config::context::Context;
use crate::diagnostic::Name;
use crate::source::Span;
use crate::syntax::Statement;

use super::complain_later;
use super::entry::{Entry, all, entries, is_set, shown};
use super::instance::Instance;

pub(super) fn check(context: &mut Context, statements: &[Statement], instances: &[Instance]) {
    let by_name: HashMap<&str, &Instance> =
        instances.iter().map(|instance| (instance.name.as_str(), instance)).collect();
    let mut groups = HashSet::new();
    let mut home: HashMap<String, Span> = HashMap::new();
    for block in all(statements, "vrrp_sync_group").filter(|block| block.arguments().len() == 1) {
        let name = block.text(0);
        if !groups.insert(name.clone()) {
            let message = format!("another vrrp_sync_group is called {name}; this one is ignored");
            let gist = format!("vrrp sync group {name} already defined");
            complain_later(context, Name::DUPLICATE_NAME, block.span(), message, gist);
            continue;
        }
        let members = members(context, &block, &name, &by_name, &mut home);
        match members.len() {
            0 => {
                let gist = format!("Sync group {name} has no members - removing");
                let message = format!("sync group {name} has no members and is left out");
                complain_later(context, Name::SYNC_GROUP_MEMBERS, block.span(), message, gist);
            }
            1 => {
                let gist =
                    format!("Sync group {name} has only 1 virtual router(s) - this probably isn't what you want");
                let message = format!("sync group {name} has one member, which moves alone anyway");
                complain_later(context, Name::SYNC_GROUP_MEMBERS, block.span(), message, gist);
            }
            _ => {}
        }
        if !is_set(block.body(), "sync_group_tracking_weight") && !is_set(block.body(), "global_tracking") {
            weights(context, &members);
        }
    }
}

/// The instances that the group lists and that belong to it.
fn members<'i>(
    context: &mut Context,
    block: &Entry,
    group: &str,
    instances: &HashMap<&str, &'i Instance>,
    home: &mut HashMap<String, Span>,
) -> Vec<&'i Instance> {
    let lists: Vec<Entry> = all(block.body(), "group").collect();
    let words = lists.iter().flat_map(|list| entries(list.body())).flat_map(|line| line.words.into_owned());
    let mut members = Vec::new();
    for word in words {
        let name = shown(&word);
        let Some(instance) = instances.get(name.as_str()) else {
            let message = format!("sync group {group} names {name}, and no instance is called so");
            let gist = format!("Virtual router {name} specified in sync group {group} doesn't exist - ignoring");
            complain_later(context, Name::UNKNOWN_REFERENCE, word.span, message, gist);
            continue;
        };
        if home.insert(name.clone(), word.span).is_some() {
            let message = format!("{name} is in a sync group already");
            let gist = format!("Virtual router {name} cannot exist in more than one sync group; ignoring {group}");
            complain_later(context, Name::SYNC_GROUP_MEMBERS, word.span, message, gist);
            continue;
        }
        members.push(*instance);
    }
    members
}

/// A member does not change its priority alone, unless the group says so.
fn weights(context: &mut Context, members: &[&Instance]) {
    for member in members {
        for (interface, span) in &member.weighted_interfaces {
            let name = &member.name;
            let message = format!("{name}: the weight of {interface} is ignored in a sync group");
            let gist = format!("({name}) ignoring {interface} tracked interface weight due to SYNC group");
            complain_later(context, Name::INCOMPATIBLE_SETTINGS, *span, message, gist);
        }
    }
}
