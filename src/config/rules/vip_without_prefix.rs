//! A virtual address without a prefix length: it becomes a /32, which is seldom what its author has in mind.

use super::Subject;
use crate::diagnostic::{Diagnostic, Name};

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let vips = subject.instances.iter().flat_map(|instance| &instance.vips);
    let bare = vips.filter(|vip| !vip.has_prefix && vip.option("peer").is_none());
    let diagnostics = bare.map(|vip| {
        let (ip, host, common) = (vip.address, if vip.address.is_ipv4() { 32 } else { 128 }, common(vip.address));
        Diagnostic::warning(Name::VIP_WITHOUT_PREFIX, format!("{ip} has no prefix length and becomes {ip}/{host}"))
            .at(vip.word.span)
            .help(format!("write {ip}/{common} for a network of that size, or {ip}/{host} if that is meant"))
    });
    diagnostics.collect()
}

/// The prefix length of most networks with hosts in them.
fn common(address: std::net::IpAddr) -> u8 {
    if address.is_ipv4() { 24 } else { 64 }
}
