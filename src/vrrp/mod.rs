//! VRRP as a pure state machine: events and the time in, actions out (RFC 3768, with keepalived's knowing differences).
//!
//! ```text
//!                 ┌────────── a better advert ──────────┐
//!                 v                                      │
//!   Init ──> Backup ── nothing heard for 3·adv + skew ─> Master
//!     │        │  ^                                      │
//!     │        v  │ the last cause is gone               │
//!     └──────> Fault <────────── a cause ────────────────┘
//! ```
//!
//! * [`receive`] judges a datagram: what an instance must not believe is refused with a reason and counted.
//! * [`router`] is one virtual router; it never sees a packet, a socket or a clock.
//! * [`sync_group`] moves several of them together.
//! * [`election`] and [`timer`] hold the two rules that everything else rests on.

pub mod election;
pub mod receive;
pub mod report;
pub mod router;
pub mod sync_group;
pub mod timer;

pub use receive::{Counters, Memory, Packet, Refusal};
pub use report::{FaultCause, Report, StateName};
pub use router::{Action, Company, Event, Heard, VirtualRouter};
pub use sync_group::SyncGroup;
