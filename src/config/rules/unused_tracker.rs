//! A tracked file, a tracked process or a group of virtual servers that nothing refers to.

use std::collections::HashSet;

use super::Subject;
use super::subject::{argument, body, is};
use crate::diagnostic::{Diagnostic, Name};
use crate::syntax::Statement;

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let files = tracked(subject, "track_file").chain(checked(subject, "FILE_CHECK", "track_file"));
    let files: HashSet<&[u8]> = files.collect();
    let processes: HashSet<&[u8]> = tracked(subject, "track_process").collect();
    let groups: HashSet<&[u8]> = groups(subject).collect();
    let kinds: [(&'static str, &HashSet<&[u8]>, &str); 4] = [
        ("track_file", &files, "name it in a 'track_file' block of an instance, or in a FILE_CHECK"),
        ("vrrp_track_file", &files, "name it in a 'track_file' block of an instance, or in a FILE_CHECK"),
        ("vrrp_track_process", &processes, "name it in a 'track_process' block of an instance"),
        ("virtual_server_group", &groups, "write 'virtual_server group NAME'"),
    ];
    let mut found = Vec::new();
    for (kind, used, help) in kinds {
        for name in subject.blocks(kind).filter_map(argument) {
            if !used.contains(name.bytes.as_slice()) {
                let message = format!("nothing refers to {kind} {}", name.text());
                found.push(Diagnostic::warning(Name::UNUSED_TRACKER, message).at(name.span).help(help));
            }
        }
    }
    found
}

/// The names in the blocks of that keyword in instances and sync groups.
fn tracked<'a>(subject: &'a Subject, keyword: &'static str) -> impl Iterator<Item = &'a [u8]> {
    let blocks = subject.blocks("vrrp_instance").chain(subject.blocks("vrrp_sync_group")).flat_map(body);
    let lines = blocks.filter(move |block| is(block, keyword)).flat_map(body);
    lines.filter_map(|line| Some(line.words.first()?.bytes.as_slice()))
}

/// The values of a keyword in the checkers of that kind.
fn checked<'a>(subject: &'a Subject, checker: &'static str, keyword: &'static str) -> impl Iterator<Item = &'a [u8]> {
    let reals = subject.servers.iter().flat_map(|server| server.reals()).flat_map(body);
    let lines = reals.filter(move |block| is(block, checker)).flat_map(body);
    value(lines.filter(move |line| is(line, keyword)))
}

fn groups<'a>(subject: &'a Subject) -> impl Iterator<Item = &'a [u8]> {
    let heads = subject.servers.iter().map(|server| &server.head.words);
    let heads = heads.filter(|words| words.get(1).is_some_and(|word| word.bytes == b"group"));
    heads.filter_map(|words| Some(words.get(2)?.bytes.as_slice()))
}

fn value<'a>(lines: impl Iterator<Item = &'a Statement>) -> impl Iterator<Item = &'a [u8]> {
    lines.filter_map(|line| Some(argument(line)?.bytes.as_slice()))
}
