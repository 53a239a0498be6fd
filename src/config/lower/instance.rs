//! `vrrp_instance`: reading its lines. What must hold across them is in [`super::instance_checks`].

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use crate::config::context::{Context, Spanned};
use crate::config::cursor::{Line, lines, second_reading, shortened, walk};
use crate::config::values::{self, Garbage, invalid_value};
use crate::diagnostic::{Diagnostic, ErrorClass, Fix, Name};
use crate::model::route::Route;
use crate::model::{Family, InitialState, InterfaceName, Priority, Rule, Version, Vrid};
use crate::source::Span;
use crate::syntax::Word;

use super::Draft;
use super::addresses::{self, AddressDraft};
use super::conduct::ConductDraft;
use super::instance_checks::usable_interface;
use super::notify::NotifyDraft;
use super::routes;
use super::rules::{self, Priorities};
use super::tracking::{self, TrackedDraft};

/// How many characters of `auth_pass` are sent (RFC 2338 §5.3.6).
const AUTH_PASS_LEN: usize = 8;

/// What a `vrrp_instance` block says.
pub(in crate::config) struct InstanceDraft {
    pub name: Spanned<String>,
    pub state: Option<Spanned<InitialState>>,
    pub interface: Option<Spanned<InterfaceName>>,
    pub vrid: Option<Spanned<Vrid>>,
    pub priority: Option<Spanned<Priority>>,
    pub version: Option<Spanned<Version>>,
    pub advert_interval: Option<Spanned<Duration>>,
    pub nopreempt: Option<Span>,
    pub auth_type: Option<Span>,
    /// `auth_type AH`
    pub auth_header: bool,
    pub auth_pass: Option<Spanned<Vec<u8>>>,
    pub source: Option<Spanned<IpAddr>>,
    /// A keyword that means unicast, peers or not.
    pub unicast: Option<Span>,
    pub peers: Vec<IpAddr>,
    pub addresses: Vec<AddressDraft>,
    pub excluded: Vec<AddressDraft>,
    pub routes: Vec<Route>,
    pub rules: Vec<Rule>,
    pub tracked: Vec<TrackedDraft>,
    pub conduct: ConductDraft,
    pub notify: NotifyDraft,
    /// `dont_track_primary`
    pub untracked_primary: bool,
    /// That of the first address it names.
    pub family: Option<Family>,
    /// `mcast_dst_ip`
    pub group: Option<IpAddr>,
    /// Some line of it could not be used, and that has been reported.
    pub broken: bool,
}

/// Reads one block; `before` is what the file says further up.
pub(super) fn read(
    context: &mut Context,
    block: &Line,
    before: &Draft,
    priorities: &mut Priorities,
) -> Option<InstanceDraft> {
    let name = block.argument()?;
    if let Some(extra) = block.arguments.get(1) {
        context.report(
            Diagnostic::error(Name::EXTRA_WORDS, "the name of a vrrp_instance is one word")
                .at(extra.span)
                .class(ErrorClass::General)
                .gist("vrrp_instance must have a name")
                .help("put a name with blanks in double quotes")
                .note("keepalived skips the block"),
        );
        return None;
    }
    let name = Spanned::new(name.text().into_owned(), name.span);
    if let Some(first) = before.instances.iter().find(|instance| instance.name.value == name.value) {
        context.report(
            Diagnostic::error(Name::DUPLICATE_INSTANCE, format!("another vrrp_instance is called {}", name.value))
                .at(name.span)
                .also(first.name.span, "this one")
                .class(ErrorClass::General)
                .gist(format!("vrrp instance {} already defined", name.value))
                .help("rename one of them")
                .note("keepalived skips the second block"),
        );
        return None;
    }
    let mut instance = InstanceDraft {
        name,
        state: None,
        interface: None,
        vrid: None,
        priority: None,
        version: None,
        advert_interval: None,
        nopreempt: None,
        auth_type: None,
        auth_header: false,
        auth_pass: None,
        source: None,
        unicast: None,
        peers: Vec::new(),
        addresses: Vec::new(),
        excluded: Vec::new(),
        routes: Vec::new(),
        rules: Vec::new(),
        tracked: Vec::new(),
        conduct: ConductDraft::default(),
        notify: NotifyDraft::default(),
        untracked_primary: false,
        family: None,
        group: None,
        broken: false,
    };
    walk(context, "vrrp_instance", block.body(), &mut |context, line| {
        instance.line(context, &line, before, priorities);
    });
    Some(instance)
}

