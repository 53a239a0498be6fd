//! The settings of VRRP in `global_defs` (keepalived.conf(5), "Global definitions"; `core/global_parser.c`).

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use crate::config::context::Context;
use crate::config::cursor::{Line, shortened};
use crate::config::values::{self, Garbage, invalid_value};
use crate::diagnostic::{Diagnostic, ErrorClass, Name};
use crate::model::{
    BoundedName, DownTimerAdverts, DynamicInterfaces, ExtraGarp, GarpDefaults, InterfaceName, Ipsets, IptablesChains,
    MulticastV4, MulticastV6, Nftables, ReceiveBufferPolicy, Version, VrrpSettings,
};
use crate::syntax::Word;

use super::read::{flag, number, set, strict_number, text};

/// Priority of nftables chains when none is said: just before the filters of the machine.
const CHAIN_PRIORITY: i32 = -1;
/// keepalived's names of the iptables chains, and of the nftables table.
const CHAINS: (&str, &str) = ("INPUT", "OUTPUT");
const TABLE: &str = "keepalived";
/// Most that `vrrp_garp_extra_if` takes: a day, in seconds.
const LONGEST_EXTRA_INTERVAL: i128 = 86_400;

/// Takes the line if it is a setting of VRRP.
pub(super) fn read(context: &mut Context, vrrp: &mut VrrpSettings, line: &Line) -> bool {
    let defaults = &mut vrrp.defaults;
    match line.keyword.name.as_str() {
        "vrrp_version" => {
            let version = values::integer(context, line, Garbage::Dropped).and_then(Version::from_number);
            set(&mut defaults.version, version);
        }
        "vrrp_mcast_group4" => set(&mut defaults.group4, group4(context, line)),
        "vrrp_mcast_group6" => set(&mut defaults.group6, group6(context, line)),
        "vrrp_down_timer_adverts" => {
            let adverts = number(context, line).and_then(DownTimerAdverts::new);
            set(&mut defaults.down_timer_adverts, adverts);
        }
        "vrrp_lower_prio_no_advert" => set(&mut defaults.lower_prio_no_advert, flag(context, line)),
        "vrrp_higher_prio_send_advert" => set(&mut defaults.higher_prio_send_advert, flag(context, line)),
        "vrrp_check_unicast_src" => defaults.check_unicast_source = true,
        "vrrp_skip_check_adv_addr" => set(&mut defaults.skip_check_adv_addr, flag(context, line)),
        "vrrp_strict" => set(&mut defaults.strict, flag(context, line)),
        "v3_checksum_as_v2" => defaults.v3_checksum_as_v2 = true,
        "vrrp_owner_ignore_adverts" => set(&mut defaults.owner_ignore_adverts, flag(context, line)),
        "vrrp_notify_priority_changes" => set(&mut defaults.notify_priority_changes, flag(context, line)),
        name if name.starts_with("vrrp_garp_") || name.starts_with("vrrp_gna_") => garp(context, vrrp, line),
        "vrrp_min_garp" | "vrrp_vmac_garp_intvl" => garp(context, vrrp, line),
        // keepalived 2.4.3: the larger one counts.
        "vrrp_startup_delay" => larger(&mut vrrp.startup_delay, values::duration(context, line)),
        "vrrp_delay_after_boot" => larger(&mut vrrp.delay_after_boot, values::duration(context, line)),
        "dynamic_interfaces" => dynamic_interfaces(context, vrrp, line),
        "default_interface" => {
            let Some(word) = line.argument() else { return true };
            match InterfaceName::new(&word.text()) {
                Some(interface) => vrrp.default_interface = Some(interface),
                None => {
                    // keepalived notices only where a static address needs it.
                    let message = format!("'{}' cannot be the name of an interface", shortened(&word.text()));
                    context.report(Diagnostic::warning(Name::INVALID_INTERFACE, message).at(word.span));
                }
            }
        }
        "disable_local_igmp" => vrrp.disable_local_igmp = true,
        "log_unknown_vrids" => vrrp.log_unknown_vrids = true,
        "vrrp_iptables" | "vrrp_ipsets" | "nftables" | "nftables_priority" | "nftables_ifindex" => {
            firewall(context, vrrp, line);
        }
        "nftables_counters" => vrrp.firewall.nftables_counters = true,
        "vmac_prefix" => vrrp.vmac_prefix = text(line),
        "vmac_addr_prefix" => vrrp.vmac_address_prefix = text(line),
        "vrrp_rx_bufs_policy" => receive_buffer(context, vrrp, line),
        "vrrp_rx_bufs_multiplier" if line.arguments.len() > 1 => {
            let message = "'vrrp_rx_bufs_multiplier' takes one number; the line is ignored";
            let diagnostic = Diagnostic::warning(Name::EXTRA_WORDS, message).at(line.span()).class(ErrorClass::General);
            context.report(diagnostic.gist("Invalid vrrp_rx_bufs_multiplier"));
        }
        "vrrp_rx_bufs_multiplier" => {
            set(&mut vrrp.receive_buffer.multiplier, strict_number(context, line).and_then(NonZeroU32::new));
        }
        "fifo_write_vrrp_states_on_reload" => vrrp.fifo_states_on_reload = true,
        _ => return false,
    }
    true
}

