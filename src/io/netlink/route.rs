//! Sets and removes routes (rtnetlink(7) `RTM_NEWROUTE`, `RTM_DELROUTE`), with keepalived's attributes.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use netlink_packet_core::{DefaultNla, NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use super::attributes::{attribute, attributes};
use super::{Connection, NetlinkError};
use crate::model::Family;
use crate::model::InterfaceName;
use crate::model::route::{
    Encapsulation, Hop, Hops, PROTOCOL_KEEPALIVED, Placement, Route, RouteKey, Tunnel, UNICAST, everything,
};

/// Octets of `struct rtmsg`.
const RTMSG: usize = 12;
/// Attributes of linux/rtnetlink.h.
const RTA_DST: u16 = 1;
const RTA_GATEWAY: u16 = 5;
const RTA_PRIORITY: u16 = 6;
const RTA_METRICS: u16 = 8;
const RTA_MULTIPATH: u16 = 9;
const RTA_FLOW: u16 = 11;
const RTA_TABLE: u16 = 15;
const RTA_PREF: u16 = 20;
const RTA_ENCAP_TYPE: u16 = 21;
const RTA_ENCAP: u16 = 22;
const RTA_EXPIRES: u16 = 23;
const RTA_TTL_PROPAGATE: u16 = 26;
/// `RTAX_LOCK`, `RTAX_CC_ALGO`
const RTAX_LOCK: u16 = 1;
const RTAX_CC_ALGO: u16 = 16;
/// `RTNH_F_ONLINK`
const ONLINK: u8 = 4;
/// Encapsulations of linux/lwtunnel.h, and their attributes.
const ENCAP_MPLS: u16 = 1;
const ENCAP_IP: u16 = 2;
const ENCAP_ILA: u16 = 3;
const ENCAP_IP6: u16 = 4;
const MPLS_IPTUNNEL_DST: u16 = 1;
const ILA_ATTR_LOCATOR: u16 = 1;
const LWTUNNEL_ID: u16 = 1;
const LWTUNNEL_DST: u16 = 2;
const LWTUNNEL_SRC: u16 = 3;
const LWTUNNEL_TTL: u16 = 4;
const LWTUNNEL_TOS: u16 = 5;
const LWTUNNEL_FLAGS: u16 = 6;

/// Why a route could not be set or removed.
#[derive(Debug, thiserror::Error)]
pub enum RouteError {
    /// An interface that it names does not exist (any more).
    #[error("there is no interface {0}")]
    NoInterface(InterfaceName),
    /// The kernel refused, or did not answer.
    #[error(transparent)]
    Kernel(#[from] NetlinkError),
}

/// What to do with the routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Set them, as [`Placement`] says.
    Add,
    /// Set them in the place of one with the same key.
    Replace,
    /// Remove them.
    Remove,
}

/// Performs `change` on every route, in order, in batches. Returns the failures; that a route is there already (or
/// already gone) is none.
pub fn change_routes(
    connection: &mut Connection,
    change: Change,
    routes: &[Route],
    indices: &BTreeMap<InterfaceName, u32>,
) -> Vec<(Route, RouteError)> {
    let mut failures = Vec::new();
    let mut sent = Vec::new();
    let mut messages = Vec::new();
    for route in routes {
        match message(route, change, indices) {
            Ok(message) => {
                sent.push(route);
                messages.push(match change {
                    Change::Add => (NLM_F_CREATE | placement(route), RouteNetlinkMessage::NewRoute(message)),
                    Change::Replace => (NLM_F_CREATE | NLM_F_REPLACE, RouteNetlinkMessage::NewRoute(message)),
                    Change::Remove => (0, RouteNetlinkMessage::DelRoute(message)),
                });
            }
            // Its routes went with it.
            Err(_) if change == Change::Remove => {}
            Err(interface) => failures.push((route.clone(), RouteError::NoInterface(interface))),
        }
    }
    for (route, result) in sent.into_iter().zip(connection.batch(messages)) {
        let Err(error) = result else { continue };
        let expected: &[i32] = match change {
            Change::Add => &[libc::EEXIST],
            Change::Replace => &[],
            Change::Remove => &[libc::ESRCH, libc::ENODEV, libc::ENETUNREACH],
        };
        if !error.errno().is_some_and(|errno| expected.contains(&errno)) {
            failures.push((route.clone(), error.into()));
        }
    }
    failures
}

fn placement(route: &Route) -> u16 {
    match route.placement {
        Placement::Prepend => 0,
        Placement::Append => NLM_F_APPEND,
        Placement::Add => NLM_F_EXCL,
    }
}

