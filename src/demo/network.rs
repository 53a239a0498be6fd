//! The demo's network: five hosts on one switch, two subnets on the same cables.
//!
//! ```text
//!   client          director a       director b        web 1           web 2
//!   10.80.0.50      10.80.0.1        10.80.0.2
//!                   10.81.0.1        10.81.0.2         10.81.0.11      10.81.0.12
//!      |                |                |                |               |
//!      +----------------+---- switch ----+----------------+---------------+
//!
//!   virtual, on whichever director is MASTER:  10.80.0.100  (the client asks here)
//!                                              10.81.0.100  (the web servers' gateway: replies pass the director)
//! ```

use std::io;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::namespace::Namespace;
use crate::io::netlink::link::{LinkError, Links};
use crate::model::InterfaceName;

/// Where the client sends its requests; fixtures/demo/ says the same.
pub const VIP: Ipv4Addr = Ipv4Addr::new(10, 80, 0, 100);
/// The web servers' way out; fixtures/demo/ says the same.
pub const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 81, 0, 100);
/// The web servers' addresses; fixtures/demo/ says the same.
pub const WEB: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 81, 0, 11), Ipv4Addr::new(10, 81, 0, 12)];

/// What could not be built.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// A namespace or a setting of it.
    #[error("making a network namespace")]
    Namespace(#[from] io::Error),
    /// A link, an address or a route.
    #[error(transparent)]
    Link(#[from] LinkError),
}

/// The hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HostId {
    /// Director a: the better one.
    A,
    /// Director b.
    B,
    /// Web server 1.
    Web1,
    /// Web server 2.
    Web2,
    /// The client.
    Client,
}

impl HostId {
    const ALL: [HostId; 5] = [HostId::A, HostId::B, HostId::Web1, HostId::Web2, HostId::Client];

    /// As the screen shows it.
    pub fn label(self) -> &'static str {
        match self {
            HostId::A => "a",
            HostId::B => "b",
            HostId::Web1 => "web 1",
            HostId::Web2 => "web 2",
            HostId::Client => "client",
        }
    }

    fn addresses(self) -> Vec<Ipv4Addr> {
        match self {
            HostId::A => vec![Ipv4Addr::new(10, 80, 0, 1), Ipv4Addr::new(10, 81, 0, 1)],
            HostId::B => vec![Ipv4Addr::new(10, 80, 0, 2), Ipv4Addr::new(10, 81, 0, 2)],
            HostId::Web1 => vec![WEB[0]],
            HostId::Web2 => vec![WEB[1]],
            HostId::Client => vec![Ipv4Addr::new(10, 80, 0, 50)],
        }
    }

    /// The switch port of its cable.
    fn port(self) -> InterfaceName {
        name(match self {
            HostId::A => "to-a",
            HostId::B => "to-b",
            HostId::Web1 => "to-web1",
            HostId::Web2 => "to-web2",
            HostId::Client => "to-client",
        })
    }
}

/// The network. It vanishes with the last process inside it.
pub struct Network {
    switch: Namespace,
    /// In the order of [`HostId::ALL`].
    hosts: Vec<Namespace>,
    /// Index of each host's switch port, in the same order.
    ports: Vec<u32>,
}

impl Network {
    /// Builds it. Needs root.
    pub fn build() -> Result<Network, NetworkError> {
        let switch = Namespace::create()?;
        let bridge = name("br0");
        let mut links = switch.inside(Links::open)??;
        links.add_bridge(&bridge)?;
        links.set_up(&bridge, true)?;
        let mut network = Network { switch, hosts: Vec::new(), ports: Vec::new() };
        for id in HostId::ALL {
            let host = Namespace::create()?;
            links.add_cable(&id.port(), &name("eth0"), std::os::fd::AsFd::as_fd(&host))?;
            links.plug(&id.port(), &bridge)?;
            links.set_up(&id.port(), true)?;
            furnish(id, &host)?;
            network.ports.push(links.index(&id.port())?);
            network.hosts.push(host);
        }
        Ok(network)
    }

    /// The namespace of `host`.
    pub fn host(&self, host: HostId) -> &Namespace {
        &self.hosts[host as usize]
    }

    /// The namespace in which all cables meet.
    pub fn switch(&self) -> &Namespace {
        &self.switch
    }

    /// Which host is behind each switch port, by interface index.
    pub fn ports(&self) -> Vec<(u32, HostId)> {
        self.ports.iter().copied().zip(HostId::ALL).collect()
    }

    /// Takes the switch port of `host` up or down.
    pub fn set_cable(&self, host: HostId, up: bool) -> Result<(), NetworkError> {
        let mut links = self.switch.inside(Links::open)??;
        Ok(links.set_up(&host.port(), up)?)
    }
}

/// Everything inside a host.
fn furnish(id: HostId, host: &Namespace) -> Result<(), NetworkError> {
    let mut links = host.inside(Links::open)??;
    let interface = name("eth0");
    links.set_up(&name("lo"), true)?;
    links.set_up(&interface, true)?;
    for address in id.addresses() {
        links.add_address(&interface, Ipv4Net::new(address, 24).expect("24 is a prefix length"))?;
    }
    match id {
        HostId::A | HostId::B => {
            host.set_sysctl("ipv4/ip_forward", "1")?;
            // Both subnets are on one cable; nobody shall be told of a shorter way.
            host.set_sysctl("ipv4/conf/all/send_redirects", "0")?;
            host.set_sysctl("ipv4/conf/eth0/send_redirects", "0")?;
        }
        HostId::Web1 | HostId::Web2 => links.add_default_route(GATEWAY)?,
        HostId::Client => {}
    }
    Ok(())
}

fn name(text: &str) -> InterfaceName {
    InterfaceName::new(text).expect("the demo's names are valid")
}
