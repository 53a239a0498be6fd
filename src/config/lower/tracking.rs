//! `track_interface`, `track_script`, `track_file`, `track_process` and `track_bfd`: the lists of an instance or a sync
//! group (`vrrp/vrrp_track.c`). What is tracked is defined further up; interfaces alone may come later.

use std::borrow::Cow;

use crate::config::context::{Context, Spanned};
use crate::config::cursor::{Line, lines, second_reading, shortened};
use crate::config::host::Interface;
use crate::config::values::{self, Garbage};
use crate::diagnostic::{Diagnostic, ErrorClass, Name};
use crate::model::{FileName, InterfaceName, ProcessName, ScriptName, SessionName, TrackWeight, TrackedObject};
use crate::schema::{self, Status};
use crate::syntax::{Statement, Word};

use super::Draft;

/// One line of a list.
#[derive(Clone)]
pub(in crate::config) struct TrackedDraft {
    pub object: Spanned<TrackedObject>,
    /// The line's own, else the object's.
    pub weight: TrackWeight,
}

/// The keywords of the lists.
pub(super) const KEYWORDS: [&str; 5] = ["track_interface", "track_script", "track_file", "track_process", "track_bfd"];

/// How one kind of list differs from the others.
struct Kind {
    keyword: &'static str,
    /// keepalived's word for what is tracked.
    word: &'static str,
    /// The block that defines it.
    block: &'static str,
    /// The largest weight that is not complained about.
    most: i128,
    /// Whether a word that is not understood after the weight costs the whole line.
    strict: bool,
}

const fn kind(keyword: &'static str, word: &'static str, block: &'static str, most: i128, strict: bool) -> Kind {
    Kind { keyword, word, block, most, strict }
}

const KINDS: [Kind; 5] = [
    kind("track_interface", "interface", "interface", 253, false),
    kind("track_script", "script", "vrrp_script", 253, false),
    kind("track_file", "file", "track_file", 254, true),
    kind("track_process", "process", "vrrp_track_process", 254, false),
    kind("track_bfd", "bfd", "bfd_instance", 253, true),
];

/// Reads the list of `owner`, an instance or a group, into `tracked`; `before` is what the file says further up.
pub(super) fn read(context: &mut Context, owner: &str, block: &Line, before: &Draft, tracked: &mut Vec<TrackedDraft>) {
    let Some(kind) = KINDS.iter().find(|kind| kind.keyword == block.keyword.name) else { return };
    for line in lines(context, block.body()) {
        let words = second_reading(&line.words);
        let Some((name, options)) = words.split_first() else { continue };
        let Some((object, weight)) = find(context, kind, owner, name, before) else { continue };
        if tracked.iter().any(|line| line.object.value == object) {
            let text = shortened(&name.text()).into_owned();
            context.report(
                complaint(Name::TRACKED_TWICE, format!("{owner}: '{text}' is tracked already"))
                    .at(name.span)
                    .gist(format!("({owner}) duplicate {} {text} - ignoring", kind.keyword)),
            );
            continue;
        }
        if let Some(weight) = options_of(context, kind, owner, name, options, weight) {
            tracked.push(TrackedDraft { object: Spanned::new(object, name.span), weight });
        }
    }
}

/// Something that keepalived complains about too.
fn complaint(name: Name, message: impl Into<String>) -> Diagnostic {
    Diagnostic::warning(name, message).class(ErrorClass::General)
}

/// The object of that name, and its own weight.
fn find(
    context: &mut Context,
    kind: &Kind,
    owner: &str,
    name: &Word,
    before: &Draft,
) -> Option<(TrackedObject, TrackWeight)> {
    let text = name.text().into_owned();
    if kind.word == "interface" {
        let interface = values::interface_name(context, name)?;
        missing_interface(context, name, &format!("({owner}) tracked interface {} doesn't exist", shortened(&text)));
        return Some((TrackedObject::Interface(interface), TrackWeight::default()));
    }
    let found = match kind.word {
        "script" => before.scripts.iter().find(|script| script.name.value == text).map(|script| {
            let weight = script.weight.map(|weight| weight.value).unwrap_or_default();
            (TrackedObject::Script(ScriptName(text.clone())), weight)
        }),
        "file" => before
            .files
            .iter()
            .find(|file| file.name.value.0 == text)
            .map(|file| (TrackedObject::File(FileName(text.clone())), file.weight)),
        "process" => before
            .processes
            .iter()
            .find(|process| process.name.value.0 == text)
            .map(|process| (TrackedObject::Process(ProcessName(text.clone())), process.weight)),
        _ => before
            .sessions
            .iter()
            .find(|(session, _)| *session == text)
            .map(|(_, weight)| (TrackedObject::Session(SessionName(text.clone())), *weight)),
    };
    if found.is_none() {
        let text = shortened(&text);
        let (name_of, what) = match kind.word {
            "script" => (Name::UNKNOWN_SCRIPT, format!("no vrrp_script '{text}' stands before this")),
            word => (Name::UNKNOWN_REFERENCE, format!("no {word} '{text}' is defined before this")),
        };
        context.report(
            complaint(name_of, format!("{owner}: {what}"))
                .at(name.span)
                .gist(format!("({owner}) track {} {text} not found, ignoring...", kind.word))
                .help(format!("define the {} above the block that tracks it", kind.block))
                .note("it runs without tracking it"),
        );
    }
    found
}

