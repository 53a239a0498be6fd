//! VRRP as a pure state machine: events and the time in, actions out.
