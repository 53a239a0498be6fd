//! Where a whole configuration is kept: a flat list of words and braces, twelve bytes each. Statements are made of it when
//! somebody looks at them ([`super::Body`]), so that a large file costs little more than its own text.
//!
//! ```text
//! statement = word… [ open skip statement… close ]        the first word says that it is one
//! ```

use std::rc::Rc;

use crate::source::{SourceId, SourceMap, Span, Text};

use super::tree::{Body, Bytes, Word};

/// The UTF-8 byte order mark.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ItemKind {
    /// The first word of a statement, and a later one.
    First,
    Next,
    /// `{`
    Open,
    /// After an `Open`: `start` is the index of the `Close`.
    Skip,
    /// `}`, of length 0 when the file ended first.
    Close,
}

/// A word or a brace.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    pub start: u32,
    pub source: SourceId,
    pub len: u16,
    pub kind: ItemKind,
    /// With quotes around it.
    pub quoted: bool,
}

impl Item {
    pub fn span(&self) -> Span {
        Span { source: self.source, start: self.start, end: self.start + u32::from(self.len) }
    }

    /// Whether a word that goes on the statement, or begins one.
    pub fn is_word(&self) -> bool {
        matches!(self.kind, ItemKind::First | ItemKind::Next)
    }
}

/// The items of all files, and the texts that they point into.
#[derive(Debug)]
pub(super) struct Tape {
    items: Vec<Item>,
    /// By number of the source; the text that stands in no file comes last.
    texts: Vec<Text>,
    expanded: Text,
}

impl Tape {
    pub fn new(items: Vec<Item>, sources: &SourceMap) -> Tape {
        Tape { items, texts: sources.ids().map(|id| sources.file(id).shared()).collect(), expanded: sources.expanded() }
    }

    /// All of it.
    pub fn body(self) -> Body {
        let end = self.items.len() as u32;
        Body::new(Rc::new(self), 0, end)
    }

    pub fn item(&self, index: u32) -> &Item {
        &self.items[index as usize]
    }

    /// The end of the words that begin at `index` and belong to one statement.
    pub fn words_end(&self, index: u32, end: u32) -> u32 {
        let items = &self.items[index as usize..end as usize];
        if items.first().is_none_or(|item| !item.is_word()) {
            return index;
        }
        let more = items[1..].iter().take_while(|item| item.kind == ItemKind::Next).count();
        index + 1 + more as u32
    }

    fn text(&self, source: SourceId) -> &Text {
        source.index().and_then(|index| self.texts.get(index)).unwrap_or(&self.expanded)
    }

    /// The bytes of a word as they are written, without quotes.
    pub fn raw(&self, item: &Item) -> &[u8] {
        let quote = usize::from(item.quoted);
        let raw =
            &self.text(item.source)[item.start as usize + quote..item.start as usize + usize::from(item.len) - quote];
        if item.start == 0 { raw.strip_prefix(BYTE_ORDER_MARK).unwrap_or(raw) } else { raw }
    }

    pub fn word(&self, index: u32) -> Word {
        let item = self.item(index);
        let (span, quoted) = (item.span(), item.quoted);
        let raw = self.raw(item);
        if !quoted && raw.contains(&b'\\') {
            let (bytes, second_reading) = resolved(raw);
            return Word { span, bytes: bytes.into(), quoted, second_reading };
        }
        let end = span.end - u32::from(quoted);
        let bytes = Bytes::part(self.text(item.source), end - raw.len() as u32, end);
        Word { span, bytes, quoted, second_reading: None }
    }
}

/// A word with its `\#` and `\!` resolved, and where the first of them was.
fn resolved(raw: &[u8]) -> (Vec<u8>, Option<u16>) {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut second_reading = None;
    let mut rest = raw.iter();
    while let Some(&byte) = rest.next() {
        match (byte, rest.as_slice().first()) {
            (b'\\', Some(&escaped @ (b'#' | b'!'))) => {
                second_reading.get_or_insert(bytes.len() as u16);
                bytes.push(escaped);
                rest.next();
            }
            (b'\\', Some(&other)) => {
                bytes.extend([byte, other]);
                rest.next();
            }
            _ => bytes.push(byte),
        }
    }
    (bytes, second_reading)
}
