//! `vrrp_instance`: settings that contradict each other, and VRRPv3 (`vrrp/vrrp.c`: `vrrp_complete_instance`).

use std::net::IpAddr;

use crate::config::context::Context;
use crate::config::values::parse_address;
use crate::diagnostic::Name;
use crate::schema::Decimal;
use crate::source::Span;
use crate::syntax::Body;

use super::entry::{self, Entry, all, entries, is_set, last, shown};
use super::{complain, complain_later};

/// Longest name of an interface (`IFNAMSIZ` − 1).
pub(super) const LONGEST_INTERFACE: usize = 15;

/// What the checks of one instance share.
struct Subject<'a> {
    name: String,
    body: &'a Body,
    version: i64,
    strict: bool,
    is_master: bool,
    priority: i64,
}

pub(super) fn check_all(context: &mut Context, statements: &Body) {
    let globals: Vec<Entry> = all(statements, "global_defs").collect();
    let global = |keyword: &str| globals.iter().rev().find_map(|block| last(block.body(), keyword));
    let version = global("vrrp_version").and_then(|entry| entry.argument(0).and_then(entry::number)).unwrap_or(2);
    let strict = globals.iter().any(|block| is_set(block.body(), "vrrp_strict"));
    for block in all(statements, "vrrp_instance").filter(|block| block.arguments().len() == 1) {
        check(context, &block, version, strict);
    }
}

fn check(context: &mut Context, block: &Entry, version: i64, strict: bool) {
    let body = block.body();
    let numeric = |keyword| last(body, keyword).and_then(|entry| entry.argument(0).and_then(entry::number));
    let is_master = all(body, "state").any(|entry| entry.text(0) == "MASTER");
    let subject = Subject {
        name: block.text(0),
        body,
        version: numeric("version").filter(|version| matches!(version, 2 | 3)).unwrap_or(version),
        strict: last(body, "strict_mode").map_or(strict, |_| is_set(body, "strict_mode")),
        is_master,
        priority: numeric("priority").unwrap_or(if is_master { 255 } else { 100 }),
    };
    subject.preempt_delay(context);
    subject.authentication(context);
    subject.strict_mode(context);
    subject.families(context);
    subject.virtual_mac(context);
    subject.unicast_ttl(context);
}

