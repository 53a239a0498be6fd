//! `virtual_server`: reading its lines, and what must hold across them (`check/check_data.c`: `validate_check_config`).

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use indexmap::IndexMap;
use indexmap::map::Entry;

use crate::config::context::{Context, Spanned};
use crate::config::cursor::{Line, shortened, walk};
use crate::config::values::{self, Garbage, invalid_value};
use crate::diagnostic::{Diagnostic, ErrorClass, Name};
use crate::model::lvs::Family;
use crate::model::{Forwarding, Protocol, Scheduler, ServerKey, VirtualServer, Weight};
use crate::source::Span;
use crate::syntax::Word;

use super::checker::TimingDraft;
use super::real_server::{self, RealDraft};

/// What `persistence_timeout` without a value means, and what a service for all ports gets
/// (keepalived.conf(5), `persistence_timeout`).
const DEFAULT_PERSISTENCE: Duration = Duration::from_secs(360);

/// What identifies the service, as far as its first line tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum Header {
    /// Address and port; port 0 is every port.
    Address(IpAddr, u16),
    /// A firewall mark.
    Fwmark(NonZeroU32),
}

/// What a `virtual_server` block says.
pub(in crate::config) struct ServerDraft {
    pub header: Spanned<Header>,
    pub real_servers: Vec<RealDraft>,
    pub(super) timing: TimingDraft,
    pub(super) virtual_host: Option<String>,
    pub(super) forwarding: Option<Forwarding>,
    ip_family: Option<Family>,
    protocol: Option<Spanned<Protocol>>,
    scheduler: Option<Scheduler>,
    persistence: Option<Duration>,
    weight: Option<Weight>,
}

/// Reads one block.
pub(super) fn read(context: &mut Context, block: &Line) -> Option<ServerDraft> {
    let header = Spanned::new(header(context, block)?, block.span());
    let mut server = ServerDraft {
        header,
        real_servers: Vec::new(),
        timing: TimingDraft::default(),
        virtual_host: None,
        forwarding: None,
        ip_family: None,
        protocol: None,
        scheduler: None,
        persistence: None,
        weight: None,
    };
    walk(context, "virtual_server", block.body(), &mut |context, line| server.line(context, &line));
    Some(server)
}

/// `ADDRESS [PORT]`, `fwmark N` or `group NAME`
fn header(context: &mut Context, block: &Line) -> Option<Header> {
    let skipped = |diagnostic: Diagnostic| diagnostic.class(ErrorClass::General).note("keepalived skips the block");
    let first = block.argument()?;
    match (first.bytes.as_slice(), block.arguments.get(1)) {
        (b"fwmark", Some(mark)) => {
            let number = values::integer_in(context, mark, 0, u32::MAX.into(), Garbage::Dropped);
            let mark_of = |number: i128| u32::try_from(number).ok().and_then(NonZeroU32::new);
            let header = number.and_then(mark_of).map(Header::Fwmark);
            if header.is_none() {
                let message = format!("'{}' is no firewall mark", shortened(&mark.text()));
                let help = "a mark is a number from 1 to 4294967295; 0 means no mark to the kernel";
                context.report(skipped(Diagnostic::error(Name::INVALID_SERVER, message).at(mark.span).help(help)));
            }
            header
        }
        (b"group", Some(_)) => {
            context.report(
                Diagnostic::error(Name::NOT_YET_SUPPORTED, "'virtual_server group' is not supported yet")
                    .at(block.span())
                    .note("its addresses would have no service, so alived does not run this configuration"),
            );
            None
        }
        (_, port) => {
            let endpoint = endpoint(context, first, port);
            if endpoint.is_none() {
                let gist = format!("Invalid virtual server IP address {} - skipping", shortened(&first.text()));
                context.report(skipped(not_an_endpoint(first)).gist(gist));
            }
            endpoint.map(|(address, port)| Header::Address(address, port.unwrap_or(0)))
        }
    }
}

/// The complaint about something that should be an address and a port.
pub(super) fn not_an_endpoint(address: &Word) -> Diagnostic {
    let message = format!("'{}' and what follows are no address and port", shortened(&address.text()));
    Diagnostic::error(Name::INVALID_SERVER, message)
        .at(address.span)
        .help("write an IP address, a blank, and a port: 192.0.2.1 80")
}

/// An address and, if it is there, a port; `None` when one of them is wrong. A port of 0 counts as none.
pub(super) fn endpoint(context: &mut Context, address: &Word, port: Option<&Word>) -> Option<(IpAddr, Option<u16>)> {
    let end = address.bytes.iter().position(|byte| matches!(byte, b'/' | b'-')).unwrap_or(address.bytes.len());
    let address = values::parse_address(&address.bytes[..end])?;
    let is_zero = |port: &&Word| !port.bytes.is_empty() && port.bytes.iter().all(|byte| *byte == b'0');
    let port = match port.filter(|port| !is_zero(port)) {
        None => None,
        Some(port) => Some(values::integer_in(context, port, 1, 65535, Garbage::Dropped)? as u16),
    };
    Some((address, port))
}

