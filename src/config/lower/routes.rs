//! Lines of `virtual_routes` and `static_routes`: options in any order, one of them a destination.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use crate::config::context::Context;
use crate::config::cursor::second_reading;
use crate::config::host::NameTable;
use crate::diagnostic::{Diagnostic, Name};
use crate::model::Family;
use crate::model::route::{Hop, Hops, MAIN_TABLE, PROTOCOL_KEEPALIVED, Placement, Route, UNICAST, everything};
use crate::syntax::{Statement, Word};

use super::encapsulation;
use super::route_hops::{hop_interface, read_realms};
use super::route_metrics::metric;
use super::words::{Prefix, Words, address, bad, complain, named, number, prefix, shown};

/// Types of routes (ip-route(8), linux/rtnetlink.h `RTN_*`); one may stand before the destination.
const TYPES: [(&[u8], u8); 12] = [
    (b"unicast", UNICAST),
    (b"local", 2),
    (b"broadcast", 3),
    (b"brd", 3),
    (b"anycast", 4),
    (b"multicast", 5),
    (b"blackhole", 6),
    (b"unreachable", 7),
    (b"prohibit", 8),
    (b"throw", 9),
    (b"nat", 10),
    (b"xresolve", 11),
];
/// A line that is being read.
pub(super) struct Draft<'a> {
    pub(super) line: Words<'a>,
    pub(super) family: Option<Family>,
    pub(super) destination: Option<Prefix>,
    pub(super) kind: Option<u8>,
    pub(super) hop: Hop,
    pub(super) hops: Vec<Hop>,
    pub(super) protocol: Option<u8>,
    pub(super) route: Route,
}

/// A type of route: a name or a number.
pub(super) fn route_type(word: &[u8]) -> Option<u8> {
    let named = TYPES.iter().find(|(name, _)| *name == word).map(|(_, kind)| *kind);
    named.or_else(|| super::words::c_number(word).and_then(|number| u8::try_from(number).ok()))
}

/// Reads one line; `None`, with a report, when keepalived leaves it out. `groups` are the track groups that a static
/// route may name; a virtual one names none.
pub(super) fn read(context: &mut Context, line: &Statement, groups: Option<&BTreeSet<String>>) -> Option<Route> {
    let words = second_reading(&line.words);
    let mut draft = Draft {
        line: Words::new(&words),
        family: None,
        destination: None,
        kind: None,
        hop: Hop::default(),
        hops: Vec::new(),
        protocol: None,
        route: Route {
            destination: everything(Family::V4),
            kind: None,
            from: None,
            source: None,
            tos: 0,
            table: MAIN_TABLE,
            protocol: PROTOCOL_KEEPALIVED,
            scope: None,
            metric: None,
            hops: Hops::One(Hop::default()),
            expires: None,
            preference: None,
            ttl_propagate: None,
            metrics: BTreeMap::new(),
            locked: BTreeSet::new(),
            congestion_control: None,
            placement: Placement::Prepend,
            tracked: true,
            track_group: None,
        },
    };
    draft.words(context, groups)?;
    draft.finish(context, line)
}

