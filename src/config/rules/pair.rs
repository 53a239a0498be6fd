//! Checks across the configurations of several nodes: a weight that cannot move the addresses from one to the other.
//!
//! A backup takes over from a master whose priority falls below its own. One that falls to the same value keeps the
//! addresses: among equals nothing moves (RFC 3768 §6.4.3 compares addresses only between two masters).

use std::path::Path;

use crate::diagnostic::{Diagnostic, Name};
use crate::model::{Config, Tracked, TrackedObject, VrrpInstance};

use super::super::lower::{Draft, InstanceDraft};

/// One node's configuration.
pub(in crate::config) struct Node<'a> {
    pub path: &'a Path,
    pub draft: &'a Draft,
    pub config: &'a Config,
}

/// What there is to say about each node beside the others: the index of the node, and the diagnostic in its file.
pub(in crate::config) fn across(nodes: &[Node]) -> Vec<(usize, Diagnostic)> {
    let mut found = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        for peer in nodes.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, peer)| peer) {
            found.extend(weights(node, peer).into_iter().map(|diagnostic| (index, diagnostic)));
        }
    }
    found
}

fn weights(node: &Node, peer: &Node) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for instance in &node.config.instances {
        let same_router = |other: &&VrrpInstance| other.vrid == instance.vrid && shares_address(other, instance);
        let Some(other) = peer.config.instances.iter().find(same_router) else { continue };
        if healthy(instance) <= healthy(other) {
            continue;
        }
        let Some(draft) = node.draft.instances.iter().find(|draft| draft.name.value == instance.name) else { continue };
        let stuck = tracked(instance).filter(|tracked| {
            let weight = i32::from(tracked.weight.value()).abs();
            weight > 0 && (healthy(instance) - weight >= healthy(other) || !other.preempt)
        });
        found.extend(stuck.filter_map(|tracked| diagnostic(draft, tracked, healthy(instance), other, peer)));
    }
    found
}

fn diagnostic(
    draft: &InstanceDraft,
    tracked: &Tracked,
    up: i32,
    other: &VrrpInstance,
    peer: &Node,
) -> Option<Diagnostic> {
    let line = draft.tracked.iter().find(|line| line.object.value == tracked.object)?;
    let down = up - i32::from(tracked.weight.value()).abs();
    let (peer, theirs) = (peer.path.display(), healthy(other));
    let what = match &tracked.object {
        TrackedObject::Script(name) => name.to_string(),
        other => other.to_string(),
    };
    let message = format!("{}: a failure of {what} does not move the addresses", draft.name.value);
    let mut diagnostic = Diagnostic::warning(Name::WEIGHT_CANNOT_MOVE_VIP, message)
        .at(line.object.span)
        .label(format!("takes the priority from {up} to {down}; {peer} has {theirs}"));
    if down >= theirs {
        diagnostic =
            diagnostic.help(format!("a weight of {} or more, up or down, brings it below {theirs}", up - theirs + 1));
    }
    if !other.preempt {
        diagnostic = diagnostic.note(format!("{peer} has 'nopreempt': it leaves any living master in place"));
    }
    Some(diagnostic)
}

/// What succeeds or fails. A file's number can be anything.
fn tracked(instance: &VrrpInstance) -> impl Iterator<Item = &Tracked> {
    instance.tracked.iter().filter(|tracked| !matches!(tracked.object, TrackedObject::File(_)))
}

/// The priority while nothing that is tracked fails.
fn healthy(instance: &VrrpInstance) -> i32 {
    let bonus = tracked(instance).map(|tracked| i32::from(tracked.weight.value()).max(0)).sum::<i32>();
    (i32::from(instance.priority.get()) + bonus).min(254)
}

fn shares_address(a: &VrrpInstance, b: &VrrpInstance) -> bool {
    a.virtual_addresses
        .iter()
        .any(|address| b.virtual_addresses.iter().any(|other| other.net.addr() == address.net.addr()))
}
