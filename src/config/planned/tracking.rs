//! Tracked objects: the blocks that define them, and the lists of an instance or a group that name them
//! (`vrrp/vrrp_track.c`).

use std::collections::HashSet;

use crate::config::context::Context;
use crate::config::host::Interface;
use crate::config::values::{self, Garbage};
use crate::diagnostic::{Diagnostic, ErrorClass, Name};
use crate::model::InterfaceName;
use crate::source::Span;
use crate::syntax::{Bytes, Statement, Word};

use super::complain;
use super::entry::{Entry, all, entries, last, number, shown};

/// The names of tracked objects as far as the file has been read: what is tracked is defined before.
#[derive(Debug, Default)]
pub(super) struct Names {
    files: HashSet<Bytes>,
    processes: HashSet<Bytes>,
    sessions: HashSet<Bytes>,
}

impl Names {
    /// Takes in the name of a block that defines a tracked object.
    pub fn add(&mut self, block: &Entry) {
        let Some(name) = block.argument(0) else { return };
        let names = match block.words[0].bytes.as_slice() {
            b"track_file" | b"vrrp_track_file" if last(block.body(), "file").is_some() => &mut self.files,
            b"vrrp_track_process" => &mut self.processes,
            b"bfd_instance" => &mut self.sessions,
            _ => return,
        };
        names.insert(name.bytes.clone());
    }

    pub fn has_file(&self, name: &Word) -> bool {
        self.files.contains(&name.bytes)
    }

    pub fn has_session(&self, name: &Word) -> bool {
        self.sessions.contains(&name.bytes)
    }
}

/// `track_file` and `vrrp_track_process`; the names that exist in the end.
pub(super) fn check_objects(context: &mut Context, statements: &[Statement]) -> Names {
    let mut names = Names::default();
    for block in entries(statements) {
        names.add(&block);
        match block.words[0].bytes.as_slice() {
            b"track_file" | b"vrrp_track_file" => file(context, &block),
            b"vrrp_track_process" => process(context, &block),
            _ => {}
        }
    }
    names
}

fn file(context: &mut Context, block: &Entry) {
    let name = block.text(0);
    if last(block.body(), "file").is_none() {
        let gist = format!("No file set for track_file {name} - ignoring");
        complain(context, Name::INCOMPLETE_BLOCK, block.span(), format!("track_file {name} names no file"), gist);
    }
    let init = last(block.body(), "init_file");
    let value = init.as_ref().and_then(|entry| entry.arguments().iter().find(|word| word.bytes != b"overwrite"));
    if let Some(value) = value.filter(|value| number(value).is_none_or(|value| value.abs() > 254)) {
        let message = format!("the initial value '{}' is not within -254 to 254", shown(value));
        let gist = format!("Track file {name} init value {} is outside sensible range [-254, 254]", shown(value));
        complain(context, Name::NUMBER_OUT_OF_RANGE, value.span, message, gist);
    }
}

fn process(context: &mut Context, block: &Entry) {
    let name = block.text(0);
    if last(block.body(), "process").is_none() {
        let message = format!("vrrp_track_process {name} names no process");
        let gist = format!("track process '{name}' process name not specified");
        complain(context, Name::INCOMPLETE_BLOCK, block.span(), message, gist);
    }
    let value = |keyword| last(block.body(), keyword).and_then(|entry| entry.argument(0).and_then(number));
    if let (Some(most), Some(span)) = (value("quorum_max"), last(block.body(), "quorum_max").map(|entry| entry.span()))
        && most < value("quorum").unwrap_or(1)
    {
        let gist = "quorum_max is less than quorum - ignoring";
        complain(context, Name::INCOMPATIBLE_SETTINGS, span, "'quorum_max' is less than 'quorum'", gist);
    }
}

