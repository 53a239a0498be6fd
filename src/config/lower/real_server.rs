//! `real_server`.

use std::net::{IpAddr, SocketAddr};

use crate::config::context::{Context, Spanned};
use crate::config::cursor::{Line, judge, walk_all};
use crate::config::values::{self, Garbage, Script};
use crate::diagnostic::{Diagnostic, ErrorClass, Name};
use crate::model::lvs::Family;
use crate::model::{Forwarding, Global, RealServer, ServerId, Target, TrackFile, Weight};
use crate::source::Span;

use super::checker::{self, CheckerDraft, Surroundings, TimingDraft};
use super::virtual_server::{Header, ServerDraft, endpoint, not_an_endpoint};
use super::{forwarding, notify};

const PATH: &str = "virtual_server.real_server";

/// What a `real_server` block says.
pub(in crate::config) struct RealDraft {
    pub address: Spanned<IpAddr>,
    pub checkers: Vec<CheckerDraft>,
    port: Option<u16>,
    pub(super) forwarding: Option<Forwarding>,
    pub(super) timing: TimingDraft,
    pub(super) virtual_host: Option<String>,
    weight: Option<Weight>,
    upper_threshold: u32,
    lower_threshold: u32,
    pub(super) inhibit_on_failure: Option<bool>,
    notify_up: Option<Spanned<Script>>,
    notify_down: Option<Spanned<Script>>,
    smtp_alert: Option<bool>,
    snmp_name: Option<String>,
}

impl RealDraft {
    /// The family of its address.
    pub(super) fn family(&self) -> Family {
        Family::from(self.address.value)
    }

    fn line(&mut self, context: &mut Context, line: &Line, inherited: Option<Forwarding>) {
        let keyword = line.keyword.name.as_str();
        match keyword {
            "weight" => {
                let weight = values::unsigned(context, line, Garbage::Dropped).and_then(Weight::new);
                self.weight = weight.or(self.weight);
            }
            "lvs_method" => {
                let before = self.forwarding.or(inherited);
                self.forwarding = forwarding::read(context, line, "real", before).or(self.forwarding);
            }
            "uthreshold" => threshold(context, line, &mut self.upper_threshold),
            "lthreshold" => threshold(context, line, &mut self.lower_threshold),
            "inhibit_on_failure" => {
                self.inhibit_on_failure = values::switch(context, line).or(self.inhibit_on_failure);
            }
            "notify_up" => self.notify_up = values::script(context, PATH, line),
            "notify_down" => self.notify_down = values::script(context, PATH, line),
            "smtp_alert" => self.smtp_alert = values::switch(context, line).or(self.smtp_alert),
            "snmp_name" => self.snmp_name = line.argument().map(|word| word.text().into_owned()),
            "virtualhost" => self.virtual_host = line.argument().map(|word| word.text().into_owned()),
            kind if checker::KINDS.contains(&kind) => {
                self.checkers.extend(checker::read(context, line, self.address.value));
            }
            _ if self.timing.line(context, line) => {}
            _ => judge(context, PATH, line),
        }
    }
}

/// A number of connections.
fn threshold(context: &mut Context, line: &Line, value: &mut u32) {
    *value = values::unsigned(context, line, Garbage::Dropped).unwrap_or(*value);
}

/// Reads one block of `server`, which holds what stands above it and learns its family where it had none.
pub(super) fn read(context: &mut Context, block: &Line, server: &mut ServerDraft) -> Option<RealDraft> {
    let first = block.argument()?;
    let Some((address, port)) = endpoint(context, first, block.arguments.get(1)) else {
        context.report(not_an_endpoint(first).class(ErrorClass::General).note("keepalived skips the block"));
        return None;
    };
    let mut real = RealDraft {
        address: Spanned::new(address, block.span()),
        checkers: Vec::new(),
        port,
        forwarding: None,
        timing: TimingDraft::default(),
        virtual_host: None,
        weight: None,
        upper_threshold: 0,
        lower_threshold: 0,
        inhibit_on_failure: None,
        notify_up: None,
        notify_down: None,
        smtp_alert: None,
        snmp_name: None,
    };
    let inherited = server.forwarding;
    walk_all(context, PATH, block.body(), &mut |context, line| real.line(context, &line, inherited));
    fits(context, server, &real).then_some(real)
}

/// Whether the real server is of its virtual server's family, or reached through a tunnel.
fn fits(context: &mut Context, server: &mut ServerDraft, real: &RealDraft) -> bool {
    if server.forwarding_of(real).is_tunnel() {
        return true;
    }
    let fits = *server.family.get_or_insert(real.family()) == real.family();
    if !fits {
        let message = format!("real server {} is of another family than its virtual server", real.address.value);
        context.report(
            Diagnostic::warning(Name::ADDRESS_FAMILY_MISMATCH, message)
                .at(real.address.span)
                .class(ErrorClass::General)
                .gist(format!(
                    "Address family of virtual server and real server {} don't match - skipping real server.",
                    real.address.value
                ))
                .note("it is left out; only TUN can mix families"),
        );
    }
    fits
}

