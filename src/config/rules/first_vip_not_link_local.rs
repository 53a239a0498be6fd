//! The first IPv6 address of an instance has to be a link-local one (RFC 9568 §5.2.9): hosts take it for the router's.

use std::net::IpAddr;

use super::Subject;
use crate::diagnostic::{Diagnostic, Name};

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let firsts = subject.instances.iter().filter_map(|instance| Some((instance, instance.vips.first()?)));
    let diagnostics = firsts.filter_map(|(instance, vip)| {
        let IpAddr::V6(address) = vip.address else { return None };
        if address.is_unicast_link_local() {
            return None;
        }
        let message = format!("{}: the first IPv6 address is not a link-local one", instance.name);
        let diagnostic = Diagnostic::warning(Name::FIRST_VIP_NOT_LINK_LOCAL, message).at(vip.word.span);
        Some(diagnostic.help("put an address of fe80::/64 before it").note("RFC 9568 §5.2.9 asks for it"))
    });
    diagnostics.collect()
}
