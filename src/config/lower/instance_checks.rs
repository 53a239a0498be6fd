//! What must hold across the lines of an instance, and across instances (`vrrp/vrrp.c`: `vrrp_complete_instance`,
//! `check_vrid_conflicts`).

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::config::context::{Context, Spanned};
use crate::config::host::Interface;
use crate::diagnostic::{Diagnostic, ErrorClass, Name};
use crate::model::route::{Hop, Hops};
use crate::model::{
    AdvertInterval, Authentication, Family, Global, InitialState, InstanceDefaults, InterfaceName, Notify, Owned,
    Priority, TrackWeight, Tracked, TrackedObject, Transport, Version, VirtualAddress, VrrpInstance,
};
use crate::source::Span;

use super::statics::Stands;
use super::sync_group::Membership;
use super::tracking::TrackedDraft;
use super::{Draft, InstanceDraft, SyncGroupDraft};

/// Most addresses that the count field of an advert can tell (RFC 3768 §5.3.5).
const MAX_ADDRESSES: usize = 255;

/// The interface of an instance; reports one that is missing or cannot carry VRRP.
pub(super) fn usable_interface(
    context: &mut Context,
    name: InterfaceName,
    span: Span,
    instance: &str,
) -> Option<InterfaceName> {
    let kind = context.host.map_or(Interface::Usable, |host| host.interface(&name));
    if kind == Interface::Loopback {
        context.report(
            Diagnostic::error(Name::LOOPBACK_INTERFACE, format!("{instance}: {name} is a loopback interface"))
                .at(span)
                .class(ErrorClass::General)
                .gist(format!("({instance}) cannot use a loopback interface ({name}) for vrrp - ignoring"))
                .help("name the interface that the peers are reached through"),
        );
        return None;
    }
    known_interface(context, name, span, instance)
}

/// An interface that the configuration needs; reports one that the machine does not have.
pub(super) fn known_interface(
    context: &mut Context,
    name: InterfaceName,
    span: Span,
    user: &str,
) -> Option<InterfaceName> {
    let kind = context.host.map_or(Interface::Usable, |host| host.interface(&name));
    if kind == Interface::Missing && !context.dynamic_interfaces {
        let diagnostic =
            Diagnostic::error(Name::UNKNOWN_INTERFACE, format!("{user}: there is no interface {name}")).at(span);
        let gist = format!("WARNING - interface {name} for {user} doesn't exist");
        context.report(diagnostic.class(ErrorClass::General).gist(gist));
    }
    Some(name)
}

/// The interface of a route or a rule; reports one that the machine does not have, unless interfaces may come later.
pub(super) fn needed_interface(context: &mut Context, name: &InterfaceName, span: Span, gist: &str) {
    let missing = context.host.is_some_and(|host| host.interface(name) == Interface::Missing);
    if missing && !context.dynamic_interfaces {
        let message = format!("there is no interface {name}");
        context
            .report(Diagnostic::error(Name::UNKNOWN_INTERFACE, message).at(span).class(ErrorClass::General).gist(gist));
    }
}

/// Hundredths of a second; the field has 12 bits (RFC 9568 §5.2.7).
const LONGEST_INTERVAL: u16 = 4095;

/// The instances that can run; what is wrong with the others has been reported as an error.
pub(super) fn finish_all(
    context: &mut Context,
    draft: &Draft,
    exists: &dyn Fn(&TrackedObject) -> bool,
    global: &Global,
) -> Vec<VrrpInstance> {
    let defaults = &draft.global.vrrp.defaults;
    let groups = Membership::new(&draft.sync_groups);
    let stands = Stands::new(draft);
    let mut instances = Vec::new();
    for instance in &draft.instances {
        let group = groups.of(&instance.name.value);
        let Some(finished) = finish(context, instance, &stands, defaults) else { continue };
        let mut tracked = tracked(context, instance, group, &finished);
        tracked.retain(|tracked| exists(&tracked.object));
        let notify = instance.notify.finish(context, group.map(SyncGroupDraft::notify), global);
        instances.push(VrrpInstance { notify, tracked, ..finished });
    }
    vrid_conflicts(context, &draft.instances);
    instances
}

