//! What the members of one virtual router must agree about, and do not. One disagreement, one diagnostic, with the words
//! of both files.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::diagnostic::{Diagnostic, Name};
use crate::model::{Authentication, InitialState, Priority, Transport, Version};
use crate::source::Span;

use super::group::{Group, Member};

/// Everything that the members disagree about.
pub fn compare(group: &Group) -> Vec<Diagnostic> {
    let Some((first, others)) = group.members.split_first() else { return Vec::new() };
    if others.is_empty() {
        return vec![alone(first)];
    }
    let mut found = Vec::new();
    for other in others {
        let rules: [fn(&Member, &Member) -> Option<Diagnostic>; 6] =
            [vrid, version, interval, authentication, transport, addresses];
        found.extend(rules.iter().filter_map(|rule| rule(first, other)));
    }
    found.extend(unlisted_peers(group));
    found.extend(unknown_peers(group));
    found.extend(equal_priorities(group));
    found.extend(states(group));
    found
}

fn alone(member: &Member) -> Diagnostic {
    let (name, vrid) = (&member.instance.name, member.instance.vrid);
    let message = format!("only {} has {name} (virtual_router_id {vrid})", member.name());
    Diagnostic::warning(Name::LONE_INSTANCE, message)
        .at(member.places.name)
        .help("give another node an instance with the same id and addresses; nobody takes over from this one")
}

/// Points at both files: at the second, which differs, and at the first.
fn differ(name: Name, message: String, a: (&Member, Option<Span>), b: (&Member, Option<Span>)) -> Diagnostic {
    let place = |(member, span): (&Member, Option<Span>)| span.unwrap_or(member.places.name);
    Diagnostic::error(name, message).at(place(b)).also(place(a), format!("in {}", a.0.name()))
}

fn vrid(a: &Member, b: &Member) -> Option<Diagnostic> {
    let (here, there) = (a.instance.vrid, b.instance.vrid);
    (here != there).then(|| {
        let name = &b.instance.name;
        let message = format!("{name} has virtual_router_id {there} in {} and {here} in {}", b.name(), a.name());
        differ(Name::VRID_MISMATCH, message, (a, a.places.vrid), (b, b.places.vrid)).help(
            "give both the same id: each takes the adverts of the other for another router's, and both are MASTER",
        )
    })
}

fn version(a: &Member, b: &Member) -> Option<Diagnostic> {
    let (here, there) = (a.instance.version(), b.instance.version());
    (here != there).then(|| {
        let (name, here, there) = (&b.instance.name, here.number(), there.number());
        let message = format!("{name} speaks VRRPv{there} in {} and VRRPv{here} in {}", b.name(), a.name());
        differ(Name::VERSION_MISMATCH, message, (a, a.places.version), (b, b.places.version))
            .help("write the same 'version' in both; a node refuses adverts of another one")
    })
}

/// In VRRPv3 a backup learns the interval from the master.
fn interval(a: &Member, b: &Member) -> Option<Diagnostic> {
    let (here, there) = (a.instance.advert_interval, b.instance.advert_interval);
    let both_v2 = [here, there].iter().all(|interval| interval.version() == Version::V2);
    (here != there && both_v2).then(|| {
        let name = &b.instance.name;
        let (here, there) = (here.on_wire(), there.on_wire());
        let message = format!("{name} has advert_int {there} in {} and {here} in {}", b.name(), a.name());
        differ(Name::INTERVAL_MISMATCH, message, (a, a.places.advert_interval), (b, b.places.advert_interval))
            .help("write the same 'advert_int' in both; VRRPv2 refuses adverts with another one")
    })
}

fn authentication(a: &Member, b: &Member) -> Option<Diagnostic> {
    if a.instance.version() != b.instance.version() {
        return None; // VRRPv3 has none
    }
    let name = &b.instance.name;
    let (message, spans) = match (a.instance.authentication, b.instance.authentication) {
        (here, there) if here == there => return None,
        (Authentication::Pass(_), Authentication::Pass(_)) | (Authentication::Header(_), Authentication::Header(_)) => {
            let message = format!("{name} has another auth_pass in {} than in {}", b.name(), a.name());
            (message, (a.places.password, b.places.password))
        }
        (Authentication::Pass(_) | Authentication::Header(_), Authentication::None) => {
            let message = format!("{name} authenticates in {} and not in {}", a.name(), b.name());
            (message, (a.places.authentication, b.places.authentication))
        }
        (Authentication::Pass(_), Authentication::Header(_)) | (Authentication::Header(_), Authentication::Pass(_)) => {
            let message = format!("{name} has another auth_type in {} than in {}", b.name(), a.name());
            (message, (a.places.authentication, b.places.authentication))
        }
        (Authentication::None, _) => {
            let message = format!("{name} authenticates in {} and not in {}", b.name(), a.name());
            (message, (a.places.authentication, b.places.authentication))
        }
    };
    let help = "write the same 'authentication' in both; a node refuses adverts with another one";
    Some(differ(Name::AUTHENTICATION_MISMATCH, message, (a, spans.0), (b, spans.1)).help(help))
}

