//! The kernel's IPVS table over generic netlink: reads it, changes it. Blocking; decides nothing.

use std::net::SocketAddr;

use indexmap::IndexMap;
use netlink_packet_generic::GenlMessage;
use netlink_sys::protocols::NETLINK_GENERIC;

use super::{Connection, NetlinkError};
use crate::ipvs::{Change, Entry, Table};
use crate::model::ServerKey;
use crate::model::ipvs::Destination;
use crate::wire::ipvs::{GetFamily, ParseError, Reply, Request, parse_family_id};

/// Why the table could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum IpvsError {
    /// The kernel has no `IPVS` family and could not load it.
    #[error("this kernel has no ip_vs")]
    Absent,
    /// The kernel refused, or did not answer.
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
    /// An answer could not be understood.
    #[error(transparent)]
    Parse(#[from] ParseError),
}

impl IpvsError {
    /// The kernel's errno, if it refused.
    pub fn errno(&self) -> Option<i32> {
        match self {
            IpvsError::Netlink(error) => error.errno(),
            IpvsError::Absent | IpvsError::Parse(_) => None,
        }
    }
}

/// A connection to the IPVS of the calling thread's network namespace.
pub struct Ipvs {
    connection: Connection,
    family_id: u16,
}

impl Ipvs {
    /// Opens a connection. The kernel loads ip_vs for it where it can.
    pub fn open() -> Result<Ipvs, IpvsError> {
        let mut connection = Connection::open(NETLINK_GENERIC)?;
        let replies = match connection.request(0, GenlMessage::from_payload(GetFamily)) {
            Err(error) if error.errno() == Some(libc::ENOENT) => return Err(IpvsError::Absent),
            other => other?,
        };
        let reply = replies.first().ok_or(ParseError::Missing("answer"))?;
        Ok(Ipvs { connection, family_id: parse_family_id(&reply.payload)? })
    }

    /// Reads these services and their destinations. One that is not there is not in the table either.
    pub fn read(&mut self, keys: &[ServerKey]) -> Result<Table, IpvsError> {
        let mut table = Table::default();
        for key in keys {
            let message = self.message(Request::GetService(*key));
            let replies = match self.connection.request(0, message) {
                Err(error) if error.errno() == Some(libc::ESRCH) => continue,
                other => other?,
            };
            for reply in replies {
                if let Reply::Service(key, service) = Reply::parse(&reply.payload, key.family())? {
                    let destinations = self.destinations(key)?;
                    table.services.insert(key, Entry { service, destinations });
                }
            }
        }
        Ok(table)
    }

    fn destinations(&mut self, key: ServerKey) -> Result<IndexMap<SocketAddr, Destination>, IpvsError> {
        let message = self.message(Request::GetDests(key));
        let mut destinations = IndexMap::new();
        for reply in self.connection.dump(message)? {
            if let Reply::Dest(address, destination) = Reply::parse(&reply.payload, key.family())? {
                destinations.insert(address, destination);
            }
        }
        Ok(destinations)
    }

    /// Carries out changes in order; one that fails does not stop the rest. What failed, and why.
    pub fn apply(&mut self, changes: Vec<Change>) -> Vec<(Change, IpvsError)> {
        let messages = changes.iter().map(|change| (0, self.message(request(change)))).collect();
        let results = self.connection.batch(messages);
        changes.into_iter().zip(results).filter_map(|(change, result)| Some((change, result.err()?.into()))).collect()
    }

    fn message(&self, request: Request) -> GenlMessage<Request> {
        let mut message = GenlMessage::from_payload(request);
        message.set_resolved_family_id(self.family_id);
        message
    }
}

/// The command for a change.
fn request(change: &Change) -> Request {
    match change.clone() {
        Change::RemoveService(key) => Request::DelService(key),
        Change::RemoveDestination(key, address) => Request::DelDest(key, address),
        Change::AddService(key, service) => Request::NewService(key, service),
        Change::UpdateService(key, service) => Request::SetService(key, service),
        Change::AddDestination(key, address, destination) => Request::NewDest(key, address, destination),
        Change::UpdateDestination(key, address, destination) => Request::SetDest(key, address, destination),
    }
}

/// The C library's words for an errno, without the number that the standard library adds.
fn strerror(errno: i32) -> String {
    let text = std::io::Error::from_raw_os_error(errno).to_string();
    text.split_once(" (os error").map_or(text.clone(), |(words, _)| words.to_owned())
}

/// What an errno means to IPVS, in keepalived's words where it has its own.
pub fn describe(change: &Change, error: &IpvsError) -> String {
    match (error.errno(), change) {
        (Some(libc::EEXIST), Change::AddService(..)) => "Service already exists".to_owned(),
        (Some(libc::EEXIST), _) => "Destination already exists".to_owned(),
        (Some(libc::ENOENT), Change::RemoveDestination(..) | Change::UpdateDestination(..)) => {
            "No such destination".to_owned()
        }
        (Some(libc::ENOENT), Change::AddService(..) | Change::UpdateService(..)) => {
            "Scheduler or persistence engine not found".to_owned()
        }
        (Some(libc::ESRCH), _) => "No such service".to_owned(),
        (Some(errno), _) => strerror(errno),
        (None, _) => error.to_string(),
    }
}
