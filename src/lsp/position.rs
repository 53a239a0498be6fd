//! Bytes of a file ↔ lines and UTF-16 units, as the protocol counts them (LSP 3.17, "Position"). Bytes that are not UTF-8
//! count as the character U+FFFD that the editor shows for them.

use lsp_types::{Position, Range};

use crate::source::{SourceFile, SourceMap, Span};

/// The range of a span in its file; of expanded text, where it is used.
pub(super) fn range(sources: &SourceMap, span: Span) -> Range {
    let span = sources.used(span);
    let file = sources.file(span.source);
    let line = sources.position(span).line;
    let end = span.end.max(span.start);
    let last_line =
        if (end as usize) <= file.line_range(line).end { line } else { sources.position(span.after()).line };
    Range { start: position(file, line, span.start), end: position(file, last_line, end) }
}

fn position(file: &SourceFile, line: usize, offset: u32) -> Position {
    let start = file.line_range(line).start;
    let before = file.bytes().get(start..offset as usize).unwrap_or_default();
    let units = String::from_utf8_lossy(before).encode_utf16().count();
    Position { line: line.saturating_sub(1) as u32, character: units as u32 }
}

/// The offset of a position; the end of the line, or of the file, when it lies beyond.
pub(super) fn offset(bytes: &[u8], position: Position) -> usize {
    let mut rest = bytes;
    for _ in 0..position.line {
        let Some(newline) = rest.iter().position(|byte| *byte == b'\n') else { return bytes.len() };
        rest = &rest[newline + 1..];
    }
    let start = bytes.len() - rest.len();
    let line = &rest[..rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len())];
    let (mut units, mut at) = (0, start);
    for chunk in line.utf8_chunks() {
        for character in chunk.valid().chars() {
            if units >= position.character {
                return at;
            }
            units += character.len_utf16() as u32;
            at += character.len_utf8();
        }
        if units >= position.character {
            return at;
        }
        units += u32::from(!chunk.invalid().is_empty());
        at += chunk.invalid().len();
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_utf_16_units() {
        let mut sources = SourceMap::default();
        let text = "a\n\u{1f600}é x\n";
        let source = sources.add("k.conf".into(), text.into());
        let at = text.find('x').expect("it is there") as u32;
        let range = range(&sources, Span { source, start: at, end: at + 1 });
        assert_eq!((range.start, range.end), (Position::new(1, 4), Position::new(1, 5)));
        assert_eq!(offset(text.as_bytes(), range.start), at as usize);
    }

    #[test]
    fn a_position_beyond_the_line_or_the_file_is_its_end() {
        assert_eq!(offset(b"ab\ncd", Position::new(0, 9)), 2);
        assert_eq!(offset(b"ab\ncd", Position::new(7, 0)), 5);
    }
}
