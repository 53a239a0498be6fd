//! A `brd` that is not the broadcast address of the network: hosts there do not listen to it.

use std::net::IpAddr;

use ipnet::Ipv4Net;

use super::Subject;
use super::subject::host;
use crate::diagnostic::{Diagnostic, Name};

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let vips = subject.instances.iter().flat_map(|instance| &instance.vips);
    let diagnostics = vips.filter_map(|vip| {
        let (IpAddr::V4(address), Some(prefix @ 0..=30)) = (vip.address, vip.prefix) else { return None };
        let word = vip.option("brd").or(vip.option("broadcast"))?;
        let (IpAddr::V4(given), broadcast) = (host(word)?, Ipv4Net::new(address, prefix).ok()?.broadcast()) else {
            return None;
        };
        let all_hosts = given.is_broadcast();
        let message = format!("{given} is not the broadcast address of {}, which is {broadcast}", vip.word.text());
        let diagnostic = Diagnostic::warning(Name::BROADCAST_NOT_OF_NETWORK, message).at(word.span);
        (given != broadcast && !all_hosts).then(|| diagnostic.help("write 'brd +', which computes it"))
    });
    diagnostics.collect()
}
