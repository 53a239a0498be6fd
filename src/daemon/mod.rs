//! The event loops: wait, feed a controller, perform what it asks.

pub mod services;