/// The real servers of a virtual server, inherited values and corrections applied.
pub(super) fn finish_all(
    context: &mut Context,
    server: &ServerDraft,
    target: &Target,
    (global, files): (&Global, &[TrackFile]),
) -> Vec<RealServer> {
    let id = target.id();
    let mut seen: Vec<(IpAddr, Option<u16>)> = Vec::new();
    let mut servers: Vec<RealServer> = Vec::new();
    for draft in &server.real_servers {
        let written = (draft.address.value, draft.port);
        let duplicate =
            |message: String| Diagnostic::warning(Name::DUPLICATE_REAL_SERVER, message).at(draft.address.span);
        let message =
            format!("virtual server {id} has real server {} twice; the second is left out", draft.address.value);
        if seen.contains(&written) {
            let gist = format!("VS {id}: real server {} is duplicated - removing second rs", draft.address.value);
            context.report(duplicate(message).class_without_line(ErrorClass::General).gist(gist));
            continue;
        }
        seen.push(written);
        let real = finish(context, server, draft, &id, (global, files));
        // Two that become one only by inheriting a port or having it reset: keepalived lets the kernel refuse the second.
        if holds(&servers, &real) {
            context.report(duplicate(message));
            continue;
        }
        servers.push(real);
    }
    servers
}

/// Whether a real server of that address and port is there: that is what the kernel tells them apart by.
pub(super) fn holds(servers: &[RealServer], real: &RealServer) -> bool {
    servers.iter().any(|server| (server.address, server.port) == (real.address, real.port))
}

fn finish(
    context: &mut Context,
    server: &ServerDraft,
    draft: &RealDraft,
    id: &ServerId,
    (global, files): (&Global, &[TrackFile]),
) -> RealServer {
    let forwarding = server.forwarding_of(draft);
    let address = draft.address.value;
    let what = Server { address, port: draft.port, forwarding, span: draft.address.span, kind: "real server" };
    let port = port(context, server, &what, id);
    let around = Surroundings {
        global,
        files,
        timing: draft.timing.or(&server.timing),
        script_timeout: checker::script_timeout(&server.timing),
        server: SocketAddr::new(address, port),
        virtual_host: draft.virtual_host.as_ref().or(server.virtual_host.as_ref()),
        outer_virtual_host: server.virtual_host.as_ref(),
    };
    let checkers = draft.checkers.iter().filter_map(|checker| checker.finish(context, &around)).collect();
    let mut command = |keyword, script: &Option<_>| {
        script.as_ref().and_then(|script| notify::command(context, keyword, script, global))
    };
    RealServer {
        address,
        port,
        forwarding,
        weight: draft.weight.unwrap_or(server.default_weight()),
        upper_threshold: draft.upper_threshold,
        lower_threshold: draft.lower_threshold,
        inhibit_on_failure: draft.inhibit_on_failure.unwrap_or(server.inhibit_on_failure),
        notify_up: command("notify_up", &draft.notify_up),
        notify_down: command("notify_down", &draft.notify_down),
        // Unlike everything else they are mailed about unless something says otherwise.
        smtp_alert: draft.smtp_alert.or(global.email.alerts.of_checkers()).unwrap_or(true),
        snmp_name: draft.snmp_name.clone(),
        checkers,
    }
}

/// A real or sorry server whose port is to be decided.
pub(super) struct Server {
    pub address: IpAddr,
    /// As written.
    pub port: Option<u16>,
    pub forwarding: Forwarding,
    pub span: Span,
    /// `real server` or `sorry server`
    pub kind: &'static str,
}

/// DR and TUN keep the packet's port, so a port of the server's own cannot work there.
pub(super) fn port(context: &mut Context, server: &ServerDraft, what: &Server, id: &ServerId) -> u16 {
    let inherited = match server.header.value {
        Header::Address(_, port) => port,
        Header::Fwmark(_) => 0,
        // Each of the group's services has its own.
        Header::Group(_) => return what.port.unwrap_or(0),
    };
    let own = what.port.unwrap_or(inherited);
    if !what.forwarding.keeps_port() || own == inherited {
        return own;
    }
    let (method, address) = (method_name(what.forwarding), what.address);
    let message = match server.header.value {
        Header::Address(..) | Header::Group(_) => {
            format!("{id}: {method} cannot change the port of {address}; {inherited} is used, not {own}")
        }
        Header::Fwmark(_) => format!("{id}: {method} cannot change the port of {address}; {own} is ignored"),
    };
    let kind = what.kind;
    context.report(
        Diagnostic::warning(Name::PORT_RESET, message)
            .at(what.span)
            .class_without_line(ErrorClass::General)
            .gist(format!("WARNING - virtual server {id} and {kind} {address}:{own} ports don't match - resetting")),
    );
    inherited
}

/// As the configuration writes it.
fn method_name(forwarding: Forwarding) -> &'static str {
    match forwarding {
        Forwarding::Nat => "NAT",
        Forwarding::Dr => "DR",
        Forwarding::Tun(_) => "TUN",
    }
}
