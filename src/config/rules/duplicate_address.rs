//! An address that an instance lists twice: it is announced and sent twice.

use super::Subject;
use crate::diagnostic::{Diagnostic, Name};

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for instance in &subject.draft.instances {
        for (index, address) in instance.addresses.iter().enumerate() {
            let mut before = instance.addresses[..index].iter();
            if let Some(first) = before.find(|first| first.net.value.addr() == address.net.value.addr()) {
                let message = format!("{} lists {} twice", instance.name.value, address.net.value.addr());
                let diagnostic = Diagnostic::warning(Name::DUPLICATE_ADDRESS, message).at(address.net.span);
                found.push(diagnostic.also(first.net.span, "first here").help("remove one of the lines"));
            }
        }
    }
    found
}