fn larger(place: &mut Duration, value: Option<Duration>) {
    *place = (*place).max(value.unwrap_or_default());
}

fn seconds(context: &mut Context, line: &Line) -> Option<Duration> {
    number::<u32>(context, line).map(|seconds| Duration::from_secs(seconds.into()))
}

fn garp(context: &mut Context, vrrp: &mut VrrpSettings, line: &Line) {
    let garp = &mut vrrp.defaults.garp;
    match line.keyword.name.as_str() {
        "vrrp_garp_master_delay" => set(&mut garp.delay, seconds(context, line)),
        "vrrp_garp_master_repeat" => set(&mut garp.repeat, at_least_one(context, line)),
        "vrrp_garp_master_refresh" => garp.refresh = seconds(context, line).unwrap_or_default(),
        "vrrp_garp_master_refresh_repeat" => {
            set(&mut garp.refresh_repeat, at_least_one(context, line).map(NonZeroU32::get));
        }
        "vrrp_garp_lower_prio_delay" => garp.lower_prio_delay = seconds(context, line).or(garp.lower_prio_delay),
        "vrrp_garp_lower_prio_repeat" => garp.lower_prio_repeat = number(context, line).or(garp.lower_prio_repeat),
        "vrrp_garp_interval" => set(&mut garp.interval, values::duration(context, line)),
        "vrrp_gna_interval" => set(&mut garp.gna_interval, values::duration(context, line)),
        "vrrp_min_garp" => {
            if flag(context, line) == Some(true) {
                min_garp(garp);
            }
        }
        "vrrp_garp_extra_if" | "vrrp_vmac_garp_intvl" => {
            garp.extra_interfaces = extra_interfaces(context, line, garp.extra_interfaces);
        }
        other => unreachable!("grammar/global_defs.conf has '{other}'"),
    }
}

/// One message and no repetition, where the lines so far say nothing else.
fn min_garp(garp: &mut GarpDefaults) {
    if garp.repeat == GarpDefaults::REPEAT {
        garp.repeat = NonZeroU32::MIN;
    }
    if garp.refresh_repeat == GarpDefaults::REFRESH_REPEAT {
        garp.refresh_repeat = 0;
    }
    if garp.delay == GarpDefaults::DELAY {
        garp.delay = Duration::ZERO;
    }
}

/// How often to repeat; 0 becomes 1.
fn at_least_one(context: &mut Context, line: &Line) -> Option<NonZeroU32> {
    let repeat = number(context, line)?;
    if repeat == 0 {
        let name = &line.keyword.name;
        context.report(
            Diagnostic::warning(Name::NUMBER_OUT_OF_RANGE, format!("'{name} 0' is not possible; 1 is used"))
                .at(line.span())
                .class(ErrorClass::General)
                .gist(format!("{name} must be greater than 0, setting to 1")),
        );
    }
    Some(NonZeroU32::new(repeat).unwrap_or(NonZeroU32::MIN))
}

/// `[all] SECONDS`, in any order.
fn extra_interfaces(context: &mut Context, line: &Line, before: Option<ExtraGarp>) -> Option<ExtraGarp> {
    let (mut all, mut interval) = (before.is_some_and(|before| before.all), None);
    for word in line.arguments.iter() {
        if word.bytes == b"all" {
            all = true;
        } else {
            let seconds = values::integer_in(context, word, 1, LONGEST_EXTRA_INTERVAL, Garbage::Dropped);
            let Some(seconds) = seconds else { return before };
            interval = Some(Duration::from_secs(seconds as u64));
        }
    }
    if interval.is_none() {
        let name = &line.keyword.name;
        context.report(
            Diagnostic::warning(Name::MISSING_VALUE, format!("'{name}' needs a time in seconds"))
                .at(line.span())
                .class(ErrorClass::General)
                .gist(format!("{name} specified without time - ignoring")),
        );
    }
    interval.map(|interval| ExtraGarp { all, interval }).or(before)
}

