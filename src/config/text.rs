//! Diagnostics about the text itself: a file that cannot be read, that is no text, whose braces or quotes do not match.

use std::path::Path;

use crate::diagnostic::{Diagnostic, ErrorClass, Fix, Name};
use crate::source::{SourceId, SourceMap, Span};
use crate::syntax::{Problem, ProblemKind};

use super::context::Context;
use super::host::FileError;

/// How much of a file is looked at to see whether it is text.
const SAMPLE: usize = 8192;
/// Text has fewer control characters than one in this many bytes.
const TEXT_PER_CONTROL: usize = 20;

/// The configuration file was not read. keepalived only remarks on one that is not there.
pub(super) fn unreadable(path: &Path, error: &FileError) -> Diagnostic {
    let class = match error {
        FileError::NotFound | FileError::Directory | FileError::NotPlain => ErrorClass::Remark,
        FileError::Unreadable(_) | FileError::TooLarge => ErrorClass::Fatal,
    };
    let message = format!("cannot read {}: {error}", path.display());
    Diagnostic::error(Name::UNREADABLE_FILE, message).class_without_line(class)
}

/// `-f` matches more than one file. keepalived reads them all, and complains.
pub(super) fn several_files(pattern: &Path, count: usize) -> Option<Diagnostic> {
    let message = format!("{} is {count} files; all of them are read", pattern.display());
    let gist = format!("WARNING, multiple configuration file matches of {}", pattern.display());
    let diagnostic = Diagnostic::warning(Name::SEVERAL_FILES, message).class_without_line(ErrorClass::General);
    (count > 1).then(|| diagnostic.gist(gist).help("name one file that includes the others"))
}

/// The file is a program, an archive, or text in another encoding.
pub(super) fn not_text(sources: &SourceMap, source: SourceId) -> Option<Diagnostic> {
    let file = sources.file(source);
    let sample = &file.bytes()[..file.bytes().len().min(SAMPLE)];
    let is_control = |byte: &&u8| byte.is_ascii_control() && !matches!(byte, b'\t'..=b'\r');
    let controls = sample.iter().filter(is_control).count();
    if controls * TEXT_PER_CONTROL <= sample.len() {
        return None;
    }
    let utf16 = sample.starts_with(b"\xff\xfe") || sample.starts_with(b"\xfe\xff");
    let message = format!("{} is not a text file", file.path().display());
    let diagnostic = Diagnostic::error(Name::NOT_TEXT, message).class_without_line(ErrorClass::General);
    Some(if utf16 { diagnostic.help("it is UTF-16: save it as UTF-8") } else { diagnostic })
}

/// Puts the parser's problems into words.
pub(super) fn report(context: &mut Context, problems: &[Problem]) {
    for problem in problems {
        let diagnostic = match problem.kind {
            ProblemKind::ByteOrderMark => {
                Diagnostic::error(Name::BYTE_ORDER_MARK, "the file begins with a byte order mark")
                    .help("save it as UTF-8 without one")
                    .note("keepalived takes it for a part of the first word, and then does not know that word")
                    .fix(Fix::remove(problem.span))
                    .class(ErrorClass::General)
            }
            ProblemKind::Nul => Diagnostic::error(Name::NUL_BYTE, "a NUL byte hides the rest of the line")
                .class(ErrorClass::General)
                .gist("configuration appears to have embedded NULs - ignoring line"),
            ProblemKind::LongLine => Diagnostic::error(Name::LONG_LINE, "a line is longer than 1023 bytes")
                .class(ErrorClass::General)
                .gist("line too long - ignoring")
                .help("break it up")
                .note("keepalived reads what follows as a line of its own"),
            ProblemKind::UnterminatedQuote => {
                Diagnostic::error(Name::UNTERMINATED_QUOTE, "a quoted word does not end on its line")
                    .help("add the missing '\"'")
                    .class(ErrorClass::General)
                    .gist("Unterminated quote")
            }
            ProblemKind::ExtraClose => extra_brace(problem.span),
            ProblemKind::UnclosedBlock => unclosed_block(problem.span),
        };
        context.report(diagnostic.at(problem.span));
    }
}

/// A `}` that closes nothing.
pub(super) fn extra_brace(brace: Span) -> Diagnostic {
    Diagnostic::error(Name::EXTRA_BRACE, "'}' closes nothing")
        .help("remove it, or find the block that was closed too early")
        .class(ErrorClass::General)
        .gist("Extra '}' found")
        .at(brace)
}

/// A block without its `}`; `brace` is its `{`.
pub(super) fn unclosed_block(brace: Span) -> Diagnostic {
    Diagnostic::error(Name::UNCLOSED_BLOCK, "this block is never closed")
        .help("add the missing '}'")
        .class(ErrorClass::General)
        .gist("There are 1 missing '}'s or extra '{'s")
        .at(brace)
}

/// A keyword that opens a block, without one.
pub(super) fn missing_brace(keyword: &str, statement: Span) -> Diagnostic {
    Diagnostic::error(Name::MISSING_BRACE, format!("'{keyword}' needs a block"))
        .at(statement)
        .class(ErrorClass::General)
        .gist("Missing '{' at beginning of configuration block")
        .help("write '{' after it, and '}' after the lines that belong to it")
}
