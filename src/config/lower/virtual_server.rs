//! `virtual_server`: reading its lines (`check/check_parser.c`).

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use crate::config::context::{Context, Spanned};
use crate::config::cursor::{Line, judge, shortened, walk_all};
use crate::config::values::{self, Garbage, Script, invalid_value};
use crate::diagnostic::{Diagnostic, ErrorClass, Name};
use crate::model::ipvs::{EngineName, PersistenceMask, ServiceFlags};
use crate::model::lvs::Family;
use crate::model::{Forwarding, Protocol, Scheduler, Weight};
use crate::source::Span;
use crate::syntax::Word;

use super::checker::TimingDraft;
use super::forwarding;
use super::real_server::{self, RealDraft};
use super::sorry_server::{self, SorryDraft};

const PATH: &str = "virtual_server";

/// What `persistence_timeout` without a value means, and what a service for all ports gets
/// (keepalived.conf(5), `persistence_timeout`).
pub(super) const DEFAULT_PERSISTENCE: Duration = Duration::from_secs(360);

/// Longest name of a persistence engine (`IP_VS_PENAME_MAXLEN` less a NUL).
const LONGEST_ENGINE: usize = 15;

/// What identifies the service, as far as its first line tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::config) enum Header {
    /// Address and port; port 0 is every port.
    Address(IpAddr, u16),
    /// A firewall mark.
    Fwmark(NonZeroU32),
    /// A `virtual_server_group`.
    Group(String),
}

/// What a `virtual_server` block says.
pub(in crate::config) struct ServerDraft {
    pub header: Spanned<Header>,
    pub real_servers: Vec<RealDraft>,
    pub(super) sorry_server: Option<Spanned<SorryDraft>>,
    pub(super) timing: TimingDraft,
    pub(super) virtual_host: Option<String>,
    pub(super) forwarding: Option<Forwarding>,
    /// The family, as far as the lines so far tell.
    pub(super) family: Option<Family>,
    pub(super) protocol: Option<Spanned<Protocol>>,
    pub(super) scheduler: Option<Scheduler>,
    pub(super) flags: ServiceFlags,
    /// Where `ops` stands.
    pub(super) one_packet: Option<Span>,
    pub(super) persistence: Option<Duration>,
    pub(super) granularity: Option<PersistenceMask>,
    pub(super) engine: Option<EngineName>,
    pub(super) weight: Option<Weight>,
    pub(super) inhibit_on_failure: bool,
    pub(super) quorum: Option<Spanned<u32>>,
    pub(super) hysteresis: Option<Spanned<u32>>,
    pub(super) quorum_up: Option<Spanned<Script>>,
    pub(super) quorum_down: Option<Spanned<Script>>,
    pub(super) omega: bool,
    pub(super) ha_suspend: Option<Span>,
    pub(super) smtp_alert: Option<bool>,
    pub(super) snmp_name: Option<String>,
}

