//! The kernel's `IPVS` generic-netlink family, version 1 (linux/ip_vs.h): requests to bytes, replies to values.
//!
//! One attribute that is not known never costs the message; one that is missing or misshapen where a value needs it
//! does. The family has no notifications. Numbers are in native byte order, ports and addresses in network order.
//!
//! ```text
//! nlmsghdr | genlmsghdr: command, version | SERVICE { AF, PROTOCOL, ADDR, PORT | FWMARK, options } | DEST { … }
//! ```

mod attribute;
mod destination;
mod family;
mod service;
mod settings;

use std::net::SocketAddr;

use netlink_packet_core::Emitable;
use netlink_packet_generic::GenlFamily;

use crate::model::ipvs::{Destination, Service};
use crate::model::lvs::{Family, ServerKey, SyncDaemon, SyncRole, Timeouts};

use attribute::{Attributes, Writer};
pub use family::{CONTROLLER_ID, GetFamily, parse_family_id};

/// `IPVS_GENL_NAME`
pub const FAMILY_NAME: &str = "IPVS";
/// `IPVS_GENL_VERSION`
const VERSION: u8 = 1;
/// Length of `struct genlmsghdr`.
const GENL_HEADER_LEN: usize = 4;

/// `IPVS_CMD_ATTR_SERVICE`, `IPVS_CMD_ATTR_DEST`, `IPVS_CMD_ATTR_DAEMON`
const ATTR_SERVICE: u16 = 1;
const ATTR_DEST: u16 = 2;
const ATTR_DAEMON: u16 = 3;
/// `IPVS_INFO_ATTR_VERSION`, `IPVS_INFO_ATTR_CONN_TAB_SIZE`
const INFO_VERSION: u16 = 1;
const INFO_TABLE_SIZE: u16 = 2;

/// `IPVS_CMD_*`
mod command {
    pub const NEW_SERVICE: u8 = 1;
    pub const SET_SERVICE: u8 = 2;
    pub const DEL_SERVICE: u8 = 3;
    pub const GET_SERVICE: u8 = 4;
    pub const NEW_DEST: u8 = 5;
    pub const SET_DEST: u8 = 6;
    pub const DEL_DEST: u8 = 7;
    pub const GET_DEST: u8 = 8;
    pub const NEW_DAEMON: u8 = 9;
    pub const DEL_DAEMON: u8 = 10;
    pub const GET_DAEMON: u8 = 11;
    pub const SET_CONFIG: u8 = 12;
    pub const GET_CONFIG: u8 = 13;
    pub const SET_INFO: u8 = 14;
    pub const GET_INFO: u8 = 15;
    pub const FLUSH: u8 = 17;
}

/// What is asked of the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Version and size of the connection table; needs `CAP_NET_ADMIN`, like everything else here.
    GetInfo,
    /// One service, by its key: `ESRCH` when there is none.
    GetService(ServerKey),
    /// Every service; sent as a dump.
    GetServices,
    /// Adds a service: `EEXIST` when its key is taken, and then nothing changes.
    NewService(ServerKey, Service),
    /// Changes the options of a service.
    SetService(ServerKey, Service),
    /// Removes a service and its destinations.
    DelService(ServerKey),
    /// The destinations of a service; sent as a dump, which is empty when there is no such service.
    GetDests(ServerKey),
    /// Adds a destination.
    NewDest(ServerKey, SocketAddr, Destination),
    /// Changes a destination.
    SetDest(ServerKey, SocketAddr, Destination),
    /// Removes a destination; its connections' packets are dropped from then on.
    DelDest(ServerKey, SocketAddr),
    /// Removes every service.
    Flush,
    /// Which sync daemons run; sent as a dump.
    GetDaemons,
    /// Starts a sync daemon: `EEXIST` when one of that role runs.
    NewDaemon(SyncRole, SyncDaemon),
    /// Stops a sync daemon: `ESRCH` when none of that role runs. Right after its start the kernel does not answer.
    DelDaemon(SyncRole),
    /// The timeouts of connections.
    GetConfig,
    /// Sets the timeouts that are not 0.
    SetConfig(Timeouts),
}