impl Subject<'_> {
    fn clash(&self, context: &mut Context, span: Span, message: &str, gist: &str) {
        let name = &self.name;
        complain_later(
            context,
            Name::INCOMPATIBLE_SETTINGS,
            span,
            format!("{name}: {message}"),
            format!("({name}) {gist}"),
        );
    }

    fn preempt_delay(&self, context: &mut Context) {
        let Some(entry) = last(self.body, "preempt_delay") else { return };
        let delay = entry.argument(0).and_then(|word| Decimal::parse(&word.bytes, 6));
        if delay.is_none_or(|delay| delay.scaled == 0) {
            return;
        }
        if self.strict {
            self.clash(
                context,
                entry.span(),
                "strict mode knows no 'preempt_delay'",
                "preempt_delay is incompatible with strict mode - resetting",
            );
        } else if self.is_master {
            self.clash(
                context,
                entry.span(),
                "'preempt_delay' does not go with 'state MASTER' and is ignored",
                "Warning - preempt delay will not work with initial state MASTER - clearing",
            );
        } else if is_set(self.body, "nopreempt") {
            self.clash(
                context,
                entry.span(),
                "'preempt_delay' does not go with 'nopreempt' and is ignored",
                "preempt_delay is incompatible with nopreempt mode - resetting",
            );
        }
    }

    fn authentication(&self, context: &mut Context) {
        let Some(block) = last(self.body, "authentication") else { return };
        let Some(kind) = last(block.body(), "auth_type") else { return };
        let has_password = last(block.body(), "auth_pass").is_some_and(|entry| !entry.text(0).is_empty());
        let is_ah = kind.text(0) == "AH";
        if !has_password || !(is_ah || (kind.text(0) == "PASS" && self.version != 3)) {
            return; // which the lowering reports
        }
        if self.strict {
            let gist = "Strict mode does not support authentication. Ignoring.";
            self.clash(context, kind.span(), "strict mode knows no authentication", gist);
        } else if self.version == 3 {
            let gist = "VRRP version 3 does not support authentication. Ignoring.";
            self.clash(context, kind.span(), "VRRPv3 knows no authentication", gist);
        } else if is_ah && self.is_master && self.priority < 255 {
            let gist = "Initial state master is incompatible with AH authentication - clearing";
            self.clash(context, kind.span(), "'state MASTER' does not go with AH, and BACKUP is used", gist);
        }
    }

    fn strict_mode(&self, context: &mut Context) {
        if !self.strict {
            return;
        }
        if let Some(peers) = last(self.body, "unicast_peer").filter(|peers| !peers.body().is_empty()) {
            let gist = "Unicast peers are not supported in strict mode";
            self.clash(context, peers.span(), "strict mode knows no unicast", gist);
        }
        let state = last(self.body, "state").filter(|_| self.is_master != (self.priority == 255));
        if let Some(state) = state {
            let gist = "State MASTER must match being address owner";
            self.clash(context, state.span(), "in strict mode MASTER and priority 255 belong together", gist);
        }
    }

    /// What says IPv6, or VRRPv2, after addresses that say otherwise.
    fn families(&self, context: &mut Context) {
        let mut family: Option<IpAddr> = None;
        for entry in entries(self.body) {
            match entry.words[0].bytes.as_slice() {
                b"virtual_ipaddress" | b"unicast_peer" => {
                    let first = entries(entry.body()).find_map(|line| address(&line.words[0].bytes));
                    family = family.or(first);
                }
                b"native_ipv6" if family.is_some_and(|family| family.is_ipv4()) => {
                    let (name, span) = (&self.name, entry.span());
                    let message = format!("{name}: 'native_ipv6' after IPv4 addresses");
                    let gist = format!("({name}) Cannot specify native_ipv6 with IPv4 addresses");
                    complain(context, Name::ADDRESS_FAMILY_MISMATCH, span, message, gist);
                }
                b"version" if entry.text(0) == "2" && family.is_some_and(|family| family.is_ipv6()) => {
                    let (name, span) = (&self.name, entry.span());
                    let message = format!("{name}: 'version 2' after IPv6 addresses is ignored");
                    let gist =
                        format!("({name}) vrrp_version 2 conflicts with configured or deduced version; ignoring.");
                    complain(context, Name::INCOMPATIBLE_SETTINGS, span, message, gist);
                }
                _ => {}
            }
        }
    }

    fn virtual_mac(&self, context: &mut Context) {
        for keyword in ["use_vmac", "use_ipvlan"] {
            for entry in all(self.body, keyword) {
                let long =
                    entry.arguments().iter().find(|word| word.bytes.len() > LONGEST_INTERFACE && !is_mac(&word.bytes));
                if let Some(long) = long {
                    let message = format!("'{}' is too long for the name of an interface", shown(long));
                    let gist =
                        format!("VMAC interface name '{}' too long or invalid characters - ignoring", shown(long));
                    complain(context, Name::INVALID_INTERFACE, long.span, message, gist);
                }
            }
        }
        let virtual_mac = ["use_vmac", "use_ipvlan"].iter().any(|keyword| last(self.body, keyword).is_some());
        if let Some(entry) = last(self.body, "vmac_xmit_base").filter(|_| !virtual_mac) {
            let gist = "vmac_xmit_base is only valid with a vmac";
            self.clash(context, entry.span(), "'vmac_xmit_base' needs 'use_vmac'", gist);
        }
    }

    fn unicast_ttl(&self, context: &mut Context) {
        let peers = last(self.body, "unicast_peer").is_some_and(|peers| !peers.body().is_empty());
        if let Some(entry) = last(self.body, "unicast_ttl").filter(|_| !peers) {
            let gist = "Cannot use unicast_ttl without unicast peers - resetting";
            self.clash(context, entry.span(), "'unicast_ttl' needs 'unicast_peer'", gist);
        }
    }
}

/// The address that a line of addresses begins with.
fn address(word: &[u8]) -> Option<IpAddr> {
    parse_address(word.split(|byte| *byte == b'/').next().unwrap_or_default())
}

/// Six pairs of hexadecimal digits: 17 characters, and no name.
fn is_mac(word: &[u8]) -> bool {
    word.len() == 17
        && word.iter().enumerate().all(|(at, byte)| if at % 3 == 2 { *byte == b':' } else { byte.is_ascii_hexdigit() })
}
