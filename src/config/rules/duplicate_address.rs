//! An address that an instance lists twice: it is announced and sent twice.

use std::collections::HashMap;

use super::Subject;
use crate::diagnostic::{Diagnostic, Name};

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for instance in &subject.instances {
        let mut seen = HashMap::new();
        for vip in &instance.vips {
            let first = *seen.entry(vip.address).or_insert(vip.word.span);
            if first != vip.word.span {
                let message = format!("{} lists {} twice", instance.name, vip.address);
                let diagnostic = Diagnostic::warning(Name::DUPLICATE_ADDRESS, message).at(vip.word.span);
                found.push(diagnostic.also(first, "first here").help("remove one of the lines"));
            }
        }
    }
    found
}
