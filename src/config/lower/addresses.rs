//! The lines of `virtual_ipaddress`, `virtual_ipaddress_excluded` and `static_ipaddress`: an address, then options in any order.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use crate::config::context::{Context, Spanned};
use crate::config::cursor::{second_reading, shortened};
use crate::config::host::NameTable;
use crate::config::values::{self, Garbage};
use crate::diagnostic::{Diagnostic, ErrorClass, Fix, Name};
use crate::model::{AddressOptions, InterfaceName, VirtualAddress};
use crate::schema::{self, Status, Value};
use crate::source::Span;
use crate::syntax::{Statement, Word};

use super::instance_checks::known_interface;

/// Longest label, without its NUL (`IFNAMSIZ`, linux/if.h).
const MAX_LABEL: usize = 15;

/// Options that stand alone, with their bits (linux/if_addr.h).
const FLAGS: [(&str, u32); 4] = [("home", 0x10), ("mngtmpaddr", 0x100), ("noprefixroute", 0x200), ("autojoin", 0x400)];

/// One line.
pub(in crate::config) struct AddressDraft {
    /// The address and its prefix length.
    pub net: Spanned<IpNet>,
    pub interface: Option<InterfaceName>,
    pub label: Option<String>,
    pub broadcast: Option<Ipv4Addr>,
    pub scope: u8,
    pub options: AddressOptions,
}

impl AddressDraft {
    /// The address, on `own` unless the line names another interface.
    pub fn on(&self, own: &InterfaceName) -> VirtualAddress {
        VirtualAddress {
            net: self.net.value,
            interface: self.interface.clone().unwrap_or_else(|| own.clone()),
            label: self.label.clone(),
            broadcast: self.broadcast,
            scope: self.scope,
            options: self.options.clone(),
        }
    }
}

/// Reads one line of the block at `path`; `None`, with a report, for one that is left out. `groups` are the track groups
/// that a static address may name.
pub(super) fn read(
    context: &mut Context,
    path: &str,
    line: &Statement,
    groups: &BTreeSet<String>,
) -> Option<AddressDraft> {
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
    let mut draft = AddressDraft {
        net: Spanned::new(net, first.span),
        interface: None,
        label: None,
        broadcast: None,
        scope: 0,
        options: AddressOptions::default(),
    };
    read_options(context, path, &mut draft, options, groups)?;
    of_one_family(context, &mut draft);
    Some(draft)
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
fn read_options(
    context: &mut Context,
    path: &str,
    draft: &mut AddressDraft,
    options: &[Word],
    groups: &BTreeSet<String>,
) -> Option<()> {
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
        match value {
            Some(value) if known.name == "track_group" => {
                draft.options.track_group = super::statics::track_group(context, value, groups);
            }
            Some(value) => read_option(context, draft, &known.name, value)?,
            None => flag(draft, &known.name),
        }
    }
    Some(())
}

fn read_option(context: &mut Context, draft: &mut AddressDraft, option: &str, value: &Word) -> Option<()> {
    match option {
        "dev" if draft.interface.is_some() => {
            let address = draft.net.value.addr();
            let gist = format!("Cannot specify ipaddress device more than once for {address}");
            complain(context, Name::SECOND_IGNORED, value, "an address is on one interface".to_owned(), gist);
            return None;
        }
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
        "brd" | "broadcast" if draft.net.value.addr().is_ipv6() => {
            let address = draft.net.value.addr();
            let gist = format!("VRRP is trying to assign a broadcast {option} to the IPv6 address {address}");
            let message = "an IPv6 address has no broadcast address; the address is left out".to_owned();
            complain(context, Name::ADDRESS_FAMILY_MISMATCH, value, message, gist);
            return None;
        }
        "peer" => peer(context, draft, value),
        "preferred_lft" if value.bytes == b"forever" => draft.options.preferred_lifetime = Some(u32::MAX),
        "preferred_lft" => {
            let seconds = values::integer_in(context, value, 0, u32::MAX.into(), Garbage::Refused);
            let seconds = seconds.and_then(|seconds| u32::try_from(seconds).ok());
            draft.options.preferred_lifetime = seconds.or(draft.options.preferred_lifetime);
        }
        "brd" | "broadcast" => draft.broadcast = broadcast(context, &draft.net.value, value),
        "scope" => draft.scope = scope(context, value).unwrap_or(0),
        _ => {}
    }
    Some(())
}

