//! `#` or `!` glued to a text: the rest of the line is a comment, and a password loses its second half.

use super::scope::Scope;
use crate::diagnostic::{Diagnostic, Name};
use crate::schema::Value;
use crate::source::Span;

pub(super) fn check(scope: &Scope, found: &mut Vec<Diagnostic>) {
    for (_, statement) in scope.lines.iter().filter(|(keyword, _)| keyword.value == Value::Text) {
        let Some(word) = statement.words.last().filter(|word| !word.quoted && statement.words.len() > 1) else {
            continue;
        };
        let after = Span { end: word.span.end + 2, start: word.span.end, ..word.span };
        let [mark @ (b'#' | b'!'), next] = scope.sources.slice(after) else { continue };
        let is_expanded = scope.sources.used(word.span) != word.span; // what comes after it is another line's
        if is_expanded || next.is_ascii_whitespace() {
            continue;
        }
        let mark = char::from(*mark);
        let message = format!("'{mark}' begins a comment: the value ends before it");
        let diagnostic =
            Diagnostic::warning(Name::COMMENT_IN_VALUE, message).at(Span { end: after.start + 1, ..after });
        let help = "put the value in double quotes, or a blank before the comment";
        found.push(diagnostic.also(word.span, "the value").help(help));
    }
}
