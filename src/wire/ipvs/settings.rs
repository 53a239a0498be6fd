//! The DAEMON attribute (`IPVS_DAEMON_ATTR_*`) and the timeouts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU16;

use super::ParseError;
use super::attribute::{Attributes, Writer};
use crate::model::InterfaceName;
use crate::model::lvs::{SyncDaemon, SyncRole, Timeouts};

/// `IPVS_CMD_ATTR_TIMEOUT_*`
const TIMEOUT_TCP: u16 = 4;
const TIMEOUT_TCP_FIN: u16 = 5;
const TIMEOUT_UDP: u16 = 6;

const STATE: u16 = 1;
const MULTICAST_INTERFACE: u16 = 2;
const SYNC_ID: u16 = 3;
const MAX_LENGTH: u16 = 4;
const GROUP: u16 = 5;
const GROUP6: u16 = 6;
const PORT: u16 = 7;
const TTL: u16 = 8;

/// `IP_VS_STATE_MASTER`, `IP_VS_STATE_BACKUP`
fn state(role: SyncRole) -> u32 {
    match role {
        SyncRole::Master => 1,
        SyncRole::Backup => 2,
    }
}

pub fn emit_role(writer: &mut Writer, role: SyncRole) {
    writer.put(STATE, &state(role).to_ne_bytes());
}

pub fn emit_daemon(writer: &mut Writer, daemon: &SyncDaemon) {
    writer.put(MULTICAST_INTERFACE, format!("{}\0", daemon.interface).as_bytes());
    writer.put(SYNC_ID, &u32::from(daemon.id).to_ne_bytes());
    if let Some(length) = daemon.max_length {
        writer.put(MAX_LENGTH, &length.get().to_ne_bytes());
    }
    match daemon.group {
        Some(IpAddr::V4(group)) => writer.put(GROUP, &group.octets()),
        Some(IpAddr::V6(group)) => writer.put(GROUP6, &group.octets()),
        None => {}
    }
    // In native order, unlike all other ports.
    if let Some(port) = daemon.port {
        writer.put(PORT, &port.get().to_ne_bytes());
    }
    if let Some(ttl) = daemon.ttl {
        writer.put(TTL, &[ttl]);
    }
}

pub fn parse_role(attributes: Attributes<'_>) -> Result<SyncRole, ParseError> {
    match attributes.u32(STATE).ok_or(ParseError::Missing("state"))? {
        1 => Ok(SyncRole::Master),
        2 => Ok(SyncRole::Backup),
        _ => Err(ParseError::Unusable("state")),
    }
}

pub fn parse_daemon(attributes: Attributes<'_>) -> Result<SyncDaemon, ParseError> {
    let name = attributes.get(MULTICAST_INTERFACE).ok_or(ParseError::Missing("interface"))?;
    let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
    let interface = std::str::from_utf8(name).ok().and_then(InterfaceName::new);
    let id = attributes.u32(SYNC_ID).ok_or(ParseError::Missing("sync id"))?;
    let group = attributes.get(GROUP).and_then(|bytes| bytes.first_chunk::<4>()).map(|o| Ipv4Addr::from(*o).into());
    let group6 = attributes.get(GROUP6).and_then(|bytes| bytes.first_chunk::<16>()).map(|o| Ipv6Addr::from(*o).into());
    Ok(SyncDaemon {
        interface: interface.ok_or(ParseError::Unusable("interface"))?,
        instance: None,
        id: u8::try_from(id).map_err(|_| ParseError::Unusable("sync id"))?,
        max_length: attributes.u16(MAX_LENGTH).and_then(NonZeroU16::new),
        port: attributes.u16(PORT).and_then(NonZeroU16::new),
        ttl: attributes.u8(TTL),
        group: group.or(group6),
    })
}

pub fn emit_timeouts(writer: &mut Writer, timeouts: &Timeouts) {
    writer.put(TIMEOUT_TCP, &timeouts.tcp_s.to_ne_bytes());
    writer.put(TIMEOUT_TCP_FIN, &timeouts.tcp_fin_s.to_ne_bytes());
    writer.put(TIMEOUT_UDP, &timeouts.udp_s.to_ne_bytes());
}

pub fn parse_timeouts(attributes: Attributes<'_>) -> Result<Timeouts, ParseError> {
    let timeout = |kind| attributes.u32(kind).ok_or(ParseError::Missing("timeout"));
    Ok(Timeouts { tcp_s: timeout(TIMEOUT_TCP)?, tcp_fin_s: timeout(TIMEOUT_TCP_FIN)?, udp_s: timeout(TIMEOUT_UDP)? })
}