/// Reads one block.
pub(super) fn read(context: &mut Context, block: &Line) -> Option<ServerDraft> {
    let header = Spanned::new(header(context, block)?, block.span());
    let family = match &header.value {
        Header::Address(address, _) => Some(Family::from(*address)),
        Header::Fwmark(_) | Header::Group(_) => None,
    };
    let mut server = ServerDraft {
        header,
        real_servers: Vec::new(),
        sorry_server: None,
        timing: TimingDraft::default(),
        virtual_host: None,
        forwarding: None,
        family,
        protocol: None,
        scheduler: None,
        flags: ServiceFlags::default(),
        one_packet: None,
        persistence: None,
        granularity: None,
        engine: None,
        weight: None,
        inhibit_on_failure: false,
        quorum: None,
        hysteresis: None,
        quorum_up: None,
        quorum_down: None,
        omega: false,
        ha_suspend: None,
        smtp_alert: None,
        snmp_name: None,
    };
    walk_all(context, PATH, block.body(), &mut |context, line| server.line(context, &line));
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
        (b"group", Some(name)) => Some(Header::Group(name.text().into_owned())),
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
        let keyword = line.keyword.name.as_str();
        match (keyword, line.argument()) {
            ("ip_family", Some(word)) => self.ip_family(context, line, word),
            ("protocol", Some(word)) => self.protocol(context, line, word),
            ("lb_algo" | "lvs_sched", Some(word)) => self.scheduler(context, word),
            ("ops", _) => {
                self.one_packet = Some(line.span());
                self.flags = self.flags.with(ServiceFlags::ONE_PACKET);
            }
            ("flag-1", _) => self.flags = self.flags.with(ServiceFlags::SCHEDULER_1),
            ("flag-2", _) => self.flags = self.flags.with(ServiceFlags::SCHEDULER_2),
            ("flag-3", _) => self.flags = self.flags.with(ServiceFlags::SCHEDULER_3),
            ("sh-port" | "sh-fallback" | "mh-port" | "mh-fallback", _) => self.scheduler_flag(context, line),
            ("lb_kind" | "lvs_method", Some(_)) => {
                self.forwarding = forwarding::read(context, line, "virtual", self.forwarding).or(self.forwarding);
            }
            ("persistence_timeout", None) => self.persistence = Some(DEFAULT_PERSISTENCE),
            ("persistence_timeout", Some(_)) => {
                if let Some(seconds) = values::unsigned::<u32>(context, line, Garbage::Dropped) {
                    self.persistence = Some(Duration::from_secs(seconds.into()));
                }
            }
            ("persistence_granularity", Some(word)) => self.granularity(context, word),
            ("persistence_engine", Some(word)) => self.engine(context, word),
            ("virtualhost", Some(word)) => self.virtual_host = Some(word.text().into_owned()),
            ("snmp_name", Some(word)) => self.snmp_name = Some(word.text().into_owned()),
            ("weight", Some(_)) => {
                let weight = values::unsigned(context, line, Garbage::Dropped).and_then(Weight::new);
                self.weight = weight.or(self.weight);
            }
            ("inhibit_on_failure", _) => self.inhibit_on_failure = true,
            ("quorum", Some(_)) => {
                let quorum = values::unsigned(context, line, Garbage::Dropped).unwrap_or(1);
                self.quorum = Some(Spanned::new(quorum, line.span()));
            }
            ("hysteresis", Some(_)) => {
                if let Some(hysteresis) = values::unsigned(context, line, Garbage::Dropped) {
                    self.hysteresis = Some(Spanned::new(hysteresis, line.span()));
                }
            }
            ("quorum_up", Some(_)) => self.quorum_up = values::script(context, PATH, line),
            ("quorum_down", Some(_)) => self.quorum_down = values::script(context, PATH, line),
            ("omega", _) => self.omega = true,
            ("ha_suspend", _) => self.ha_suspend = Some(line.span()),
            ("smtp_alert", _) => self.smtp_alert = values::switch(context, line).or(self.smtp_alert),
            ("sorry_server", Some(word)) => {
                let sorry_server = sorry_server::read(context, line, word);
                self.sorry_server = sorry_server.or(self.sorry_server.take());
            }
            ("sorry_server_inhibit" | "sorry_server_lvs_method", _) => {
                sorry_server::option(context, line, &mut self.sorry_server, self.forwarding);
            }
            ("real_server", Some(_)) => {
                let real_server = real_server::read(context, line, self);
                self.real_servers.extend(real_server);
            }
            _ if self.timing.line(context, line) => {}
            _ => judge(context, PATH, line),
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
        if self.family.is_some_and(|known| known != family) {
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
        self.family = Some(family);
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

    fn scheduler(&mut self, context: &mut Context, word: &Word) {
        match std::str::from_utf8(&word.bytes).ok().and_then(Scheduler::new) {
            Some(scheduler) => self.scheduler = Some(scheduler),
            None => {
                let message = format!("unknown scheduler '{}'", shortened(&word.text()));
                let help = format!("the schedulers are {}", Scheduler::NAMES.join(", "));
                let gist = format!("Invalid lvs_scheduler '{}' - ignoring", shortened(&word.text()));
                context.report(invalid_value(word.span, message).gist(gist).help(help));
            }
        }
    }

    /// `sh-port` and its like: the scheduler has to stand above. Of `sh` and `mh` keepalived complains about neither's
    /// flags.
    fn scheduler_flag(&mut self, context: &mut Context, line: &Line) {
        let keyword = line.keyword.name.as_str();
        let (wanted, flag) = match keyword {
            "sh-port" => ("sh", ServiceFlags::SCHEDULER_2),
            "sh-fallback" => ("sh", ServiceFlags::SCHEDULER_1),
            "mh-port" => ("mh", ServiceFlags::SCHEDULER_2),
            _ => ("mh", ServiceFlags::SCHEDULER_1),
        };
        let scheduler = self.scheduler.map_or("", Scheduler::name);
        if scheduler == wanted {
            self.flags = self.flags.with(flag);
            return;
        }
        let message = format!("'{keyword}' needs 'lb_algo {wanted}' before it");
        let diagnostic = Diagnostic::warning(Name::INCOMPATIBLE_SETTINGS, message).at(line.span());
        context.report(match scheduler {
            "sh" | "mh" => diagnostic,
            _ => {
                diagnostic.class(ErrorClass::General).gist(format!("{keyword} only applies to sh scheduler - ignoring"))
            }
        });
    }

    /// A mask for IPv4, a prefix length for IPv6. It decides the family where nothing did so far.
    fn granularity(&mut self, context: &mut Context, word: &Word) {
        let by_look = if word.bytes.contains(&b'.') { Family::Ipv4 } else { Family::Ipv6 };
        let family = self.family.unwrap_or(by_look);
        let mask = match family {
            Family::Ipv4 => {
                let mask = std::str::from_utf8(&word.bytes).ok().and_then(values::classful_address);
                if mask.is_none() {
                    let message = format!("'{}' is no netmask", shortened(&word.text()));
                    let gist = format!("Invalid IPv4 persistence_granularity specified - {}", shortened(&word.text()));
                    context.report(invalid_value(word.span, message).gist(gist));
                }
                mask.map(PersistenceMask::V4)
            }
            Family::Ipv6 => values::integer_in(context, word, 1, 128, Garbage::Dropped)
                .and_then(|prefix| u8::try_from(prefix).ok())
                .map(PersistenceMask::V6),
        };
        if mask.is_some() {
            self.granularity = mask;
            self.family = Some(family);
            self.persistence.get_or_insert(DEFAULT_PERSISTENCE);
        }
    }

    fn engine(&mut self, context: &mut Context, word: &Word) {
        let text = word.text();
        if word.bytes.len() > LONGEST_ENGINE {
            let message = format!("the name of a persistence engine has at most {LONGEST_ENGINE} characters");
            let gist = format!("persistence_name too long, truncating - {}", shortened(&text));
            context.report(invalid_value(word.span, message).gist(gist));
        }
        let end = (0..=LONGEST_ENGINE.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        self.engine = EngineName::new(&text[..end]).or(self.engine.take());
    }

    /// How packets reach a real server.
    pub(super) fn forwarding_of(&self, real_server: &RealDraft) -> Forwarding {
        real_server.forwarding.or(self.forwarding).unwrap_or(Forwarding::Nat)
    }

    /// The weight of real servers that give none.
    pub(super) fn default_weight(&self) -> Weight {
        self.weight.unwrap_or(Weight::DEFAULT)
    }
}
