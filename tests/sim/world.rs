//! The groups that the simulation plays with: one instance on every node, and the address they compete for.

use std::net::{IpAddr, Ipv4Addr};

use alived::controller::routers::Settings;
use alived::model::*;
pub use alived::peers::world::{Machine, Random, World};
use alived::vrrp::StateName;

pub const VIP: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 99, 100, 1));

fn interface_name() -> InterfaceName {
    InterfaceName::new("eth0").expect("a name")
}

pub fn instance(priority: u8, preempt: bool) -> VrrpInstance {
    let net = "10.99.100.1/16".parse().expect("an address");
    VrrpInstance {
        priority: Priority::new(priority),
        preempt,
        authentication: Authentication::Pass(*b"secret\0\0"),
        virtual_addresses: vec![VirtualAddress::new(net, interface_name())],
        ..VrrpInstance::new("VI_1", interface_name(), Vrid::new(51).expect("not zero"), Family::V4)
    }
}

/// A node for each instance, with rising addresses.
pub fn group(seed: u64, instances: Vec<VrrpInstance>) -> World {
    let machine = |(node, instance): (usize, VrrpInstance)| Machine {
        settings: Settings { instances: vec![instance], ..Settings::default() },
        interface: interface_name(),
        addresses: vec![format!("10.99.0.{}/16", 11 + node).parse().expect("an address")],
    };
    World::new(seed, instances.into_iter().enumerate().map(machine).collect())
}

pub fn owners(world: &World) -> Vec<usize> {
    world.owners(VIP)
}

pub fn state(world: &World, node: usize) -> Option<StateName> {
    world.status(node).map(|status| status.state)
}
