//! `global_defs`, and the blocks about interfaces, static addresses, routes and rules, namespaces and certificates
//! (`core/global_parser.c`).

use crate::config::context::Context;
use crate::config::host::Interface;
use crate::diagnostic::{Diagnostic, ErrorClass, Name};
use crate::model::InterfaceName;
use crate::syntax::{Statement, Word};

use super::entry::{Entry, all, entries, last, shown};
use super::{addresses, complain, complain_later};

/// Longest name of a process (`TASK_COMM_LEN` − 1, linux/sched.h).
const LONGEST_PROCESS_NAME: usize = 15;
/// Names of permission bits without their `S_` (sys/stat.h).
const PERMISSIONS: [&str; 12] =
    ["IRUSR", "IWUSR", "IXUSR", "IRWXU", "IRGRP", "IWGRP", "IXGRP", "IRWXG", "IROTH", "IWOTH", "IXOTH", "IRWXO"];
/// The interface of static addresses when nothing else is said (keepalived.conf(5), `default_interface`).
const DEFAULT_INTERFACE: &[u8] = b"eth0";

pub(super) fn check(context: &mut Context, statements: &[Statement]) {
    let mut default_interface = None;
    for block in all(statements, "global_defs") {
        default_interface =
            last(block.body(), "default_interface").and_then(|entry| entry.argument(0).cloned()).or(default_interface);
        for entry in entries(block.body()) {
            setting(context, &entry);
        }
    }
    let mut certificates = 0;
    for block in entries(statements) {
        match block.words[0].bytes.as_slice() {
            b"net_namespace" => namespace(context, &block),
            b"linkbeat_interfaces" => interfaces(context, &block, "linkbeat interface"),
            b"interface_up_down_delays" => interfaces(context, &block, "up/down delay"),
            b"garp_group" => garp_group(context, &block),
            b"static_ipaddress" => {
                let eth0 = Word { bytes: DEFAULT_INTERFACE.to_vec().into(), ..block.words[0].clone() };
                addresses::check_static(context, block.body(), default_interface.as_ref().unwrap_or(&eth0));
            }
            b"SSL" => {
                certificates += 1;
                if certificates > 1 {
                    let gist = "SSL context already specified - replacing";
                    complain(
                        context,
                        Name::DUPLICATE_NAME,
                        block.span(),
                        "a second 'SSL' block replaces the first",
                        gist,
                    );
                }
            }
            _ => {}
        }
    }
}

fn setting(context: &mut Context, entry: &Entry) {
    let keyword = entry.words[0].text().into_owned();
    let Some(word) = entry.argument(0) else { return };
    match keyword.as_str() {
        name if name.ends_with("process_name") && word.bytes.len() > LONGEST_PROCESS_NAME => {
            let gist = format!("Process name {} more than 15 characters, truncating", shown(word));
            let message = format!("the name of a process has at most {LONGEST_PROCESS_NAME} characters");
            complain(context, Name::INVALID_VALUE, word.span, message, gist);
        }
        "umask" => umask(context, entry),
        _ => {}
    }
}

/// A number in C's notation, or permission bits with `|` between them.
fn umask(context: &mut Context, entry: &Entry) {
    for word in entry.arguments() {
        let text = word.text();
        if text.starts_with(|first: char| first.is_ascii_digit()) {
            continue;
        }
        let unknown = text.split('|').find(|bit| !bit.is_empty() && !PERMISSIONS.contains(bit));
        if let Some(bit) = unknown {
            let message = format!("'{}' is no permission", shown(word));
            complain(context, Name::INVALID_VALUE, word.span, message, format!("Unknown umask bit {bit}"));
            return;
        }
    }
}

/// A namespace that is not there ends everything, without a complaint about the file.
fn namespace(context: &mut Context, entry: &Entry) {
    let Some((host, word)) = context.host.zip(entry.argument(0)) else { return };
    if !host.has_network_namespace(&word.text()) {
        context.report(
            Diagnostic::error(Name::UNKNOWN_REFERENCE, format!("there is no network namespace {}", shown(word)))
                .at(word.span)
                .class(ErrorClass::Namespace)
                .gist(format!("Unable to set network namespace {}", shown(word)))
                .note("keepalived -t looks at nothing more and exits with status 0"),
        );
    }
}

/// The first word of every line is an interface that has to be there.
fn interfaces(context: &mut Context, block: &Entry, what: &str) {
    for line in entries(block.body()) {
        let name = &line.words[0];
        let known = InterfaceName::new(&name.text()).zip(context.host.filter(|_| !context.dynamic_interfaces));
        if known.is_some_and(|(name, host)| host.interface(&name) == Interface::Missing) {
            context.report(
                Diagnostic::error(Name::UNKNOWN_INTERFACE, format!("there is no interface {}", shown(name)))
                    .at(name.span)
                    .class(ErrorClass::Fatal)
                    .gist(format!("unknown interface {} specified for {what}", shown(name))),
            );
        }
    }
}

fn garp_group(context: &mut Context, block: &Entry) {
    if last(block.body(), "garp_interval").is_none() && last(block.body(), "gna_interval").is_none() {
        let message = "a garp_group without 'garp_interval' and 'gna_interval' does nothing";
        let gist = "garp group does not have any delay set - removing";
        complain_later(context, Name::INCOMPLETE_BLOCK, block.span(), message, gist);
    }
}
