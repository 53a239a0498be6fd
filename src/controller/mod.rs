//! Joins the state machines: one event in, the actions of all of them out. Pure.
//!
//! There are two controllers, because there are two threads: [`routers`] decides about VRRP, and nothing that it does
//! waits for DNS, disks, scripts or health checks; `services` decides about IPVS and health checks.

pub mod report;
pub mod routers;
pub mod services;