/// The lists of `owner`, an instance or a group. Returns the interfaces that are tracked with a weight.
pub(super) fn check_lists(
    context: &mut Context,
    owner: &str,
    body: &[Statement],
    names: &Names,
) -> Vec<(String, Span)> {
    let own = last(body, "interface").and_then(|entry| entry.argument(0).cloned());
    let mut weighted = Vec::new();
    let mut seen = HashSet::new();
    for line in all(body, "track_interface").flat_map(|block| entries(block.body()).collect::<Vec<_>>()) {
        if interface(context, owner, own.as_ref(), &line, &mut seen) {
            weighted.push((shown(&line.words[0]), line.span()));
        }
    }
    let lists = [
        ("track_file", "file", &names.files),
        ("track_process", "process", &names.processes),
        ("track_bfd", "bfd", &names.sessions),
    ];
    for (keyword, kind, known) in lists {
        let most = if keyword == "track_bfd" { 253 } else { 254 };
        for line in all(body, keyword).flat_map(|block| entries(block.body()).collect::<Vec<_>>()) {
            let name = &line.words[0];
            if !known.contains(&name.bytes) {
                let message = format!("{owner}: no {kind} '{}' is defined before this", shown(name));
                let gist = format!("({owner}) track {kind} {} not found, ignoring...", shown(name));
                complain(context, Name::UNKNOWN_REFERENCE, name.span, message, gist);
            } else {
                weight(context, owner, &line, most, true);
            }
        }
    }
    weighted
}

/// One line of `track_interface`; whether it has a weight.
fn interface(context: &mut Context, owner: &str, own: Option<&Word>, line: &Entry, seen: &mut HashSet<Bytes>) -> bool {
    let name = &line.words[0];
    let text = shown(name);
    if own.is_some_and(|own| own.bytes == name.bytes) {
        let message = format!("{owner} is on {text} and fails with it anyway; the line is ignored");
        let gist = format!("({owner}) Ignoring track_interface {text} since own interface");
        complain(context, Name::TRACKED_TWICE, name.span, message, gist);
        return false;
    }
    if !seen.insert(name.bytes.clone()) {
        let gist = format!("({owner}) duplicate track_interface {text} - ignoring");
        complain(context, Name::TRACKED_TWICE, name.span, format!("{owner}: {text} is tracked already"), gist);
        return false;
    }
    missing_interface(context, name, &format!("({owner}) tracked interface {text} doesn't exist"));
    weight(context, owner, line, 253, false).is_some_and(|weight| weight != 0)
}

/// Reports an interface that the machine does not have, unless interfaces may come later.
pub(super) fn missing_interface(context: &mut Context, name: &Word, gist: &str) {
    let missing = || {
        let host = context.host.filter(|_| !context.dynamic_interfaces)?;
        let known = InterfaceName::new(&name.text()).is_some_and(|name| host.interface(&name) != Interface::Missing);
        (!known).then_some(())
    };
    if missing().is_some() {
        let message = format!("there is no interface {}", shown(name));
        context.report(
            Diagnostic::error(Name::UNKNOWN_INTERFACE, message).at(name.span).class(ErrorClass::General).gist(gist),
        );
    }
}

/// `weight N [reverse|noreverse]` after the name of a tracked object; the weight, if there is one.
fn weight(context: &mut Context, owner: &str, line: &Entry, most: i128, knows_noreverse: bool) -> Option<i128> {
    let object = shown(&line.words[0]);
    let unknown = |context: &mut Context, word: &Word| {
        let message = format!("'{}' is no option of a tracked object", shown(word));
        let gist = format!("({owner}) unknown {object} weight option {} - ignoring", shown(word));
        complain(context, Name::UNKNOWN_OPTION, word.span, message, gist);
    };
    let [keyword, rest @ ..] = line.arguments() else { return None };
    if keyword.bytes != b"weight" {
        unknown(context, keyword);
        return None;
    }
    let [value, rest @ ..] = rest else {
        let gist = format!("({owner}) weight without value specified for {object} - ignoring");
        complain(context, Name::MISSING_VALUE, keyword.span, "'weight' needs a value", gist);
        return None;
    };
    let weight = values::integer_in(context, value, -254, 254, Garbage::Refused)?;
    if weight.abs() > most {
        let gist = format!("({owner}) weight for {object} cannot be +/-254. Setting to +/-253");
        complain(context, Name::NUMBER_OUT_OF_RANGE, value.span, "a weight is at most 253; that is used", gist);
    }
    match rest.first() {
        Some(word) if word.bytes != b"reverse" && !(knows_noreverse && word.bytes == b"noreverse") => {
            unknown(context, word)
        }
        _ => {}
    }
    Some(weight)
}
