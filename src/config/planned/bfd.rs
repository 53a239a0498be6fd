//! `bfd_instance` (`bfd/bfd_parser.c`, `bfd/bfd_data.c`).

use std::collections::HashMap;
use std::net::IpAddr;

use crate::config::context::Context;
use crate::config::values::parse_address;
use crate::diagnostic::Name;
use crate::source::Span;
use crate::syntax::Statement;

use super::entry::{Entry, all, last, number};
use super::{complain, complain_later};

/// Longest name of a session (`BFD_INAME_MAX` − 1).
const LONGEST_NAME: usize = 31;

pub(super) fn check(context: &mut Context, statements: &[Statement]) {
    let mut names: HashMap<String, Span> = HashMap::new();
    let mut neighbours: HashMap<IpAddr, Span> = HashMap::new();
    for block in all(statements, "bfd_instance") {
        let Some(word) = block.argument(0) else { continue };
        let name = block.text(0);
        if word.bytes.len() > LONGEST_NAME {
            let message = format!("the name of a BFD session has at most {LONGEST_NAME} characters");
            complain(context, Name::INVALID_VALUE, word.span, message, format!("BFD name {name} too long"));
            continue;
        }
        if names.insert(name.clone(), word.span).is_some() {
            let message = format!("another bfd_instance is called {name}");
            complain(context, Name::DUPLICATE_NAME, word.span, message, format!("BFD {name} already specified"));
            continue;
        }
        session(context, &block, &name, &mut neighbours);
    }
}

fn session(context: &mut Context, block: &Entry, name: &str, neighbours: &mut HashMap<IpAddr, Span>) {
    let address = |keyword: &str| {
        let entry = last(block.body(), keyword)?;
        parse_address(&entry.argument(0)?.bytes)
    };
    let error = |context: &mut Context, kind, message: String, gist: &str| {
        complain_later(
            context,
            kind,
            block.span(),
            message,
            format!("Configuration error: BFD instance {name} {gist}"),
        );
    };
    let Some(neighbour) = address("neighbor_ip").or_else(|| address("neighbour_ip")) else {
        let gist = "has no neighbor address set, disabling instance";
        return error(context, Name::INCOMPLETE_BLOCK, format!("bfd_instance {name} has no 'neighbor_ip'"), gist);
    };
    if address("source_ip").is_some_and(|source| source.is_ipv4() != neighbour.is_ipv4()) {
        let message = format!("bfd_instance {name}: 'source_ip' and 'neighbor_ip' are of two families");
        let gist = "source address and neighbor address are not of the same family, disabling instance";
        error(context, Name::ADDRESS_FAMILY_MISMATCH, message, gist);
    } else if neighbours.insert(neighbour, block.span()).is_some() {
        let message = format!("another bfd_instance has the neighbour {neighbour}");
        error(
            context,
            Name::DUPLICATE_NAME,
            message,
            &format!("has duplicate neighbor address {neighbour}, ignoring instance"),
        );
    }
    let value = |keyword: &str| last(block.body(), keyword).and_then(|entry| entry.argument(0).and_then(number));
    let ttl = value("ttl").or_else(|| value("hoplimit")).unwrap_or(255);
    if value("max_hops").is_some_and(|hops| hops > ttl) {
        let gist = format!("BFD instance {name}: max_hops exceeds ttl/hoplimit - setting to ttl/hoplimit");
        let message = format!("bfd_instance {name}: 'max_hops' is more than the TTL");
        complain_later(context, Name::INCOMPATIBLE_SETTINGS, block.span(), message, gist);
    }
}
