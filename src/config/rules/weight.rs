//! Weights that change nothing, or too little: the priority an instance sends stays within 1 and 254 (RFC 9568 §5.2.4),
//! whatever its weights add up to.

use std::collections::HashMap;

use super::Subject;
use super::subject::{Instance, all, argument, body, last, number};
use crate::diagnostic::{Diagnostic, Name};
use crate::syntax::{Statement, Word};

/// What an advert of a router that does not own its addresses can carry.
const LOWEST: i64 = 1;
const HIGHEST: i64 = 254;
/// The largest weight that there is, up or down; another is reported and does not count.
const MOST: i64 = 253;
/// Weights up to this are seldom larger than the distance between two nodes' priorities.
const SMALL: i64 = 5;

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let scripts = all(subject.statements, "vrrp_script");
    let scripts: HashMap<&[u8], &Statement> =
        scripts.filter_map(|script| Some((argument(script)?.bytes.as_slice(), script))).collect();
    let mut found = Vec::new();
    for instance in subject.instances.iter().filter(|instance| instance.priority() <= HIGHEST) {
        for line in instance.lines("track_script") {
            let Some(name) = line.words.first() else { continue };
            let own = line.words.iter().position(|word| word.bytes == b"weight").and_then(|at| line.words.get(at + 1));
            let scripts_own = || last(body(scripts.get(name.bytes.as_slice())?), "weight").and_then(argument);
            let Some(word) = own.or_else(scripts_own) else { continue };
            let weight = number(word).filter(|weight| weight.abs() <= MOST);
            found.extend(weight.and_then(|weight| judge(instance, name, word, weight)));
        }
    }
    found
}

fn judge(instance: &Instance, script: &Word, word: &Word, weight: i64) -> Option<Diagnostic> {
    let (priority, name, script) = (instance.priority(), &instance.name, script.text());
    let reached = (priority + weight).clamp(LOWEST, HIGHEST);
    if weight != 0 && reached == priority {
        let message = format!("{name}: the weight of {script} changes nothing, priority {priority} stays");
        let diagnostic = Diagnostic::warning(Name::WEIGHT_WITHOUT_EFFECT, message).at(word.span);
        return Some(diagnostic.help(format!("priorities are sent from {LOWEST} to {HIGHEST}: choose one between")));
    }
    if reached != priority + weight {
        let message =
            format!("{name}: priority {priority} and the weight of {script} make {reached}, not {}", priority + weight);
        let diagnostic = Diagnostic::remark(Name::WEIGHT_CUT_OFF, message).at(word.span);
        return Some(diagnostic.note(format!("priorities are sent from {LOWEST} to {HIGHEST}")));
    }
    if (1..=SMALL).contains(&weight.abs()) {
        let message = format!("{name}: the weight of {script} moves the priority from {priority} to {reached} only");
        let diagnostic = Diagnostic::remark(Name::SMALL_WEIGHT, message).at(word.span);
        return Some(diagnostic.help("check that this is more than the distance to the other node's priority"));
    }
    None
}
