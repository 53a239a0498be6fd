//! Netlink: one request socket, and what is asked over it.

/// The kernel's IPVS table, read and changed.
pub mod ipvs;
/// Requests, acknowledgements and dumps over one blocking netlink socket.
pub mod socket;

pub use socket::{Connection, NetlinkError, Reply};