impl InstanceDraft {
    /// IPv4 when it names no address at all.
    pub fn family(&self) -> Family {
        self.family.unwrap_or(Family::V4)
    }

    fn line(&mut self, context: &mut Context, line: &Line, before: &Draft, priorities: &mut Priorities) {
        match line.keyword.name.as_str() {
            "authentication" => self.authentication(context, line),
            "virtual_ipaddress" => self.virtual_addresses(context, line),
            "virtual_ipaddress_excluded" => {
                for entry in lines(context, line.body()) {
                    let path = "vrrp_instance.virtual_ipaddress_excluded";
                    self.excluded.extend(addresses::read(context, path, &entry, &BTreeSet::new()));
                }
            }
            "virtual_routes" => {
                for entry in lines(context, line.body()) {
                    self.routes.extend(routes::read(context, &entry, None));
                }
            }
            "virtual_rules" => {
                for entry in lines(context, line.body()) {
                    self.rules.extend(rules::read(context, &entry, priorities, None));
                }
            }
            "unicast_peer" => self.unicast_peers(context, line),
            keyword if tracking::KEYWORDS.contains(&keyword) => {
                tracking::read(context, &self.name.value, line, before, &mut self.tracked);
            }
            "dont_track_primary" => self.untracked_primary = true,
            _ if self.notify.line(context, "vrrp_instance", line) => {}
            "nopreempt" => self.nopreempt = Some(line.span()),
            "preempt" => self.nopreempt = None,
            "native_ipv6" => self.native_ipv6(),
            "mcast_dst_ip" => self.group(context, line),
            _ if self.conduct.read(context, line, &self.name.value) => {}
            _ => self.value(context, line),
        }
    }

    /// The keywords that take one value.
    fn value(&mut self, context: &mut Context, line: &Line) {
        let Some(word) = line.argument() else { return };
        let span = line.span();
        match line.keyword.name.as_str() {
            "state" => self.state(context, word, span),
            "interface" => match values::interface_name(context, word) {
                Some(name) => {
                    let interface = usable_interface(context, name, word.span, &self.name.value);
                    self.broken |= interface.is_none();
                    self.interface = interface.map(|interface| Spanned::new(interface, word.span));
                }
                None => self.broken = true,
            },
            "virtual_router_id" => match values::unsigned(context, line, Garbage::Refused).and_then(Vrid::new) {
                Some(vrid) => self.vrid = Some(Spanned::new(vrid, span)),
                None => self.broken = true,
            },
            "priority" => {
                let priority = values::unsigned(context, line, Garbage::Refused);
                self.priority = Some(Spanned::new(priority.map_or(Priority::DEFAULT, Priority::new), span));
            }
            "advert_int" => {
                let interval = values::duration(context, line).map(|interval| Spanned::new(interval, span));
                self.advert_interval = interval.or(self.advert_interval);
            }
            "mcast_src_ip" => self.source(context, word),
            "unicast_src_ip" => {
                self.unicast.get_or_insert(span);
                self.source(context, word);
            }
            "version" => self.version(context, line),
            other => unreachable!("grammar/vrrp_instance.conf calls '{other}' effective"),
        }
    }

    fn state(&mut self, context: &mut Context, word: &Word, span: Span) {
        let name = &self.name.value;
        let state = match word.bytes.as_slice() {
            b"MASTER" => InitialState::Master,
            b"BACKUP" => InitialState::Backup,
            _ => {
                let text = word.text();
                let text = shortened(&text);
                let message = format!("{name}: unknown state '{text}', taken for BACKUP");
                let diagnostic = Diagnostic::warning(Name::UNKNOWN_STATE, message)
                    .at(word.span)
                    .class(ErrorClass::General)
                    .gist(format!("({name}) unknown state '{text}', defaulting to BACKUP"))
                    .help("write MASTER or BACKUP");
                let meant = match text.to_ascii_uppercase().as_str() {
                    "MASTER" | "ACTIVE" => Some("MASTER"),
                    "BACKUP" | "SLAVE" | "STANDBY" => Some("BACKUP"),
                    _ => None,
                };
                context.report(match meant {
                    Some(meant) => {
                        diagnostic.help(format!("write {meant}")).fix(Fix::replace(word.span, meant).proposed())
                    }
                    None => values::without_punctuation(diagnostic, word),
                });
                InitialState::Backup
            }
        };
        match self.state {
            Some(Spanned { value: InitialState::Master, span: first }) if state == InitialState::Backup => {
                context.report(
                    Diagnostic::warning(Name::CONFLICTING_STATE, format!("{name}: BACKUP after MASTER is ignored"))
                        .at(span)
                        .also(first, "MASTER here")
                        .class(ErrorClass::General)
                        .gist(format!("({name}) state previously set as MASTER - ignoring BACKUP")),
                );
            }
            _ => self.state = Some(Spanned::new(state, span)),
        }
    }

