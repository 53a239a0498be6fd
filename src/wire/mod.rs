//! Bytes ↔ values: every packet alived sends or reads. Knows no state machine and no socket.

pub mod arp;
pub mod auth_header;
pub mod bfd;
pub mod checksum;
pub mod ip;
pub mod ndisc;
pub mod vrrp;

pub mod ipvs;
