//! `notify_fifo`, `vrrp_notify_fifo`, `lvs_notify_fifo` and the scripts that read them.

use crate::config::context::{Context, Spanned};
use crate::config::cursor::Line;
use crate::config::values::{self, Script};
use crate::diagnostic::{Diagnostic, Name};
use crate::model::{Global, NotifyFifo};

use super::super::script::{UserAndGroup, default_user};
use super::read::{text, user_and_group};
use super::{command, user_exists};

/// One pipe; a reader without a pipe does nothing.
#[derive(Default)]
pub(super) struct FifoDraft {
    /// Path and owner.
    pipe: Option<Spanned<(String, Option<UserAndGroup>)>>,
    /// The script, and the user that was the default at its line.
    reader: Option<Spanned<(Script, Option<UserAndGroup>)>>,
}

impl FifoDraft {
    /// Reads one of the two keywords; `user` is what `script_user` said so far.
    pub(super) fn line(&mut self, context: &mut Context, line: &Line, user: Option<UserAndGroup>) {
        let default = user.or_else(|| default_user(context.host));
        if line.keyword.name.ends_with("_script") {
            let script = values::script(context, "global_defs", line);
            self.reader = script.map(|script| Spanned::new((script.value, default), script.span));
        } else if let Some(path) = text(line) {
            let owner = user_and_group(&line.arguments[1..]).or(default);
            self.pipe = Some(Spanned::new((path, owner), line.span()));
        }
    }

    /// The pipe with what can be run of its reader; keepalived says in its log alone when it cannot.
    pub(super) fn finish(&self, context: &mut Context, global: &Global) -> Option<NotifyFifo> {
        let Spanned { value: (path, owner), span } = self.pipe.as_ref()?;
        let missing = context.host.is_some_and(|host| owner.as_ref().is_some_and(|owner| !user_exists(host, owner)));
        if missing {
            let message = format!("there is no user or group that could own {path}; the FIFO is left out");
            context.report(Diagnostic::warning(Name::UNKNOWN_USER, message).at(*span));
            return None;
        }
        let reader = self.reader.as_ref().and_then(|reader| command(context, reader, "nothing reads the FIFO", global));
        Some(NotifyFifo { path: path.clone(), user: owner.clone(), reader })
    }
}
