//! The difference between two tables as commands.

use std::fmt;
use std::net::SocketAddr;

use super::table::{Entry, Table};
use crate::model::ServerKey;
use crate::model::ipvs::{Destination, Service};

/// One command to the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// `IPVS_CMD_FLUSH`: removes every service, whosever it is.
    Flush,
    /// `IPVS_CMD_DEL_SERVICE`: takes the destinations with it.
    RemoveService(ServerKey),
    /// `IPVS_CMD_DEL_DEST`
    RemoveDestination(ServerKey, SocketAddr),
    /// `IPVS_CMD_NEW_SERVICE`
    AddService(ServerKey, Service),
    /// `IPVS_CMD_SET_SERVICE`
    UpdateService(ServerKey, Service),
    /// `IPVS_CMD_NEW_DEST`
    AddDestination(ServerKey, SocketAddr, Destination),
    /// `IPVS_CMD_SET_DEST`
    UpdateDestination(ServerKey, SocketAddr, Destination),
}

/// Why the kernel would refuse a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// `EEXIST`
    #[error("it is there already")]
    Exists,
    /// `ESRCH`
    #[error("there is no such service")]
    NoService,
    /// `ENOENT`
    #[error("there is no such destination")]
    NoDestination,
}

/// What turns `current` into `desired`: only the difference, and in this order. Services that go come first; then,
/// service by service in the order of `desired`, the service before its destinations, and new destinations before old
/// ones go, so that no service is without any in between. What stays is never deleted and added again: its connections
/// live on.
pub fn plan(current: &Table, desired: &Table) -> Vec<Change> {
    let gone = current.services.keys().filter(|key| !desired.services.contains_key(*key));
    let mut changes: Vec<Change> = gone.map(|key| Change::RemoveService(*key)).collect();
    for (key, new) in &desired.services {
        let old = current.services.get(key);
        match old {
            None => changes.push(Change::AddService(*key, new.service.clone())),
            Some(old) if old.service != new.service => changes.push(Change::UpdateService(*key, new.service.clone())),
            Some(_) => {}
        }
        for (address, destination) in &new.destinations {
            match old.and_then(|old| old.destinations.get(address)) {
                None => changes.push(Change::AddDestination(*key, *address, *destination)),
                Some(before) if before != destination => {
                    changes.push(Change::UpdateDestination(*key, *address, *destination));
                }
                Some(_) => {}
            }
        }
        let before = old.into_iter().flat_map(|old| old.destinations.keys());
        let gone = before.filter(|address| !new.destinations.contains_key(*address));
        changes.extend(gone.map(|address| Change::RemoveDestination(*key, *address)));
    }
    changes
}

impl Change {
    /// The service concerned; `None` when it is the whole table.
    pub fn key(&self) -> Option<&ServerKey> {
        match self {
            Change::Flush => None,
            Change::RemoveService(key)
            | Change::RemoveDestination(key, _)
            | Change::AddService(key, _)
            | Change::UpdateService(key, _)
            | Change::AddDestination(key, ..)
            | Change::UpdateDestination(key, ..) => Some(key),
        }
    }

    /// What the kernel does to its table on this command; on a conflict nothing changes.
    pub fn apply(&self, table: &mut Table) -> Result<(), Conflict> {
        let services = &mut table.services;
        match self {
            Change::Flush => services.clear(),
            Change::RemoveService(key) => {
                services.shift_remove(key).ok_or(Conflict::NoService)?;
            }
            Change::AddService(key, service) => {
                if services.contains_key(key) {
                    return Err(Conflict::Exists);
                }
                let entry = Entry { service: service.clone(), destinations: Default::default() };
                services.insert(*key, entry);
            }
            Change::UpdateService(key, service) => {
                services.get_mut(key).ok_or(Conflict::NoService)?.service = service.clone();
            }
            Change::RemoveDestination(key, address) => {
                let destinations = &mut services.get_mut(key).ok_or(Conflict::NoService)?.destinations;
                destinations.shift_remove(address).ok_or(Conflict::NoDestination)?;
            }
            Change::AddDestination(key, address, destination) => {
                let destinations = &mut services.get_mut(key).ok_or(Conflict::NoService)?.destinations;
                if destinations.contains_key(address) {
                    return Err(Conflict::Exists);
                }
                destinations.insert(*address, *destination);
            }
            Change::UpdateDestination(key, address, destination) => {
                let destinations = &mut services.get_mut(key).ok_or(Conflict::NoService)?.destinations;
                *destinations.get_mut(address).ok_or(Conflict::NoDestination)? = *destination;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Change {
    /// The command by its old socket-option name and number, and what it is about, as keepalived logs a refusal:
    /// `IP_VS_SO_SET_ADDDEST(1159)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Change::Flush => "IP_VS_SO_SET_FLUSH(1157)",
            Change::AddService(..) => "IP_VS_SO_SET_ADD(1154)",
            Change::UpdateService(..) => "IP_VS_SO_SET_EDIT(1155)",
            Change::RemoveService(..) => "IP_VS_SO_SET_DEL(1156)",
            Change::AddDestination(..) => "IP_VS_SO_SET_ADDDEST(1159)",
            Change::RemoveDestination(..) => "IP_VS_SO_SET_DELDEST(1160)",
            Change::UpdateDestination(..) => "IP_VS_SO_SET_EDITDEST(1161)",
        })
    }
}