/// The options that stand alone.
fn flag(draft: &mut AddressDraft, option: &str) {
    match option {
        "-nodad" => draft.options.detect_duplicates = true,
        "no_track" => draft.options.untracked = true,
        _ => {
            let known = FLAGS.iter().find(|(name, _)| *name == option);
            draft.options.flags |= known.map_or(0, |(_, bit)| *bit);
        }
    }
}

/// The other end of a link; the address then has no net of its own.
fn peer(context: &mut Context, draft: &mut AddressDraft, value: &Word) {
    let text = shortened(&value.text()).into_owned();
    let own = draft.net.value;
    let Some(peer) = values::parse_address(&value.bytes) else {
        let gist = format!("Invalid peer address {text}");
        return complain(context, Name::INVALID_ADDRESS, value, format!("'{text}' is no IP address"), gist);
    };
    if draft.options.peer.is_some() {
        let gist = format!("Peer {text} - another peer has already been specified");
        return complain(context, Name::SECOND_IGNORED, value, "a second 'peer' is ignored".to_owned(), gist);
    }
    if peer.is_ipv4() != own.addr().is_ipv4() {
        let gist = format!("Peer address {text} does not match address family");
        let message = "the peer of an address is of its family".to_owned();
        return complain(context, Name::ADDRESS_FAMILY_MISMATCH, value, message, gist);
    }
    if own.prefix_len() != own.max_prefix_len() {
        let gist = "Cannot specify address prefix when specifying peer address - ignoring".to_owned();
        let message = "an address with a peer has no net; its prefix length is ignored".to_owned();
        complain(context, Name::INCOMPATIBLE_SETTINGS, value, message, gist);
    }
    draft.net.value = IpNet::from(own.addr());
    draft.options.peer = Some(peer);
}

/// What an address of the family cannot have.
fn of_one_family(context: &mut Context, draft: &mut AddressDraft) {
    let address = draft.net.value.addr();
    let mut complain = |message: String, gist: String| {
        context.report(
            Diagnostic::warning(Name::ADDRESS_FAMILY_MISMATCH, message)
                .at(draft.net.span)
                .class(ErrorClass::General)
                .gist(gist),
        );
    };
    if draft.options.peer.is_some() && draft.broadcast.take().is_some() {
        let gist = "Cannot specify broadcast and peer addresses - ignoring broadcast address".to_owned();
        complain(format!("{address} has a peer, and therefore no broadcast address"), gist);
    }
    if address.is_ipv4() {
        return;
    }
    if std::mem::take(&mut draft.scope) != 0 {
        let gist = format!("Cannot specify scope for IPv6 addresses ({address}) - ignoring scope");
        complain(format!("{address}: IPv6 addresses have their scope in themselves"), gist);
    }
    if draft.label.take().is_some() {
        let gist = format!("Cannot specify label for IPv6 addresses ({address}) - ignoring label");
        complain(format!("{address}: IPv6 addresses have no labels"), gist);
    }
}

fn complain(context: &mut Context, name: Name, word: &Word, message: String, gist: String) {
    super::words::complain(context, name, word.span, message, gist);
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
    let scope = super::words::named(context, &value.bytes, NameTable::Scopes, 255).map(|scope| scope as u8);
    if scope.is_none() {
        let message = format!("'{}' is no scope", shortened(&value.text()));
        context.report(values::invalid_value(value.span, message));
    }
    scope
}
