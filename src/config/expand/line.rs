//! A line while it is being expanded: its bytes, and for each piece of them where it was written and where it is used.

use crate::source::{Piece, SourceMap, Span};
use crate::syntax::significant;

/// One logical line.
#[derive(Debug, Clone, Default)]
pub(super) struct Line {
    bytes: Vec<u8>,
    pieces: Vec<Place>,
}

/// Where a piece begins in the line, and what it is in the files.
#[derive(Debug, Clone, Copy)]
struct Place {
    start: usize,
    written: Span,
    used: Span,
}

impl Line {
    /// The text of a file.
    pub fn written(bytes: &[u8], span: Span) -> Line {
        Line { bytes: bytes.to_vec(), pieces: vec![Place { start: 0, written: span, used: span }] }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The part of the line from `start` to `end`.
    pub fn part(&self, start: usize, end: usize) -> Line {
        let mut part = Line::default();
        part.push(self, start, end);
        part
    }

    /// The line from `start` on.
    pub fn from(&self, start: usize) -> Line {
        self.part(start, self.bytes.len())
    }

    /// Adds the part of `other` from `start` to `end`.
    pub fn push(&mut self, other: &Line, start: usize, end: usize) {
        for (index, place) in other.pieces.iter().enumerate() {
            let piece_end = other.pieces.get(index + 1).map_or(other.bytes.len(), |next| next.start);
            let (from, to) = (place.start.max(start), piece_end.min(end));
            if from < to {
                let len = piece_end - place.start;
                let (skipped, kept) = (from - place.start, to - from);
                let written = sub(place.written, len, skipped, kept);
                let used = sub(place.used, len, skipped, kept);
                self.pieces.push(Place { start: self.bytes.len(), written, used });
                self.bytes.extend(&other.bytes[from..to]);
            }
        }
    }

    /// Adds `value` in the place of the words at `used`.
    pub fn put(&mut self, value: &Line, used: Span) {
        for place in &value.pieces {
            self.pieces.push(Place { start: self.bytes.len() + place.start, used, ..*place });
        }
        self.bytes.extend(&value.bytes);
    }

    /// The same text, used at another place.
    pub fn used_at(&self, used: Span) -> Line {
        let mut line = Line::default();
        line.put(self, used);
        line
    }

    /// Where in a file the bytes from `start` to `end` are used.
    pub fn span(&self, start: usize, end: usize) -> Span {
        let part = self.part(start, end.max(start + 1));
        match (part.pieces.first(), part.pieces.last()) {
            (Some(first), Some(last)) if first.used.source == last.used.source => first.used.to(last.used),
            (Some(first), _) => first.used,
            (None, _) => self.pieces.last().expect("a line has at least one piece").used.after(),
        }
    }

    /// Where in a file the whole line is used.
    pub fn whole(&self) -> Span {
        self.span(0, self.bytes.len())
    }

    /// Without its comment, and without blanks at both ends.
    pub fn trimmed(&self) -> Line {
        let text = significant(&self.bytes);
        let start = text.len() - text.trim_ascii_start().len();
        self.part(start, text.trim_ascii_end().len().max(start))
    }

    /// The place in the file, when nothing has been put into the line.
    pub fn in_file(&self) -> Option<Span> {
        match self.pieces.as_slice() {
            [place] if place.written == place.used && len(place.used) == self.bytes.len() => Some(place.used),
            _ => None,
        }
    }

    /// Keeps the line in `sources` as expanded text; its span there.
    pub fn keep(&self, sources: &mut SourceMap) -> Option<Span> {
        let ends = self.pieces.iter().skip(1).map(|place| place.start).chain([self.bytes.len()]);
        let pieces = self.pieces.iter().zip(ends).map(|(place, end)| Piece {
            bytes: &self.bytes[place.start..end],
            written: place.written,
            used: place.used,
        });
        sources.add_expanded(&pieces.collect::<Vec<_>>())
    }

    /// For messages.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

fn len(span: Span) -> usize {
    (span.end - span.start) as usize
}

/// The part of a piece's place; all of it where the text is not the same.
fn sub(place: Span, piece_len: usize, skipped: usize, kept: usize) -> Span {
    if len(place) != piece_len {
        return place;
    }
    let start = place.start + skipped as u32;
    Span { start, end: start + kept as u32, ..place }
}
