//! A real server without a checker: it gets its share of the traffic, alive or not.

use super::Subject;
use super::subject::body;
use crate::diagnostic::{Diagnostic, Name};
use crate::syntax::Statement;

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let reals = subject.servers.iter().flat_map(|server| server.reals());
    let unchecked = reals.filter(|real| real.block.is_some() && !body(real).iter().any(is_checker));
    let diagnostics = unchecked.map(|real| {
        let text = real.words.iter().skip(1).map(|word| word.text()).collect::<Vec<_>>().join(" ");
        let diagnostic = Diagnostic::warning(Name::NO_CHECKER, format!("real server {text} is never checked"));
        diagnostic.at(real.span).help("add a checker, for instance 'TCP_CHECK { connect_timeout 3 }'")
    });
    diagnostics.collect()
}

/// All checkers are called so.
pub(super) fn is_checker(statement: &Statement) -> bool {
    let name = statement.words.first().map_or(&b""[..], |word| &word.bytes);
    name.ends_with(b"_CHECK") || matches!(name, b"HTTP_GET" | b"SSL_GET")
}
