//! A name that the kernel would allow for an interface and that no interface has: an address, or the placeholder of a
//! template.

use super::scope::Scope;
use crate::config::values::parse_address;
use crate::diagnostic::{Diagnostic, Name};
use crate::schema::Value;

pub(super) fn check(scope: &Scope, found: &mut Vec<Diagnostic>) {
    for (_, statement) in scope.lines.iter().filter(|(keyword, _)| keyword.value == Value::Interface) {
        let Some(word) = statement.words.get(1) else { continue };
        let what = if parse_address(&word.bytes).is_some_and(|address| address.is_ipv4()) {
            "an address"
        } else if word.bytes.iter().any(|byte| b"<>{}%[]()".contains(byte)) {
            "a placeholder"
        } else {
            continue;
        };
        let message = format!("'{}' is {what}, not the name of an interface", word.text());
        let diagnostic = Diagnostic::warning(Name::IMPLAUSIBLE_INTERFACE, message).at(word.span);
        found.push(diagnostic.help("'ip link' lists the names of the interfaces"));
    }
}