fn transport(a: &Member, b: &Member) -> Option<Diagnostic> {
    let is_unicast = |member: &Member| matches!(member.instance.transport, Transport::Unicast { .. });
    (is_unicast(a) != is_unicast(b)).then(|| {
        let name = &b.instance.name;
        let (unicast, multicast) = if is_unicast(a) { (a, b) } else { (b, a) };
        let message = format!("{name} sends to peers in {} and to the group in {}", unicast.name(), multicast.name());
        differ(Name::TRANSPORT_MISMATCH, message, (a, a.places.unicast), (b, b.places.unicast))
            .help("list the other node in 'unicast_peer' of each, or of none")
    })
}

fn addresses(a: &Member, b: &Member) -> Option<Diagnostic> {
    let list = |member: &Member| member.instance.virtual_addresses.iter().map(|vip| vip.net).collect::<Vec<_>>();
    let (here, there) = (list(a), list(b));
    let name = &b.instance.name;
    let place = |member: &Member, address: IpAddr| {
        member.places.addresses.iter().find(|(listed, _)| *listed == address).map(|(_, span)| *span)
    };
    let prefixes = |list: &[IpNet]| list.iter().map(|net| (net.addr(), *net)).collect::<BTreeMap<_, _>>();
    let (known_here, known_there) = (prefixes(&here), prefixes(&there));
    let lacks = |known: &BTreeMap<IpAddr, IpNet>, what: &[IpNet]| {
        what.iter().find(|net| !known.contains_key(&net.addr())).copied()
    };
    let help = "list the same addresses in both; after a failover the missing one answers nowhere";
    if let Some(net) = lacks(&known_there, &here) {
        let message = format!("{name} has {} in {} and not in {}", net.addr(), a.name(), b.name());
        let diagnostic = differ(Name::ADDRESS_MISMATCH, message, (a, place(a, net.addr())), (b, None));
        return Some(diagnostic.help(help));
    }
    if let Some(net) = lacks(&known_here, &there) {
        let message = format!("{name} has {} in {} and not in {}", net.addr(), b.name(), a.name());
        let diagnostic = differ(Name::ADDRESS_MISMATCH, message, (a, None), (b, place(b, net.addr())));
        return Some(diagnostic.help(help));
    }
    let prefix = |net: &&IpNet| known_here.get(&net.addr()).is_some_and(|other| other != *net);
    if let Some(net) = there.iter().find(prefix) {
        let message = format!("{name} has {} with another prefix in {} than in {}", net.addr(), b.name(), a.name());
        let places = (place(a, net.addr()), place(b, net.addr()));
        let diagnostic = differ(Name::ADDRESS_MISMATCH, message, (a, places.0), (b, places.1));
        return Some(diagnostic.help("write the same prefix length in both"));
    }
    let (at, net) = there.iter().enumerate().find(|(at, net)| here.get(*at) != Some(net))?;
    let message = format!("{name} lists its addresses in another order in {} than in {}", b.name(), a.name());
    let first = here.get(at).and_then(|net| place(a, net.addr())).unwrap_or(a.places.name);
    let diagnostic = Diagnostic::warning(Name::ADDRESS_ORDER, message)
        .at(place(b, net.addr()).unwrap_or(b.places.name))
        .also(first, format!("in {}", a.name()))
        .help("list them in the same order: other routers may compare the lists word by word");
    Some(diagnostic)
}

/// The address a member sends from, if its file says so.
fn source(member: &Member) -> Option<IpAddr> {
    member.instance.transport.source()
}

