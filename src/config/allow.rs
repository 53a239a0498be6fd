//! `# alived: allow(NAME, …) reason`: silences a diagnostic at one place. On a line with other text it is for that line;
//! on a line of its own, for the next line that holds more than a comment. Errors are not silenced: what they are about
//! does not run. A comment that silences nothing is reported itself, so that none outlives its reason.

use std::collections::HashMap;

use crate::diagnostic::{ALL_NAMES, Diagnostic, Fix, Name, Severity};
use crate::source::{SourceId, SourceMap, Span};
use crate::syntax::{TokenKind, lex};

/// How the comment begins, after its `#` or `!`.
const MARK: &[u8] = b"alived: allow(";

/// One name in one comment.
struct Allowance {
    /// What it is for.
    line: (SourceId, usize),
    /// The name as written.
    name: String,
    span: Span,
    used: bool,
}

/// Takes out what is allowed, and adds what is wrong with the comments.
pub(super) fn apply(sources: &SourceMap, diagnostics: &mut Vec<Diagnostic>) {
    let mut allowances: Vec<Allowance> = sources.ids().flat_map(|source| in_file(sources, source)).collect();
    if allowances.is_empty() {
        return;
    }
    let mut by_line: HashMap<(SourceId, usize), Vec<usize>> = HashMap::new();
    for (index, allowance) in allowances.iter().enumerate() {
        by_line.entry(allowance.line).or_default().push(index);
    }
    diagnostics.retain(|diagnostic| {
        let Some(span) = diagnostic.primary.filter(|_| diagnostic.severity < Severity::Error) else { return true };
        let here = by_line.get(&(span.source, sources.position(span).line));
        let mut here = here.into_iter().flatten();
        match here.find(|index| allowances[**index].name == diagnostic.name.as_str()) {
            Some(index) => allowances[*index].used = true,
            None => return true,
        }
        false
    });
    diagnostics.extend(allowances.iter().filter(|allowance| !allowance.used).map(report));
}

fn report(allowance: &Allowance) -> Diagnostic {
    let name = &allowance.name;
    if ALL_NAMES.iter().any(|known| known.as_str() == name) {
        return Diagnostic::warning(Name::UNUSED_ALLOW, format!("nothing here is reported as {name}"))
            .at(allowance.span)
            .help("remove it");
    }
    let diagnostic = Diagnostic::warning(Name::UNKNOWN_ALLOW, format!("there is no diagnostic called '{name}'"));
    let distance = |known: &&Name| strsim::damerau_levenshtein(known.as_str(), name);
    let closest = ALL_NAMES.iter().min_by_key(distance).filter(|known| distance(known) <= name.len() / 3);
    match closest {
        Some(known) => diagnostic
            .help(format!("did you mean '{known}'?"))
            .fix(Fix::replace(allowance.span, known.as_str()).proposed()),
        None => diagnostic,
    }
    .at(allowance.span)
}

fn in_file(sources: &SourceMap, source: SourceId) -> Vec<Allowance> {
    let bytes = sources.file(source).bytes();
    let found = |at: &usize| bytes[*at..].starts_with(MARK);
    let candidates = bytes.iter().enumerate().filter(|(_, byte)| **byte == MARK[0]).map(|(at, _)| at).filter(found);
    candidates.flat_map(|at| comment(sources, source, at as u32)).collect()
}

/// The names of the comment that has the mark at `at`; none when the mark is not at the head of a comment.
fn comment(sources: &SourceMap, source: SourceId, at: u32) -> Vec<Allowance> {
    let file = sources.file(source);
    let mut line = sources.position(Span { source, start: at, end: at }).line;
    let range = file.line_range(line);
    let tokens = lex(source, &file.bytes()[range.clone()]);
    let Some(comment) = tokens.iter().find(|token| token.kind == TokenKind::Comment) else { return Vec::new() };
    let head = range.start + comment.span.start as usize + 1..at as usize;
    let is_head = head.start <= head.end && file.bytes()[head].iter().all(u8::is_ascii_whitespace);
    if !is_head {
        return Vec::new();
    }
    let is_text = |kind| !matches!(kind, TokenKind::Space | TokenKind::Comment | TokenKind::Newline);
    if !tokens.iter().any(|token| is_text(token.kind)) {
        let has_text = |line: &usize| {
            let bytes = &file.bytes()[file.line_range(*line)];
            lex(source, bytes).iter().any(|token| is_text(token.kind))
        };
        line = (line + 1..=file.line_count()).find(has_text).unwrap_or(line);
    }
    let start = at as usize + MARK.len();
    let list = &file.bytes()[start..range.end.max(start)];
    let list = &list[..list.iter().position(|byte| *byte == b')').unwrap_or(list.len())];
    let mut names = Vec::new();
    let mut offset = start;
    for part in list.split(|byte| *byte == b',') {
        let blank = part.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let name = part.trim_ascii();
        let span = Span { source, start: (offset + blank) as u32, end: (offset + blank + name.len()) as u32 };
        let name = String::from_utf8_lossy(name).into_owned();
        names.push(Allowance { line: (source, line), name, span, used: false });
        offset += part.len() + 1;
    }
    names
}
