//! `notify`, `notify_master` and their like, `smtp_alert`: which of the scripts named can be run. keepalived says in its
//! log alone when one cannot, and runs the instance without it.

use std::collections::BTreeMap;

use crate::config::context::{Context, Spanned};
use crate::config::cursor::Line;
use crate::config::values::{self, Script};
use crate::diagnostic::{Diagnostic, Name};
use crate::model::{Command, Global, Notify};

use super::global::user_exists;
use super::script::{obstacle, runner};

/// What an instance or a group says about who is told.
#[derive(Default)]
pub(in crate::config) struct NotifyDraft {
    /// By keyword.
    scripts: BTreeMap<String, Spanned<Script>>,
    tells_deleted: bool,
    mail: Option<bool>,
    priority_changes: Option<bool>,
}

impl NotifyDraft {
    /// Takes a line if it is about who is told.
    pub fn line(&mut self, context: &mut Context, path: &str, line: &Line) -> bool {
        match line.keyword.name.as_str() {
            "smtp_alert" => self.mail = flag(context, line).or(self.mail),
            "notify_priority_changes" => self.priority_changes = flag(context, line).or(self.priority_changes),
            name if name.starts_with("notify") => {
                self.tells_deleted |= name == "notify_deleted";
                if let Some(script) = values::script(context, path, line) {
                    self.scripts.entry(name.to_owned()).or_insert(script);
                }
            }
            _ => return false,
        }
        true
    }

    /// The scripts that can run, and the defaults: of the group that the instance is in, then of `global_defs`.
    pub fn finish(&self, context: &mut Context, group: Option<&NotifyDraft>, global: &Global) -> Notify {
        let mut command = |keyword: &str| command(context, keyword, self.scripts.get(keyword)?, global);
        let changes = self.priority_changes.or(group.and_then(|group| group.priority_changes));
        Notify {
            master: command("notify_master"),
            backup: command("notify_backup"),
            fault: command("notify_fault"),
            stop: command("notify_stop"),
            deleted: command("notify_deleted"),
            tells_deleted: self.tells_deleted,
            any: command("notify"),
            master_rx_lower_priority: command("notify_master_rx_lower_pri"),
            priority_changes: changes.unwrap_or(global.vrrp.defaults.notify_priority_changes),
            mail: self.mail.or(global.email.alerts.vrrp).or(global.email.alerts.all).unwrap_or(false),
        }
    }
}

/// A boolean, or nothing for true.
pub(super) fn flag(context: &mut Context, line: &Line) -> Option<bool> {
    line.argument().map_or(Some(true), |word| values::boolean(context, word))
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
