//! A unicast peer with a prefix length: keepalived drops it.

use super::Subject;
use super::subject::split_prefix;
use crate::diagnostic::{Diagnostic, Fix, Name};

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let peers = subject.instances.iter().flat_map(|instance| instance.peers());
    let diagnostics = peers.filter_map(|(address, word)| {
        split_prefix(&word.bytes).1?;
        let message = format!("a peer has no prefix length; {address} is used");
        let diagnostic = Diagnostic::warning(Name::PEER_WITH_PREFIX, message).at(word.span);
        Some(diagnostic.help(format!("write {address}")).fix(Fix::replace(word.span, address.to_string())))
    });
    diagnostics.collect()
}
