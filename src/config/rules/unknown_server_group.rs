//! `virtual_server group NAME` without a `virtual_server_group NAME`: the servers have no address, and nothing is said.

use std::collections::HashSet;

use super::Subject;
use super::subject::argument;
use crate::diagnostic::{Diagnostic, Name};

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let known = subject.blocks("virtual_server_group").filter_map(argument);
    let known: HashSet<&[u8]> = known.map(|name| name.bytes.as_slice()).collect();
    let heads = subject.servers.iter().map(|server| &server.head.words);
    let names = heads.filter(|words| words.get(1).is_some_and(|word| word.bytes == b"group")).filter_map(|w| w.get(2));
    let unknown = names.filter(|name| !known.contains(name.bytes.as_slice()));
    let diagnostics = unknown.map(|name| {
        let message = format!("there is no virtual_server_group {}", name.text());
        let diagnostic = Diagnostic::warning(Name::UNKNOWN_SERVER_GROUP, message).at(name.span);
        diagnostic.help("define it: it says which addresses and ports the servers stand behind")
    });
    diagnostics.collect()
}