impl ServerDraft {
    fn line(&mut self, context: &mut Context, line: &Line) {
        let Some(word) = line.argument() else {
            if line.keyword.name == "persistence_timeout" {
                self.persistence = Some(DEFAULT_PERSISTENCE);
            }
            return;
        };
        let keyword = line.keyword.name.as_str();
        match keyword {
            "ip_family" => self.ip_family(context, line, word),
            "protocol" => self.protocol(context, line, word),
            "lb_algo" | "lvs_sched" => match std::str::from_utf8(&word.bytes).ok().and_then(Scheduler::new) {
                Some(scheduler) => self.scheduler = Some(scheduler),
                None => {
                    let message = format!("unknown scheduler '{}'", shortened(&word.text()));
                    let help = format!("the schedulers are {}", Scheduler::NAMES.join(", "));
                    let gist = format!("Invalid lvs_scheduler '{}' - ignoring", shortened(&word.text()));
                    context.report(invalid_value(word.span, message).gist(gist).help(help));
                }
            },
            "lb_kind" | "lvs_method" => self.forwarding = forwarding(context, line).or(self.forwarding),
            "persistence_timeout" => {
                if let Some(seconds) = values::unsigned::<u32>(context, line, Garbage::Dropped) {
                    self.persistence = Some(Duration::from_secs(seconds.into()));
                }
            }
            "virtualhost" => self.virtual_host = Some(word.text().into_owned()),
            "weight" => {
                let weight = values::unsigned(context, line, Garbage::Dropped).and_then(Weight::new);
                self.weight = weight.or(self.weight);
            }
            "real_server" => {
                let real_server = real_server::read(context, line, self);
                self.real_servers.extend(real_server);
            }
            _ => {
                let known = self.timing.line(context, line);
                assert!(known, "grammar/virtual_server.conf calls '{keyword}' effective");
            }
        }
    }

    fn ip_family(&mut self, context: &mut Context, line: &Line, word: &Word) {
        let family = match word.bytes.as_slice() {
            b"inet" => Family::Ipv4,
            b"inet6" => Family::Ipv6,
            _ => {
                let message = format!("'{}' is neither inet nor inet6", shortened(&word.text()));
                return context.report(invalid_value(word.span, message));
            }
        };
        if self.known_family().is_some_and(|known| known != family) {
            context.report(
                Diagnostic::warning(
                    Name::ADDRESS_FAMILY_MISMATCH,
                    "'ip_family' contradicts the addresses and is ignored",
                )
                .at(line.span())
                .also(self.header.span, "the family is known from here")
                .class(ErrorClass::General),
            );
            return;
        }
        self.ip_family = Some(family);
    }

    fn protocol(&mut self, context: &mut Context, line: &Line, word: &Word) {
        let names = [("TCP", Protocol::Tcp), ("UDP", Protocol::Udp), ("SCTP", Protocol::Sctp)];
        let protocol = names.iter().find(|(name, _)| word.bytes.eq_ignore_ascii_case(name.as_bytes()));
        match protocol {
            Some((_, protocol)) => self.protocol = Some(Spanned::new(*protocol, line.span())),
            None => {
                let message = format!("'{}' is none of TCP, UDP, SCTP", shortened(&word.text()));
                let gist = format!("Unknown protocol {} - ignoring", shortened(&word.text()));
                context.report(invalid_value(word.span, message).gist(gist));
            }
        }
    }

    /// The family, as far as the lines so far tell.
    pub(super) fn known_family(&self) -> Option<Family> {
        match self.header.value {
            Header::Address(IpAddr::V4(_), _) => Some(Family::Ipv4),
            Header::Address(IpAddr::V6(_), _) => Some(Family::Ipv6),
            Header::Fwmark(_) => self.ip_family.or_else(|| {
                let direct = |real: &&RealDraft| self.forwarding_of(real) != Forwarding::Tun;
                self.real_servers.iter().find(direct).map(RealDraft::family)
            }),
        }
    }

    /// How packets reach a real server.
    pub(super) fn forwarding_of(&self, real_server: &RealDraft) -> Forwarding {
        real_server.forwarding.or(self.forwarding).unwrap_or(Forwarding::Nat)
    }

    fn family(&self) -> Family {
        let tunnelled = || {
            let mut families = self.real_servers.iter().map(RealDraft::family);
            let first = families.next()?;
            families.all(|family| family == first).then_some(first)
        };
        self.known_family().or_else(tunnelled).unwrap_or(Family::Ipv4)
    }

    fn key(&self, protocol: Protocol) -> ServerKey {
        match self.header.value {
            Header::Address(address, port) => ServerKey::Address { protocol, address, port },
            Header::Fwmark(mark) => ServerKey::Fwmark { mark, family: self.family() },
        }
    }

    /// The weight of real servers that give none.
    pub(super) fn default_weight(&self) -> Weight {
        self.weight.unwrap_or(Weight::DEFAULT)
    }
}

