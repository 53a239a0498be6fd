//! Everything that touches the system: netlink, raw sockets, processes, files.

pub mod bfd;
pub mod fifo;
pub mod files;
pub mod host;
/// Netlink requests and what is asked over them.
pub mod netlink;
/// Raw sockets.
pub mod packet;
/// Scripts.
pub mod process;
pub mod processes;

pub mod probe;
pub mod smtp;
pub mod sys;
pub mod track_files;
