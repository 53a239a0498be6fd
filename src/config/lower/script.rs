//! `vrrp_script`.

use std::time::Duration;

use crate::config::context::{Context, Runner, ScriptUse, Spanned};
use crate::config::cursor::{Line, walk};
use crate::config::host::{Host, Script as ScriptFile};
use crate::config::values::{self, Garbage, Script};
use crate::diagnostic::{Diagnostic, ErrorClass, Name};
use crate::model::{Command, Global, ScriptName, TrackWeight, VrrpScript};
use crate::source::Span;

use super::Draft;
use super::global::user_exists;

/// The user that scripts run as when nothing else is said, if it exists (keepalived.conf(5), `script_user`).
const DEFAULT_USER: &str = "keepalived_script";

/// A user and perhaps a group.
pub(in crate::config) type UserAndGroup = (String, Option<String>);
type ScriptUser = Spanned<UserAndGroup>;

/// What a `vrrp_script` block says.
pub(in crate::config) struct ScriptDraft {
    pub name: Spanned<String>,
    pub command: Option<Spanned<Script>>,
    pub weight: Option<Spanned<TrackWeight>>,
    user: Option<ScriptUser>,
    interval: Duration,
    timeout: Option<Duration>,
    rise: u32,
    fall: u32,
    init_fail: bool,
}

/// Reads one block.
pub(super) fn read(context: &mut Context, block: &Line) -> Option<ScriptDraft> {
    let name = block.argument()?;
    let mut draft = ScriptDraft {
        name: Spanned::new(name.text().into_owned(), name.span),
        command: None,
        weight: None,
        user: None,
        interval: Duration::from_secs(1),
        timeout: None,
        rise: 1,
        fall: 1,
        init_fail: false,
    };
    walk(context, "vrrp_script", block.body(), &mut |context, line| match line.keyword.name.as_str() {
        "script" => draft.command = values::script(context, "vrrp_script", &line),
        "interval" => {
            if let Some(interval) = seconds(context, &line) {
                draft.interval = interval;
            }
        }
        "timeout" => draft.timeout = seconds(context, &line).or(draft.timeout),
        "weight" => draft.weight = weight(context, &line).or(draft.weight),
        "rise" => draft.rise = values::unsigned(context, &line, Garbage::Dropped).unwrap_or(1),
        "fall" => draft.fall = values::unsigned(context, &line, Garbage::Dropped).unwrap_or(1),
        "init_fail" => draft.init_fail = true,
        "user" => {
            let text = |at: usize| line.arguments.get(at).map(|word| word.text().into_owned());
            draft.user = text(0).map(|user| Spanned::new((user, text(1)), line.span()));
        }
        other => unreachable!("grammar/vrrp_script.conf calls '{other}' effective"),
    });
    if let Some(command) = &draft.command {
        let user = draft.user.as_ref().map(|user| user.value.0.clone());
        let program = command.value.argv[0].clone();
        context.scripts.push(ScriptUse { runner: Runner::Vrrp, span: command.span, program, user });
    }
    Some(draft)
}

/// `interval` and `timeout`: seconds with three decimal places (whole ones up to 2.2.7), and 0 becomes 1.
fn seconds(context: &mut Context, line: &Line) -> Option<Duration> {
    let duration = values::duration(context, line)?;
    if duration.is_zero() {
        context.report(
            Diagnostic::warning(
                Name::NUMBER_OUT_OF_RANGE,
                format!("'{} 0' is not possible; 1 is used", line.keyword.name),
            )
            .at(line.span())
            .class(ErrorClass::General)
            .gist(format!("vrrp script {} must be greater than 0, setting to 1", line.keyword.name)),
        );
        return Some(Duration::from_secs(1));
    }
    if duration.subsec_micros() % 1000 != 0 {
        context.report(
            Diagnostic::warning(Name::TOO_MANY_DECIMALS, format!("'{}' counts milliseconds", line.keyword.name))
                .at(line.span())
                .class(ErrorClass::General)
                .gist(format!("number '{}' has too many decimal places", line.argument()?.text())),
        );
    }
    Some(duration)
}

fn weight(context: &mut Context, line: &Line) -> Option<Spanned<TrackWeight>> {
    let value = values::integer(context, line, Garbage::Dropped)?;
    let reverse = match line.arguments.get(1) {
        None => false,
        Some(word) if word.bytes == b"reverse" => true,
        Some(word) => {
            let message = format!("'{}' is not 'reverse'", word.text());
            context.report(values::invalid_value(word.span, message));
            false
        }
    };
    TrackWeight::new(value as i64, reverse).map(|weight| Spanned::new(weight, line.span()))
}

/// The scripts that can run. The others are reported and left out, and the instances then do not track them.
pub(super) fn finish_all(context: &mut Context, draft: &Draft, global: &Global) -> Vec<VrrpScript> {
    let mut names: Vec<&str> = Vec::new();
    let mut scripts = Vec::new();
    for script in &draft.scripts {
        if names.contains(&script.name.value.as_str()) {
            context.report(
                Diagnostic::warning(
                    Name::DUPLICATE_SCRIPT,
                    format!("another vrrp_script is called {} already; this one is never used", script.name.value),
                )
                .at(script.name.span),
            );
            continue;
        }
        names.push(&script.name.value);
        scripts.extend(finish(context, draft, script, global));
    }
    scripts
}

