//! `real_server`.

use std::net::{IpAddr, SocketAddr};

use crate::config::context::{Context, Spanned};
use crate::config::cursor::{Line, walk};
use crate::config::values::{self, Garbage};
use crate::diagnostic::{Diagnostic, ErrorClass, Name};
use crate::model::lvs::Family;
use crate::model::{Forwarding, RealServer, ServerKey, Weight};

use super::checker::{self, CheckerDraft, TimingDraft};
use super::virtual_server::{Header, ServerDraft, endpoint, forwarding, not_an_endpoint};

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
}

impl RealDraft {
    /// The family of its address.
    pub(super) fn family(&self) -> Family {
        if self.address.value.is_ipv4() { Family::Ipv4 } else { Family::Ipv6 }
    }
}

/// Reads one block of `server`, which holds what stands above it.
pub(super) fn read(context: &mut Context, block: &Line, server: &ServerDraft) -> Option<RealDraft> {
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
    };
    walk(context, PATH, block.body(), &mut |context, line| match line.keyword.name.as_str() {
        "weight" => {
            let weight = values::unsigned(context, &line, Garbage::Dropped).and_then(Weight::new);
            real.weight = weight.or(real.weight);
        }
        "lvs_method" => real.forwarding = forwarding(context, &line).or(real.forwarding),
        "virtualhost" => real.virtual_host = line.argument().map(|word| word.text().into_owned()),
        "TCP_CHECK" => real.checkers.push(checker::read_tcp(context, &line)),
        "HTTP_GET" => real.checkers.extend(checker::read_http(context, &line)),
        other => {
            let known = real.timing.line(context, &line);
            assert!(known, "grammar/real_server.conf calls '{other}' effective");
        }
    });
    fits(context, server, &real).then_some(real)
}

/// Whether the real server is of its virtual server's family, or reached through a tunnel.
fn fits(context: &mut Context, server: &ServerDraft, real: &RealDraft) -> bool {
    let tunnelled = server.forwarding_of(real) == Forwarding::Tun;
    let fits = tunnelled || server.known_family().is_none_or(|family| family == real.family());
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
pub(super) fn finish_all(context: &mut Context, server: &ServerDraft, key: &ServerKey) -> Vec<RealServer> {
    let mut seen: Vec<(IpAddr, Option<u16>)> = Vec::new();
    let mut servers: Vec<RealServer> = Vec::new();
    for draft in &server.real_servers {
        let written = (draft.address.value, draft.port);
        let duplicate =
            |message: String| Diagnostic::warning(Name::DUPLICATE_REAL_SERVER, message).at(draft.address.span);
        let message =
            format!("virtual server {key} has real server {} twice; the second is left out", draft.address.value);
        if seen.contains(&written) {
            let gist = format!("VS {key}: real server {} is duplicated - removing second rs", draft.address.value);
            context.report(duplicate(message).class_without_line(ErrorClass::General).gist(gist));
            continue;
        }
        seen.push(written);
        let real = finish(context, server, draft, key);
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

fn finish(context: &mut Context, server: &ServerDraft, draft: &RealDraft, key: &ServerKey) -> RealServer {
    let forwarding = server.forwarding_of(draft);
    let address = draft.address.value;
    let port = port(context, server, draft, forwarding, key);
    let target = SocketAddr::new(address, port);
    let host = draft.virtual_host.as_ref().or(server.virtual_host.as_ref());
    let timing = draft.timing.or(&server.timing);
    RealServer {
        address,
        port,
        forwarding,
        weight: draft.weight.unwrap_or(server.default_weight()),
        checkers: draft.checkers.iter().map(|checker| checker.finish(target, &timing, host)).collect(),
    }
}

/// DR and TUN keep the packet's port, so a port of the real server's own cannot work there.
fn port(
    context: &mut Context,
    server: &ServerDraft,
    draft: &RealDraft,
    forwarding: Forwarding,
    key: &ServerKey,
) -> u16 {
    let inherited = match server.header.value {
        Header::Address(_, port) => port,
        Header::Fwmark(_) => 0,
    };
    let own = draft.port.unwrap_or(inherited);
    if forwarding == Forwarding::Nat || own == inherited {
        return own;
    }
    let (method, address) = (method_name(forwarding), draft.address.value);
    let message = match server.header.value {
        Header::Address(..) => {
            format!("{key}: {method} cannot change the port of {address}; {inherited} is used, not {own}")
        }
        Header::Fwmark(_) => format!("{key}: {method} cannot change the port of {address}; {own} is ignored"),
    };
    context.report(
        Diagnostic::warning(Name::PORT_RESET, message)
            .at(draft.address.span)
            .class_without_line(ErrorClass::General)
            .gist(format!(
                "WARNING - virtual server {key} and real server {address}:{own} ports don't match - resetting"
            )),
    );
    inherited
}

/// As the configuration writes it.
fn method_name(forwarding: Forwarding) -> &'static str {
    match forwarding {
        Forwarding::Nat => "NAT",
        Forwarding::Dr => "DR",
        Forwarding::Tun => "TUN",
    }
}
