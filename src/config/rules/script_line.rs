//! Programs that cannot do what their author wanted: shell syntax without a shell, arguments that are taken for a user,
//! a path that anybody may write to, no path at all, a search for a process that `vrrp_track_process` does better.
//!
//! keepalived starts programs with execve(2), whatever the line looks like; the word after the command is a user, the
//! next a group (keepalived.conf(5), "Script user").

use super::scope::Scope;
use crate::config::command;
use crate::diagnostic::{Diagnostic, Name};
use crate::schema::Value;
use crate::source::Span;
use crate::syntax::Statement;

/// Directories that are for everybody, or for one person.
const SHARED: [&[u8]; 4] = [b"/tmp/", b"/var/tmp/", b"/dev/shm/", b"/home/"];
/// Programs that read shell syntax from an argument.
const SHELLS: [&[u8]; 6] = [b"sh", b"bash", b"dash", b"ash", b"ksh", b"zsh"];
/// Programs that look whether a process is there.
const SEARCHES: [&[u8]; 4] = [b"killall", b"pidof", b"pgrep", b"pkill"];

pub(super) fn check(scope: &Scope, found: &mut Vec<Diagnostic>) {
    for (keyword, statement) in scope.lines.iter().filter(|(keyword, _)| keyword.value == Value::Command) {
        let Some(span) = arguments(statement) else { continue };
        let words = command::split(scope.sources.slice(span));
        let Some(first) = words.first() else { continue };
        let argv = command::split(first);
        let Some(program) = argv.first().filter(|program| !program.is_empty()) else { continue };
        let is_script = scope.block.path == "vrrp_script";
        found.extend(
            shell_syntax(program, &argv, &words)
                .or_else(|| shared_directory(program))
                .or_else(|| unquoted_arguments(&words, is_script || keyword.name.starts_with("notify")))
                .or_else(|| process_search(program).filter(|_| is_script))
                .or_else(|| without_path(program))
                .map(|diagnostic| diagnostic.at(span)),
        );
    }
}

/// Everything after the keyword.
fn arguments(statement: &Statement) -> Option<Span> {
    let (first, last) = (statement.words.get(1)?.span, statement.words.last()?.span);
    (first.source == last.source && first.start <= last.start).then(|| first.to(last))
}

fn file_name(program: &[u8]) -> &[u8] {
    program.rsplit(|byte| *byte == b'/').next().unwrap_or(program)
}

fn shell_syntax(program: &[u8], argv: &[Vec<u8>], words: &[Vec<u8>]) -> Option<Diagnostic> {
    let by_shell = SHELLS.contains(&file_name(program)) && argv.iter().any(|word| word.starts_with(b"-"));
    let everything = argv.iter().chain(words.iter().skip(1));
    let operator = everything.filter(|word| is_operator(word)).map(|word| String::from_utf8_lossy(word)).next()?;
    let message = format!("'{operator}' is for a shell, and none reads this line");
    let diagnostic = Diagnostic::warning(Name::SHELL_SYNTAX, message);
    let help = "put the line into a script file, or write \"/bin/sh -c '…'\"";
    (!by_shell).then(|| diagnostic.help(help).note("the program gets it as an argument"))
}

fn is_operator(word: &[u8]) -> bool {
    let whole: [&[u8]; 11] = [b"|", b"||", b"&&", b";", b"&", b">", b">>", b"<", b"[[", b"2>&1", b"`"];
    let starts: [&[u8]; 6] = [b">", b"<", b"2>", b"&>", b"$(", b"`"];
    whole.contains(&word) || starts.iter().any(|start| word.starts_with(start))
}

fn shared_directory(program: &[u8]) -> Option<Diagnostic> {
    let directory = SHARED.iter().find(|directory| program.starts_with(directory))?;
    let directory = String::from_utf8_lossy(directory);
    let message = format!("{} is in {directory}", String::from_utf8_lossy(program));
    let diagnostic = Diagnostic::warning(Name::SCRIPT_IN_SHARED_DIRECTORY, message);
    Some(
        diagnostic
            .help("move it to /etc/keepalived or /usr/local/libexec, owned by root")
            .note("whoever may write there decides what runs, and script security refuses such a script"),
    )
}

fn unquoted_arguments(words: &[Vec<u8>], takes_user: bool) -> Option<Diagnostic> {
    let [_, user, rest @ ..] = words else { return None };
    let could_be_user = user.first().is_some_and(|byte| byte.is_ascii_lowercase() || *byte == b'_')
        && user.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.$".contains(byte));
    let states: [&[u8]; 4] = [b"master", b"backup", b"fault", b"stop"];
    if !takes_user || (could_be_user && rest.len() < 2 && !states.contains(&user.as_slice())) {
        return None;
    }
    let user = String::from_utf8_lossy(user);
    let message = format!("'{user}' is taken for the user to run as, not for an argument");
    let diagnostic = Diagnostic::warning(Name::UNQUOTED_ARGUMENTS, message);
    Some(diagnostic.help("put the program and its arguments in one pair of double quotes"))
}

fn process_search(program: &[u8]) -> Option<Diagnostic> {
    let name = SEARCHES.iter().find(|search| file_name(program) == **search)?;
    let message = format!("'{}' starts a process every time to look for another", String::from_utf8_lossy(name));
    let diagnostic = Diagnostic::remark(Name::PROCESS_SEARCH, message);
    Some(diagnostic.help("'vrrp_track_process' is told by the kernel when a process ends, at once"))
}

fn without_path(program: &[u8]) -> Option<Diagnostic> {
    let message = format!("'{}' is looked for in the search path", String::from_utf8_lossy(program));
    let diagnostic = Diagnostic::remark(Name::SCRIPT_WITHOUT_PATH, message);
    (!program.contains(&b'/')).then(|| diagnostic.help("write the whole path"))
}
