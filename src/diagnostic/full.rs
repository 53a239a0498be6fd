//! The form for people: the lines concerned with the words underlined, then help and notes.

use annotate_snippets::{Annotation, AnnotationKind, Element, Group, Level, Renderer, Snippet};

use crate::source::{SourceFile, SourceId, SourceMap, Span};

use super::{Diagnostic, Label, Severity};

/// Lines shown around the words. The renderer gets a window, not the file: a message on a long file stays cheap.
const CONTEXT_LINES: usize = 1;

/// With or without terminal colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Style {
    /// For files, pipes and tests.
    #[default]
    Plain,
    /// For terminals.
    Coloured,
}

/// The diagnostic with its source lines; no newline at the end.
pub fn full(diagnostic: &Diagnostic, sources: &SourceMap, style: Style) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let windows: Vec<Window> = windows(diagnostic, sources);
    let title = level.primary_title(&diagnostic.message).id(diagnostic.name.as_str());
    let snippets = windows.iter().map(|window| Element::from(window.snippet()));
    let notes = diagnostic.note.iter().map(|note| Element::from(Level::NOTE.message(note)));
    let help = diagnostic.help.iter().map(|help| Element::from(Level::HELP.message(help)));
    let report = Group::with_title(title).elements(snippets.chain(notes).chain(help));
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Coloured => Renderer::styled(),
    };
    renderer.render(&[report])
}

/// Some lines of one file as text, and what is to be pointed at in them.
struct Window {
    path: String,
    first_line: usize,
    text: String,
    marks: Vec<Mark>,
}

/// A range of the window's text.
struct Mark {
    kind: AnnotationKind,
    range: std::ops::Range<usize>,
    label: Option<String>,
}

impl Window {
    fn snippet(&self) -> Snippet<'_, Annotation<'_>> {
        let annotation = |mark: &Mark| mark.kind.span(mark.range.clone()).label(mark.label.clone());
        Snippet::source(self.text.as_str())
            .path(self.path.as_str())
            .line_start(self.first_line)
            .annotations(self.marks.iter().map(annotation).collect::<Vec<_>>())
    }
}

/// A span to point at, how, and what to say there.
struct Pointer {
    kind: AnnotationKind,
    span: Span,
    label: Option<String>,
}

/// One window per file: the primary's first, then those of other files.
fn windows(diagnostic: &Diagnostic, sources: &SourceMap) -> Vec<Window> {
    let kind = AnnotationKind::Primary;
    let primary = diagnostic.primary.map(|span| Pointer { kind, span, label: diagnostic.label.clone() });
    let context =
        |label: &Label| Pointer { kind: AnnotationKind::Context, span: label.span, label: Some(label.text.clone()) };
    let mut by_file: Vec<(SourceId, Vec<Pointer>)> = Vec::new();
    for pointer in primary.into_iter().chain(diagnostic.related.iter().map(context)) {
        match by_file.iter_mut().find(|(source, _)| *source == pointer.span.source) {
            Some((_, pointers)) => pointers.push(pointer),
            None => by_file.push((pointer.span.source, vec![pointer])),
        }
    }
    by_file.into_iter().map(|(source, pointers)| window(sources, source, pointers)).collect()
}

fn window(sources: &SourceMap, source: SourceId, pointers: Vec<Pointer>) -> Window {
    let file = sources.file(source);
    let line = |span: Span| sources.position(span).line;
    let first = pointers.iter().map(|pointer| line(pointer.span)).min().unwrap_or(1);
    let last = pointers.iter().map(|pointer| line(pointer.span.after())).max().unwrap_or(first);
    let first = first.saturating_sub(CONTEXT_LINES).max(1);
    let last = (last + CONTEXT_LINES).min(file.line_count());
    let start = file.line_range(first).start;
    let shown = &file.bytes()[start..file.line_range(last).end.max(start)];
    let place = |offset: u32| text_offset(shown, (offset as usize).saturating_sub(start));
    let mark = |Pointer { kind, span, label }| {
        let from = place(span.start);
        Mark { kind, range: from..place(span.end).max(from), label }
    };
    let marks = pointers.into_iter().map(mark).collect();
    Window { path: path_of(file), first_line: first, marks, text: as_text(shown) }
}

fn path_of(file: &SourceFile) -> String {
    file.path().display().to_string()
}

/// The bytes as text in which nothing but newlines can move the cursor.
fn as_text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars()
        .map(|c| if c.is_control() && c != '\n' && c != '\t' { char::REPLACEMENT_CHARACTER } else { c })
        .collect()
}

/// Where byte `offset` of `bytes` is in `as_text(bytes)`.
fn text_offset(bytes: &[u8], offset: usize) -> usize {
    as_text(&bytes[..offset.min(bytes.len())]).len()
}

#[cfg(test)]
mod tests {
    use super::super::{Name, place};
    use super::*;

    #[test]
    fn the_words_are_underlined_with_the_lines_around_them() {
        let mut sources = SourceMap::default();
        let source = sources.add("k.conf".into(), b"one\ntwo three\nfour\nfive\n".to_vec());
        let span = Span { source, start: 8, end: 13 };
        let diagnostic = Diagnostic::warning(Name::UNKNOWN_KEYWORD, "no such thing").at(span).help("leave it out");
        let shown = full(&diagnostic, &sources, Style::Plain);
        assert!(shown.contains("warning[unknown-keyword]: no such thing"), "{shown}");
        assert!(shown.contains("2 | two three\n  |     ^^^^^"), "{shown}");
        assert!(shown.contains("= help: leave it out") && !shown.contains("five"), "{shown}");
        assert_eq!(place(&sources, span), "k.conf:2:5");
    }

    #[test]
    fn bytes_that_are_not_text_are_shown_without_harm() {
        let mut sources = SourceMap::default();
        let source = sources.add("k.conf".into(), b"a \xff\xfe\x1b[2J\rb\0c".to_vec());
        let whole = sources.whole(source);
        for start in 0..whole.end {
            let diagnostic = Diagnostic::error(Name::NUL_BYTE, "x").at(Span { start, ..whole });
            assert!(!full(&diagnostic, &sources, Style::Plain).contains('\x1b'));
        }
    }
}
