//! A set of services and their destinations.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use indexmap::IndexMap;

use crate::model::ServerKey;
use crate::model::ipvs::{Destination, Service};

/// One service and where it sends its connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its options.
    pub service: Service,
    /// Its destinations, by address and port.
    pub destinations: IndexMap<SocketAddr, Destination>,
}

/// What of the kernel's table is to be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope {
    /// These services, with their destinations.
    pub services: BTreeSet<ServerKey>,
    /// Every other service too, without its destinations.
    pub foreign: bool,
}

/// Services by their keys. Order is kept, for the order of commands and of reports; it takes no part in equality, as
/// the kernel keeps none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    /// In file order when wanted, in any order when read from the kernel.
    pub services: IndexMap<ServerKey, Entry>,
}

impl Table {
    /// The part of the table that is about these services.
    pub fn part<'a>(&self, keys: impl IntoIterator<Item = &'a ServerKey>) -> Table {
        let entry = |key: &ServerKey| Some((*key, self.services.get(key)?.clone()));
        Table { services: keys.into_iter().filter_map(entry).collect() }
    }

    /// The same table without the services that `keep` refuses.
    pub fn retain(mut self, keep: impl Fn(&ServerKey) -> bool) -> Table {
        self.services.retain(|key, _| keep(key));
        self
    }
}
