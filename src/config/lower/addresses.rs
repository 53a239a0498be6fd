//! The lines of `virtual_ipaddress`: an address, then options in any order.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use crate::config::context::{Context, Spanned};
use crate::config::cursor::{second_reading, shortened};
use crate::config::values::{self, Garbage};
use crate::diagnostic::{Diagnostic, ErrorClass, Fix, Name};
use crate::model::InterfaceName;
use crate::schema::{self, Status, Value};
use crate::source::Span;
use crate::syntax::{Statement, Word};

use super::instance_checks::known_interface;

/// Longest label, without its NUL (`IFNAMSIZ`, linux/if.h).
const MAX_LABEL: usize = 15;

/// Names of address scopes (`/etc/iproute2/rt_scopes`, linux/rtnetlink.h `rt_scope_t`).
const SCOPES: [(&str, u8); 5] = [("global", 0), ("nowhere", 255), ("host", 254), ("link", 253), ("site", 200)];

/// One line.
pub(in crate::config) struct AddressDraft {
    /// The address and its prefix length.
    pub net: Spanned<IpNet>,
    pub interface: Option<InterfaceName>,
    pub label: Option<String>,
    pub broadcast: Option<Ipv4Addr>,
    pub scope: u8,
}

/// Reads one line of the block at `path`; `None`, with a report, for one that is left out.
pub(super) fn read(context: &mut Context, path: &str, line: &Statement) -> Option<AddressDraft> {
    let words = second_reading(&line.words);
    let (first, options) = words.split_first()?;
    let mut parts = first.bytes.splitn(2, |byte| *byte == b'/');
    let address = values::parse_address(parts.next().unwrap_or_default());
    let prefix = parts.next();
    let Some(address) = address else {
        let message = format!("'{}' is not an IP address; the line is left out", shortened(&first.text()));
        context.report(
            Diagnostic::warning(Name::INVALID_ADDRESS, message)
                .at(first.span)
                .class(ErrorClass::General)
                .gist(format!("VRRP parsed invalid IP {}. skipping IP...", shortened(&first.text()))),
        );
        return None;
    };
    let net = with_prefix(context, first, address, prefix);
    let mut draft =
        AddressDraft { net: Spanned::new(net, first.span), interface: None, label: None, broadcast: None, scope: 0 };
    read_options(context, path, &mut draft, options).map(|()| draft)
}

/// keepalived takes /32 or /128 without a prefix length, and after a bad one.
fn with_prefix(context: &mut Context, word: &Word, address: IpAddr, prefix: Option<&[u8]>) -> IpNet {
    let host = IpNet::from(address);
    let Some(prefix) = prefix else { return host };
    let start = word.span.end - word.quoted as u32 - prefix.len() as u32;
    let span = Span { start, end: start + prefix.len() as u32, ..word.span };
    let prefix_word = Word { span, bytes: word.bytes.last(prefix.len()), quoted: false, second_reading: None };
    if let Some(length) = as_mask(prefix).filter(|_| address.is_ipv4()) {
        let text = prefix_word.text();
        context.report(
            Diagnostic::warning(
                Name::INVALID_NUMBER,
                format!("'{text}' is a mask, not the length of a prefix; /32 is used"),
            )
            .at(span)
            .class(ErrorClass::General)
            .gist(format!("invalid number '{text}'"))
            .help(format!("write /{length}"))
            .fix(Fix::replace(span, length.to_string()).proposed()),
        );
        return host;
    }
    let length = values::integer_in(context, &prefix_word, 0, host.max_prefix_len().into(), Garbage::Dropped);
    let net = length.and_then(|length| IpNet::new(address, length as u8).ok());
    net.unwrap_or(host)
}

/// The prefix length that `255.255.255.0` stands for.
fn as_mask(text: &[u8]) -> Option<u32> {
    let mask: std::net::Ipv4Addr = std::str::from_utf8(text).ok()?.parse().ok()?;
    let bits = u32::from(mask);
    (bits.leading_ones() == bits.count_ones() && bits != 0).then(|| bits.leading_ones())
}

