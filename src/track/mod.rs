//! Trackers: what scripts and interfaces make of an instance's priority. Pure.
