//! Which mail, script or FIFO line a transition causes. Pure.

pub mod mail;
pub mod smtp;
pub mod vrrp;