fn finish(
    context: &mut Context,
    draft: &InstanceDraft,
    stands: &Stands,
    defaults: &InstanceDefaults,
) -> Option<VrrpInstance> {
    let name = &draft.name.value;
    let complaint = |diagnostic: Diagnostic, span: Span| diagnostic.at(span).class_without_line(ErrorClass::General);
    if draft.vrid.is_none() {
        let message = format!("{name} has no virtual_router_id");
        let diagnostic =
            Diagnostic::error(Name::MISSING_VRID, message).help("give it one from 1 to 255, unused on its network");
        let gist = format!("({name}) the virtual router id must be set");
        context.report(complaint(diagnostic, draft.name.span).gist(gist));
    }
    if draft.interface.is_none() && !draft.broken {
        let message = format!("{name} has no interface");
        let diagnostic = complaint(Diagnostic::error(Name::MISSING_INTERFACE, message), draft.name.span);
        context.report(diagnostic.gist(format!("({name}) Unknown interface!")));
    }
    let (vrid, interface) = (draft.vrid?.value, draft.interface.as_ref()?.value.clone());
    let initial_state = draft.state.map(|state| state.value).unwrap_or_default();
    let implied = if initial_state == InitialState::Master { Priority::OWNER } else { Priority::DEFAULT };
    let priority = draft.priority.map_or(implied, |priority| priority.value);
    let family = draft.family();
    let strict = draft.conduct.strict(defaults);
    let version = match (family, draft.version) {
        (Family::V6, Some(version)) if !strict => version.value,
        (Family::V6, _) => Version::V3,
        (Family::V4, version) => version.map_or(defaults.version, |version| version.value),
    };
    check_addresses(context, draft, version);
    let preempt = preempt(context, draft, initial_state, priority);
    Some(VrrpInstance {
        name: name.clone(),
        initial_state,
        interface: interface.clone(),
        family,
        vrid,
        priority,
        advert_interval: advert_interval(context, draft, version),
        preempt,
        authentication: if strict { Authentication::None } else { authentication(context, draft, version) },
        transport: transport(context, draft, defaults),
        virtual_addresses: virtual_addresses(draft, &interface),
        owned: owned(draft, stands, &interface),
        tracked: Vec::new(),
        track_primary: !draft.untracked_primary,
        conduct: draft.conduct.finish(defaults, priority, preempt && initial_state != InitialState::Master),
        garp: draft.conduct.garp(defaults),
        notify: Notify::default(),
    })
}

fn check_addresses(context: &mut Context, draft: &InstanceDraft, version: Version) {
    let name = &draft.name.value;
    if draft.addresses.is_empty() && !draft.broken {
        let message = format!("{name} has no virtual address");
        let (diagnostic, least) = match version {
            Version::V2 => (Diagnostic::warning(Name::NO_VIRTUAL_ADDRESS, message), "sensible"),
            Version::V3 => {
                let diagnostic = Diagnostic::error(Name::NO_VIRTUAL_ADDRESS, message);
                (diagnostic.note("VRRPv3 needs at least one"), "required")
            }
        };
        let gist = format!("({name}) No VIP specified; at least one is {least}");
        context.report(diagnostic.at(draft.name.span).class_without_line(ErrorClass::General).gist(gist));
    }
    let mut places = HashMap::new();
    for address in &draft.addresses {
        let (ip, span) = (address.net.value.addr(), address.net.span);
        if let Some(first) = places.insert(ip, span) {
            places.insert(ip, first);
            context.report(
                Diagnostic::warning(Name::DUPLICATE_ADDRESS, format!("{name} lists {ip} twice"))
                    .at(span)
                    .also(first, "first here")
                    .class_without_line(ErrorClass::General)
                    .gist(format!("({name}): VIP duplicates a VIP {ip} - ignoring"))
                    .help("remove one of the lines"),
            );
        }
    }
    if let Some(excess) = draft.addresses.get(MAX_ADDRESSES) {
        context.report(
            Diagnostic::warning(Name::TOO_MANY_ADDRESSES, format!("{name}: an advert holds {MAX_ADDRESSES} addresses"))
                .at(excess.net.span)
                .class_without_line(ErrorClass::General).gist(format!(
                    "({name}) Number of VIPs ({}) exceeds maximum/space available in packet (max {MAX_ADDRESSES} addresses)",
                    draft.addresses.len()
                ))
                .note("the rest is set and announced, but not advertised, as in virtual_ipaddress_excluded"),
        );
    }
}

