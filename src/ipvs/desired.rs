//! What the kernel is to hold for the virtual servers of a configuration and the health of their real servers.

use std::net::{IpAddr, SocketAddr};

use super::table::{Entry, Table};
use crate::model::ipvs::{Destination, Forward, PersistenceMask, Service, ServiceFlags, Tunnel};
use crate::model::lvs::{Encapsulation, TunnelChecksum};
use crate::model::{Forwarding, RealServer, ServerKey, VirtualServer, Weight};

/// Which servers of a virtual server are in the table, and with what weight.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pool {
    /// For each real server, by position; `None` is not in the table.
    pub reals: Vec<Option<Weight>>,
    /// The sorry server.
    pub sorry: Option<Weight>,
}

/// The table for `servers`, in file order, as far as it is about services that `concerned` names. A virtual server
/// without any destination is still a service, which refuses connections. Of a service that several virtual servers
/// have, the first one's options count, and it has the destinations of all of them.
pub fn desired<'a>(
    servers: impl IntoIterator<Item = (&'a VirtualServer, Pool)>,
    concerned: impl Fn(&ServerKey) -> bool,
) -> Table {
    let mut table = Table::default();
    for (server, pool) in servers {
        for key in server.target.keys().filter(&concerned) {
            let entry = table.services.entry(key);
            let entry =
                entry.or_insert_with(|| Entry { service: service(server, &key), destinations: Default::default() });
            add_destinations(entry, server, &pool, &key);
        }
    }
    table
}

fn add_destinations(entry: &mut Entry, server: &VirtualServer, pool: &Pool, key: &ServerKey) {
    // Where the sorry server is one of the real servers it takes that one's place.
    if let Some((sorry, weight)) = server.sorry_server.as_ref().zip(pool.sorry) {
        let address = socket_address(sorry.address, sorry.port, sorry.forwarding, key);
        let destination =
            Destination { forward: forward(sorry.forwarding), weight, upper_threshold: 0, lower_threshold: 0 };
        entry.destinations.entry(address).or_insert(destination);
    }
    for (real, weight) in server.real_servers.iter().zip(&pool.reals) {
        let Some(weight) = *weight else { continue };
        let address = socket_address(real.address, real.port, real.forwarding, key);
        entry.destinations.entry(address).or_insert_with(|| destination(real, weight));
    }
}

/// Address and port of a destination. With DR and TUN packets keep the port of the service.
fn socket_address(address: IpAddr, port: u16, forwarding: Forwarding, key: &ServerKey) -> SocketAddr {
    SocketAddr::new(address, if forwarding.keeps_port() { key.port() } else { port })
}

/// The options of one service of a virtual server.
pub fn service(server: &VirtualServer, key: &ServerKey) -> Service {
    let whole = PersistenceMask::whole(key.family());
    let scheduler = server.scheduler.into();
    let Some(persistence) = &server.persistence else {
        return Service { scheduler, flags: server.flags, timeout_s: 0, mask: whole, engine: None };
    };
    Service {
        scheduler,
        flags: server.flags.with(ServiceFlags::PERSISTENT),
        timeout_s: u32::try_from(persistence.timeout.as_secs()).unwrap_or(u32::MAX),
        mask: persistence.granularity.filter(|mask| mask.family() == key.family()).unwrap_or(whole),
        engine: persistence.engine.clone(),
    }
}

/// The destination that a `real_server` block describes, with a weight.
pub fn destination(real: &RealServer, weight: Weight) -> Destination {
    Destination {
        forward: forward(real.forwarding),
        weight,
        upper_threshold: real.upper_threshold,
        lower_threshold: real.lower_threshold,
    }
}

fn forward(forwarding: Forwarding) -> Forward {
    let encapsulation = match forwarding {
        Forwarding::Nat => return Forward::Masquerade,
        Forwarding::Dr => return Forward::Direct,
        Forwarding::Tun(encapsulation) => encapsulation,
    };
    Forward::Tunnel(match encapsulation {
        Encapsulation::Ipip => Tunnel::default(),
        Encapsulation::Gue { port, checksum } => {
            let flags = match checksum {
                TunnelChecksum::None => 0,
                TunnelChecksum::Computed => Tunnel::CHECKSUM,
                TunnelChecksum::Remote => Tunnel::REMOTE_CHECKSUM,
            };
            Tunnel { kind: Tunnel::GUE, port: port.get(), flags }
        }
        Encapsulation::Gre { checksum } => {
            Tunnel { kind: Tunnel::GRE, port: 0, flags: if checksum { Tunnel::CHECKSUM } else { 0 } }
        }
    })
}
