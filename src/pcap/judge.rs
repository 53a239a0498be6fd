//! One VRRP packet against the standards, whoever sent it and whatever came before.

use std::net::{IpAddr, Ipv6Addr};

use pnet_base::MacAddr;

use super::finding::{Findings, Severity};
use super::packet::{Macs, Packet, Sum, Vrrp};
use super::story::RouterId;
use crate::wire::vrrp::{AUTH_AH, AUTH_NONE, AUTH_PASS, FIXED_LEN, TOS, TTL, TYPE_ADVERTISEMENT};

/// Notes all that is wrong with a packet. True when it is an advert that a router could understand: it then takes part
/// in elections.
pub(super) fn judge(packet: &Packet, vrrp: &Vrrp, router: RouterId, findings: &mut Findings) -> bool {
    let source = vrrp.source;
    let mut note = |severity, name, text: String, standard| {
        findings.add(severity, name, Some(router), packet.frame, text, standard);
    };
    if !vrrp.is_whole {
        let text = format!("{source}: the capture holds only a part of the packet");
        note(Severity::Remark, "truncated", text, "");
    }
    if vrrp.bytes.len() < FIXED_LEN {
        let text = format!("{source}: {} octets, and a packet has at least {FIXED_LEN}", vrrp.bytes.len());
        note(Severity::Violation, "length", text, "RFC 9568 §7.1");
        return false;
    }
    let version = vrrp.version();
    if !matches!(version, 2 | 3) {
        let text = format!("{source}: version {version}");
        note(Severity::Violation, "version", text, "RFC 9568 §5.2.1");
        return false;
    }
    if vrrp.packet_type() != TYPE_ADVERTISEMENT {
        let text = format!("{source}: packet type {}, and only {TYPE_ADVERTISEMENT} exists", vrrp.packet_type());
        note(Severity::Violation, "packet-type", text, "RFC 9568 §5.2.2");
        return false;
    }
    if vrrp.vrid() == 0 {
        note(Severity::Violation, "vrid", format!("{source}: virtual router 0"), "RFC 9568 §5.2.3");
    }
    let standard = |second, third| if version == 2 { second } else { third };
    let expected = vrrp.expected_length();
    let fits = vrrp.bytes.len() == expected || vrrp.has_hmac();
    if vrrp.is_whole && !fits {
        let text =
            format!("{source}: {} octets, and {} addresses need {expected}", vrrp.bytes.len(), vrrp.address_count());
        note(Severity::Violation, "length", text, standard("RFC 3768 §7.1", "RFC 9568 §7.1"));
    }
    if vrrp.address_count() == 0 {
        let text = format!("{source}: no virtual address");
        note(Severity::Violation, "no-address", text, standard("RFC 3768 §5.3.5", "RFC 9568 §5.2.5"));
    }
    if vrrp.interval().is_zero() {
        let text = format!("{source}: an interval of 0");
        note(Severity::Violation, "interval", text, standard("RFC 3768 §5.3.7", "RFC 9568 §5.2.7"));
    }
    if vrrp.is_whole && fits {
        checksums(vrrp, &mut note);
    }
    way(packet, vrrp, &mut note);
    fields(vrrp, &mut note);
    vrrp.is_whole && fits
}

type Note<'a> = dyn FnMut(Severity, &'static str, String, &'static str) + 'a;

fn checksums(vrrp: &Vrrp, note: &mut Note) {
    let source = vrrp.source;
    if !vrrp.header_is_sound {
        let text = format!("{source}: the checksum of the IPv4 header is wrong");
        note(Severity::Violation, "header-checksum", text, "RFC 791 §3.1");
    }
    let (severity, text) = match vrrp.checksum() {
        Some(Sum::Standard) => return,
        Some(Sum::OverGroup) => (
            Severity::Violation,
            format!("{source}: the checksum is that of a packet to the group, as old_unicast_checksum makes it"),
        ),
        Some(Sum::WithoutPseudoHeader) => (
            Severity::Violation,
            format!("{source}: the checksum leaves out the pseudo header, as v3_checksum_as_v2 makes it"),
        ),
        None => (Severity::Violation, format!("{source}: the checksum is wrong")),
    };
    let standard = if vrrp.version() == 2 { "RFC 3768 §5.3.8" } else { "RFC 9568 §5.2.8" };
    note(severity, "checksum", text, standard);
}