fn finish(context: &mut Context, draft: &Draft, script: &ScriptDraft, global: &Global) -> Option<VrrpScript> {
    let name = &script.name.value;
    let Some(command) = &script.command else {
        context.report(
            Diagnostic::warning(Name::SCRIPT_NOT_SET, format!("{name} has no 'script' line and is left out"))
                .at(script.name.span)
                .class(ErrorClass::General)
                .gist(format!("No script set for vrrp_script {name} - removing")),
        );
        return None;
    };
    let (argv, span) = (&command.value.argv, command.span);
    if argv[0].starts_with('<') {
        let message = "a script that only tests whether a file opens is not supported yet";
        context.report(Diagnostic::error(Name::NOT_YET_SUPPORTED, message).at(span));
        return None;
    }
    let user = script.user.clone().or_else(|| command.value.user.clone().map(|user| Spanned::new(user, span)));
    if !has_user(context, name, span, user.as_ref(), global) {
        return None;
    }
    // keepalived looks at the files only when it has an instance to run.
    if !draft.instances.is_empty() && !has_file(context, name, command, user.as_ref(), global) {
        return None;
    }
    Some(VrrpScript {
        name: ScriptName(name.clone()),
        command: Command { argv: argv.clone(), user: runner(context.host, user.map(|user| user.value), global) },
        interval: script.interval,
        timeout: script.timeout,
        weight: script.weight.map(|weight| weight.value).unwrap_or_default(),
        rise: script.rise,
        fall: script.fall,
        init_fail: script.init_fail,
    })
}

/// Whom a script runs as: the one it names, else `script_user`, else [`DEFAULT_USER`] where that exists; `None` is the
/// user alived runs as.
pub(super) fn runner(host: Option<&dyn Host>, named: Option<UserAndGroup>, global: &Global) -> Option<UserAndGroup> {
    named.or_else(|| global.script_user.clone()).or_else(|| default_user(host))
}

/// [`DEFAULT_USER`] where that exists.
pub(super) fn default_user(host: Option<&dyn Host>) -> Option<UserAndGroup> {
    host.and_then(|host| host.user(DEFAULT_USER)).map(|_| (DEFAULT_USER.to_owned(), None))
}

/// Whether the user that the script is to run as exists. Without a machine to ask, every user does.
fn has_user(context: &mut Context, name: &str, span: Span, user: Option<&ScriptUser>, global: &Global) -> bool {
    let Some(host) = context.host else { return true };
    let missing = match (user, &global.script_user) {
        (Some(user), _) => !user_exists(host, &user.value),
        (None, Some(user)) => !user_exists(host, user),
        (None, None) => global.script_security && host.user(DEFAULT_USER).is_none(),
    };
    if missing {
        let message = match user {
            Some(_) => format!("{name} is to run as a user or group that does not exist; it is left out"),
            None => format!("there is no user that {name} could run as; it is left out"),
        };
        context.report(
            Diagnostic::warning(Name::UNKNOWN_USER, message)
                .at(user.map_or(span, |user| user.span))
                .class(ErrorClass::General)
                .gist(match user {
                    Some(_) => format!("Unable to set uid/gid for script {name}"),
                    None => format!("Unable to set default user {DEFAULT_USER} for script {name}"),
                })
                .help("name an existing user with 'script_user' in global_defs"),
        );
    }
    !missing
}

/// Whether the file can be run, and may be. Without a machine to ask, it can.
fn has_file(
    context: &mut Context,
    name: &str,
    script: &Spanned<Script>,
    user: Option<&ScriptUser>,
    global: &Global,
) -> bool {
    let program = &script.value.argv[0];
    let found = context.host.and_then(|host| obstacle(host, program, user.map(|user| &user.value), global));
    let Some((kind, what)) = found else { return true };
    let diagnostic = Diagnostic::warning(kind, format!("{name} is not tracked: {program} {what}")).at(script.span);
    let keepalived_complains = kind != Name::SCRIPT_NOT_EXECUTABLE;
    let reason = if kind == Name::SCRIPT_INSECURE { "due to insecure" } else { "since not found/accessible" };
    context.report(if keepalived_complains {
        diagnostic.class_without_line(ErrorClass::General).gist(format!("Disabling track script {name} {reason}"))
    } else {
        diagnostic
    });
    false
}

/// Why the program cannot or must not be run as `user`, or as the default one; the words follow its name.
pub(super) fn obstacle(
    host: &dyn Host,
    program: &str,
    user: Option<&UserAndGroup>,
    global: &Global,
) -> Option<(Name, &'static str)> {
    let runs_as_root = match user.or(global.script_user.as_ref()) {
        Some((user, _)) => host.user(user) == Some(0),
        None => host.user(DEFAULT_USER).is_none(),
    };
    match host.script(program) {
        ScriptFile::Missing => Some((Name::SCRIPT_NOT_FOUND, "cannot be found")),
        ScriptFile::NotExecutable => Some((Name::SCRIPT_NOT_EXECUTABLE, "is not executable")),
        ScriptFile::Insecure if global.script_security && runs_as_root => {
            Some((Name::SCRIPT_INSECURE, "can be changed by somebody else than root"))
        }
        ScriptFile::Insecure | ScriptFile::Secure => None,
    }
}
