//! One password for several virtual routers. It travels in clear (RFC 2338 §10): whoever sees one advert can speak for all.

use std::collections::HashMap;

use super::Subject;
use super::subject::{argument, is};
use crate::diagnostic::{Diagnostic, Name};

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let mut seen = HashMap::new();
    let mut found = Vec::new();
    for instance in &subject.instances {
        let line = instance.lines("authentication").filter(|line| is(line, "auth_pass")).last();
        let Some(word) = line.and_then(argument) else { continue };
        let first = *seen.entry(word.bytes.as_slice()).or_insert(word.span);
        if first != word.span {
            let diagnostic = Diagnostic::remark(Name::SHARED_PASSWORD, "several instances have this password");
            found.push(
                diagnostic
                    .at(word.span)
                    .also(first, "first here")
                    .note("it is sent in clear: it keeps mistakes apart, and nobody out"),
            );
            break; // Once is enough to say it.
        }
    }
    found
}
