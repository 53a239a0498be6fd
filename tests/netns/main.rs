//! Routers on a real kernel's network: alived with alived, and beside the real keepalived in either role.
//!
//! Each module asks one question. Times are compared with the protocol's lower bound, which may never be undercut, and
//! with a generous upper one, which only catches what is plainly wrong: the machine may be busy. The measured figures
//! are printed even when the tests pass.

#[path = "../common/mod.rs"]
mod common;

mod bfd;
mod checks;
mod demo;
mod failover;
mod forged;
mod interop;
mod notify;
mod owned;
mod pairs;
mod preemption;
mod reload;
mod seeds;
mod track_script;
mod version3;
mod wire;
