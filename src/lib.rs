//! alived keeps virtual IPs alive with VRRP, programs the kernel's IPVS tables and checks the health of the real
//! servers behind them, from the `keepalived.conf` that is already there.
//!
//! The crate leans one way: text becomes a [`model::Config`]; pure state machines turn events into actions; only
//! [`io`] and [`daemon`] touch the system. `docs/ARCHITECTURE.md` is the map, `tests/tidy.rs` holds its lines.

pub mod bfd;
pub mod check;
pub mod cli;
pub mod config;
pub mod controller;
pub mod daemon;
pub mod demo;
pub mod diagnostic;
pub mod io;
pub mod ipvs;
#[cfg(feature = "lsp")]
pub mod lsp;
pub mod model;
pub mod notify;
pub mod pcap;
pub mod peers;
pub mod random;
pub mod schema;
pub mod source;
pub mod syntax;
pub mod time;
pub mod track;
pub mod vrrp;
pub mod wire;