/// What the kernel answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// To [`Request::GetInfo`].
    Info {
        /// `0x010201` is 1.2.1.
        version: u32,
        /// Buckets of the connection table.
        connection_table_size: u32,
    },
    /// To [`Request::GetService`] and [`Request::GetServices`].
    Service(ServerKey, Service),
    /// To [`Request::GetDests`].
    Dest(SocketAddr, Destination),
    /// To [`Request::GetDaemons`].
    Daemon(SyncRole, SyncDaemon),
    /// To [`Request::GetConfig`].
    Config(Timeouts),
}

/// Why a message could not be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Shorter than its header, or an attribute that ends outside.
    #[error("truncated IPVS message")]
    Truncated,
    /// An attribute that the value needs is not there.
    #[error("IPVS message without {0}")]
    Missing(&'static str),
    /// An attribute of the wrong length or with a value that has no meaning here, such as a protocol that is none of
    /// TCP, UDP and SCTP.
    #[error("IPVS message with a {0} of no meaning here")]
    Unusable(&'static str),
    /// A command that is no reply.
    #[error("unexpected IPVS command {0}")]
    UnexpectedCommand(u8),
}

impl Request {
    /// Attributes of the request, after `struct genlmsghdr`.
    fn attributes(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        match self {
            Request::GetInfo | Request::GetServices | Request::Flush | Request::GetDaemons | Request::GetConfig => {}
            Request::GetService(key) | Request::DelService(key) | Request::GetDests(key) => {
                writer.nested(ATTR_SERVICE, |service| service::emit_key(service, key));
            }
            Request::NewService(key, options) | Request::SetService(key, options) => {
                writer.nested(ATTR_SERVICE, |service| {
                    service::emit_key(service, key);
                    service::emit_options(service, options);
                });
            }
            Request::NewDest(key, address, options) | Request::SetDest(key, address, options) => {
                writer.nested(ATTR_SERVICE, |service| service::emit_key(service, key));
                writer.nested(ATTR_DEST, |dest| {
                    destination::emit_key(dest, address);
                    destination::emit_options(dest, options);
                });
            }
            Request::DelDest(key, address) => {
                writer.nested(ATTR_SERVICE, |service| service::emit_key(service, key));
                writer.nested(ATTR_DEST, |dest| destination::emit_key(dest, address));
            }
            Request::NewDaemon(role, daemon) => writer.nested(ATTR_DAEMON, |attributes| {
                settings::emit_role(attributes, *role);
                settings::emit_daemon(attributes, daemon);
            }),
            Request::DelDaemon(role) => {
                writer.nested(ATTR_DAEMON, |attributes| settings::emit_role(attributes, *role));
            }
            Request::SetConfig(timeouts) => settings::emit_timeouts(&mut writer, timeouts),
        }
        writer.into_bytes()
    }

    /// Reads a request: `struct genlmsghdr` and attributes, as another program sends them.
    pub fn parse(bytes: &[u8]) -> Result<Request, ParseError> {
        let (command, attributes) = split(bytes)?;
        let service = attributes.get(ATTR_SERVICE).map(Attributes);
        let dest = attributes.get(ATTR_DEST).map(Attributes);
        let key = || service::parse_key(service.ok_or(ParseError::Missing("service"))?);
        let options = || {
            let key = key()?;
            Ok((key, service::parse_options(service.ok_or(ParseError::Missing("service"))?, key.family())?))
        };
        let address = || destination::parse_key(dest.ok_or(ParseError::Missing("destination"))?, key()?.family());
        let dest_options = || destination::parse_options(dest.ok_or(ParseError::Missing("destination"))?);
        Ok(match command {
            command::GET_INFO => Request::GetInfo,
            command::GET_SERVICE if service.is_none() => Request::GetServices,
            command::GET_SERVICE => Request::GetService(key()?),
            command::NEW_SERVICE => options().map(|(key, options)| Request::NewService(key, options))?,
            command::SET_SERVICE => options().map(|(key, options)| Request::SetService(key, options))?,
            command::DEL_SERVICE => Request::DelService(key()?),
            command::GET_DEST => Request::GetDests(key()?),
            command::NEW_DEST => Request::NewDest(key()?, address()?, dest_options()?),
            command::SET_DEST => Request::SetDest(key()?, address()?, dest_options()?),
            command::DEL_DEST => Request::DelDest(key()?, address()?),
            command::FLUSH => Request::Flush,
            command::GET_DAEMON => Request::GetDaemons,
            command::NEW_DAEMON => {
                let daemon = attributes.get(ATTR_DAEMON).map(Attributes).ok_or(ParseError::Missing("daemon"))?;
                Request::NewDaemon(settings::parse_role(daemon)?, settings::parse_daemon(daemon)?)
            }
            command::DEL_DAEMON => {
                let daemon = attributes.get(ATTR_DAEMON).map(Attributes).ok_or(ParseError::Missing("daemon"))?;
                Request::DelDaemon(settings::parse_role(daemon)?)
            }
            command::GET_CONFIG => Request::GetConfig,
            command::SET_CONFIG => Request::SetConfig(settings::parse_timeouts(attributes)?),
            other => return Err(ParseError::UnexpectedCommand(other)),
        })
    }
}

impl GenlFamily for Request {
    fn family_name() -> &'static str {
        FAMILY_NAME
    }

    fn command(&self) -> u8 {
        match self {
            Request::GetInfo => command::GET_INFO,
            Request::GetService(_) | Request::GetServices => command::GET_SERVICE,
            Request::NewService(..) => command::NEW_SERVICE,
            Request::SetService(..) => command::SET_SERVICE,
            Request::DelService(_) => command::DEL_SERVICE,
            Request::GetDests(_) => command::GET_DEST,
            Request::NewDest(..) => command::NEW_DEST,
            Request::SetDest(..) => command::SET_DEST,
            Request::DelDest(..) => command::DEL_DEST,
            Request::Flush => command::FLUSH,
            Request::GetDaemons => command::GET_DAEMON,
            Request::NewDaemon(..) => command::NEW_DAEMON,
            Request::DelDaemon(_) => command::DEL_DAEMON,
            Request::GetConfig => command::GET_CONFIG,
            Request::SetConfig(_) => command::SET_CONFIG,
        }
    }

    fn version(&self) -> u8 {
        VERSION
    }
}

