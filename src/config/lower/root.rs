//! The keywords outside every block that take a value (`core/global_parser.c`, `vrrp/vrrp_parser.c`).

use std::time::Duration;

use crate::config::context::Context;
use crate::config::cursor::{Line, shortened};
use crate::config::values::{self, Garbage};
use crate::diagnostic::{Diagnostic, ErrorClass, Name};
use crate::model::IpvsNamespace;
use crate::syntax::Word;

use super::GlobalDraft;

/// Takes the line if it is one of these.
pub(super) fn read(context: &mut Context, draft: &mut GlobalDraft, line: &Line) -> bool {
    let daemon = &mut draft.daemon.settings;
    let text = line.argument().map(|word| word.text().into_owned());
    match line.keyword.name.as_str() {
        "instance" => (daemon.instance, daemon.use_pid_directory) = (text, true),
        "net_namespace" => {
            (daemon.namespace, daemon.use_pid_directory) = (text, true);
            if let Some(word) = line.argument() {
                namespace(context, word);
            }
        }
        "net_namespace_ipvs" => {
            daemon.ipvs_namespace = text.map_or(IpvsNamespace::Machine, IpvsNamespace::Named);
        }
        "namespace_with_ipsets" => daemon.namespace_with_ipsets = true,
        "use_pid_dir" => daemon.use_pid_directory = true,
        "child_wait_time" => {
            if let Some(seconds) = values::unsigned::<u32>(context, line, Garbage::Refused) {
                daemon.stop_timeout = Duration::from_secs(seconds.into());
            }
        }
        "linkbeat_use_polling" => draft.links.poll_all = true,
        _ => return false,
    }
    true
}

/// A namespace that is not there ends everything, without a complaint about the file.
fn namespace(context: &mut Context, word: &Word) {
    let text = word.text();
    if context.host.is_some_and(|host| !host.has_network_namespace(&text)) {
        let shown = shortened(&text);
        context.report(
            Diagnostic::error(Name::UNKNOWN_REFERENCE, format!("there is no network namespace {shown}"))
                .at(word.span)
                .class(ErrorClass::Namespace)
                .gist(format!("Unable to set network namespace {shown}"))
                .note("keepalived -t looks at nothing more and exits with status 0"),
        );
    }
}