/// `weight N [reverse|noreverse]`; `None` when the line is ignored.
fn options_of(
    context: &mut Context,
    kind: &Kind,
    owner: &str,
    name: &Word,
    options: &[Word],
    default: TrackWeight,
) -> Option<TrackWeight> {
    let [keyword, rest @ ..] = options else { return Some(default) };
    let object = shortened(&name.text()).into_owned();
    if keyword.bytes != b"weight" {
        unknown_option(context, kind, owner, &object, keyword);
        return None;
    }
    let [value, rest @ ..] = rest else {
        let gist = format!("({owner}) weight without value specified for track {} {object} - ignoring", kind.word);
        let diagnostic = complaint(Name::MISSING_VALUE, "'weight' needs a value");
        context.report(diagnostic.at(keyword.span).gist(gist));
        return None;
    };
    let most = if kind.word == "bfd" { 253 } else { 254 };
    let mut number = values::integer_in(context, value, -most, most, Garbage::Refused)
        .map_or(i64::from(default.value()), |number| number as i64);
    if i128::from(number.abs()) > kind.most {
        let gist = format!("({owner}) weight for {object} cannot be +/-254. Setting to +/-253");
        let diagnostic = complaint(Name::NUMBER_OUT_OF_RANGE, "a weight is at most 253; that is used");
        context.report(diagnostic.at(value.span).gist(gist));
        number = number.signum() * 253;
    }
    let reverse = match rest.first().map(|word| (word, word.bytes.as_slice())) {
        None => default.reverse,
        Some((_, b"reverse")) => true,
        Some((_, b"noreverse")) if kind.word != "interface" => false,
        Some((word, _)) => {
            unknown_option(context, kind, owner, &object, word);
            if kind.strict {
                return None;
            }
            default.reverse
        }
    };
    TrackWeight::new(number, reverse)
}

fn unknown_option(context: &mut Context, kind: &Kind, owner: &str, object: &str, word: &Word) {
    let text = shortened(&word.text()).into_owned();
    let message = format!("'{text}' is no option of a tracked {}", kind.word);
    context.report(
        complaint(Name::UNKNOWN_OPTION, message)
            .at(word.span)
            .gist(format!("({owner}) unknown {} {object} weight option {text} - ignoring", kind.keyword))
            .help("write NAME, or NAME weight N, or NAME weight N reverse"),
    );
}

/// The lists of sessions in the block at `path`, which the walk does not hand on while nothing comes of them.
pub(super) fn sessions(
    context: &mut Context,
    path: &str,
    owner: &str,
    body: &[Statement],
    before: &Draft,
    tracked: &mut Vec<TrackedDraft>,
) {
    let Some(keyword) = schema::keepalived().block(path).and_then(|block| block.keyword(b"track_bfd")) else { return };
    let lists = body.iter().filter(|statement| statement.words.first().is_some_and(|word| word.bytes == b"track_bfd"));
    for statement in lists.filter(|_| keyword.status != Status::Effective || keyword.denies.is_some()) {
        read(context, owner, &Line { keyword, arguments: Cow::Borrowed(&[]), statement }, before, tracked);
    }
}

/// Reports an interface that the machine does not have, unless interfaces may come later.
pub(in crate::config) fn missing_interface(context: &mut Context, name: &Word, gist: &str) {
    let missing = || {
        let host = context.host.filter(|_| !context.dynamic_interfaces)?;
        let known = InterfaceName::new(&name.text()).is_some_and(|name| host.interface(&name) != Interface::Missing);
        (!known).then_some(())
    };
    if missing().is_some() {
        let message = format!("there is no interface {}", shortened(&name.text()));
        context.report(
            Diagnostic::error(Name::UNKNOWN_INTERFACE, message).at(name.span).class(ErrorClass::General).gist(gist),
        );
    }
}
