//! Lines of `virtual_routes` and `static_routes` (`vrrp/vrrp_iproute.c`: `alloc_route`).

use std::net::IpAddr;

use crate::config::context::Context;
use crate::config::values::parse_address;
use crate::diagnostic::{Diagnostic, Name};
use crate::schema::{self, Value};
use crate::syntax::{Statement, Word};

use super::entry::{Entry, entries, number, shown};
use super::{complain, complain_later};
use crate::config::lower::tracking::missing_interface;

/// Types of routes (ip-route(8)); one may stand before the destination.
const TYPES: [&[u8]; 9] =
    [b"unicast", b"local", b"broadcast", b"multicast", b"throw", b"unreachable", b"prohibit", b"blackhole", b"nat"];
/// Words after which a line follows rules of its own, several hops for instance.
const OPENS_ANOTHER_SYNTAX: [&[u8]; 3] = [b"encap", b"nexthop", b"or"];

pub(super) fn check(context: &mut Context, path: &str, body: &[Statement]) {
    for line in entries(body) {
        route(context, path, &line);
    }
}

fn route(context: &mut Context, path: &str, line: &Entry) {
    let mut words = line.words.iter().peekable();
    let (mut destination, mut gateway): (Option<Option<IpAddr>>, Option<IpAddr>) = (None, None);
    while let Some(word) = words.next() {
        let bytes = word.bytes.as_slice();
        if OPENS_ANOTHER_SYNTAX.contains(&bytes) {
            return;
        }
        if TYPES.contains(&bytes) {
            continue;
        }
        let Some(option) = schema::keepalived().block(path).and_then(|block| block.word(bytes)) else {
            if destination.is_none() {
                destination = Some(prefix(word));
            }
            if !matches!(bytes, b"default" | b"default6" | b"any" | b"all") && prefix(word).is_none() {
                let message = format!("'{}' is neither an option of a route nor a destination", shown(word));
                let gist = format!("VRRP parsed invalid IP {}. skipping IP...", shown(word));
                complain(context, Name::UNKNOWN_OPTION, word.span, message, gist);
                return;
            }
            continue;
        };
        if option.value == Value::None {
            continue;
        }
        while words.next_if(|next| matches!(next.bytes.as_slice(), b"inet" | b"inet6" | b"lock")).is_some() {}
        let Some(value) = words.next() else { return missing(context, &option.name, word) };
        match option.name.as_str() {
            "to" => destination = Some(prefix(value)),
            "via" => gateway = parse_address(&value.bytes),
            "gw" => {
                gateway = parse_address(&value.bytes);
                context.report(
                    Diagnostic::warning(Name::DEPRECATED_KEYWORD, "'gw' is deprecated")
                        .at(word.span)
                        .class(crate::diagnostic::ErrorClass::General)
                        .gist("\"gw\" for routes is deprecated. Please use \"via\"")
                        .help("use 'via'"),
                );
            }
            "dev" | "oif" => {
                let gist = format!("WARNING - interface {} for VROUTE nexthop doesn't exist", shown(value));
                missing_interface(context, value, &gist);
            }
            "table" => table(context, value, "route"),
            _ => {}
        }
    }
    match (destination, gateway) {
        (None, _) => {
            let gist = "Route must have a destination";
            complain_later(context, Name::INCOMPLETE_BLOCK, line.span(), "a route needs a destination", gist);
        }
        (Some(Some(destination)), Some(gateway))
            if destination.is_ipv4() && gateway.is_ipv6() && !names_family(line) =>
        {
            let gist = "Cannot mix IPv4 and IPv6 addresses for route";
            let message = "the gateway of a route is of its destination's family";
            complain(context, Name::ADDRESS_FAMILY_MISMATCH, line.span(), message, gist);
        }
        (Some(Some(destination)), Some(gateway)) if destination.is_ipv6() && gateway.is_ipv4() => {
            let gist = "Cannot mix IPv4 and IPv6 addresses for route";
            let message = "the gateway of a route is of its destination's family";
            complain(context, Name::ADDRESS_FAMILY_MISMATCH, line.span(), message, gist);
        }
        _ => {}
    }
}

/// `via inet6 ADDRESS`: an IPv4 route may go through an IPv6 gateway when it says so.
fn names_family(line: &Entry) -> bool {
    line.words.iter().any(|word| word.bytes == b"inet6")
}

fn missing(context: &mut Context, option: &str, word: &Word) {
    let message = format!("'{option}' needs a value");
    complain(context, Name::MISSING_VALUE, word.span, message.clone(), message);
}

/// `ADDRESS[/LENGTH]`
fn prefix(word: &Word) -> Option<IpAddr> {
    parse_address(word.bytes.split(|byte| *byte == b'/').next().unwrap_or_default())
}

/// The number or the name of a routing table.
pub(super) fn table(context: &mut Context, word: &Word, what: &str) {
    let known = number(word).is_some() || context.host.is_none_or(|host| host.knows_routing_table(&word.text()));
    if !known {
        let gist = format!("Routing table {} not found for {what}", shown(word));
        complain(
            context,
            Name::UNKNOWN_REFERENCE,
            word.span,
            format!("no routing table is called {}", shown(word)),
            gist,
        );
    }
}
