//! Health checkers: what to probe, how to judge the answer, and when a real server is up. Pure.
//!
//! ```text
//!                   ┌──────────────── delay_loop, or delay_before_retry ───────────────┐
//!                   ▼                                                                   │
//! start ─ warmup ─ wait ── due ──→ Probe, carried out by io ──→ Outcome ── judged ──→ verdict
//! ```
//!
//! [`Checker`] decides when, [`Dialogue`] what is said on the wire; between them io moves octets. The rules are keepalived
//! 2.2.7's; where its manual is silent they were taken from runs of it.

mod checker;
mod dialogue;
mod probe;
mod report;

pub use checker::{Action, Checker, Event};
pub use dialogue::{Dialogue, Found, Search, Step};
pub use dialogue::{dns, http, ping, smtp};
pub use probe::{Answer, Cause, Outcome, Probe, ScriptEnd};
pub use report::{Attempts, Report, Retries, web_failure};