/// The key of a route of keepalived's protocol in an `RTM_DELROUTE`. Read from the bytes: attributes of newer kernels do
/// not matter.
pub fn key_of_ours(payload: &[u8]) -> Option<RouteKey> {
    let [family, length, _, tos, table, protocol, ..] = *payload.get(..RTMSG)? else { return None };
    if protocol != PROTOCOL_KEEPALIVED {
        return None;
    }
    let mut key = RouteKey { destination: everything(family_of(family)?), tos, table: table.into(), metric: 0 };
    for (kind, value) in attributes(&payload[RTMSG..]) {
        match kind {
            RTA_DST => key.destination = IpNet::new(ip(value)?, length).ok()?,
            RTA_TABLE => key.table = u32::from_ne_bytes(value.try_into().ok()?),
            RTA_PRIORITY => key.metric = u32::from_ne_bytes(value.try_into().ok()?),
            _ => {}
        }
    }
    Some(key)
}

/// `AF_INET`, `AF_INET6`.
pub(super) fn family_of(number: u8) -> Option<Family> {
    match i32::from(number) {
        libc::AF_INET => Some(Family::V4),
        libc::AF_INET6 => Some(Family::V6),
        _ => None,
    }
}

/// An address as attributes carry it.
pub(super) fn ip(value: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(value).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(value).map(IpAddr::from)).ok()
}

/// The message; an interface that does not exist otherwise.
fn message(
    route: &Route,
    change: Change,
    indices: &BTreeMap<InterfaceName, u32>,
) -> Result<RouteMessage, InterfaceName> {
    let mut message = RouteMessage::default();
    // A route is removed whatever its scope and type, unless the file names them.
    let (any_scope, any_type) = match change {
        Change::Remove => (RouteScope::NoWhere, RouteType::Unspec),
        Change::Add | Change::Replace => (RouteScope::Universe, RouteType::from(UNICAST)),
    };
    message.header = RouteHeader {
        address_family: family(route.destination.addr()),
        destination_prefix_length: route.destination.prefix_len(),
        source_prefix_length: route.from.map_or(0, |from| from.prefix_len()),
        tos: route.tos,
        table: u8::try_from(route.table).unwrap_or(RouteHeader::RT_TABLE_UNSPEC),
        protocol: RouteProtocol::from(route.protocol),
        scope: route.scope.map_or(any_scope, RouteScope::from),
        kind: route.kind.map_or(any_type, RouteType::from),
        flags: RouteFlags::empty(),
    };
    let out = &mut message.attributes;
    if u8::try_from(route.table).is_err() {
        out.push(RouteAttribute::Table(route.table));
    }
    if route.destination.prefix_len() > 0 {
        out.push(RouteAttribute::Destination(address(route.destination.addr())));
    }
    if let Some(from) = route.from {
        out.push(RouteAttribute::Source(RouteAddress::Inet6(from.addr())));
    }
    if let Some(source) = route.source {
        out.push(RouteAttribute::PrefSource(address(source)));
    }
    if let Some(metric) = route.metric {
        out.push(RouteAttribute::Priority(metric));
    }
    match &route.hops {
        Hops::One(hop) => {
            if hop.onlink {
                message.header.flags |= RouteFlags::Onlink;
            }
            if let Some(interface) = &hop.interface {
                out.push(RouteAttribute::Oif(index(interface, indices)?));
            }
            out.extend(hop_attributes(hop).map(|(kind, value)| other(kind, value)));
        }
        Hops::Several(hops) => {
            let mut value = Vec::new();
            for hop in hops {
                value.extend_from_slice(&next_hop(hop, indices)?);
            }
            out.push(other(RTA_MULTIPATH, value));
        }
    }
    if let Some(expires) = route.expires.filter(|_| change != Change::Remove) {
        out.push(other(RTA_EXPIRES, expires.to_ne_bytes().to_vec()));
    }
    if let Some(preference) = route.preference {
        out.push(other(RTA_PREF, vec![preference]));
    }
    if let Some(propagate) = route.ttl_propagate {
        out.push(other(RTA_TTL_PROPAGATE, vec![propagate.into()]));
    }
    let metrics = metrics(route);
    if !metrics.is_empty() {
        out.push(other(RTA_METRICS, metrics));
    }
    Ok(message)
}

fn index(interface: &InterfaceName, indices: &BTreeMap<InterfaceName, u32>) -> Result<u32, InterfaceName> {
    indices.get(interface).copied().ok_or_else(|| interface.clone())
}

fn family(address: IpAddr) -> AddressFamily {
    if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 }
}

fn address(address: IpAddr) -> RouteAddress {
    match address {
        IpAddr::V4(address) => RouteAddress::Inet(address),
        IpAddr::V6(address) => RouteAddress::Inet6(address),
    }
}

