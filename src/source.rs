//! Files, spans, lines and columns: where a byte of configuration came from. Knows nothing of what the bytes mean.

mod expanded;

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use expanded::Expanded;
pub use expanded::Piece;

/// One file of a [`SourceMap`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(u32);

impl SourceId {
    /// Its place among the files of its map; `None` for the text that stands in no file.
    pub fn index(self) -> Option<usize> {
        (self != Expanded::ID).then_some(self.0 as usize)
    }
}

/// A text that several hold on to.
pub type Text = Rc<Vec<u8>>;

/// A range of bytes in one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file.
    pub source: SourceId,
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte; equal to `start` for a place between two bytes.
    pub end: u32,
}

impl Span {
    /// From the start of `self` to the end of `last`, which is in the same file and not before `self`.
    pub fn to(self, last: Span) -> Span {
        Span { source: self.source, start: self.start, end: last.end.max(self.start) }
    }

    /// The place just after the span.
    pub fn after(self) -> Span {
        Span { start: self.end, ..self }
    }
}

/// Line and column as editors count them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// From 1, in characters; a byte that is not UTF-8 counts as one.
    pub column: usize,
}

/// A file that was read.
#[derive(Debug, Clone)]
pub struct SourceFile {
    path: PathBuf,
    bytes: Text,
    /// Found when somebody asks for a line.
    line_starts: OnceCell<Vec<u32>>,
    /// The words that brought it in; `None` for a file that is not included.
    included_from: Option<Span>,
}

impl SourceFile {
    /// The path it was read from, as the user or an `include` wrote it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All of it.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// All of it, to be kept while the map grows.
    pub fn shared(&self) -> Text {
        self.bytes.clone()
    }

    /// How many lines it has; a text that ends in a newline has an empty last one.
    pub fn line_count(&self) -> usize {
        self.line_starts().len()
    }

    /// Offsets of line `line` (from 1) without its newline. Empty past the end of the file.
    pub fn line_range(&self, line: usize) -> std::ops::Range<usize> {
        let start = |index: usize| self.line_starts().get(index).map_or(self.bytes.len(), |&start| start as usize);
        let (first, next) = (start(line.saturating_sub(1)), start(line));
        let end = if next > first && self.bytes.get(next - 1) == Some(&b'\n') { next - 1 } else { next };
        first..end
    }

    fn line_of(&self, offset: u32) -> usize {
        self.line_starts().partition_point(|&start| start <= offset)
    }

    fn line_starts(&self) -> &[u32] {
        self.line_starts.get_or_init(|| {
            let newlines = self.bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
            std::iter::once(0).chain(newlines.map(|(at, _)| at as u32 + 1)).collect()
        })
    }
}

/// Every file that took part in one configuration, and the text that stands in none: what definitions and sequences
/// made of their lines. A span into that text is traced with [`SourceMap::used`] and [`SourceMap::written`].
#[derive(Debug, Clone, Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
    expanded: Expanded,
}

impl SourceMap {
    /// The longest file that spans can point into.
    pub const MAX_LEN: usize = u32::MAX as usize - 1;

    /// Adds a file. Bytes beyond [`SourceMap::MAX_LEN`] are cut off: a reader refuses such files before.
    pub fn add(&mut self, path: PathBuf, mut bytes: Vec<u8>) -> SourceId {
        bytes.truncate(Self::MAX_LEN);
        self.files.push(SourceFile { path, bytes: Rc::new(bytes), line_starts: OnceCell::new(), included_from: None });
        SourceId(self.files.len() as u32 - 1)
    }

    /// Adds a file that the words at `place` include.
    pub fn include(&mut self, path: PathBuf, bytes: Vec<u8>, place: Span) -> SourceId {
        let id = self.add(path, bytes);
        self.files[id.0 as usize].included_from = Some(self.used(place));
        id
    }

    /// Where the file that a span points into was included.
    pub fn included_from(&self, span: Span) -> Option<Span> {
        self.file(span.source).included_from
    }

