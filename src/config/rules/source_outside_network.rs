//! `mcast_src_ip` in none of the networks that the virtual addresses belong to: most likely it is no address of the
//! interface. Only the machine knows, so this is but a note.

use std::net::IpAddr;

use ipnet::IpNet;

use super::Subject;
use super::subject::host;
use crate::diagnostic::{Diagnostic, Name};

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let diagnostics = subject.instances.iter().filter_map(|instance| {
        let word = instance.value("mcast_src_ip")?;
        let source = host(word)?;
        let nets = instance.vips.iter().filter_map(|vip| IpNet::new(vip.address, vip.prefix?).ok());
        let nets: Vec<IpNet> = nets.filter(|net| net.prefix_len() < net.max_prefix_len()).collect();
        let same_family =
            |net: &&IpNet| matches!((net, source), (IpNet::V4(_), IpAddr::V4(_)) | (IpNet::V6(_), IpAddr::V6(_)));
        let net = nets.iter().find(same_family)?;
        let message = format!("{}: {source} is in no network of the virtual addresses", instance.name);
        let diagnostic = Diagnostic::remark(Name::SOURCE_OUTSIDE_NETWORK, message).at(word.span);
        let inside = nets.iter().any(|net| net.contains(&source));
        (!inside)
            .then(|| diagnostic.help(format!("is it an address of the interface? One in {} would be", net.trunc())))
    });
    diagnostics.collect()
}
