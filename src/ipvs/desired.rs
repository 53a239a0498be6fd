//! What the kernel is to hold for the virtual servers of a configuration and the health of their real servers.

use std::net::SocketAddr;

use indexmap::IndexMap;

use super::table::{Entry, Table};
use crate::model::ipvs::{Destination, Forward, PersistenceMask, Service, ServiceFlags, Tunnel};
use crate::model::{Forwarding, RealServer, VirtualServer};

/// The table for `servers`, in file order. Each comes with a function that says, by position, which of its real servers
/// are up; one that is down is no destination. A virtual server without any is still a service, which refuses
/// connections.
pub fn desired<'a, Up: Fn(usize) -> bool>(servers: impl IntoIterator<Item = (&'a VirtualServer, Up)>) -> Table {
    let entry = |server: &VirtualServer, is_up: Up| {
        let mut destinations = IndexMap::new();
        for (_, real) in server.real_servers.iter().enumerate().filter(|(position, _)| is_up(*position)) {
            // Of two blocks with the same address and port the first one counts, as in keepalived.
            destinations.entry(SocketAddr::new(real.address, real.port)).or_insert_with(|| destination(real));
        }
        Entry { service: service(server), destinations }
    };
    Table { services: servers.into_iter().map(|(server, is_up)| (server.key, entry(server, is_up))).collect() }
}

/// The options of the service that a `virtual_server` block describes.
pub fn service(server: &VirtualServer) -> Service {
    let flags = if server.persistence.is_some() { ServiceFlags::PERSISTENT } else { ServiceFlags::default() };
    let timeout_s = server.persistence.map_or(0, |timeout| u32::try_from(timeout.as_secs()).unwrap_or(u32::MAX));
    Service { scheduler: server.scheduler.into(), flags, timeout_s, mask: PersistenceMask::whole(server.key.family()) }
}

/// The destination that a `real_server` block describes.
pub fn destination(real: &RealServer) -> Destination {
    let forward = match real.forwarding {
        Forwarding::Nat => Forward::Masquerade,
        Forwarding::Dr => Forward::Direct,
        Forwarding::Tun => Forward::Tunnel(Tunnel::default()),
    };
    Destination { forward, weight: real.weight, upper_threshold: 0, lower_threshold: 0 }
}
