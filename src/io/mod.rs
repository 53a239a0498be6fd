//! Everything that touches the system: netlink, raw sockets, processes, files.

pub mod files;
pub mod host;
/// Netlink requests and what is asked over them.
pub mod netlink;
pub mod sys;