fn peers<'a>(member: &Member<'a>) -> Option<&'a [IpAddr]> {
    match &member.instance.transport {
        Transport::Unicast { peers, .. } => Some(peers),
        Transport::Multicast { .. } => None,
    }
}

/// The other members.
fn others<'g, 'a>(group: &'g Group<'a>, member: &'g Member<'a>) -> impl Iterator<Item = &'g Member<'a>> {
    group.members.iter().filter(move |other| !std::ptr::eq(other.node, member.node))
}

fn unlisted_peers(group: &Group) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for listener in &group.members {
        let Some(listed) = peers(listener) else { continue };
        let senders = others(group, listener).filter(|sender| peers(sender).is_some());
        let unlisted = senders.filter_map(|sender| Some((sender, source(sender).filter(|ip| !listed.contains(ip))?)));
        found.extend(unlisted.map(|(sender, address)| {
            let name = &listener.instance.name;
            let (here, there) = (listener.name(), sender.name());
            let message = format!("{name}: {there} sends from {address}, which {here} does not list in unicast_peer");
            differ(Name::PEER_NOT_LISTED, message, (sender, sender.places.source), (listener, listener.places.unicast))
                .help(format!(
                    "add {address} to 'unicast_peer' in {here}: without it {there} hears nothing from {here}"
                ))
        }));
    }
    found
}

/// A peer that nobody is: only where every other file says what it sends from, and where nothing was missing before.
fn unknown_peers(group: &Group) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for member in &group.members {
        let known: Option<Vec<IpAddr>> = others(group, member).map(source).collect();
        let (Some(listed), Some(known)) = (peers(member), known) else { continue };
        if known.iter().any(|address| !listed.contains(address)) {
            continue;
        }
        found.extend(listed.iter().filter(|peer| !known.contains(peer)).map(|peer| {
            let message =
                format!("{}: {} sends to {peer}, and no file is that node's", member.instance.name, member.name());
            Diagnostic::warning(Name::UNKNOWN_PEER, message)
                .at(member.places.unicast.unwrap_or(member.places.name))
                .help("name the file of that node too, or remove the address")
        }));
    }
    found
}

fn equal_priorities(group: &Group) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (index, member) in group.members.iter().enumerate() {
        let priority = member.instance.priority;
        let Some(first) = group.members[..index].iter().find(|first| first.instance.priority == priority) else {
            continue;
        };
        let (name, here, there) = (&member.instance.name, member.name(), first.name());
        let message = format!("{name} has priority {priority} in {here} and in {there}");
        let what = match priority {
            Priority::OWNER => "255 says that the addresses are the node's own, which two cannot be",
            _ => "the one that starts first is MASTER, and of two masters the one with the higher address stays",
        };
        found.push(
            Diagnostic::warning(Name::EQUAL_PRIORITY, message)
                .at(member.places.priority.unwrap_or(member.places.name))
                .also(first.places.priority.unwrap_or(first.places.name), format!("in {there}"))
                .note(what)
                .help("give the node that should be MASTER the higher one"),
        );
    }
    found
}

fn states(group: &Group) -> Vec<Diagnostic> {
    let masters: Vec<&Member> =
        group.members.iter().filter(|member| member.instance.initial_state == InitialState::Master).collect();
    let place = |member: &Member| member.places.state.unwrap_or(member.places.name);
    match masters[..] {
        [first, second, ..] => {
            let name = &second.instance.name;
            let message = format!("{name} has 'state MASTER' in {} and in {}", second.name(), first.name());
            let diagnostic = Diagnostic::warning(Name::STATE_MISMATCH, message)
                .at(place(second))
                .also(place(first), format!("in {}", first.name()))
                .help("write MASTER on one node at most; the priority decides");
            vec![diagnostic]
        }
        [master] => {
            let best = group.members.iter().max_by_key(|member| member.instance.priority);
            let better = best.filter(|best| best.instance.priority > master.instance.priority);
            let diagnostic = better.map(|better| {
                let (name, here) = (&master.instance.name, master.name());
                let message = format!("{name} has 'state MASTER' in {here}, and {} the higher priority", better.name());
                Diagnostic::warning(Name::STATE_MISMATCH, message)
                    .at(place(master))
                    .also(better.places.priority.unwrap_or(better.places.name), format!("in {}", better.name()))
                    .help("the priority decides: write MASTER where it is highest, or on no node")
            });
            diagnostic.into_iter().collect()
        }
        [] => Vec::new(),
    }
}
