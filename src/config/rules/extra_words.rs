//! Words after a value, or after a keyword that takes none: they are ignored, and nothing is said.

use super::scope::Scope;
use crate::diagnostic::{Diagnostic, Name, Severity};
use crate::schema::{Keyword, Status, Value};
use crate::syntax::Word;

pub(super) fn check(scope: &Scope, found: &mut Vec<Diagnostic>) {
    for (keyword, statement) in scope.lines.iter().filter(|(keyword, _)| keyword.status != Status::Removed) {
        let Some(taken) = taken(keyword) else { continue };
        let extra = statement.words.get(taken + 1..).unwrap_or_default();
        let (Some(first), Some(last)) = (extra.first(), extra.last()) else { continue };
        if keyword.value == Value::None && super::flag_with_value::is_refusal(first) {
            continue;
        }
        let name = &keyword.name;
        let message = match taken {
            0 => format!("'{name}' takes no value; what follows is ignored"),
            _ => format!("'{name}' takes one value; what follows is ignored"),
        };
        let confirms = taken == 0 && first.span == last.span && is_confirmation(first);
        let severity = if confirms { Severity::Note } else { Severity::Warning };
        let diagnostic = Diagnostic::warning(Name::EXTRA_WORDS, message).at(first.span.to(last.span));
        let diagnostic = match first.bytes.as_slice() {
            b"|" => diagnostic.help("the '|' of a manual page stands for a choice: write one of the words"),
            _ => diagnostic.help("remove it, put it behind a '#', or put a value with blanks in double quotes"),
        };
        found.push(Diagnostic { severity, ..diagnostic });
    }
}

/// How many words belong to the keyword; `None` when it depends.
fn taken(keyword: &Keyword) -> Option<usize> {
    match keyword.value {
        Value::None | Value::Block { named: false } => Some(0),
        Value::Integer { .. } | Value::Seconds { .. } | Value::Milliseconds { .. } | Value::Boolean => Some(1),
        Value::Text | Value::Interface | Value::Address | Value::Choice(_) => Some(1),
        Value::Command | Value::Forwarding | Value::Pairs(_) | Value::Free(_) => None,
        Value::Block { named: true } | Value::Lines { .. } => None,
    }
}

/// `nopreempt 1` says what it would without the 1.
fn is_confirmation(word: &Word) -> bool {
    matches!(word.bytes.as_slice(), b"1" | b"on" | b"yes" | b"true")
}
