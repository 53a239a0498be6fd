//! Text that stands in no file, and for every piece of it where it was written and where it is used.

use std::rc::Rc;

use super::{SourceId, SourceMap, Span, Text};

/// A piece of an expanded line.
#[derive(Debug, Clone, Copy)]
pub struct Piece<'a> {
    /// What it says.
    pub bytes: &'a [u8],
    /// Where in a file that was written. Of the same length as `bytes`, it is the same text; of another, it is what the
    /// text was made from.
    pub written: Span,
    /// The words of a file that it takes the place of; equal to `written` where it is the line's own text.
    pub used: Span,
}

/// All expanded lines, one after the other.
#[derive(Debug, Clone, Default)]
pub(super) struct Expanded {
    bytes: Text,
    pieces: Vec<Place>,
}

/// Where a piece begins, and what it is in the files.
#[derive(Debug, Clone, Copy)]
struct Place {
    start: u32,
    len: u32,
    written: Span,
    used: Span,
}

impl Expanded {
    /// Stands for this text in a [`Span`].
    pub const ID: SourceId = SourceId(u32::MAX);

    pub fn add(&mut self, pieces: &[Piece]) -> Option<Span> {
        let len: usize = pieces.iter().map(|piece| piece.bytes.len()).sum();
        if self.bytes.len() + len >= SourceMap::MAX_LEN {
            return None;
        }
        let bytes = Rc::make_mut(&mut self.bytes);
        let start = bytes.len() as u32;
        for piece in pieces.iter().filter(|piece| !piece.bytes.is_empty()) {
            let (start, len) = (bytes.len() as u32, piece.bytes.len() as u32);
            self.pieces.push(Place { start, len, written: piece.written, used: piece.used });
            bytes.extend(piece.bytes);
        }
        let end = bytes.len() as u32;
        bytes.push(b'\n'); // so that no span of one line touches the next
        Some(Span { source: Expanded::ID, start, end })
    }

    pub fn text(&self) -> Text {
        self.bytes.clone()
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn used(&self, span: Span) -> Span {
        let (first, last) = self.ends(span);
        let (used, end) = (first.part(first.used, span), last.part(last.used, span));
        if used.source == end.source && used.start <= end.end { used.to(end) } else { used }
    }

    pub fn written(&self, span: Span) -> Span {
        let (first, last) = self.ends(span);
        if first.start == last.start { first.part(first.written, span) } else { self.used(span) }
    }

    /// The pieces in which a span begins and ends.
    fn ends(&self, span: Span) -> (Place, Place) {
        let at = |offset: u32| {
            let after = self.pieces.partition_point(|piece| piece.start <= offset);
            self.pieces[after.saturating_sub(1)]
        };
        (at(span.start), at(span.end.saturating_sub(1).max(span.start)))
    }
}

impl Place {
    /// The part of `place`, one of this piece's two, that belongs to `span`; all of it where the text is not the same.
    fn part(&self, place: Span, span: Span) -> Span {
        if place.end - place.start != self.len {
            return place;
        }
        let offset = |at: u32| at.clamp(self.start, self.start + self.len) - self.start;
        Span { start: place.start + offset(span.start), end: place.start + offset(span.end), ..place }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_an_expanded_line_knows_where_it_was_written_and_where_it_is_used() {
        let mut map = SourceMap::default();
        let file = map.add("k.conf".into(), b"$P=90 a\npriority $P0\n".to_vec());
        let at = |start, end| Span { source: file, start, end };
        let own = at(8, 17);
        let pieces = [
            Piece { bytes: b"priority ", written: own, used: own },
            Piece { bytes: b"90 a", written: at(3, 7), used: at(17, 19) },
            Piece { bytes: b"0", written: at(19, 20), used: at(19, 20) },
        ];
        let line = map.add_expanded(&pieces).unwrap();
        let part = |start, end| Span { start: line.start + start, end: line.start + end, ..line };
        assert_eq!(map.slice(part(0, 14)), b"priority 90 a0");
        assert_eq!(map.used(part(0, 8)), at(8, 16), "the line's own words are where they are");
        assert_eq!((map.written(part(9, 11)), map.used(part(9, 11))), (at(3, 5), at(17, 19)));
        assert_eq!(map.written(part(12, 14)), at(17, 20), "of two pieces the place of use is all there is to show");
        assert_eq!(map.position(part(9, 11)), super::super::Position { line: 2, column: 10 });
    }
}
