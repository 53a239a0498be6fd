//! `MISC_CHECK`, and `FILE_CHECK` and `BFD_CHECK`, which send nothing of their own.

use std::net::IpAddr;
use std::time::Duration;

use crate::config::context::{Context, Spanned};
use crate::config::cursor::{Line, shortened, walk_all};
use crate::config::lower::global::user_exists;
use crate::config::lower::script::{UserAndGroup, obstacle, runner};
use crate::config::values::{self, Garbage, Script};
use crate::diagnostic::{Diagnostic, ErrorClass, Name};
use crate::model::check::{FileCheck, MiscCheck};
use crate::model::{Command, FileName};
use crate::source::Span;

use super::{CheckerDraft, KindDraft, Surroundings, path, unusable};

/// What a `MISC_CHECK` block says.
#[derive(Clone)]
pub(super) struct MiscDraft {
    argv: Vec<String>,
    user: Option<Spanned<UserAndGroup>>,
    span: Span,
    timeout: Option<Duration>,
    dynamic: bool,
}

/// Reads a `MISC_CHECK` block; `None` when it names no program.
pub(super) fn read(context: &mut Context, block: &Line, server: IpAddr) -> Option<CheckerDraft> {
    let (path, mut checker) = (path(block), CheckerDraft::new(KindDraft::Ping));
    let mut script: Option<Spanned<Script>> = None;
    let (mut user, mut timeout, mut dynamic) = (None, None, false);
    walk_all(context, &path, block.body(), &mut |context, line| match line.keyword.name.as_str() {
        "misc_path" if !line.arguments.is_empty() => script = values::script(context, &path, &line),
        "misc_path" => script = None,
        "misc_timeout" => {
            let seconds: Option<u32> = values::unsigned(context, &line, Garbage::Dropped);
            timeout = seconds.map(|seconds| Duration::from_secs(seconds.into())).or(timeout);
        }
        "misc_dynamic" => dynamic = true,
        "user" => {
            let text = |at: usize| line.arguments.get(at).map(|word| word.text().into_owned());
            user = text(0).map(|name| Spanned::new((name, text(1)), line.span()));
        }
        other => {
            let known = checker.line(context, &line, server);
            assert!(known, "grammar/checks.conf calls '{other}' effective");
        }
    });
    let Some(Spanned { value: script, span }) = script else {
        let gist = "No script path has been specified for MISC_CHECKER - skipping";
        context.report(unusable(Name::INCOMPLETE_BLOCK, "MISC_CHECK has no 'misc_path'", block.span(), gist));
        return None;
    };
    let user = user.or_else(|| script.user.map(|user| Spanned::new(user, span)));
    let timeout = timeout.filter(|timeout| !timeout.is_zero());
    let draft = MiscDraft { argv: script.argv, user, span, timeout, dynamic };
    Some(CheckerDraft { kind: KindDraft::Misc(draft), ..checker })
}

impl MiscDraft {
    /// The check; `None`, with a report, when its program cannot be run: keepalived then leaves the check out.
    pub(super) fn finish(self, context: &mut Context, around: &Surroundings) -> Option<MiscCheck> {
        let user = self.user.as_ref().map(|user| user.value.clone());
        if let Some(host) = context.host {
            let found = match &user {
                Some(user) if !user_exists(host, user) => {
                    Some((Name::UNKNOWN_USER, "is to run as a user or group that does not exist"))
                }
                user => obstacle(host, &self.argv[0], user.as_ref(), around.global),
            };
            if let Some((kind, what)) = found {
                self.left_out(context, kind, what);
                return None;
            }
        }
        let command = Command { argv: self.argv, user: runner(context.host, user, around.global) };
        let timeout = self.timeout.unwrap_or(around.script_timeout);
        Some(MiscCheck { command, timeout, dynamic: self.dynamic })
    }