/// `NAT`, `DR`, `TUN [type ipip]`
pub(super) fn forwarding(context: &mut Context, line: &Line) -> Option<Forwarding> {
    let word = line.argument()?;
    let method = match word.bytes.as_slice() {
        b"NAT" => Forwarding::Nat,
        b"DR" => Forwarding::Dr,
        b"TUN" => Forwarding::Tun,
        _ => {
            let message = format!("'{}' is none of NAT, DR, TUN", shortened(&word.text()));
            let gist = format!("PARSER : unknown [{}] routing method for virtual server.", shortened(&word.text()));
            context.report(invalid_value(word.span, message).gist(gist));
            return None;
        }
    };
    let options = &line.arguments[1..];
    let plain = matches!(options, [kind, ipip] if kind.bytes == b"type" && ipip.bytes == b"ipip");
    if let (Forwarding::Tun, false, [first, .., last] | [first @ last]) = (method, plain, options) {
        context.report(
            Diagnostic::error(Name::NOT_YET_SUPPORTED, "options of TUN are not supported yet")
                .at(first.span.to(last.span))
                .note("the tunnel would have another type, so alived does not run this configuration"),
        );
    }
    Some(method)
}

/// The services that can be programmed.
pub(super) fn finish_all(context: &mut Context, drafts: &[ServerDraft]) -> Vec<VirtualServer> {
    let mut servers: IndexMap<ServerKey, (VirtualServer, Span)> = IndexMap::new();
    for draft in drafts {
        let Some(server) = finish(context, draft) else { continue };
        let (first, place) = match servers.entry(server.key) {
            Entry::Vacant(vacant) => {
                vacant.insert((server, draft.header.span));
                continue;
            }
            Entry::Occupied(occupied) => occupied.into_mut(),
        };
        let message = format!("virtual server {} is defined twice", server.key);
        context.report(
            Diagnostic::warning(Name::DUPLICATE_VIRTUAL_SERVER, message)
                .at(draft.header.span)
                .also(*place, "first here")
                .note("the real servers of both are put into one service, which has the options of the first"),
        );
        for real in server.real_servers {
            if !real_server::holds(&first.real_servers, &real) {
                first.real_servers.push(real);
            }
        }
    }
    servers.into_values().map(|(server, _)| server).collect()
}

fn finish(context: &mut Context, draft: &ServerDraft) -> Option<VirtualServer> {
    let span = draft.header.span;
    let key = draft.key(draft.protocol.map_or(Protocol::Udp, |protocol| protocol.value));
    let complain = |context: &mut Context, name, message: String, gist: String, span| {
        let diagnostic = Diagnostic::warning(name, message).at(span);
        context.report(diagnostic.class_without_line(ErrorClass::General).gist(gist));
    };
    if draft.real_servers.is_empty() {
        let message = format!("virtual server {key} has no real server and is left out");
        let gist = format!("Virtual server {key} has no real servers - ignoring");
        complain(context, Name::NO_REAL_SERVER, message, gist, span);
        return None;
    }
    match (draft.header.value, draft.protocol) {
        (Header::Fwmark(_), Some(protocol)) => {
            let message = format!("virtual server {key}: a firewall mark has no protocol; the line is ignored");
            let gist =
                format!("Warning: Virtual server {key}: protocol specified for fwmark - protocol will be ignored");
            complain(context, Name::FWMARK_PROTOCOL, message, gist, protocol.span);
        }
        (Header::Address(..), None) => {
            let message = format!("virtual server {key} has no protocol; UDP is used");
            let gist = format!("Virtual server {key}: no protocol set - defaulting to UDP");
            complain(context, Name::DEFAULT_USED, message, gist, span);
        }
        _ => {}
    }
    if draft.scheduler.is_none() {
        let default = Scheduler::DEFAULT.name();
        let message = format!("virtual server {key} has no lb_algo; {default} is used");
        let gist = format!("Virtual server {key}: no scheduler set, setting default '{default}'");
        complain(context, Name::DEFAULT_USED, message, gist, span);
    }
    if draft.forwarding.is_none() && draft.real_servers.iter().any(|real| real.forwarding.is_none()) {
        let message = format!("virtual server {key} has no lb_kind; NAT is used");
        let gist = format!("Virtual server {key}: no forwarding method set, setting default NAT");
        complain(context, Name::DEFAULT_USED, message, gist, span);
    }
    let persistence = match (draft.header.value, draft.persistence) {
        (Header::Address(_, 0), None) => {
            let message = format!("virtual server {key}: a service for all ports is persistent; 360 seconds are used");
            let gist = format!("Virtual server {key}: zero port only valid for persistent services - setting");
            complain(context, Name::ZERO_PORT, message, gist, span);
            Some(DEFAULT_PERSISTENCE)
        }
        (_, persistence) => persistence,
    };
    Some(VirtualServer {
        key,
        scheduler: draft.scheduler.unwrap_or(Scheduler::DEFAULT),
        persistence,
        real_servers: real_server::finish_all(context, draft, &key),
    })
}
