//! The IPVS table that is wanted, the one that is there, and the changes between them. Pure.
//!
//! ```text
//! virtual_server blocks ─┐
//! which real servers     ├─ desired ─→ Table ─┐
//! are up ────────────────┘                    ├─ plan ─→ changes, in the order they are carried out
//! what the kernel holds ────────────→ Table ──┘
//! ```
//!
//! Knows no netlink; never touches a service that is in neither table, so whoever reads the kernel's table decides
//! what is ours.

mod desired;
mod plan;
mod settings;
mod table;

pub use desired::{Pool, desired, destination, service};
pub use plan::{Change, Conflict, plan};
pub use settings::{SettingChange, Settings, plan_settings};
pub use table::{Entry, Scope, Table};
