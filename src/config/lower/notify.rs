//! `notify`, `notify_master` and their like: which of the scripts named can be run. keepalived says in its log alone
//! when one cannot, and runs the instance without it.

use crate::config::context::{Context, Spanned};
use crate::config::values::Script;
use crate::diagnostic::{Diagnostic, Name};
use crate::model::{Command, Global, Notify};

use super::InstanceDraft;
use super::global::user_exists;
use super::script::{obstacle, runner};

/// The scripts of one instance.
pub(super) fn finish(context: &mut Context, draft: &InstanceDraft, global: &Global) -> Notify {
    let mut command = |keyword: &str| command(context, keyword, draft.notify.get(keyword)?, global);
    Notify {
        master: command("notify_master"),
        backup: command("notify_backup"),
        fault: command("notify_fault"),
        stop: command("notify_stop"),
        any: command("notify"),
    }
}

/// The command that a keyword names, with its user; `None`, with a report, when it cannot be run.
pub(super) fn command(
    context: &mut Context,
    keyword: &str,
    script: &Spanned<Script>,
    global: &Global,
) -> Option<Command> {
    let Script { argv, user } = &script.value;
    if let Some(host) = context.host {
        let found = match user {
            Some(user) if !user_exists(host, user) => {
                Some((Name::UNKNOWN_USER, "is to run as a user or group that does not exist"))
            }
            user => obstacle(host, &argv[0], user.as_ref(), global),
        };
        if let Some((kind, what)) = found {
            let message = format!("'{keyword}' is not run: {} {what}", argv[0]);
            context.report(Diagnostic::warning(kind, message).at(script.span));
            return None;
        }
    }
    Some(Command { argv: argv.clone(), user: runner(context.host, user.clone(), global) })
}