fn group4(context: &mut Context, line: &Line) -> Option<MulticastV4> {
    let word = line.argument()?;
    let IpAddr::V4(address) = group(context, line, IpAddr::is_ipv4, "IPv4")? else { return None };
    let group = MulticastV4::new(address);
    if group.is_none() {
        no_group(context, line, word, address.into(), "is not multicast");
    }
    group
}

fn group6(context: &mut Context, line: &Line) -> Option<MulticastV6> {
    let word = line.argument()?;
    let IpAddr::V6(address) = group(context, line, IpAddr::is_ipv6, "IPv6")? else { return None };
    let group = MulticastV6::new(address);
    match group {
        None => no_group(context, line, word, address.into(), "is not multicast"),
        Some(group) if !group.is_link_local() => context.report(
            Diagnostic::warning(Name::INVALID_ADDRESS, format!("{address} should be a link-local group, ff02::…"))
                .at(word.span)
                .class(ErrorClass::General)
                .gist(format!("vrrp_mcast_group6 [{address}] should be link-local multicast.")),
        ),
        Some(_) => {}
    }
    group
}

fn group(context: &mut Context, line: &Line, of_family: fn(&IpAddr) -> bool, family: &str) -> Option<IpAddr> {
    let word = line.argument()?;
    let address = values::host_address(context, word)?;
    if !of_family(&address) {
        no_group(context, line, word, address, &format!("is not {family}"));
        return None;
    }
    Some(address)
}

fn no_group(context: &mut Context, line: &Line, word: &Word, address: IpAddr, problem: &str) {
    let message = format!("{address} {problem}; the line is ignored");
    let gist = format!("{} [{address}] {problem}. Skipping", line.keyword.name);
    context.report(
        Diagnostic::warning(Name::INVALID_ADDRESS, message).at(word.span).class(ErrorClass::General).gist(gist),
    );
}

fn dynamic_interfaces(context: &mut Context, vrrp: &mut VrrpSettings, line: &Line) {
    let dynamic = vrrp.dynamic_interfaces.get_or_insert(DynamicInterfaces { allow_changes: false });
    match line.argument() {
        Some(word) if word.bytes == b"allow_if_changes" => dynamic.allow_changes = true,
        Some(word) => {
            let shown = shortened(&word.text()).into_owned();
            let message = format!("'{shown}' is not 'allow_if_changes'");
            let gist = format!("Unknown dynamic_interfaces option '{shown}'");
            context.report(Diagnostic { name: Name::UNKNOWN_OPTION, ..invalid_value(word.span, message) }.gist(gist));
        }
        None => {}
    }
}

fn firewall(context: &mut Context, vrrp: &mut VrrpSettings, line: &Line) {
    let firewall = &mut vrrp.firewall;
    match line.keyword.name.as_str() {
        "vrrp_iptables" if firewall.iptables.is_none() => firewall.iptables = iptables(context, line),
        "vrrp_iptables" => context.report(
            Diagnostic::warning(Name::SECOND_IGNORED, "a second 'vrrp_iptables' is ignored")
                .at(line.span())
                .class(ErrorClass::General)
                .gist("iptables already specified - ignoring"),
        ),
        "vrrp_ipsets" => firewall.ipsets = ipsets(context, line),
        "nftables" => firewall.nftables = table(context, line, TABLE),
        "nftables_priority" => {
            let priority = values::integer(context, line, Garbage::Refused);
            if let (Some(nftables), Some(priority)) = (&mut firewall.nftables, priority) {
                nftables.priority = priority as i32; // the grammar's range is that of an i32
            }
        }
        "nftables_ifindex" => firewall.nftables_ifindex = true,
        other => unreachable!("grammar/global_defs.conf has '{other}'"),
    }
}

/// A table of the given name, or of its own.
pub(super) fn table(context: &mut Context, line: &Line, default: &str) -> Option<Nftables> {
    let table = match line.argument() {
        Some(word) => name(context, "nftables", "chain", word)?,
        None => BoundedName::new(default)?,
    };
    Some(Nftables { table, priority: CHAIN_PRIORITY })
}

