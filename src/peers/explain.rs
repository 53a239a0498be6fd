//! Why a failure did not move the addresses, as a diagnostic with the words of both files, and as one phrase.

use crate::diagnostic::{Diagnostic, Name};
use crate::model::{Priority, TrackedObject};

use super::group::{Group, Member};
use super::play::{Failure, Outcome, Play};

/// What happened, as the beginning of a sentence.
pub fn failure(group: &Group, failure: &Failure) -> String {
    let name = |node: usize| group.members[node].name();
    match failure {
        Failure::Node(node) => format!("{} dies", name(*node)),
        Failure::Link(node, interface) => format!("{interface} of {} goes down", name(*node)),
        Failure::Tracked(node, TrackedObject::Interface(interface)) => {
            format!("{interface} of {} goes down", name(*node))
        }
        Failure::Tracked(node, object) => format!("{} fails on {}", tracked(object), name(*node)),
    }
}

/// Why the addresses are not where they should be; nothing when they are.
pub fn reason(group: &Group, play: &Play) -> Option<String> {
    if play.is_covered() {
        return None;
    }
    let name = |node: usize| group.members[node].name();
    Some(match (&play.outcome, play.must_move()) {
        (Outcome::Kept, true) => match play.failure {
            Failure::Tracked(node, _) => {
                format!("stays with {}: {}", name(node), Stuck::new(group, play, node).phrase())
            }
            Failure::Node(node) | Failure::Link(node, _) => format!("stays with {}", name(node)),
        },
        (Outcome::Nobody, _) if group.members.len() == 1 => "nobody takes over: no other file has it".to_owned(),
        (Outcome::Nobody, _) => "nobody takes over".to_owned(),
        (Outcome::Several(nodes), _) => format!("{} are MASTER at once", names(group, nodes)),
        (Outcome::Moved { to, .. }, false) => format!("moves to {}, though its MASTER is well", name(*to)),
        (Outcome::Moved { .. }, true) | (Outcome::Kept, false) => match &play.recovery {
            Outcome::Nobody => "nobody is MASTER when that is over".to_owned(),
            Outcome::Several(nodes) => format!("{} are MASTER at once when that is over", names(group, nodes)),
            Outcome::Moved { .. } | Outcome::Kept => return None,
        },
    })
}

/// The names of nodes, as part of a sentence.
pub fn names(group: &Group, nodes: &[usize]) -> String {
    nodes.iter().map(|node| group.members[*node].name()).collect::<Vec<_>>().join(" and ")
}

/// The diagnostic for a failure that is not covered.
pub fn diagnostic(group: &Group, play: &Play) -> Option<Diagnostic> {
    let reason = reason(group, play)?;
    let member = &group.members[play.master];
    let instance = &member.instance.name;
    if let (Failure::Tracked(node, object), Outcome::Kept) = (&play.failure, &play.outcome) {
        return Some(Stuck::new(group, play, *node).diagnostic(object));
    }
    if group.members.len() == 1 {
        return None; // that nobody else has it has been said
    }
    let message = format!("{instance}: when {}, {reason}", failure(group, &play.failure));
    let mut diagnostic = Diagnostic::warning(Name::FAILURE_NOT_COVERED, message).at(member.places.name);
    for other in group.members.iter().filter(|other| !std::ptr::eq(other.node, member.node)) {
        diagnostic = diagnostic.also(other.places.name, format!("in {}", other.name()));
    }
    Some(diagnostic)
}

/// How something tracked is called in a sentence.
fn tracked(object: &TrackedObject) -> String {
    match object {
        TrackedObject::Script(name) => name.to_string(),
        other => other.to_string(),
    }
}

/// Something tracked that fails on the MASTER without moving the addresses.
struct Stuck<'g, 'a> {
    member: &'g Member<'a>,
    before: Priority,
    after: Priority,
    /// The best of the others, and its priority at that time.
    rival: Option<(&'g Member<'a>, Priority)>,
}

impl<'g, 'a> Stuck<'g, 'a> {
    fn new(group: &'g Group<'a>, play: &Play, node: usize) -> Stuck<'g, 'a> {
        let (before, after) = play.priorities[node];
        let own = group.members[node].instance.priority;
        let others = group.members.iter().enumerate().filter(|(other, _)| *other != node);
        let rivals = others.filter_map(|(other, member)| Some((member, play.priorities[other].1?)));
        // One that may take over says more than one that will not.
        let rival = rivals.max_by_key(|(member, priority)| (member.instance.preempt, *priority));
        Stuck { member: &group.members[node], before: before.unwrap_or(own), after: after.unwrap_or(own), rival }
    }

    fn phrase(&self) -> String {
        let Stuck { before, after, .. } = self;
        let change = if before == after {
            format!("its priority remains {after}")
        } else {
            format!("its priority goes from {before} to {after}")
        };
        match self.rival {
            None => change,
            Some((rival, theirs)) if rival.instance.preempt => {
                format!("{change}, and {} has {theirs}", rival.name())
            }
            Some((rival, theirs)) => format!("{change}, and {} has {theirs} and nopreempt", rival.name()),
        }
    }

    fn diagnostic(&self, object: &TrackedObject) -> Diagnostic {
        let Stuck { member, before, after, .. } = self;
        let place = member.places.tracked.iter().find(|(tracked, _)| tracked == object).map(|(_, span)| *span);
        let message = format!("{}: a failure of {} does not move the addresses", member.instance.name, tracked(object));
        let label = format!("takes the priority of {} from {before} to {after}", member.name());
        let diagnostic = Diagnostic::warning(Name::WEIGHT_CANNOT_MOVE_VIP, message)
            .at(place.unwrap_or(member.places.name))
            .label(label);
        let Some((rival, theirs)) = self.rival else { return diagnostic };
        let mut diagnostic = diagnostic
            .also(rival.places.priority.unwrap_or(rival.places.name), format!("{} has {theirs}", rival.name()));
        let needed = i32::from(before.get()) - i32::from(theirs.get()) + 1;
        let needs_more = after >= &theirs && needed > 0;
        if !rival.instance.preempt {
            let nopreempt = rival.places.nopreempt.unwrap_or(rival.places.name);
            let more = if needs_more { format!(" and give a weight of {needed} or more") } else { String::new() };
            return diagnostic
                .also(nopreempt, "leaves any living MASTER in place, whatever its priority")
                .help(format!("weight 0 makes the node give up the addresses; or remove 'nopreempt'{more}"));
        }
        if needs_more {
            diagnostic = diagnostic.help(format!("a weight of {needed} or more, up or down, brings it below {theirs}"));
        }
        diagnostic
    }
}
