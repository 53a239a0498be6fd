//! What must hold across the lines of a virtual server, and what a service is made of in the end
//! (`check/check_data.c`: `validate_check_config`, `check/ipwrapper.c`: `link_vsg_to_vs`).

use std::collections::HashMap;

use indexmap::IndexMap;
use indexmap::map::Entry;

use crate::config::context::{Context, Spanned};
use crate::diagnostic::{Diagnostic, ErrorClass, Name};
use crate::model::ipvs::ServiceFlags;
use crate::model::lvs::{Family, Persistence};
use crate::model::{
    Forwarding, Global, Protocol, RealServer, Scheduler, ServerId, ServerKey, SorryServer, Target, TrackFile,
    VirtualServer,
};
use crate::source::Span;

use super::notify;
use super::real_server::{self, RealDraft};
use super::server_group::GroupDraft;
use super::sorry_server::SorryDraft;
use super::virtual_server::{DEFAULT_PERSISTENCE, Header, ServerDraft};

/// The virtual servers that can be programmed.
pub(super) fn finish_all(
    context: &mut Context,
    drafts: &[ServerDraft],
    groups: &[GroupDraft],
    global: &Global,
    files: &[TrackFile],
) -> Vec<VirtualServer> {
    let mut servers: IndexMap<ServerId, (VirtualServer, Span)> = IndexMap::new();
    let mut members: HashMap<&str, usize> = HashMap::new();
    for draft in drafts {
        let span = draft.header.span;
        let Some(target) = target(context, draft, groups, &mut members) else { continue };
        let Some(server) = finish(context, draft, target, groups, (global, files)) else { continue };
        let (first, place) = match servers.entry(server.target.id()) {
            Entry::Vacant(vacant) => {
                vacant.insert((server, span));
                continue;
            }
            Entry::Occupied(occupied) => occupied.into_mut(),
        };
        let message = format!("virtual server {} is defined twice", server.target.id());
        context.report(
            Diagnostic::warning(Name::DUPLICATE_VIRTUAL_SERVER, message)
                .at(span)
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

/// What the server's services are; `None`, with a report, when that cannot be said.
fn target<'a>(
    context: &mut Context,
    draft: &'a ServerDraft,
    groups: &[GroupDraft],
    members: &mut HashMap<&'a str, usize>,
) -> Option<Target> {
    let protocol = draft.protocol.map_or(Protocol::Udp, |protocol| protocol.value);
    match &draft.header.value {
        Header::Address(address, port) => {
            Some(Target::Service(ServerKey::Address { protocol, address: *address, port: *port }))
        }
        Header::Fwmark(mark) => Some(Target::Service(ServerKey::Fwmark { mark: *mark, family: family(draft) })),
        Header::Group(name) => {
            let Some(group) = groups.iter().find(|group| group.name.value == *name) else {
                let message = format!("there is no virtual_server_group {name}");
                context.report(
                    Diagnostic::error(Name::UNKNOWN_REFERENCE, message)
                        .at(draft.header.span)
                        .note("keepalived leaves the virtual server out"),
                );
                return None;
            };
            let family = group_family(context, draft, group)?;
            let number = members.entry(name.as_str()).and_modify(|number| *number += 1).or_insert(0);
            Some(Target::Group {
                name: name.clone(),
                number: *number,
                protocol,
                family,
                entries: group.entries.clone(),
            })
        }
    }
}

/// The family that marks without one get. A virtual server of one family cannot have a group with the other one.
fn group_family(context: &mut Context, draft: &ServerDraft, group: &GroupDraft) -> Option<Family> {
    let (has_ipv4, has_ipv6) = (group.has_family(Family::Ipv4), group.has_family(Family::Ipv6));
    let own = non_tunnelled_family(draft);
    let fits = match own {
        None => true,
        Some(Family::Ipv4) => !has_ipv6,
        Some(Family::Ipv6) => !has_ipv4,
    };
    if !fits {
        let name = &group.name.value;
        context.report(
            Diagnostic::error(
                Name::ADDRESS_FAMILY_MISMATCH,
                format!("group {name} has addresses of another family than its virtual server"),
            )
            .at(draft.header.span)
            .also(group.name.span, "the group")
            .note("keepalived leaves the virtual server out; only a group whose servers are all tunnelled can mix families"),
        );
        return None;
    }
    Some(match (has_ipv4, has_ipv6) {
        (false, true) => Family::Ipv6,
        _ => own.unwrap_or(Family::Ipv4),
    })
}

/// The family as the lines, the real servers and the sorry server give it, tunnelled ones aside.
fn non_tunnelled_family(draft: &ServerDraft) -> Option<Family> {
    let sorry = draft.sorry_server.as_ref().filter(|sorry| !sorry_forwarding(draft, &sorry.value).is_tunnel());
    draft.family.or_else(|| sorry.map(|sorry| Family::from(sorry.value.address)))
}

/// The family of a mark: what is known, else what all tunnelled servers have, else IPv4.
fn family(draft: &ServerDraft) -> Family {
    let tunnelled = || {
        let sorry = draft.sorry_server.as_ref().map(|sorry| Family::from(sorry.value.address));
        let mut families = sorry.into_iter().chain(draft.real_servers.iter().map(RealDraft::family));
        let first = families.next()?;
        families.all(|family| family == first).then_some(first)
    };
    non_tunnelled_family(draft).or_else(tunnelled).unwrap_or(Family::Ipv4)
}

fn sorry_forwarding(draft: &ServerDraft, sorry: &SorryDraft) -> Forwarding {
    sorry.forwarding.or(draft.forwarding).unwrap_or(Forwarding::Nat)
}

/// A complaint that keepalived makes after it has read everything.
fn complain(context: &mut Context, name: Name, span: Span, message: String, gist: String) {
    let diagnostic = Diagnostic::warning(name, message).at(span);
    context.report(diagnostic.class_without_line(ErrorClass::General).gist(gist));
}

fn finish(
    context: &mut Context,
    draft: &ServerDraft,
    target: Target,
    groups: &[GroupDraft],
    (global, files): (&Global, &[TrackFile]),
) -> Option<VirtualServer> {
    let (span, id) = (draft.header.span, target.id());
    if draft.real_servers.is_empty() {
        let message = format!("virtual server {id} has no real server and is left out");
        let gist = format!("Virtual server {id} has no real servers - ignoring");
        complain(context, Name::NO_REAL_SERVER, span, message, gist);
        return None;
    }
    let group = groups.iter().find(|group| draft.header.value == Header::Group(group.name.value.clone()));
    let by_address = match &draft.header.value {
        Header::Address(..) => true,
        Header::Fwmark(_) => false,
        Header::Group(_) => group.is_some_and(GroupDraft::has_addresses),
    };
    let by_mark = match &draft.header.value {
        Header::Address(..) => false,
        Header::Fwmark(_) => true,
        Header::Group(_) => group.is_some_and(GroupDraft::has_marks),
    };
    let ha_suspend = ha_suspend(context, draft, &id, by_mark);
    protocol(context, draft, &id, by_address);
    let flags = flags(context, draft, &id, by_address);
    if draft.scheduler.is_none() {
        let default = Scheduler::DEFAULT.name();
        let message = format!("virtual server {id} has no lb_algo; {default} is used");
        let gist = format!("Virtual server {id}: no scheduler set, setting default '{default}'");
        complain(context, Name::DEFAULT_USED, span, message, gist);
    }
    let needs_method = draft.real_servers.iter().any(|real| real.forwarding.is_none())
        || draft.sorry_server.as_ref().is_some_and(|sorry| sorry.value.forwarding.is_none());
    if draft.forwarding.is_none() && needs_method {
        let message = format!("virtual server {id} has no lb_kind; NAT is used");
        let gist = format!("Virtual server {id}: no forwarding method set, setting default NAT");
        complain(context, Name::DEFAULT_USED, span, message, gist);
    }
    let persistence = persistence(context, draft, &id, group);
    let real_servers = real_server::finish_all(context, draft, &target, (global, files));
    let sorry_server = sorry_server(context, draft, &id, &target, &real_servers);
    let (quorum, hysteresis) = quorum(context, draft, &id, &real_servers);
    let mut command = |keyword, script: &Option<_>| {
        script.as_ref().and_then(|script| notify::command(context, keyword, script, global))
    };
    Some(VirtualServer {
        scheduler: draft.scheduler.unwrap_or(Scheduler::DEFAULT),
        flags,
        persistence,
        sorry_server,
        quorum,
        hysteresis,
        quorum_up: command("quorum_up", &draft.quorum_up),
        quorum_down: command("quorum_down", &draft.quorum_down),
        omega: draft.omega,
        ha_suspend,
        smtp_alert: draft.smtp_alert.or(global.email.alerts.of_checkers()).unwrap_or(false),
        snmp_name: draft.snmp_name.clone(),
        real_servers,
        target,
    })
}

/// Marks are no addresses that a host could have or lack.
fn ha_suspend(context: &mut Context, draft: &ServerDraft, id: &ServerId, by_mark: bool) -> bool {
    let Some(span) = draft.ha_suspend.filter(|_| by_mark) else { return draft.ha_suspend.is_some() };
    let message = format!("virtual server {id}: 'ha_suspend' does not work with firewall marks and is ignored");
    let gist = format!("Virtual server {id}: cannot use ha_suspend with fwmarks - clearing ha_suspend");
    complain(context, Name::INCOMPATIBLE_SETTINGS, span, message, gist);
    false
}

fn protocol(context: &mut Context, draft: &ServerDraft, id: &ServerId, by_address: bool) {
    match (by_address, draft.protocol) {
        (false, Some(protocol)) => {
            let message = format!("virtual server {id}: a firewall mark has no protocol; the line is ignored");
            let gist =
                format!("Warning: Virtual server {id}: protocol specified for fwmark - protocol will be ignored");
            complain(context, Name::FWMARK_PROTOCOL, protocol.span, message, gist);
        }
        (true, None) => {
            let message = format!("virtual server {id} has no protocol; UDP is used");
            let gist = format!("Virtual server {id}: no protocol set - defaulting to UDP");
            complain(context, Name::DEFAULT_USED, draft.header.span, message, gist);
        }
        (true, Some(_)) | (false, None) => {}
    }
}

/// One-packet scheduling is for UDP and for marks.
fn flags(context: &mut Context, draft: &ServerDraft, id: &ServerId, by_address: bool) -> ServiceFlags {
    let other = draft.protocol.filter(|protocol| by_address && protocol.value != Protocol::Udp);
    let Some((span, protocol)) = draft.one_packet.zip(other) else { return draft.flags };
    let gist = format!("Virtual server {id}: one packet scheduling requires UDP - resetting");
    let message = format!("virtual server {id}: 'ops' needs UDP and is ignored");
    context.report(
        Diagnostic::warning(Name::INCOMPATIBLE_SETTINGS, message)
            .at(span)
            .also(protocol.span, "the protocol")
            .class_without_line(ErrorClass::General)
            .gist(gist),
    );
    draft.flags.without(ServiceFlags::ONE_PACKET)
}

fn persistence(
    context: &mut Context,
    draft: &ServerDraft,
    id: &ServerId,
    group: Option<&GroupDraft>,
) -> Option<Persistence> {
    let for_all_ports =
        matches!(draft.header.value, Header::Address(_, 0)) || group.is_some_and(GroupDraft::has_port_zero);
    let timeout = match draft.persistence {
        None if for_all_ports => {
            let message = format!("virtual server {id}: a service for all ports is persistent; 360 seconds are used");
            let gist = format!("Virtual server {id}: zero port only valid for persistent services - setting");
            complain(context, Name::ZERO_PORT, draft.header.span, message, gist);
            DEFAULT_PERSISTENCE
        }
        timeout => timeout?,
    };
    Some(Persistence { timeout, granularity: draft.granularity, engine: draft.engine.clone() })
}

fn sorry_server(
    context: &mut Context,
    draft: &ServerDraft,
    id: &ServerId,
    target: &Target,
    real_servers: &[RealServer],
) -> Option<SorryServer> {
    let Spanned { value: sorry, span } = draft.sorry_server.as_ref()?;
    let forwarding = sorry_forwarding(draft, sorry);
    let address = sorry.address;
    let family = match target {
        Target::Service(key) => Some(key.family()),
        Target::Group { .. } => draft.family,
    };
    if !forwarding.is_tunnel() && family.is_some_and(|family| family != Family::from(address)) {
        let message = format!("the sorry server of {id} is of another family than its virtual server");
        let gist =
            format!("Address family of virtual server and sorry server {address} don't match - skipping sorry server.");
        let diagnostic = Diagnostic::warning(Name::ADDRESS_FAMILY_MISMATCH, message).at(*span);
        context.report(diagnostic.class(ErrorClass::General).gist(gist).note("it is left out"));
        return None;
    }
    let what = real_server::Server { address, port: sorry.port, forwarding, span: *span, kind: "sorry server" };
    let port = match forwarding {
        // keepalived gives it no port of its own, which the kernel takes for the one of the packet.
        Forwarding::Nat => sorry.port.unwrap_or(0),
        Forwarding::Dr | Forwarding::Tun(_) => real_server::port(context, draft, &what, id),
    };
    let mut inhibit = sorry.inhibit;
    let twin = real_servers.iter().find(|real| (real.address, real.port) == (address, port));
    if let Some(real) = twin.filter(|real| real.inhibit_on_failure != inhibit) {
        inhibit = real.inhibit_on_failure;
        let message = format!("the sorry server of {id} is also a real server, whose 'inhibit_on_failure' counts");
        let verb = if inhibit { "sett" } else { "clear" };
        let protocol = target.protocol_name();
        let gist = format!(
            "Virtual server {id}: real server [{address}]:{protocol}:{port} matches sorry server, but inhibit setting \
             differs, {verb}ing on sorry server"
        );
        complain(context, Name::INCOMPATIBLE_SETTINGS, *span, message, gist);
    }
    Some(SorryServer { address, port, forwarding, inhibit })
}

/// A quorum that can be reached, and a hysteresis below it. The sums are those of keepalived: 32 bits.
fn quorum(context: &mut Context, draft: &ServerDraft, id: &ServerId, real_servers: &[RealServer]) -> (u32, u32) {
    let total = real_servers.iter().fold(0u32, |sum, real| sum.wrapping_add(real.weight.get()));
    let mut quorum = draft.quorum.map_or(1, |quorum| quorum.value);
    if quorum > total {
        let span = draft.quorum.map_or(draft.header.span, |quorum| quorum.span);
        let message = format!("the quorum {quorum} is more than all real servers weigh: {total}");
        let gist = format!(
            "Warning - quorum {quorum} for {id} exceeds total weight of real servers {total}, reducing quorum to {total}"
        );
        complain(context, Name::QUORUM_OUT_OF_REACH, span, message, gist);
        quorum = total;
    }
    let mut hysteresis = draft.hysteresis.map_or(0, |hysteresis| hysteresis.value);
    if hysteresis >= quorum {
        let lowered = quorum.wrapping_sub(1);
        let span = draft.hysteresis.map_or(draft.header.span, |hysteresis| hysteresis.span);
        let message = format!("the hysteresis {hysteresis} is not less than the quorum {quorum}");
        let gist =
            format!("Virtual server {id}: hysteresis {hysteresis} >= quorum {quorum}; setting hysteresis to {lowered}");
        complain(context, Name::QUORUM_OUT_OF_REACH, span, message, gist);
        hysteresis = lowered;
    }
    (quorum, hysteresis)
}