    /// keepalived complains about a user that is not there while it reads; of the rest only its log tells.
    fn left_out(&self, context: &mut Context, kind: Name, what: &str) {
        let program = &self.argv[0];
        let message = format!("MISC_CHECK is left out, so nothing is checked by it: {program} {what}");
        let at = self.user.as_ref().filter(|_| kind == Name::UNKNOWN_USER).map_or(self.span, |user| user.span);
        let diagnostic = Diagnostic::warning(kind, message).at(at);
        context.report(if kind == Name::UNKNOWN_USER {
            let gist = format!("Failed to set uid/gid for misc checker script {program} - removing");
            diagnostic.class(ErrorClass::General).gist(gist)
        } else {
            diagnostic
        });
    }
}

/// What a `FILE_CHECK` block says.
#[derive(Clone)]
pub(super) struct FileDraft {
    name: FileName,
    /// The file's own where there is none.
    weight: Option<(i32, bool)>,
}

/// Reads a `FILE_CHECK` block; `None` when it names no file.
pub(super) fn read_file(context: &mut Context, block: &Line) -> Option<CheckerDraft> {
    let (mut name, mut weight) = (None, None);
    walk_all(context, &path(block), block.body(), &mut |context, line| match line.keyword.name.as_str() {
        "track_file" => name = line.argument().map(|word| FileName(word.text().into_owned())),
        "weight" => weight = file_weight(context, &line).or(weight),
        other => unreachable!("grammar/checks.conf calls '{other}' effective"),
    });
    let Some(name) = name else {
        let gist = "FILE_CHECK has no track_file specified - ignoring";
        context.report(unusable(Name::INCOMPLETE_BLOCK, "FILE_CHECK has no 'track_file'", block.span(), gist));
        return None;
    };
    Some(CheckerDraft::new(KindDraft::File(FileDraft { name, weight })))
}

/// `weight N [reverse|noreverse]`
fn file_weight(context: &mut Context, line: &Line) -> Option<(i32, bool)> {
    let limit = i128::from(i32::MAX);
    let weight = values::integer_in(context, line.argument()?, -limit, limit, Garbage::Dropped)?;
    let reverse = match line.arguments.get(1).map(|word| (word, word.bytes.as_slice())) {
        None | Some((_, b"noreverse")) => false,
        Some((_, b"reverse")) => true,
        Some((word, _)) => {
            let text = word.text();
            let message = format!("'{}' is neither 'reverse' nor 'noreverse'", shortened(&text));
            let gist = format!("unknown track file weight option {} - ignoring", shortened(&text));
            context.report(values::invalid_value(word.span, message).gist(gist));
            return None;
        }
    };
    Some((i32::try_from(weight).ok()?, reverse))
}

impl FileDraft {
    /// The check; `None` when there is no such file, which has been reported.
    pub(super) fn finish(self, around: &Surroundings) -> Option<FileCheck> {
        let file = around.files.iter().find(|file| file.name == self.name)?;
        let (weight, reverse) = self.weight.unwrap_or((file.weight.value().into(), file.weight.reverse));
        Some(FileCheck { name: self.name, weight, reverse })
    }
}

/// Reads a `BFD_CHECK` block; `None` when it names no session.
pub(super) fn read_bfd(context: &mut Context, block: &Line) -> Option<CheckerDraft> {
    let (mut name, mut checker) = (None, CheckerDraft::new(KindDraft::Ping));
    walk_all(context, &path(block), block.body(), &mut |context, line| match line.keyword.name.as_str() {
        "name" => name = line.argument().map(|word| word.text().into_owned()),
        other => {
            let known = checker.timing.line(context, &line);
            assert!(known, "grammar/checks.conf calls '{other}' effective");
        }
    });
    let Some(name) = name else {
        let gist = "No name has been specified for BFD_CHECKER - skipping";
        context.report(unusable(Name::INCOMPLETE_BLOCK, "BFD_CHECK has no 'name'", block.span(), gist));
        return None;
    };
    Some(CheckerDraft { kind: KindDraft::Bfd(name), ..checker })
}