impl Emitable for Request {
    fn buffer_len(&self) -> usize {
        self.attributes().len()
    }

    fn emit(&self, buffer: &mut [u8]) {
        let attributes = self.attributes();
        buffer[..attributes.len()].copy_from_slice(&attributes);
    }
}

impl Reply {
    /// Reads one reply: `struct genlmsghdr` and attributes. `family` is the one of the service that was asked about,
    /// which a kernel before 3.18 does not repeat for its destinations.
    pub fn parse(bytes: &[u8], family: Family) -> Result<Reply, ParseError> {
        let (command, attributes) = split(bytes)?;
        match command {
            command::SET_INFO => Ok(Reply::Info {
                version: attributes.u32(INFO_VERSION).ok_or(ParseError::Missing("version"))?,
                connection_table_size: attributes.u32(INFO_TABLE_SIZE).ok_or(ParseError::Missing("table size"))?,
            }),
            command::NEW_SERVICE => {
                let service = attributes.get(ATTR_SERVICE).map(Attributes).ok_or(ParseError::Missing("service"))?;
                let key = service::parse_key(service)?;
                Ok(Reply::Service(key, service::parse_options(service, key.family())?))
            }
            command::NEW_DEST => {
                let dest = attributes.get(ATTR_DEST).map(Attributes).ok_or(ParseError::Missing("destination"))?;
                Ok(Reply::Dest(destination::parse_key(dest, family)?, destination::parse_options(dest)?))
            }
            command::NEW_DAEMON => {
                let daemon = attributes.get(ATTR_DAEMON).map(Attributes).ok_or(ParseError::Missing("daemon"))?;
                Ok(Reply::Daemon(settings::parse_role(daemon)?, settings::parse_daemon(daemon)?))
            }
            command::SET_CONFIG => Ok(Reply::Config(settings::parse_timeouts(attributes)?)),
            other => Err(ParseError::UnexpectedCommand(other)),
        }
    }
}

/// The command and the attributes after `struct genlmsghdr`.
fn split(bytes: &[u8]) -> Result<(u8, Attributes<'_>), ParseError> {
    let attributes = bytes.get(GENL_HEADER_LEN..).ok_or(ParseError::Truncated)?;
    Ok((bytes[0], Attributes(attributes)))
}

#[cfg(test)]
mod tests;
