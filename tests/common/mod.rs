//! What the tests against real kernels and real daemons share: a laboratory of hosts on one Ethernet segment, made of
//! network namespaces.
//!
//! ```text
//!    host a            host b            host c        one namespace each
//!    eth0              eth0              eth0          veth, MAC 02:00:5e:99:00:0i
//!     |                 |                 |
//!    to-a -------------to-b--------------to-c          ports of br0 in a namespace of its own, the switch
//! ```
//!
//! A test says which hosts it wants, starts any daemon on them with a configuration, does something to them, and reads
//! what happened from three independent witnesses: a capture on the switch, the kernel's addresses, the daemon's log.
//! Nothing here uses alived's own code, so that a mistake in it cannot hide itself.
//!
//! Needs root, iproute2 and tcpdump. What is missing fails the test with its name; nothing is skipped.
// Every test binary compiles these modules and uses its own part of them.
#![allow(dead_code)]

pub mod capture;
pub mod capture_file;
pub mod daemon;
pub mod decode;
pub mod fixtures;
pub mod forge;
pub mod lab;
pub mod namespace;
pub mod vrrp_conf;
pub mod wait;
