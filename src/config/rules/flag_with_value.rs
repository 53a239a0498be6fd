//! `nopreempt no`: a flag is set by its name alone, so the line says the opposite of what it reads like.

use super::scope::Scope;
use crate::diagnostic::{Diagnostic, Name};
use crate::schema::Value;
use crate::syntax::Word;

/// Keywords whose optional value is the name of the interface to make.
const NAMES_INTERFACE: [&str; 2] = ["use_vmac", "use_ipvlan"];

pub(super) fn check(scope: &Scope, found: &mut Vec<Diagnostic>) {
    for (keyword, statement) in &scope.lines {
        let Some(word) = statement.words.get(1) else { continue };
        let name = &keyword.name;
        let diagnostic = if NAMES_INTERFACE.contains(&name.as_str()) && (is_refusal(word) || word.bytes == b"true") {
            let message = format!("'{name} {0}' makes an interface that is called {0}", word.text());
            Diagnostic::warning(Name::FLAG_WITH_VALUE, message).help("remove the line, or the value")
        } else if keyword.value == Value::None && is_refusal(word) {
            let message = format!("'{name} {}' sets '{name}' all the same", word.text());
            Diagnostic::warning(Name::FLAG_WITH_VALUE, message).help("remove the line")
        } else {
            continue;
        };
        found.push(diagnostic.at(statement.span));
    }
}

/// A word that says no.
pub(super) fn is_refusal(word: &Word) -> bool {
    matches!(word.bytes.as_slice(), b"0" | b"no" | b"off" | b"false" | b"disable" | b"disabled")
}
