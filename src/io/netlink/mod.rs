//! Netlink: one request socket, and what is asked over it.

/// Requests, acknowledgements and dumps over one blocking netlink socket.
pub mod socket;

pub use socket::{Connection, NetlinkError, Reply};
