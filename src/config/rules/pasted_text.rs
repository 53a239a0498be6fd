//! Lines that came along when the file was copied out of a terminal or a web page: a prompt, the ends of a here document,
//! the fences of a code block.

use super::Subject;
use crate::diagnostic::{Diagnostic, Fix, Name};
use crate::syntax::{Statement, Word};

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    // They stand at the ends of the file, outside every block.
    let lines = subject.statements.iter().filter(|line| line.block.is_none());
    lines.filter_map(|line| Some((line, what(line)?))).map(|(line, what)| report(line, what)).collect()
}

fn report(line: &Statement, what: &str) -> Diagnostic {
    let word = line.words.first().map_or(line.span, |word| word.span);
    Diagnostic::warning(Name::PASTED_TEXT, format!("this is {what}, not configuration"))
        .at(word)
        .help("remove the line")
        .fix(Fix::remove(line.span).proposed())
}

fn what(line: &Statement) -> Option<&'static str> {
    let first = line.words.first()?;
    let fence: [&[u8]; 2] = [b"```", b"~~~"];
    let commands: [&[u8]; 7] = [b"cat", b"vi", b"vim", b"nano", b"less", b"more", b"sudo"];
    let is = |word: &Word, names: &[&[u8]]| names.contains(&word.bytes.as_slice());
    if fence.iter().any(|fence| first.bytes.starts_with(fence)) {
        Some("the fence of a code block")
    } else if is_prompt(&first.bytes) {
        Some("the prompt of a shell")
    } else if is(first, &[b"EOF", b"EOT", b"END"]) && line.words.len() == 1 {
        Some("the end of a here document")
    } else {
        let is_command = is(first, &commands) || (is(first, &[b"$", b"%", b">"]) && is(line.words.get(1)?, &commands));
        is_command.then_some("a command for a shell")
    }
}

/// `root@host:~#`, `[root@host ~]#`, `root@host$`
fn is_prompt(word: &[u8]) -> bool {
    let name =
        |part: &[u8]| !part.is_empty() && part.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(byte));
    let (bracketed, word) = word.strip_prefix(b"[").map_or((false, word), |word| (true, word));
    let Some((user, rest)) = word.iter().position(|byte| *byte == b'@').map(|at| (&word[..at], &word[at + 1..])) else {
        return false;
    };
    let end = rest.iter().position(|byte| b":$#%]".contains(byte));
    let host = &rest[..end.unwrap_or(rest.len())];
    name(user) && name(host) && (bracketed || end.is_some())
}
