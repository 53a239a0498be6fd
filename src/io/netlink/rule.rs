//! Sets and removes routing rules (rtnetlink(7) `RTM_NEWRULE`, `RTM_DELRULE`), with keepalived's attributes.

use ipnet::IpNet;
use netlink_packet_core::{DefaultNla, NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::route::{RouteProtocol, RouteRealm};
use netlink_packet_route::rule::{
    RuleAction as KernelAction, RuleAttribute, RuleFlags, RuleHeader, RuleMessage, RulePortRange, RuleUidRange,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use super::attributes::attributes;
use super::route::{family_of, ip};
use super::{Connection, NetlinkError};
use crate::model::Family;
use crate::model::route::PROTOCOL_KEEPALIVED;
use crate::model::rule::{Rule, RuleAction, RuleKey};

/// Octets of `struct fib_rule_hdr`.
const FIB_RULE_HDR: usize = 12;
/// Attributes of linux/fib_rules.h.
const FRA_DST: u16 = 1;
const FRA_SRC: u16 = 2;
const FRA_PRIORITY: u16 = 6;
const FRA_TABLE: u16 = 15;
const FRA_PROTOCOL: u16 = 21;
const FRA_IP_PROTO: u16 = 22;

/// What to do with the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Set them.
    Add,
    /// Remove them.
    Remove,
}

/// Performs `change` on every rule, in order, in batches. Returns the failures; that a rule is there already (or
/// already gone) is none.
pub fn change_rules(connection: &mut Connection, change: Change, rules: &[Rule]) -> Vec<(Rule, NetlinkError)> {
    let message = |rule: &Rule| match change {
        Change::Add => (NLM_F_CREATE | NLM_F_EXCL, RouteNetlinkMessage::NewRule(message(rule))),
        Change::Remove => (0, RouteNetlinkMessage::DelRule(message(rule))),
    };
    let results = connection.batch(rules.iter().map(message).collect());
    let expected: &[i32] = match change {
        Change::Add => &[libc::EEXIST],
        // A family that the kernel does not have has no rules.
        Change::Remove => &[libc::ENOENT, libc::EAFNOSUPPORT, libc::EOPNOTSUPP],
    };
    let mut failures = Vec::new();
    for (rule, result) in rules.iter().zip(results) {
        if let Err(error) = result
            && !error.errno().is_some_and(|errno| expected.contains(&errno))
        {
            failures.push((rule.clone(), error));
        }
    }
    failures
}

/// The key of a rule of keepalived's protocol in an `RTM_DELRULE`.
pub fn key_of_ours(payload: &[u8]) -> Option<RuleKey> {
    let [family, to_length, from_length, _, table, ..] = *payload.get(..FIB_RULE_HDR)? else { return None };
    let mut protocol = 0;
    let mut key = RuleKey { family: family_of(family)?, priority: 0, table: table.into(), from: None, to: None };
    for (kind, value) in attributes(&payload[FIB_RULE_HDR..]) {
        match kind {
            FRA_DST => key.to = Some(IpNet::new(ip(value)?, to_length).ok()?),
            FRA_SRC => key.from = Some(IpNet::new(ip(value)?, from_length).ok()?),
            FRA_PRIORITY => key.priority = u32::from_ne_bytes(value.try_into().ok()?),
            FRA_TABLE => key.table = u32::from_ne_bytes(value.try_into().ok()?),
            FRA_PROTOCOL => protocol = *value.first()?,
            _ => {}
        }
    }
    (protocol == PROTOCOL_KEEPALIVED).then_some(key)
}

fn message(rule: &Rule) -> RuleMessage {
    let mut message = RuleMessage::default();
    let out = &mut message.attributes;
    let (action, table) = match rule.action {
        RuleAction::Table(table) => (KernelAction::ToTable, table),
        RuleAction::L3mdev => (KernelAction::ToTable, 0),
        RuleAction::Goto(_) => (KernelAction::Goto, 0),
        RuleAction::Nop => (KernelAction::Nop, 0),
        RuleAction::Blackhole => (KernelAction::Blackhole, 0),
        RuleAction::Unreachable => (KernelAction::Unreachable, 0),
        RuleAction::Prohibit => (KernelAction::Prohibit, 0),
    };
    let in_header = u8::try_from(table);
    message.header = RuleHeader {
        family: match rule.family {
            Family::V4 => AddressFamily::Inet,
            Family::V6 => AddressFamily::Inet6,
        },
        dst_len: rule.to.map_or(0, |to| to.prefix_len()),
        src_len: rule.from.map_or(0, |from| from.prefix_len()),
        tos: rule.tos,
        table: in_header.unwrap_or(0),
        action,
        flags: if rule.invert { RuleFlags::Invert } else { RuleFlags::empty() },
    };
    if in_header.is_err() {
        out.push(RuleAttribute::Table(table));
    }
    if let Some(from) = rule.from.filter(|from| from.prefix_len() > 0) {
        out.push(RuleAttribute::Source(from.addr()));
    }
    if let Some(to) = rule.to.filter(|to| to.prefix_len() > 0) {
        out.push(RuleAttribute::Destination(to.addr()));
    }
    out.push(RuleAttribute::Priority(rule.priority));
    if let Some((mark, mask)) = rule.mark {
        out.push(RuleAttribute::FwMark(mark));
        out.extend(mask.map(RuleAttribute::FwMask));
    }
    if rule.realms != 0 {
        let (source, destination) = ((rule.realms >> 16) as u16, rule.realms as u16);
        out.push(RuleAttribute::Realm(RouteRealm { source, destination }));
    }
    out.extend(rule.suppress_prefix_length.map(RuleAttribute::SuppressPrefixLen));
    out.extend(rule.suppress_group.map(RuleAttribute::SuppressIfGroup));
    out.extend(rule.input.as_ref().map(|interface| RuleAttribute::Iifname(interface.to_string())));
    out.extend(rule.output.as_ref().map(|interface| RuleAttribute::Oifname(interface.to_string())));
    if rule.tunnel_id != 0 {
        out.push(RuleAttribute::TunId(rule.tunnel_id));
    }
    out.extend(rule.users.map(|(start, end)| RuleAttribute::UidRange(RuleUidRange { start, end })));
    if rule.action == RuleAction::L3mdev {
        out.push(RuleAttribute::L3MDev(true));
    }
    out.extend(rule.protocol.map(|protocol| RuleAttribute::Protocol(RouteProtocol::from(protocol))));
    out.extend(rule.ip_protocol.map(|number| RuleAttribute::Other(DefaultNla::new(FRA_IP_PROTO, vec![number]))));
    let ports = |(start, end)| RulePortRange { start, end };
    out.extend(rule.source_ports.map(|range| RuleAttribute::SourcePortRange(ports(range))));
    out.extend(rule.destination_ports.map(|range| RuleAttribute::DestinationPortRange(ports(range))));
    if let RuleAction::Goto(target) = rule.action {
        out.push(RuleAttribute::Goto(target));
    }
    message
}