/// VRRPv2 knows whole seconds, VRRPv3 hundredths up to 40.95 s; keepalived rounds, and never to zero.
fn advert_interval(context: &mut Context, draft: &InstanceDraft, version: Version) -> AdvertInterval {
    let Some(Spanned { value, span }) = draft.advert_interval else { return default_interval(version) };
    let name = &draft.name.value;
    let seconds = value.as_secs_f64();
    let complaint = |name, message| Diagnostic::warning(name, message).at(span).class_without_line(ErrorClass::General);
    match version {
        Version::V2 => {
            let rounded = ((value + Duration::from_millis(500)).as_secs()).clamp(1, 255) as u8;
            if value.subsec_nanos() != 0 {
                let message = format!("{name}: VRRPv2 counts whole seconds; {rounded} is used");
                let gist = format!("({name}) VRRPv2 advertisement interval {seconds:.6}s must be an integer. rounding");
                context.report(complaint(Name::FRACTIONAL_INTERVAL, message).gist(gist));
            }
            AdvertInterval::from_seconds(rounded).unwrap_or(AdvertInterval::DEFAULT)
        }
        Version::V3 => {
            let hundredths = (value + Duration::from_millis(5)).as_millis() / 10;
            let rounded = hundredths.clamp(1, LONGEST_INTERVAL.into()) as u16;
            if rounded != LONGEST_INTERVAL && value.subsec_micros() % 10_000 != 0 {
                let message = format!(
                    "{name}: VRRPv3 counts hundredths of a second; {}.{:02} is used",
                    rounded / 100,
                    rounded % 100
                );
                let gist =
                    format!("({name}) VRRPv3 advertisement interval {seconds:.6}s must be in units of 10ms - rounding");
                context.report(complaint(Name::FRACTIONAL_INTERVAL, message).gist(gist));
            } else if u128::from(rounded) != hundredths {
                let message = format!("{name}: the longest interval of VRRPv3 is 40.95 s, which is used");
                let gist = format!(
                    "({name}) VRRPv3 advertisement interval {seconds:.2}s is out of range. Must be less than 40.96s. \
                     Setting to 40.95s"
                );
                context.report(complaint(Name::INTERVAL_TOO_LONG, message).gist(gist));
            }
            AdvertInterval::from_centiseconds(rounded).unwrap_or(default_interval(version))
        }
    }
}

/// One second.
fn default_interval(version: Version) -> AdvertInterval {
    let third = AdvertInterval::from_centiseconds(100).filter(|_| version == Version::V3);
    third.unwrap_or(AdvertInterval::DEFAULT)
}

fn preempt(context: &mut Context, draft: &InstanceDraft, state: InitialState, priority: Priority) -> bool {
    let Some(span) = draft.nopreempt else { return true };
    let name = &draft.name.value;
    let diagnostic = if priority == Priority::OWNER {
        let message = format!("{name}: 'nopreempt' does not go with priority 255 and is ignored");
        let owner = draft.priority.map(|priority| (priority.span, "the owner of the addresses takes over always"));
        let implied = draft.state.map(|state| (state.span, "MASTER without a priority means 255"));
        let diagnostic = Diagnostic::warning(Name::NOPREEMPT_WITH_OWNER, message);
        match owner.or(implied) {
            Some((span, text)) => diagnostic.also(span, text),
            None => diagnostic,
        }
    } else if state == InitialState::Master {
        let message = format!("{name}: 'nopreempt' does not go with 'state MASTER' and is ignored");
        let diagnostic = Diagnostic::warning(Name::NOPREEMPT_WITH_MASTER, message)
            .help("write 'state BACKUP' on both nodes; the one with the higher priority starts as master");
        match draft.state {
            Some(state) => diagnostic.also(state.span, "MASTER here"),
            None => diagnostic,
        }
    } else {
        return false;
    };
    let gist = match priority {
        Priority::OWNER => format!("({name}) nopreempt is incompatible with priority 255. resetting nopreempt"),
        _ => format!("({name}) Warning - nopreempt will not work with initial state MASTER - clearing"),
    };
    context.report(diagnostic.at(span).class_without_line(ErrorClass::General).gist(gist));
    true
}

