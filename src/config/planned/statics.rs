//! Static addresses (`vrrp/vrrp_parser.c`).

use crate::config::context::Context;
use crate::syntax::{Body, Word};

use super::addresses;
use super::entry::{all, last};

/// The interface of static addresses when nothing else is said (keepalived.conf(5), `default_interface`).
const DEFAULT_INTERFACE: &[u8] = b"eth0";

pub(super) fn check(context: &mut Context, statements: &Body) {
    let mut default_interface = None;
    for block in all(statements, "global_defs") {
        default_interface =
            last(block.body(), "default_interface").and_then(|entry| entry.argument(0).cloned()).or(default_interface);
    }
    for block in all(statements, "static_ipaddress") {
        let eth0 = Word { bytes: DEFAULT_INTERFACE.to_vec().into(), ..block.words[0].clone() };
        addresses::check_static(context, block.body(), default_interface.as_ref().unwrap_or(&eth0));
    }
}