/// `None` when the address has to go because of an option.
fn read_options(context: &mut Context, path: &str, draft: &mut AddressDraft, options: &[Word]) -> Option<()> {
    let mut rest = options.iter();
    while let Some(option) = rest.next() {
        let known = schema::keepalived().block(path).and_then(|block| block.word(&option.bytes));
        let Some(known) = known else {
            let message = format!("'{}' is no option of an address", shortened(&option.text()));
            context.report(
                Diagnostic::warning(Name::UNKNOWN_OPTION, message)
                    .at(option.span)
                    .class(ErrorClass::General)
                    .gist(format!(
                        "Unknown configuration entry '{}' for ip address - ignoring",
                        shortened(&option.text())
                    ))
                    .help("a line holds one address"),
            );
            continue;
        };
        let value = if known.value == Value::None { None } else { Some(rest.next()) };
        if let Some(None) = value {
            context.report(
                Diagnostic::error(Name::MISSING_VALUE, format!("'{}' needs a value", known.name))
                    .at(option.span)
                    .class(ErrorClass::General)
                    .gist(format!("No {} parameter specified for {}", known.name, draft.net.value.addr()))
                    .note("keepalived leaves the address out"),
            );
            return None;
        }
        let value = value.flatten();
        if let Some(consequence) = &known.denies {
            context.report(
                Diagnostic::error(Name::NOT_YET_SUPPORTED, format!("'{}' is not supported yet", known.name))
                    .at(option.span)
                    .note(format!("without it {consequence}, so alived does not run this configuration")),
            );
        } else if known.status != Status::Effective {
            let message = format!("'{}' is not effective yet", known.name);
            context.report(Diagnostic::remark(Name::NOT_YET_EFFECTIVE, message).at(option.span));
        }
        if let Some(value) = value {
            read_option(context, draft, &known.name, value)?;
        }
    }
    Some(())
}

fn read_option(context: &mut Context, draft: &mut AddressDraft, option: &str, value: &Word) -> Option<()> {
    match option {
        "dev" => {
            let name = values::interface_name(context, value)?;
            draft.interface = known_interface(context, name, value.span, &draft.net.value.to_string());
        }
        "label" if value.bytes.len() > MAX_LABEL => {
            context.report(
                Diagnostic::error(Name::LABEL_TOO_LONG, format!("a label has at most {MAX_LABEL} characters"))
                    .at(value.span)
                    .class(ErrorClass::General)
                    .gist(format!(
                        "Address label {} is longer than maximum length {MAX_LABEL} - removing address",
                        value.text()
                    ))
                    .note("keepalived leaves the address out"),
            );
            return None;
        }
        "label" => draft.label = Some(value.text().into_owned()),
        "brd" | "broadcast" => draft.broadcast = broadcast(context, &draft.net.value, value),
        "scope" => draft.scope = scope(context, value).unwrap_or(0),
        _ => {}
    }
    Some(())
}

/// An address, `+` for all host bits set, `-` for none; both need room for host bits.
fn broadcast(context: &mut Context, net: &IpNet, value: &Word) -> Option<Ipv4Addr> {
    if matches!(value.bytes.as_slice(), b"+" | b"-") {
        if net.prefix_len() > 30 {
            let message = format!("/{} leaves no room for a broadcast address", net.prefix_len());
            context.report(values::invalid_value(value.span, message));
            return None;
        }
        return values::ipv4(if value.bytes == b"+" { net.broadcast() } else { net.network() });
    }
    values::address(context, value).and_then(values::ipv4)
}

fn scope(context: &mut Context, value: &Word) -> Option<u8> {
    let named = SCOPES.iter().find(|(name, _)| name.as_bytes() == value.bytes).map(|(_, scope)| *scope);
    let number = || std::str::from_utf8(&value.bytes).ok().and_then(|text| text.parse().ok());
    let scope = named.or_else(number);
    if scope.is_none() {
        let message = format!("'{}' is no scope", shortened(&value.text()));
        context.report(values::invalid_value(value.span, message));
    }
    scope
}