fn authentication(context: &mut Context, draft: &InstanceDraft, version: Version) -> Authentication {
    match (draft.auth_type, &draft.auth_pass) {
        (Some(span), Some(password)) if version == Version::V3 && !password.value.is_empty() => {
            let name = &draft.name.value;
            context.report(
                Diagnostic::warning(
                    Name::AUTHENTICATION_IGNORED,
                    format!("{name}: VRRPv3 has no authentication; it is ignored"),
                )
                .at(span)
                .class_without_line(ErrorClass::General)
                .gist(format!("({name}) VRRP version 3 does not support authentication. Ignoring."))
                .help("remove the block, and keep strangers off the network by other means"),
            );
            Authentication::None
        }
        (Some(_), Some(password)) if !password.value.is_empty() => {
            let mut data = [0; 8];
            data[..password.value.len()].copy_from_slice(&password.value);
            match (draft.auth_header, draft.family()) {
                (false, _) => Authentication::Pass(data),
                (true, Family::V4) => Authentication::Header(data),
                (true, Family::V6) => Authentication::None,
            }
        }
        (Some(span), _) => {
            let message = format!("{}: authentication without 'auth_pass' is ignored", draft.name.value);
            context.report(
                Diagnostic::warning(Name::MISSING_PASSWORD, message)
                    .at(span)
                    .class_without_line(ErrorClass::General)
                    .gist(format!("({}) Authentication specified but no password given. Ignoring", draft.name.value)),
            );
            Authentication::None
        }
        (None, _) => Authentication::None,
    }
}

fn transport(context: &mut Context, draft: &InstanceDraft, defaults: &InstanceDefaults) -> Transport {
    let source = draft.source.map(|source| source.value);
    let faulty = draft.unicast.is_some() && draft.conduct.fault_without_peer;
    if !draft.peers.is_empty() || faulty {
        return Transport::Unicast { source, peers: draft.peers.clone() };
    }
    if let Some(span) = draft.unicast.filter(|_| !draft.broken) {
        let message = format!("{}: unicast without a peer; multicast is used", draft.name.value);
        context.report(
            Diagnostic::warning(Name::UNICAST_WITHOUT_PEERS, message)
                .at(span)
                .class_without_line(ErrorClass::General)
                .gist(format!(
                    "({}) A unicast keyword has been specified without any unicast peers. Defaulting to multicast.",
                    draft.name.value
                ))
                .help("list the other nodes in 'unicast_peer', or write 'mcast_src_ip' for the source of multicast"),
        );
    }
    let group = match draft.family() {
        Family::V4 => IpAddr::V4(defaults.group4.get()),
        Family::V6 => IpAddr::V6(defaults.group6.get()),
    };
    Transport::Multicast { source, group: draft.group.unwrap_or(group) }
}

/// Routes, rules, and the other interfaces that the instance stands on.
fn owned(draft: &InstanceDraft, stands: &Stands, own: &InterfaceName) -> Owned {
    let mut interfaces = stands.interfaces_of(&draft.name.value);
    let excess = draft.addresses.iter().skip(MAX_ADDRESSES);
    let excluded: Vec<_> = excess.chain(&draft.excluded).map(|address| address.on(own)).collect();
    let addresses = draft.addresses.iter().chain(&draft.excluded).filter(|address| !address.options.untracked);
    interfaces.extend(addresses.filter_map(|address| address.interface.clone()));
    for route in draft.routes.iter().filter(|route| route.tracked) {
        if let Hops::One(Hop { interface: Some(interface), .. }) = &route.hops {
            interfaces.insert(interface.clone());
        }
    }
    interfaces.extend(draft.rules.iter().filter(|rule| rule.tracked).filter_map(|rule| rule.input.clone()));
    interfaces.remove(own);
    Owned { excluded, routes: draft.routes.clone(), rules: draft.rules.clone(), interfaces }
}

fn virtual_addresses(draft: &InstanceDraft, interface: &InterfaceName) -> Vec<VirtualAddress> {
    draft.addresses.iter().take(MAX_ADDRESSES).map(|address| address.on(interface)).collect()
}

/// What may be tracked: an owner's priority cannot be moved by a weight, nor one of a group that does not allow it.
fn tracked(
    context: &mut Context,
    draft: &InstanceDraft,
    group: Option<&SyncGroupDraft>,
    instance: &VrrpInstance,
) -> Vec<Tracked> {
    let is_owner = instance.priority == Priority::OWNER;
    let in_step = group.filter(|group| !group.allows_weights());
    let mut tracked = Vec::new();
    for line in &draft.tracked {
        let (object, weight) = (&line.object.value, line.weight);
        if matches!(object, TrackedObject::Interface(name) if *name == instance.interface) {
            own_interface(context, line, instance);
            continue;
        }
        let weighted = weight.value() != 0 && !matches!(object, TrackedObject::Process(_));
        let weight = if weighted && (is_owner || in_step.is_some()) {
            weight_ignored(context, line, instance, in_step)
        } else {
            Some(weight)
        };
        tracked.extend(weight.map(|weight| Tracked { object: object.clone(), weight }));
    }
    tracked
}