fn other(kind: u16, value: Vec<u8>) -> RouteAttribute {
    RouteAttribute::Other(DefaultNla::new(kind, value))
}

/// `struct rtnexthop` (length, flags, weight − 1, interface) and its attributes.
fn next_hop(hop: &Hop, indices: &BTreeMap<InterfaceName, u32>) -> Result<Vec<u8>, InterfaceName> {
    let interface = hop.interface.as_ref().map(|interface| index(interface, indices)).transpose()?;
    let mut bytes = vec![0, 0, if hop.onlink { ONLINK } else { 0 }, hop.weight.map_or(0, |weight| (weight - 1) as u8)];
    bytes.extend_from_slice(&interface.unwrap_or(0).to_ne_bytes());
    for (kind, value) in hop_attributes(hop) {
        bytes.extend_from_slice(&attribute(kind, &value));
    }
    let length = bytes.len() as u16;
    bytes[..2].copy_from_slice(&length.to_ne_bytes());
    Ok(bytes)
}

fn hop_attributes(hop: &Hop) -> impl Iterator<Item = (u16, Vec<u8>)> {
    let gateway = hop.gateway.map(|gateway| match gateway {
        IpAddr::V4(gateway) => (RTA_GATEWAY, gateway.octets().to_vec()),
        IpAddr::V6(gateway) => (RTA_GATEWAY, gateway.octets().to_vec()),
    });
    let realms = (hop.realms != 0).then(|| (RTA_FLOW, hop.realms.to_ne_bytes().to_vec()));
    let encapsulation = hop.encapsulation.as_ref().map(encapsulation);
    let encapsulation = encapsulation
        .map(|(kind, value)| [(RTA_ENCAP_TYPE, kind.to_ne_bytes().to_vec()), (RTA_ENCAP, value)])
        .into_iter()
        .flatten();
    gateway.into_iter().chain(realms).chain(encapsulation)
}

fn encapsulation(encapsulation: &Encapsulation) -> (u16, Vec<u8>) {
    match encapsulation {
        Encapsulation::Mpls(labels) => {
            // Label, no traffic class, bottom of stack on the last, TTL 0: the kernel fills it in (RFC 3032 §2.1).
            let last = labels.len().saturating_sub(1);
            let entry = |(at, label): (usize, &u32)| (label << 12 | u32::from(at == last) << 8).to_be_bytes();
            let stack: Vec<u8> = labels.iter().enumerate().flat_map(entry).collect();
            (ENCAP_MPLS, attribute(MPLS_IPTUNNEL_DST, &stack))
        }
        Encapsulation::Ip(tunnel) => (ENCAP_IP, outer_header(tunnel, |address| address.octets().to_vec())),
        Encapsulation::Ip6(tunnel) => (ENCAP_IP6, outer_header(tunnel, |address| address.octets().to_vec())),
        Encapsulation::Ila(locator) => (ENCAP_ILA, attribute(ILA_ATTR_LOCATOR, locator)),
    }
}

/// The attributes of both families have the same numbers.
fn outer_header<A>(tunnel: &Tunnel<A>, octets: impl Fn(&A) -> Vec<u8>) -> Vec<u8> {
    let parts = [
        (LWTUNNEL_ID, tunnel.id.map(|id| id.to_be_bytes().to_vec())),
        (LWTUNNEL_DST, tunnel.destination.as_ref().map(&octets)),
        (LWTUNNEL_SRC, tunnel.source.as_ref().map(&octets)),
        (LWTUNNEL_TTL, tunnel.ttl.map(|ttl| vec![ttl])),
        (LWTUNNEL_TOS, tunnel.tos.map(|tos| vec![tos])),
        (LWTUNNEL_FLAGS, tunnel.flags.map(|flags| flags.to_be_bytes().to_vec())),
    ];
    parts.into_iter().filter_map(|(kind, value)| Some(attribute(kind, &value?))).flatten().collect()
}

fn metrics(route: &Route) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (metric, value) in &route.metrics {
        bytes.extend_from_slice(&attribute(*metric as u16, &value.to_ne_bytes()));
    }
    if let Some(algorithm) = &route.congestion_control {
        bytes.extend_from_slice(&attribute(RTAX_CC_ALGO, algorithm.as_bytes()));
    }
    if !bytes.is_empty() && !route.locked.is_empty() {
        let lock = route.locked.iter().fold(0_u32, |lock, metric| lock | 1 << (*metric as u16));
        bytes.extend_from_slice(&attribute(RTAX_LOCK, &lock.to_ne_bytes()));
    }
    bytes
}
