//! `SSL_GET` encrypts and does not verify: any certificate will do, an expired one too.

use super::Subject;
use super::subject::{body, is};
use crate::diagnostic::{Diagnostic, Name};

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let mut checkers = subject.servers.iter().flat_map(|server| server.reals()).flat_map(body);
    let diagnostic = checkers.find(|checker| is(checker, "SSL_GET")).map(|checker| {
        Diagnostic::remark(Name::SSL_GET_DOES_NOT_VERIFY, "SSL_GET accepts any certificate")
            .at(checker.span)
            .note("it tells whether the server answers, not whether clients will trust it")
    });
    diagnostic.into_iter().collect()
}