impl Draft<'_> {
    fn words(&mut self, context: &mut Context, groups: Option<&BTreeSet<String>>) -> Option<()> {
        while let Some(word) = self.line.next() {
            match word.bytes.as_slice() {
                b"nexthop" => return self.next_hops(context, word),
                b"track_group" if groups.is_some() => self.track_group(context, groups?)?,
                _ => self.word(context, word)?,
            }
        }
        Some(())
    }

    fn word(&mut self, context: &mut Context, word: &Word) -> Option<()> {
        match word.bytes.as_slice() {
            b"inet" => self.settle_by_word(context, word, Family::V4),
            b"inet6" => self.settle_by_word(context, word, Family::V6),
            b"src" => {
                let value = self.line.value(context)?;
                let source = address(context, value, |text| format!("invalid route src address {text}"))?;
                self.route.source = Some(source);
                self.settle(context, word, Family::of(source))
            }
            b"as" => {
                self.line.next_is(b"to");
                self.line.next();
                let gist = "\"as to\" for MPLS only - ignoring".to_owned();
                complain(context, Name::NO_EFFECT, word.span, "'as to' has no effect".to_owned(), gist);
                Some(())
            }
            b"via" | b"gw" => self.gateway(context, word),
            b"or" => self.alternative(context, word),
            b"from" => self.from(context, word),
            b"dev" | b"oif" => {
                let value = self.line.value(context)?;
                self.hop.interface = Some(hop_interface(context, value)?);
                Some(())
            }
            b"onlink" => {
                self.hop.onlink = true;
                Some(())
            }
            b"encap" => {
                self.hop.encapsulation = encapsulation::read(context, &mut self.line, word);
                Some(())
            }
            b"realms" => {
                let value = self.line.value(context)?;
                self.hop.realms = read_realms(context, value)?;
                self.only(context, word, Family::V4, "realms are only valid for IPv4")
            }
            b"tos" | b"dsfield" | b"table" | b"protocol" | b"scope" | b"metric" | b"priority" | b"preference"
            | b"vrf" => self.key(context, word),
            b"expires" => {
                self.only(context, word, Family::V6, "expires is only valid for IPv6")?;
                let value = self.line.value(context)?;
                let expires = number(context, value, u32::MAX.into(), |text| {
                    format!("Invalid expires time {text} specified for route")
                })?;
                self.route.expires = Some(expires);
                Some(())
            }
            b"pref" => self.preference(context, word),
            b"ttl-propagate" => {
                let value = self.line.value(context)?;
                let enabled = value.bytes == b"enabled";
                if !enabled && value.bytes != b"disabled" {
                    let gist = format!("ttl-propagate value {} not recognised", shown(value));
                    let message = "'ttl-propagate' is followed by enabled or disabled".to_owned();
                    complain(context, Name::INVALID_VALUE, value.span, message, gist);
                }
                self.route.ttl_propagate = Some(enabled);
                Some(())
            }
            b"add" => {
                self.route.placement = Placement::Add;
                Some(())
            }
            b"prepend" => {
                self.route.placement = Placement::Prepend;
                Some(())
            }
            b"append" => {
                self.route.placement = Placement::Append;
                Some(())
            }
            b"no_track" => {
                self.route.tracked = false;
                Some(())
            }
            _ => match metric(&word.bytes) {
                Some(metric) => self.metric(context, word, metric),
                None => self.destination(context, word),
            },
        }
    }

    /// An address or a word decides of which family the route is; all others must agree.
    pub(super) fn settle(&mut self, context: &mut Context, word: &Word, family: Family) -> Option<()> {
        if *self.family.get_or_insert(family) == family {
            return Some(());
        }
        let gist = "Cannot mix IPv4 and IPv6 addresses for route".to_owned();
        let message = "the addresses of a route are of one family".to_owned();
        complain(context, Name::ADDRESS_FAMILY_MISMATCH, word.span, message, gist);
        None
    }

    /// `inet`, `inet6`. keepalived steps over the word after it, whatever that is.
    fn settle_by_word(&mut self, context: &mut Context, word: &Word, family: Family) -> Option<()> {
        if *self.family.get_or_insert(family) != family {
            let other = if family == Family::V4 { "inet specified for IPv6" } else { "inet6 specified for IPv4" };
            let message = format!("'{}' on a route of the other family", shown(word));
            complain(context, Name::ADDRESS_FAMILY_MISMATCH, word.span, message, format!("{other} route"));
            return None;
        }
        if let Some(skipped) = self.line.next() {
            let message =
                format!("'{}' is not read: keepalived steps over the word after '{}'", shown(skipped), shown(word));
            context.report(
                Diagnostic::warning(Name::INVALID_VALUE, message)
                    .at(skipped.span)
                    .help("the addresses say of which family a route is; write the word last, or leave it out"),
            );
        }
        Some(())
    }

    /// A word of one family only.
    pub(super) fn only(&mut self, context: &mut Context, word: &Word, family: Family, gist: &str) -> Option<()> {
        if *self.family.get_or_insert(family) == family {
            return Some(());
        }
        let which = if family == Family::V4 { "IPv4" } else { "IPv6" };
        let message = format!("'{}' is for {which} only", shown(word));
        complain(context, Name::ADDRESS_FAMILY_MISMATCH, word.span, message, gist.to_owned());
        None
    }

    fn from(&mut self, context: &mut Context, word: &Word) -> Option<()> {
        let value = self.line.value(context)?;
        let Some(from) = prefix(context, value) else {
            let gist = format!("invalid route from address {}", shown(value));
            return bad(context, value, "'from' needs an IPv6 net".to_owned(), gist);
        };
        let Prefix::Net(IpNet::V6(net)) = from else {
            let gist = format!("route from address only supported with IPv6 ({})", shown(value));
            return bad(context, value, "'from' is for IPv6 only".to_owned(), gist);
        };
        self.settle(context, word, Family::V6)?;
        self.route.from = Some(net);
        Some(())
    }

    /// What the kernel tells routes to one destination apart by, and who put them there.
    fn key(&mut self, context: &mut Context, word: &Word) -> Option<()> {
        let value = self.line.value(context)?;
        let text = shown(value);
        let (table, most) = match word.bytes.as_slice() {
            b"tos" | b"dsfield" => (NameTable::Fields, 255),
            b"protocol" => (NameTable::Protocols, 255),
            b"scope" => (NameTable::Scopes, 255),
            b"table" => (NameTable::Tables, u32::MAX),
            b"vrf" => return self.vrf(context, value),
            _ => {
                let metric = number(context, value, u32::MAX.into(), |text| {
                    format!("Invalid metric {text} specified for route")
                })?;
                self.route.metric = Some(metric);
                return Some(());
            }
        };
        let Some(found) = named(context, &value.bytes, table, most) else {
            let (message, gist) = match table {
                NameTable::Fields => (format!("'{text}' is no TOS value"), format!("TOS value {text} is invalid")),
                NameTable::Protocols => (
                    format!("no routing protocol is called {text}"),
                    format!("Protocol {text} not found or invalid for route"),
                ),
                NameTable::Scopes => {
                    (format!("'{text}' is no scope"), format!("Scope {text} not found or invalid for route"))
                }
                _ => {
                    (format!("no routing table is called {text}"), format!("Routing table {text} not found for route"))
                }
            };
            complain(context, Name::UNKNOWN_REFERENCE, value.span, message, gist);
            return None;
        };
        match table {
            NameTable::Fields => self.route.tos = found as u8,
            NameTable::Protocols => self.protocol = Some(found as u8),
            NameTable::Scopes => self.route.scope = Some(found as u8),
            _ => self.route.table = found,
        }
        Some(())
    }

    /// `vrf NAME`: its table.
    fn vrf(&mut self, context: &mut Context, value: &Word) -> Option<()> {
        let Some(host) = context.host else { return Some(()) };
        let name = crate::model::InterfaceName::new(&value.text())?;
        let text = shown(value);
        let Some(table) = host.vrf_table(&name) else {
            let missing = host.interface(&name) == crate::config::host::Interface::Missing;
            let (message, gist) = if missing {
                (format!("there is no VRF {text}"), format!("VRF {text} not found for route"))
            } else {
                (format!("{text} is no VRF"), format!("Route specified VRF {text} is not a VRF"))
            };
            complain(context, Name::UNKNOWN_REFERENCE, value.span, message, gist);
            return None;
        };
        self.route.table = table;
        Some(())
    }

    fn preference(&mut self, context: &mut Context, word: &Word) -> Option<()> {
        self.only(context, word, Family::V6, "pref is only valid for IPv6")?;
        let value = self.line.value(context)?;
        // RFC 4191 §2.1
        let preference = match value.bytes.as_slice() {
            b"low" => 3,
            b"medium" => 0,
            b"high" => 1,
            _ => number(context, value, 255, |text| format!("Invalid pref value {text} specified for route"))?,
        };
        self.route.preference = Some(preference);
        Some(())
    }

    fn destination(&mut self, context: &mut Context, word: &Word) -> Option<()> {
        let mut word = word;
        if word.bytes == b"to" {
            word = self.line.value(context)?;
        }
        if let Some(kind) = route_type(&word.bytes) {
            self.kind = Some(kind);
            word = self.line.value(context)?;
        }
        let Some(destination) = prefix(context, word) else {
            let text = shown(word);
            let message = format!("'{text}' is neither an option of a route nor a destination");
            complain(context, Name::UNKNOWN_OPTION, word.span, message, format!("unknown route keyword {text}"));
            return None;
        };
        self.destination = Some(destination);
        match destination.family() {
            Some(family) => self.settle(context, word, family),
            None => Some(()),
        }
    }

    fn track_group(&mut self, context: &mut Context, groups: &BTreeSet<String>) -> Option<()> {
        let value = self.line.value(context)?;
        self.route.track_group = super::statics::track_group(context, value, groups);
        Some(())
    }

    fn finish(mut self, context: &mut Context, line: &Statement) -> Option<Route> {
        let Some(destination) = self.destination else {
            let gist = "Route must have a destination".to_owned();
            let message = "a route needs a destination".to_owned();
            complain(context, Name::INCOMPLETE_BLOCK, line.span, message, gist);
            return None;
        };
        let text = line.words.first().map(shown).unwrap_or_default();
        if self.route.tracked {
            if self.protocol.is_some_and(|protocol| protocol != PROTOCOL_KEEPALIVED) {
                let gist = format!(
                    "Route cannot be tracked if protocol is not RTPROT_KEEPALIVED({PROTOCOL_KEEPALIVED}), resetting protocol"
                );
                let message = "a route that is watched has the protocol keepalived".to_owned();
                complain(context, Name::INCOMPATIBLE_SETTINGS, line.span, message, gist);
            }
            self.protocol = None;
            if self.hop.interface.is_none() {
                let gist = format!("Warning - cannot track route {text} with no interface specified, not tracking");
                let message = "keepalived does not notice when this route goes: it names no 'dev'".to_owned();
                complain(context, Name::INCOMPLETE_BLOCK, line.span, message, gist);
            }
        }
        if self.route.track_group.is_some() && self.hop.interface.is_none() {
            let gist = "Static route cannot have track group if no oif specified".to_owned();
            let message = "'track_group' needs 'dev'".to_owned();
            complain(context, Name::INCOMPLETE_BLOCK, line.span, message, gist);
            self.route.track_group = None;
        }
        let family = self.family.unwrap_or(Family::V4);
        self.route.destination = destination.net(family);
        self.route.kind = self.kind;
        self.route.protocol = self.protocol.unwrap_or(PROTOCOL_KEEPALIVED);
        self.route.hops = if self.hops.is_empty() { Hops::One(self.hop) } else { self.several() };
        Some(self.route)
    }
}
