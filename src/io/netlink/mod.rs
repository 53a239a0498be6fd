//! Netlink: one request socket, and what is asked over it.

/// Setting and removing addresses.
pub mod address;
pub mod attributes;
/// Building small networks: cables, bridges, addresses.
pub mod link;
/// Interfaces and their addresses, as the kernel reports them.
pub mod monitor;
/// Setting and removing routes.
pub mod route;
/// Setting and removing routing rules.
pub mod rule;

/// The kernel's IPVS table, read and changed.
pub mod ipvs;
/// Requests, acknowledgements and dumps over one blocking netlink socket.
pub mod socket;

pub use socket::{Connection, NetlinkError, Reply};
