//! A unicast peer that is listed twice: it gets every advert twice.

use std::collections::HashMap;

use super::Subject;
use crate::diagnostic::{Diagnostic, Name};

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for instance in &subject.instances {
        let mut seen = HashMap::new();
        for (address, word) in instance.peers() {
            let first = *seen.entry(address).or_insert(word.span);
            if first != word.span {
                let message = format!("{} lists the peer {address} twice", instance.name);
                let diagnostic = Diagnostic::warning(Name::DUPLICATE_PEER, message).at(word.span);
                found.push(diagnostic.also(first, "first here").help("remove one of the lines"));
            }
        }
    }
    found
}
