//! Health checkers: what to probe, how to judge the answer, and when a real server is up. Pure.
//!
//! ```text
//!                   ┌──────────────── delay_loop, or delay_before_retry ───────────────┐
//!                   ▼                                                                   │
//! start ─ warmup ─ wait ── due ──→ Probe, carried out by io ──→ Outcome ── judged ──→ verdict
//! ```
//!
//! The rules are keepalived 2.2.7's; where its manual is silent they were taken from runs of it.

mod checker;
mod http;
mod probe;
mod report;

pub use checker::{Action, Checker, Event};
pub use http::{judge, request};
pub use probe::{Attempt, HEAD_MAX, Outcome, Probe};
pub use report::{Report, alert};
