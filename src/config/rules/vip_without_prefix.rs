//! A virtual address without a prefix length: it becomes a /32, which is seldom what its author has in mind.

use super::Subject;
use crate::diagnostic::{Diagnostic, Name};

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let addresses = subject.draft.instances.iter().flat_map(|instance| &instance.addresses);
    let bare = addresses.filter(|address| !address.has_prefix && address.net.value.prefix_len() == 32);
    let diagnostics = bare.map(|address| {
        let ip = address.net.value.addr();
        Diagnostic::warning(Name::VIP_WITHOUT_PREFIX, format!("{ip} has no prefix length and becomes {ip}/32"))
            .at(address.net.span)
            .help(format!("write {ip}/24 for a network of that size, or {ip}/32 if that is meant"))
    });
    diagnostics.collect()
}
