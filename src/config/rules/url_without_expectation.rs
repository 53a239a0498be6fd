//! A `url` that says nothing about the answer: any status from 200 to 299 is fine, whatever the page says.

use super::Subject;
use super::subject::{body, is};
use crate::diagnostic::{Diagnostic, Name};

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let checkers = subject.servers.iter().flat_map(|server| server.reals()).flat_map(body);
    let checkers = checkers.filter(|checker| is(checker, "HTTP_GET") || is(checker, "SSL_GET"));
    let expectations = ["status_code", "digest", "regex"];
    let says_nothing = |url: &&crate::syntax::Statement| {
        is(url, "url") && !body(url).iter().any(|line| expectations.into_iter().any(|keyword| is(line, keyword)))
    };
    let diagnostics = checkers.flat_map(body).filter(says_nothing).map(|url| {
        Diagnostic::warning(Name::URL_WITHOUT_EXPECTATION, "this url expects nothing in particular")
            .at(url.span)
            .help("add 'status_code 200', or a digest or regex of the page")
            .note("keepalived 2.2.7 takes any status from 200 to 299")
    });
    diagnostics.collect()
}
