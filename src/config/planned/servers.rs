//! `virtual_server_group`, and the options of a virtual server that are not effective yet
//! (`check/check_data.c`: `validate_check_config`, `check/check_parser.c`).

use std::net::IpAddr;

use crate::config::context::Context;
use crate::config::values::parse_address;
use crate::diagnostic::Name;
use crate::syntax::{Statement, Word};

use super::entry::{Entry, all, entries, last, number, shown};
use super::tracking::Names;
use super::{checkers, complain, complain_later};

pub(super) fn check(context: &mut Context, statements: &[Statement], objects: &Names) {
    for block in all(statements, "virtual_server_group") {
        group(context, &block);
    }
    for block in all(statements, "virtual_server") {
        server(context, &block);
        for real in all(block.body(), "real_server") {
            tunnel(context, &real, "lvs_method");
            checkers::check(context, &real, objects);
        }
    }
}

fn group(context: &mut Context, block: &Entry) {
    let mut usable = 0;
    for line in entries(block.body()) {
        if line.words[0].bytes == b"fwmark" {
            usable += 1;
            continue;
        }
        match range(&line.words[0]) {
            Ok(()) => usable += 1,
            Err(problem) => {
                let text = shown(&line.words[0]);
                let gist = format!("Virtual server group {}: {problem} - {text} - skipping", block.text(0));
                complain(context, Name::INVALID_SERVER, line.words[0].span, format!("'{text}': {problem}"), gist);
            }
        }
    }
    if usable == 0 {
        let name = block.text(0);
        let gist = format!("virtual server group {name} has no entries - removing");
        complain_later(context, Name::INCOMPLETE_BLOCK, block.span(), format!("group {name} holds nothing"), gist);
    }
}

/// `ADDRESS`, `ADDRESS-END` or `ADDRESS/LENGTH`. An end is a whole address, or what replaces the last part of one.
fn range(word: &Word) -> Result<(), &'static str> {
    const NO_ADDRESS: &str = "invalid address";
    let text = word.text();
    let (address, end, mask) = match (text.split_once('-'), text.split_once('/')) {
        (Some((address, end)), _) => (address, Some(end), None),
        (_, Some((address, mask))) => (address, None, Some(mask)),
        _ => (text.as_ref(), None, None),
    };
    let first = parse_address(address.as_bytes()).ok_or(NO_ADDRESS)?;
    if let Some(end) = end {
        let last = match (parse_address(end.as_bytes()), first) {
            (Some(last), _) if last.is_ipv4() == first.is_ipv4() => Ok(last),
            (Some(_), _) => Err(NO_ADDRESS),
            (None, IpAddr::V4(first)) => {
                let end = end.parse::<u32>().map_err(|_| NO_ADDRESS)?;
                let octet = u8::try_from(end).map_err(|_| "range end too large")?;
                let [a, b, c, _] = first.octets();
                Ok(IpAddr::from([a, b, c, octet]))
            }
            (None, IpAddr::V6(first)) => {
                let end = u32::from_str_radix(end, 16).map_err(|_| NO_ADDRESS)?;
                let mut segments = first.segments();
                segments[7] = u16::try_from(end).map_err(|_| "range end too large")?;
                Ok(IpAddr::from(segments))
            }
        };
        if last? <= first {
            return Err("address range end is not greater than address range start");
        }
    }
    if let Some(mask) = mask {
        let (bits, width) = match first {
            IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
            IpAddr::V6(address) => (address.to_bits(), 128),
        };
        let mask: u32 = mask.parse().ok().filter(|mask| *mask > 0 && *mask <= width).ok_or("invalid address mask")?;
        if bits.trailing_zeros().min(width) < width - mask {
            return Err("address mask bits not empty");
        }
    }
    Ok(())
}