/// Which way the packet took: addresses, TTL, link layer.
fn way(packet: &Packet, vrrp: &Vrrp, note: &mut Note) {
    let (source, destination) = (vrrp.source, vrrp.destination);
    let multicast = destination.is_multicast();
    if vrrp.ttl != TTL {
        let (severity, text) = if multicast {
            (Severity::Violation, format!("{source}: TTL {}, which proves nothing about its origin", vrrp.ttl))
        } else {
            (
                Severity::Remark,
                format!("{source}: TTL {} to {destination}; unicast is no part of the standard", vrrp.ttl),
            )
        };
        note(severity, "ttl", text, "RFC 9568 §5.1.1.3, §5.1.2.3");
    }
    if vrrp.tos != TOS {
        let text = format!("{source}: TOS {:#04x} instead of internetwork control ({TOS:#04x})", vrrp.tos);
        note(Severity::Remark, "tos", text, "RFC 791 §3.1");
    }
    if let (IpAddr::V6(source), true) = (source, multicast)
        && !source.is_unicast_link_local()
    {
        let text = format!("{source}: the source is no link-local address");
        note(Severity::Violation, "source-address", text, "RFC 9568 §5.1.2.1");
    }
    let group = match source {
        IpAddr::V4(_) => crate::wire::vrrp::GROUP,
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12)),
    };
    if multicast && destination != group {
        let text = format!("{source}: sent to {destination} instead of {group}");
        note(Severity::Violation, "group", text, "RFC 9568 §5.1.1.2, §5.1.2.2");
    }
    if let Some(macs) = packet.mac {
        link_layer(macs, vrrp, multicast, note);
    }
}

fn link_layer(macs: Macs, vrrp: &Vrrp, multicast: bool, note: &mut Note) {
    let source = vrrp.source;
    if let (Some(mac), true) = (macs.destination, multicast) {
        let expected = group_mac(vrrp.destination);
        if mac != expected {
            let text = format!("{source}: sent to {mac}, and the group's address is {expected}");
            note(Severity::Violation, "group-mac", text, "RFC 1112 §6.4, RFC 2464 §7");
        }
    }
    let virtual_mac = virtual_mac(vrrp.source.is_ipv4(), vrrp.vrid());
    if multicast && macs.source != virtual_mac {
        let text = format!(
            "{source}: sent from {} instead of {virtual_mac}; keepalived does so without use_vmac",
            macs.source
        );
        note(Severity::Remark, "virtual-mac", text, "RFC 9568 §7.3");
    }
}

/// The group's address on Ethernet.
fn group_mac(group: IpAddr) -> MacAddr {
    match group {
        IpAddr::V4(group) => {
            let [_, b, c, d] = group.octets();
            MacAddr::new(0x01, 0x00, 0x5e, b & 0x7f, c, d)
        }
        IpAddr::V6(group) => {
            let octets = group.octets();
            MacAddr::new(0x33, 0x33, octets[12], octets[13], octets[14], octets[15])
        }
    }
}

/// A virtual router's own MAC address (RFC 9568 §7.3).
pub(super) fn virtual_mac(is_ipv4: bool, vrid: u8) -> MacAddr {
    MacAddr::new(0x00, 0x00, 0x5e, 0x00, if is_ipv4 { 1 } else { 2 }, vrid)
}

/// Fields of one version or the other.
fn fields(vrrp: &Vrrp, note: &mut Note) {
    let source = vrrp.source;
    if vrrp.version() == 3 {
        let reserved = vrrp.authentication_type() & 0xf0;
        if reserved != 0 {
            let text = format!("{source}: the reserved bits are {:#x} instead of 0", reserved >> 4);
            note(Severity::Violation, "reserved-bits", text, "RFC 9568 §5.2.6");
        }
        if let Some(IpAddr::V6(first)) = vrrp.addresses().first()
            && !first.is_unicast_link_local()
        {
            let text = format!("{source}: the first address, {first}, is no link-local one");
            note(Severity::Violation, "first-address", text, "RFC 9568 §5.2.9");
        }
        return;
    }
    match vrrp.authentication_type() {
        AUTH_NONE => {}
        AUTH_PASS => {
            let text = format!("{source}: a password in clear, which every station of the network reads");
            note(Severity::Remark, "password", text, "RFC 3768 §10");
        }
        AUTH_AH if vrrp.ah.is_some() => {}
        AUTH_AH => {
            let text = format!("{source}: says it is authenticated by AH, and comes without");
            note(Severity::Violation, "authentication", text, "RFC 2338 §5.3.6");
        }
        other => {
            let text = format!("{source}: authentication type {other}");
            note(Severity::Violation, "authentication", text, "RFC 2338 §5.3.6");
        }
    }
}
