//! Lines of `virtual_ipaddress_excluded` and `static_ipaddress` (`vrrp/vrrp_ipaddress.c`: `alloc_ipaddress`).

use crate::config::context::Context;
use crate::config::values::{self, Garbage, parse_address};
use crate::diagnostic::{Diagnostic, ErrorClass, Name};
use crate::schema::{self, Value};
use crate::syntax::{Body, Word};

use super::complain;
use super::entry::{Entry, entries, shown};
use super::instance::LONGEST_INTERFACE;
use crate::config::lower::tracking::missing_interface;

/// Checks the lines of the block at `path`; hands back those whose address can be used.
pub(super) fn check(context: &mut Context, path: &str, body: &Body) -> Vec<Entry> {
    entries(body).filter(|line| address(context, line).is_some() && options(context, path, line).is_some()).collect()
}

fn address(context: &mut Context, line: &Entry) -> Option<()> {
    let word = &line.words[0];
    let mut parts = word.bytes.splitn(2, |byte| *byte == b'/');
    let Some(address) = parse_address(parts.next().unwrap_or_default()) else {
        let gist = format!("VRRP parsed invalid IP {}. skipping IP...", shown(word));
        complain(context, Name::INVALID_ADDRESS, word.span, format!("'{}' is no IP address", shown(word)), gist);
        return None;
    };
    if let Some(prefix) = parts.next() {
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = Word { bytes: word.bytes.last(prefix.len()), ..word.clone() };
        values::integer_in(context, &prefix, 0, most, Garbage::Refused);
    }
    Some(())
}

/// `None` when the address has to go because of an option.
fn options(context: &mut Context, path: &str, line: &Entry) -> Option<()> {
    let address = shown(&line.words[0]);
    let mut rest = line.arguments().iter();
    while let Some(option) = rest.next() {
        let Some(known) = schema::keepalived().block(path).and_then(|block| block.word(&option.bytes)) else {
            let message = format!("'{}' is no option of an address", shown(option));
            let gist = format!("Unknown configuration entry '{}' for ip address - ignoring", shown(option));
            complain(context, Name::UNKNOWN_OPTION, option.span, message, gist);
            continue;
        };
        if known.value == Value::None {
            continue;
        }
        let Some(value) = rest.next() else {
            let gist = format!("No {} parameter specified for {address}", known.name);
            complain(context, Name::MISSING_VALUE, option.span, format!("'{}' needs a value", known.name), gist);
            return None;
        };
        let is_ipv6 = address.contains(':');
        match known.name.as_str() {
            "dev" => {
                let gist = format!("WARNING - interface {} for ip address {address} doesn't exist", shown(value));
                missing_interface(context, value, &gist);
            }
            "label" if value.bytes.len() > LONGEST_INTERFACE => {
                let gist =
                    format!("Address label {} is longer than maximum length 15 - removing address", shown(value));
                let message = format!("a label has at most {LONGEST_INTERFACE} characters");
                complain(context, Name::LABEL_TOO_LONG, value.span, message, gist);
                return None;
            }
            "brd" | "broadcast" if is_ipv6 => {
                let gist = format!("VRRP is trying to assign a broadcast {} to the IPv6 address {address}", known.name);
                let message = "an IPv6 address has no broadcast address; the address is left out";
                complain(context, Name::ADDRESS_FAMILY_MISMATCH, value.span, message, gist);
                return None;
            }
            _ => {}
        }
    }
    Some(())
}

/// `static_ipaddress`: an address without `dev` is put on the default interface, which must be there.
pub(super) fn check_static(context: &mut Context, body: &Body, default_interface: &Word) {
    for line in check(context, "static_ipaddress", body) {
        if line.arguments().iter().any(|word| word.bytes == b"dev") {
            continue;
        }
        let text = default_interface.text();
        let known = crate::model::InterfaceName::new(&text).zip(context.host);
        let missing =
            known.is_some_and(|(name, host)| host.interface(&name) == crate::config::host::Interface::Missing);
        if missing {
            let address = shown(&line.words[0]);
            let gist = format!("Static address {address} requires either an interface or default interface must exist");
            context.report(
                Diagnostic::error(
                    Name::UNKNOWN_INTERFACE,
                    format!("{address} has no interface, and there is no {text}"),
                )
                .at(line.span())
                .class(ErrorClass::Fatal)
                .gist(gist)
                .help("write 'dev' and an interface after the address"),
            );
        }
    }
}