fn server(context: &mut Context, block: &Entry) {
    let body = block.body();
    tunnel(context, block, "lb_kind");
    tunnel(context, block, "lvs_method");
    let protocol = last(body, "protocol").map(|entry| entry.text(0).to_ascii_uppercase());
    let is_fwmark = block.argument(0).is_some_and(|word| word.bytes == b"fwmark");
    for keyword in ["ops", "o"] {
        let Some(entry) = last(body, keyword).filter(|_| !is_fwmark) else { continue };
        if protocol.as_deref().is_some_and(|protocol| protocol != "UDP") {
            let gist = "one packet scheduling requires UDP - resetting";
            complain_later(context, Name::INCOMPATIBLE_SETTINGS, entry.span(), format!("'{keyword}' needs UDP"), gist);
        }
    }
    let mut scheduler = String::new();
    let mut has_sorry_server = false;
    for entry in entries(body) {
        let keyword = entry.words[0].text();
        match keyword.as_ref() {
            "lb_algo" | "lvs_sched" => scheduler = entry.text(0),
            "sorry_server" => has_sorry_server = true,
            "sh-port" | "sh-fallback" | "mh-port" | "mh-fallback" if !scheduler.starts_with(&keyword[..2]) => {
                let algorithm = &keyword[..2];
                let gist = format!("{keyword} only applies to {algorithm} scheduler - ignoring");
                let message = format!("'{keyword}' needs 'lb_algo {algorithm}' before it");
                complain(context, Name::INCOMPATIBLE_SETTINGS, entry.span(), message, gist);
            }
            "sorry_server_inhibit" if !has_sorry_server => {
                let gist = "Ignoring sorry_server inhibit used before or without sorry_server";
                let message = "'sorry_server_inhibit' needs 'sorry_server' before it";
                complain(context, Name::INCOMPATIBLE_SETTINGS, entry.span(), message, gist);
            }
            _ => {}
        }
    }
    quorum(context, block);
}

fn quorum(context: &mut Context, block: &Entry) {
    let value = |body: &[Statement], keyword| last(body, keyword).and_then(|entry| entry.argument(0).and_then(number));
    let body = block.body();
    let default_weight = value(body, "weight").unwrap_or(1);
    let weights = all(body, "real_server").map(|real| value(real.body(), "weight").unwrap_or(default_weight));
    let weights: Vec<i64> = weights.collect();
    let total: i64 = weights.iter().copied().fold(0, i64::saturating_add);
    let mut quorum = value(body, "quorum").unwrap_or(1).max(1);
    let server = format!("{} {}", block.text(0), block.text(1));
    if let Some(entry) = last(body, "quorum").filter(|_| quorum > total && !weights.is_empty()) {
        let message = format!("the quorum {quorum} is more than all real servers weigh: {total}");
        let gist = format!(
            "Warning - quorum {quorum} for {server} exceeds total weight of real servers {total}, reducing quorum"
        );
        complain_later(context, Name::QUORUM_OUT_OF_REACH, entry.span(), message, gist);
        quorum = total;
    }
    let hysteresis = value(body, "hysteresis").unwrap_or(0);
    if let Some(entry) = last(body, "hysteresis").filter(|_| hysteresis >= quorum && !weights.is_empty()) {
        let gist = format!("Virtual server {server}: hysteresis {hysteresis} >= quorum {quorum}; setting hysteresis");
        let message = format!("the hysteresis {hysteresis} is not less than the quorum {quorum}");
        complain_later(context, Name::QUORUM_OUT_OF_REACH, entry.span(), message, gist);
    }
}

/// `TUN type gue port N`, and no port for another type.
fn tunnel(context: &mut Context, block: &Entry, keyword: &str) {
    let Some(entry) = last(block.body(), keyword).filter(|entry| entry.text(0) == "TUN") else { return };
    let after = |option: &[u8]| {
        let at = entry.arguments().iter().position(|word| word.bytes == option)?;
        entry.argument(at + 1)
    };
    let is_gue = after(b"type").is_some_and(|kind| kind.bytes == b"gue");
    if is_gue != after(b"port").is_some() {
        let gist = "gue tunnels require port, otherwise cannot have port.";
        complain(context, Name::INCOMPATIBLE_SETTINGS, entry.span(), "'port' and 'type gue' belong together", gist);
    }
}
