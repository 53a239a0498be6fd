//! A virtual address that no host can have: the network itself, its broadcast address, a multicast or loopback address.

use std::net::IpAddr;

use ipnet::Ipv4Net;

use super::Subject;
use super::subject::Vip;
use crate::diagnostic::{Diagnostic, Name};

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let vips = subject.instances.iter().flat_map(|instance| &instance.vips);
    let diagnostics = vips.filter_map(|vip| {
        let kind = kind(vip)?;
        let message = format!("{} is {kind}, which cannot be the address of a host", vip.word.text());
        Some(Diagnostic::warning(Name::VIP_NOT_A_HOST, message).at(vip.word.span))
    });
    diagnostics.collect()
}

fn kind(vip: &Vip) -> Option<&'static str> {
    let address = vip.address;
    if address.is_multicast() {
        return Some("a multicast address");
    }
    if address.is_loopback() {
        return Some("a loopback address");
    }
    if address.is_unspecified() {
        return Some("the unspecified address");
    }
    let (IpAddr::V4(address), Some(prefix @ 0..=30)) = (address, vip.prefix) else { return None };
    let net = Ipv4Net::new(address, prefix).ok()?;
    if address == net.network() {
        Some("the address of its network")
    } else if address == net.broadcast() {
        Some("the broadcast address of its network")
    } else {
        None
    }
}