    fn version(&mut self, context: &mut Context, line: &Line) {
        let number = values::integer(context, line, Garbage::Refused);
        let Some(version) = number.and_then(Version::from_number) else { return };
        self.version = Some(Spanned::new(version, line.span()));
    }

    fn authentication(&mut self, context: &mut Context, block: &Line) {
        walk(context, "vrrp_instance.authentication", block.body(), &mut |context, line| {
            let Some(word) = line.argument() else { return };
            match (line.keyword.name.as_str(), word.bytes.as_slice()) {
                ("auth_type", kind @ (b"PASS" | b"AH")) => {
                    self.auth_type = Some(line.span());
                    self.auth_header = kind == b"AH";
                }
                ("auth_type", _) => {
                    let message = format!("unknown authentication type '{}'", shortened(&word.text()));
                    let gist = format!("({}) {message}", self.name.value);
                    context.report(invalid_value(word.span, message).gist(gist).help("write PASS or AH"));
                }
                ("auth_pass", password) => {
                    if password.len() > AUTH_PASS_LEN {
                        let message = format!("the password is cut to its first {AUTH_PASS_LEN} characters");
                        context.report(
                            Diagnostic::warning(Name::LONG_PASSWORD, message)
                                .at(word.span)
                                .class(ErrorClass::General)
                                .gist(format!("Truncating auth_pass to {AUTH_PASS_LEN} characters")),
                        );
                    }
                    let password = password[..password.len().min(AUTH_PASS_LEN)].to_vec();
                    self.auth_pass = Some(Spanned::new(password, word.span));
                }
                (other, _) => unreachable!("grammar/vrrp_instance.conf calls '{other}' effective"),
            }
        });
    }

    /// Notes the family of an address; `None`, with a report, when the address cannot be used.
    fn admit(&mut self, context: &mut Context, address: IpAddr, span: Span) -> Option<IpAddr> {
        let family = Family::of(address);
        let settled = *self.family.get_or_insert(family);
        let name = &self.name.value;
        if settled != family {
            context.report(
                Diagnostic::warning(
                    Name::ADDRESS_FAMILY_MISMATCH,
                    format!("{name}: {address} is of another family than the first address and is left out"),
                )
                .at(span)
                .class(ErrorClass::General)
                .gist(format!("({name}): address family must match VRRP instance [{address}] - ignoring")),
            );
            return None;
        }
        Some(address)
    }

    /// Of the family it says, unless an address has said another; the complaint is made elsewhere.
    fn native_ipv6(&mut self) {
        self.family.get_or_insert(Family::V6);
    }

    fn group(&mut self, context: &mut Context, line: &Line) {
        let Some(word) = line.argument() else { return };
        let Some(address) = values::host_address(context, word) else { return };
        if address.is_multicast() {
            self.group = self.admit(context, address, word.span).or(self.group);
        } else {
            let message = format!("'{address}' is no multicast group; the line is ignored");
            let gist = format!("({}): multicast destination {address} is not a multicast address", self.name.value);
            context.report(values::invalid_value(word.span, message).gist(gist));
        }
    }

    fn source(&mut self, context: &mut Context, word: &Word) {
        if let Some(address) = values::host_address(context, word) {
            let source = self.admit(context, address, word.span).map(|source| Spanned::new(source, word.span));
            self.source = source.or(self.source);
        }
    }

    fn unicast_peers(&mut self, context: &mut Context, block: &Line) {
        self.unicast.get_or_insert(block.span());
        for line in lines(context, block.body()) {
            let words = second_reading(&line.words);
            let Some((first, options)) = words.split_first() else { continue };
            if let Some(address) = values::host_address(context, first) {
                let Some(peer) = self.admit(context, address, first.span) else { continue };
                self.conduct.peer_options(context, peer, options);
                self.peers.push(peer);
            }
        }
    }

    fn virtual_addresses(&mut self, context: &mut Context, block: &Line) {
        for line in lines(context, block.body()) {
            let path = "vrrp_instance.virtual_ipaddress";
            let Some(address) = addresses::read(context, path, &line, &BTreeSet::new()) else { continue };
            if self.admit(context, address.net.value.addr(), address.net.span).is_some() {
                self.addresses.push(address);
            }
        }
    }
}