    /// Adds every file of `other`, so that one message can show places of both. A span into a file of `other` is moved by
    /// the answer; one into expanded text has no place here, see [`SourceMap::used`].
    pub fn append(&mut self, other: &SourceMap) -> Moved {
        let by = self.files.len() as u32;
        let moved = Moved(by);
        let file = |file: &SourceFile| {
            let included_from = file.included_from.map(|place| moved.span(place));
            SourceFile { included_from, ..file.clone() }
        };
        self.files.extend(other.files.iter().map(file));
        moved
    }

    /// Whether no file was read.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The files, in the order in which they were added.
    pub fn ids(&self) -> impl Iterator<Item = SourceId> + use<> {
        (0..self.files.len() as u32).map(SourceId)
    }

    /// Adds a line that stands in no file, made of `pieces`; its span. `None` when there is no room for it.
    pub fn add_expanded(&mut self, pieces: &[Piece]) -> Option<Span> {
        self.expanded.add(pieces)
    }

    /// What stands in no file, as far as it has been made.
    pub fn expanded(&self) -> Text {
        self.expanded.text()
    }

    /// The file; ids come from [`SourceMap::add`] of the same map. That of expanded text, which is in no file, stands
    /// for the first one: trace the span with [`SourceMap::used`] before.
    pub fn file(&self, id: SourceId) -> &SourceFile {
        &self.files[if id == Expanded::ID { 0 } else { id.0 as usize }]
    }

    /// Where in a file the words are used: for expanded text the reference that it replaces.
    pub fn used(&self, span: Span) -> Span {
        if span.source == Expanded::ID { self.expanded.used(span) } else { span }
    }

    /// Where in a file the words were written: for expanded text the value that was put in, when it is one value.
    pub fn written(&self, span: Span) -> Span {
        if span.source == Expanded::ID { self.expanded.written(span) } else { span }
    }

    /// The bytes of a span.
    pub fn slice(&self, span: Span) -> &[u8] {
        let bytes = if span.source == Expanded::ID { self.expanded.bytes() } else { self.file(span.source).bytes() };
        bytes.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    /// The span of a whole file.
    pub fn whole(&self, source: SourceId) -> Span {
        Span { source, start: 0, end: self.file(source).bytes.len() as u32 }
    }

    /// Where a span begins, or where it is used.
    pub fn position(&self, span: Span) -> Position {
        let span = self.used(span);
        let file = self.file(span.source);
        let line = file.line_of(span.start);
        let before = file.bytes.get(file.line_range(line).start..span.start as usize).unwrap_or_default();
        Position { line, column: String::from_utf8_lossy(before).chars().count() + 1 }
    }
}

/// How spans of one map point into another that took over its files; not at all by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moved(u32);

impl Moved {
    /// The same bytes in the map that took over the files.
    pub fn span(self, span: Span) -> Span {
        Span { source: SourceId(span.source.0 + self.0), ..span }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(source: SourceId, start: u32, end: u32) -> Span {
        Span { source, start, end }
    }

    #[test]
    fn lines_and_columns_count_from_one_and_columns_count_characters() {
        let mut map = SourceMap::default();
        let id = map.add("k.conf".into(), "a\n\u{e9}\u{e9} b\n".into());
        assert_eq!(map.position(span(id, 0, 1)), Position { line: 1, column: 1 });
        assert_eq!(map.position(span(id, 7, 8)), Position { line: 2, column: 4 });
        assert_eq!(map.position(span(id, 9, 9)), Position { line: 3, column: 1 });
    }

    #[test]
    fn a_line_range_leaves_the_newline_out() {
        let mut map = SourceMap::default();
        let id = map.add("k.conf".into(), b"one\n\ntwo".to_vec());
        let file = map.file(id);
        assert_eq!((file.line_range(1), file.line_range(2), file.line_range(3)), (0..3, 4..4, 5..8));
        assert_eq!(file.line_range(9), 8..8);
    }

    #[test]
    fn a_span_follows_its_file_into_another_map() {
        let (mut first, mut second) = (SourceMap::default(), SourceMap::default());
        first.add("a.conf".into(), b"a".to_vec());
        let id = second.add("b.conf".into(), b"xyz".to_vec());
        let moved = first.append(&second);
        assert_eq!(first.slice(moved.span(span(id, 1, 2))), b"y");
        assert_eq!(first.ids().count(), 2);
    }
}
