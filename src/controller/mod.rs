//! Joins the state machines: one event in, the actions of all of them out. Pure.

pub mod services;
