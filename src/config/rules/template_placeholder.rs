//! Places that a template left open: `{{ interface }}`, `<VIP>`, `@ADDRESS@`, `%STATE%`. Double braces are read as blocks
//! and break the structure; the others are taken for values.

use super::Subject;
use crate::diagnostic::{Diagnostic, Name, Severity};
use crate::source::{SourceMap, Span};
use crate::syntax::{Statement, Word, lines, significant};

pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    words(subject.statements, &mut found);
    for source in subject.sources.ids().filter(|_| !subject.statements.is_empty()) {
        let bytes = subject.sources.file(source).bytes();
        if bytes.windows(2).any(|pair| matches!(pair, b"{{" | b"{%")) {
            let starts = lines(source, bytes).flat_map(|line| doubled(significant(line.text), line.span));
            found.extend(starts.map(|span| report(subject.sources, span)));
        }
    }
    found
}

/// `{{ … }}` and `{% … %}` in a line that begins at `place`.
fn doubled(line: &[u8], place: Span) -> Vec<Span> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = line[at..].windows(2).position(|pair| matches!(pair, b"{{" | b"{%")).map(|start| at + start)
    {
        let close: &[u8; 2] = if line[start + 1] == b'{' { b"}}" } else { b"%}" };
        let end = line[start..].windows(2).position(|pair| pair == close).map_or(line.len(), |end| start + end + 2);
        found.push(Span { start: place.start + start as u32, end: place.start + end as u32, ..place });
        at = end;
    }
    found
}

fn words(all: &[Statement], found: &mut Vec<Diagnostic>) {
    for statement in all {
        let open = statement.words.iter().filter(|word| !word.quoted && is_open(word));
        found.extend(open.map(|word| message(&word.text()).at(word.span)));
        if let Some(block) = &statement.block {
            words(&block.statements, found);
        }
    }
}

/// A name between marks that no value has.
fn is_open(word: &Word) -> bool {
    let marks: [(&[u8], &[u8]); 4] = [(b"<", b">"), (b"@", b"@"), (b"%", b"%"), (b"__", b"__")];
    let is_name = |name: &[u8]| {
        name.first().is_some_and(u8::is_ascii_alphabetic)
            && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(byte))
    };
    marks.iter().any(|(open, close)| {
        let after = word.bytes.strip_prefix(*open);
        let end = |after: &[u8]| after.windows(close.len()).position(|part| part == *close);
        after.is_some_and(|after| end(after).is_some_and(|end| is_name(&after[..end])))
    })
}

fn report(sources: &SourceMap, span: Span) -> Diagnostic {
    // The braces are blocks to keepalived: what stands around them is not what it seems.
    let diagnostic = message(&String::from_utf8_lossy(sources.slice(span)));
    Diagnostic { severity: Severity::Error, ..diagnostic }.at(span)
}

fn message(text: &str) -> Diagnostic {
    let message = format!("nothing was put in the place of '{text}'");
    Diagnostic::warning(Name::TEMPLATE_PLACEHOLDER, message)
        .help("write the value, or let the template's program do it")
}
