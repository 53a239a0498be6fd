//! The event loops: wait, feed a controller, perform what it asks.

pub mod log;
pub mod pidfile;
pub mod vrrp;