fn iptables(context: &mut Context, line: &Line) -> Option<IptablesChains> {
    let Some(word) = line.argument() else {
        return Some(IptablesChains { input: BoundedName::new(CHAINS.0)?, output: BoundedName::new(CHAINS.1) });
    };
    let input = name(context, "iptables", "in chain", word)?;
    let Some(second) = line.arguments.get(1) else { return Some(IptablesChains { input, output: None }) };
    let output = name(context, "iptables", "out chain", second)?;
    if input == output {
        // keepalived says this in its log alone.
        let message = "'vrrp_iptables' needs two different chains; the line is ignored";
        context.report(Diagnostic::warning(Name::INVALID_VALUE, message).at(second.span));
        return None;
    }
    Some(IptablesChains { input, output: Some(output) })
}

fn ipsets(context: &mut Context, line: &Line) -> Option<Ipsets> {
    if line.arguments.is_empty() {
        return Some(Ipsets::Off);
    }
    /// As many sets as keepalived has.
    const SETS: [&str; 6] = ["address", "IPv6 address", "IPv6 address_iface", "IGMP", "MLD", "ND"];
    let mut names = Vec::new();
    for (word, what) in line.arguments.iter().zip(SETS) {
        let set = name(context, "ipset", what, word)?;
        if names.contains(&set) {
            let message = format!("the name {set} stands twice; the line is ignored");
            let gist = format!("vrrp_ipsets: set name {set} used more than once");
            context.report(invalid_value(word.span, message).gist(gist));
            return None;
        }
        names.push(set);
    }
    Some(Ipsets::Named(names))
}

/// A name that the kernel takes.
fn name<const MAX: usize>(context: &mut Context, system: &str, what: &str, word: &Word) -> Option<BoundedName<MAX>> {
    let name = BoundedName::new(&word.text());
    if name.is_none() {
        let (length, complaint) = if word.bytes.is_empty() { ("1", "empty") } else { ("at most", "too long") };
        let bound = if word.bytes.is_empty() { "character at least".to_owned() } else { format!("{MAX} characters") };
        let message = format!("a name of {system} has {length} {bound}; the line is ignored");
        let gist = format!("VRRP Error : {system} {what} name {complaint} - ignored");
        context.report(invalid_value(word.span, message).gist(gist));
    }
    name
}

/// `MTU`, `ADVERT` or a size; a size beats both, and `MTU` beats `ADVERT`. Several lines add up.
fn receive_buffer(context: &mut Context, vrrp: &mut VrrpSettings, line: &Line) {
    let before = vrrp.receive_buffer.policy;
    let (mut mtu, mut advert) = (before == ReceiveBufferPolicy::Mtu, before == ReceiveBufferPolicy::Advert);
    let mut size = matches!(before, ReceiveBufferPolicy::Size(_)).then_some(before);
    for word in line.arguments.iter() {
        if word.bytes.eq_ignore_ascii_case(b"MTU") {
            mtu = true;
        } else if word.bytes.eq_ignore_ascii_case(b"ADVERT") {
            advert = true;
        } else {
            let bytes = values::integer_in(context, word, 0, u32::MAX.into(), Garbage::Refused);
            size = bytes.and_then(|bytes| u32::try_from(bytes).ok()).map(ReceiveBufferPolicy::Size).or(size);
        }
    }
    let conflict = match (size, mtu, advert) {
        (Some(_), true, _) | (Some(_), _, true) => {
            Some("Cannot set vrrp_rx_bufs_policy size and policy, ignoring policy")
        }
        (None, true, true) => Some("Cannot set both vrrp_rx_bufs_policy MTU and ADVERT, ignoring ADVERT"),
        _ => None,
    };
    if let Some(gist) = conflict {
        let message = "MTU, ADVERT and a size exclude each other: a size counts before MTU, and MTU before ADVERT";
        context.report(
            Diagnostic::warning(Name::INCOMPATIBLE_SETTINGS, message)
                .at(line.span())
                .class(ErrorClass::General)
                .gist(gist),
        );
    }
    vrrp.receive_buffer.policy = match (size, mtu, advert) {
        (Some(size), ..) => size,
        (None, true, _) => ReceiveBufferPolicy::Mtu,
        (None, false, true) => ReceiveBufferPolicy::Advert,
        (None, false, false) => ReceiveBufferPolicy::Kernel,
    };
}