fn own_interface(context: &mut Context, line: &TrackedDraft, instance: &VrrpInstance) {
    let (name, interface) = (&instance.name, &instance.interface);
    let message = format!("{name} is on {interface} and fails with it anyway; the line is ignored");
    context.report(
        Diagnostic::warning(Name::TRACKED_TWICE, message)
            .at(line.object.span)
            .class_without_line(ErrorClass::General)
            .gist(format!("({name}) Ignoring track_interface {interface} since own interface")),
    );
}

/// A line whose weight must not count: what becomes of it, nothing when it is left out.
fn weight_ignored(
    context: &mut Context,
    line: &TrackedDraft,
    instance: &VrrpInstance,
    group: Option<&SyncGroupDraft>,
) -> Option<TrackWeight> {
    let (name, object, value) = (&instance.name, &line.object.value, line.weight.value());
    let due_to = if group.is_some() { "SYNC group" } else { "address_owner" };
    let (kept, gist) = match object {
        TrackedObject::Interface(interface) if group.is_some() => {
            (true, format!("({name}) ignoring {interface} tracked interface weight due to SYNC group"))
        }
        TrackedObject::Interface(interface) => {
            (false, format!("({name}) ignoring {interface} tracked interface due to address owner"))
        }
        TrackedObject::Script(script) => {
            (false, format!("({name}) ignoring tracked script {script} with weights due to {due_to}"))
        }
        TrackedObject::File(file) if value == 1 => {
            let gist = format!("({name}) ignoring weight from tracked file {file} due to {due_to}. specify weight 0");
            (true, gist)
        }
        other => (false, format!("({name}) ignoring tracked {other} with weight {value} due to {due_to}")),
    };
    let fate = if kept { format!("the weight of {object} is ignored") } else { format!("{object} is not tracked") };
    let (kind, message, help) = match group {
        Some(group) => (
            Name::INCOMPATIBLE_SETTINGS,
            format!("{name}: sync group {} has no weights; {fate}", group.name.value),
            "add 'sync_group_tracking_weight' to the group",
        ),
        None => (
            Name::WEIGHT_OF_OWNER,
            format!("{name}: priority 255 has no weights; {fate}"),
            "with weight 0 a failure is FAULT",
        ),
    };
    let diagnostic = Diagnostic::warning(kind, message).at(line.object.span);
    context.report(diagnostic.class_without_line(ErrorClass::General).gist(gist).help(help));
    kept.then(|| TrackWeight::new(0, line.weight.reverse).unwrap_or_default())
}

/// Two instances with one id on one interface would take each other's adverts for their own.
fn vrid_conflicts(context: &mut Context, instances: &[InstanceDraft]) {
    for (index, instance) in instances.iter().enumerate() {
        let Some(first) = instances[..index].iter().find(|first| in_conflict(first, instance)) else { continue };
        let (Some(vrid), Some(first_vrid), Some(interface)) = (instance.vrid, first.vrid, &instance.interface) else {
            continue;
        };
        let (a, b) = (&first.name.value, &instance.name.value);
        let message = format!("{a} and {b} both use virtual_router_id {} on {}", vrid.value, interface.value);
        context.report(
            Diagnostic::error(Name::DUPLICATE_VRID, message)
                .at(vrid.span)
                .label(format!("{b} takes it again"))
                .also(first_vrid.span, format!("{a} takes it here"))
                .help(format!("give {b} an id of its own"))
                .class_without_line(ErrorClass::General)
                .gist(format!(
                    "{a} and {b} both use VRID {} with {} on interface {}",
                    vrid.value,
                    instance.family(),
                    interface.value
                )),
        );
    }
}

fn in_conflict(a: &InstanceDraft, b: &InstanceDraft) -> bool {
    let interface = |draft: &InstanceDraft| draft.interface.as_ref().map(|interface| interface.value.clone());
    let vrid = |draft: &InstanceDraft| draft.vrid.map(|vrid| vrid.value);
    if a.family() != b.family() {
        return false;
    }
    let same = vrid(a).is_some() && vrid(a) == vrid(b) && interface(a).is_some() && interface(a) == interface(b);
    same && a.group == b.group
        && match (a.peers.is_empty(), b.peers.is_empty()) {
            (true, true) => true,
            (false, false) => a.peers.iter().any(|peer| b.peers.contains(peer)),
            _ => false,
        }
}
