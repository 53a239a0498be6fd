//! `linkbeat_interfaces`, `interface_up_down_delays` and `garp_group` (`vrrp/vrrp_parser.c`).

use std::time::Duration;

use crate::config::context::Context;
use crate::config::cursor::{Line, lines, second_reading, shortened, walk_all};
use crate::config::host::Interface;
use crate::config::values::{self, invalid_value};
use crate::diagnostic::{Diagnostic, ErrorClass, Name};
use crate::model::{GarpGroup, InterfaceDelays, InterfaceName, LinkSettings, PollMethod, PolledInterface};
use crate::syntax::Word;

/// Longest delay of a change of an interface, in microseconds.
const LONGEST_DELAY: u128 = 255_000_000;

/// Takes the block if it is one of these.
pub(super) fn read(context: &mut Context, links: &mut LinkSettings, block: &Line) -> bool {
    match block.keyword.name.as_str() {
        "linkbeat_interfaces" => each(context, block, "linkbeat interface", &mut |context, interface, options| {
            let method = options.first().and_then(|word| poll_method(context, word, options.len() > 1));
            links.polled.push(PolledInterface { interface, method });
        }),
        "interface_up_down_delays" => each(context, block, "up/down delay", &mut |context, interface, options| {
            if let Some((down, up)) = delays(context, options) {
                links.delays.retain(|delays| delays.interface != interface);
                links.delays.push(InterfaceDelays { interface, down, up });
            }
        }),
        "garp_group" => {
            let group = garp_group(context, block, &links.garp_groups);
            links.garp_groups.extend(group);
        }
        _ => return false,
    }
    true
}

/// Hands on every line whose interface is there.
fn each(context: &mut Context, block: &Line, what: &str, handle: &mut dyn FnMut(&mut Context, InterfaceName, &[Word])) {
    for line in lines(context, block.body()) {
        let words = second_reading(&line.words);
        let Some((name, options)) = words.split_first() else { continue };
        let interface = InterfaceName::new(&name.text());
        let missing = is_missing(context, interface.as_ref());
        match interface.filter(|_| !missing) {
            Some(interface) => handle(context, interface, options),
            None => context.report(
                Diagnostic::error(Name::UNKNOWN_INTERFACE, format!("there is no interface {}", shown(name)))
                    .at(name.span)
                    .class(ErrorClass::Fatal)
                    .gist(format!("unknown interface {} specified for {what}", shown(name))),
            ),
        }
    }
}

/// Whether the machine lacks the interface, where that matters.
fn is_missing(context: &Context, interface: Option<&InterfaceName>) -> bool {
    let host = context.host.filter(|_| !context.dynamic_interfaces);
    host.is_some_and(|host| interface.is_none_or(|name| host.interface(name) == Interface::Missing))
}

fn shown(word: &Word) -> String {
    shortened(&word.text()).into_owned()
}

fn poll_method(context: &mut Context, word: &Word, more: bool) -> Option<PollMethod> {
    let method = match word.bytes.as_slice() {
        b"MII" => Some(PollMethod::Mii),
        b"ETHTOOL" => Some(PollMethod::Ethtool),
        b"IOCTL" => Some(PollMethod::Ioctl),
        _ => None,
    };
    if method.is_none() || more {
        let message = format!("after the interface stands MII, ETHTOOL, IOCTL or nothing, not '{}' …", shown(word));
        let message = if method.is_none() { message.replace(" …", "") } else { "one method only".to_owned() };
        let gist = format!("extra characters {} in linkbeat interface", shown(word));
        context.report(invalid_value(word.span, message).gist(gist));
    }
    method
}

/// `DOWN [UP]`, in seconds; a line without times does nothing.
fn delays(context: &mut Context, options: &[Word]) -> Option<(Duration, Duration)> {
    let down = values::seconds_in(context, options.first()?, 0, LONGEST_DELAY)?;
    let up = match options.get(1) {
        Some(word) => values::seconds_in(context, word, 0, LONGEST_DELAY)?,
        None => Duration::ZERO,
    };
    Some((down, up))
}

/// One `garp_group`; none when it says nothing about time.
fn garp_group(context: &mut Context, block: &Line, others: &[GarpGroup]) -> Option<GarpGroup> {
    let mut group = GarpGroup { interval: None, gna_interval: None, interfaces: Vec::new() };
    walk_all(context, "garp_group", block.body(), &mut |context, line| match line.keyword.name.as_str() {
        "garp_interval" => group.interval = values::duration(context, &line).or(group.interval),
        "gna_interval" => group.gna_interval = values::duration(context, &line).or(group.gna_interval),
        "interface" => {
            if let Some(word) = line.argument() {
                member(context, &mut group, others, word, ErrorClass::General);
            }
        }
        "interfaces" => {
            let before = group.interfaces.len();
            let entries: Vec<_> = lines(context, line.body()).collect();
            let words: Vec<Word> = entries.iter().flat_map(|entry| second_reading(&entry.words).into_owned()).collect();
            // keepalived names the second word of the block when one stands there twice, and ends without one.
            let class = if words.len() < 2 { ErrorClass::MissingArgument } else { ErrorClass::General };
            for word in &words {
                member(context, &mut group, others, word, class);
            }
            if entries.is_empty() && group.interfaces.len() == before {
                context.report(
                    Diagnostic::warning(Name::EMPTY_BLOCK, "'interfaces' names none")
                        .at(line.span())
                        .class(ErrorClass::General)
                        .gist("Warning - empty garp_group interfaces block"),
                );
            }
        }
        other => unreachable!("grammar/tracking.conf has '{other}'"),
    });
    if group.interval.is_none() && group.gna_interval.is_none() {
        context.report(
            Diagnostic::warning(
                Name::INCOMPLETE_BLOCK,
                "a garp_group without 'garp_interval' and 'gna_interval' does nothing",
            )
            .at(block.span())
            .class_without_line(ErrorClass::General)
            .gist("garp group does not have any delay set - removing"),
        );
        return None;
    }
    Some(group)
}

/// Adds an interface; `twice` is what keepalived makes of one that is in a group already.
fn member(context: &mut Context, group: &mut GarpGroup, others: &[GarpGroup], word: &Word, twice: ErrorClass) {
    let interface = InterfaceName::new(&word.text());
    if is_missing(context, interface.as_ref()) || interface.is_none() {
        context.report(
            Diagnostic::warning(Name::UNKNOWN_INTERFACE, format!("there is no interface {}", shown(word)))
                .at(word.span)
                .class(ErrorClass::General)
                .gist(format!("WARNING - interface {} specified for garp_group doesn't exist", shown(word))),
        );
        return;
    }
    let Some(interface) = interface else { return };
    let taken = others.iter().chain([&*group]).any(|group| group.interfaces.contains(&interface));
    if taken {
        context.report(
            Diagnostic::warning(Name::DUPLICATE_NAME, format!("{interface} is in a garp_group already"))
                .at(word.span)
                .class(twice)
                .gist(format!("garp_group already specified for {interface} - ignoring")),
        );
        return;
    }
    group.interfaces.push(interface);
}
