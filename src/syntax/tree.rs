//! What the parser makes of the tokens: statements, which may carry blocks, and what was wrong on the way.
//!
//! A [`Body`] is a view of the flat list that the parser keeps. Going through it with [`Body::heads`] makes one statement
//! at a time; used as a slice it makes all of its statements, once, and keeps them.

use std::borrow::{Borrow, Cow};
use std::cell::OnceCell;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::rc::Rc;

use crate::source::{Span, Text};

use super::tape::{ItemKind, Tape};

/// Some bytes of a text, which they keep alive.
#[derive(Clone)]
pub struct Bytes {
    text: Text,
    start: u32,
    end: u32,
}

impl Bytes {
    /// The bytes of `text` from `start` to `end`.
    pub(super) fn part(text: &Text, start: u32, end: u32) -> Bytes {
        Bytes { text: text.clone(), start, end }
    }

    /// All of them.
    pub fn as_slice(&self) -> &[u8] {
        &self.text[self.start as usize..self.end as usize]
    }

    /// The first `len` of them, or all.
    pub fn first(&self, len: usize) -> Bytes {
        let mut first = self.clone();
        first.truncate(len);
        first
    }

    /// The last `len` of them, or all.
    pub fn last(&self, len: usize) -> Bytes {
        Bytes { start: self.start + self.len().saturating_sub(len) as u32, ..self.clone() }
    }

    /// Keeps the first `len`.
    pub fn truncate(&mut self, len: usize) {
        self.end = self.end.min(self.start + len as u32);
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Bytes {
        Bytes { end: bytes.len() as u32, start: 0, text: Rc::new(bytes) }
    }
}

impl<T: AsRef<[u8]> + ?Sized> PartialEq<T> for Bytes {
    fn eq(&self, other: &T) -> bool {
        self.as_slice() == other.as_ref()
    }
}

impl PartialEq<Bytes> for [u8] {
    fn eq(&self, other: &Bytes) -> bool {
        self == other.as_slice()
    }
}

impl PartialEq<Bytes> for &[u8] {
    fn eq(&self, other: &Bytes) -> bool {
        *self == other.as_slice()
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl Borrow<[u8]> for Bytes {
    fn borrow(&self) -> &[u8] {
        self.as_slice()
    }
}

impl Eq for Bytes {}

impl Hash for Bytes {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_slice().hash(state);
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        String::from_utf8_lossy(self).fmt(f)
    }
}

/// One word of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// With its quotes.
    pub span: Span,
    /// Without its quotes, and `\#`, `\!` resolved.
    pub bytes: Bytes,
    /// Whether it stood in double quotes.
    pub quoted: bool,
    /// How many bytes are left when the line is read a second time: keepalived's child processes read what the parent
    /// made of the file, where a resolved `\#` starts a comment after all. `None` when nothing was resolved.
    pub second_reading: Option<u16>,
}

impl Word {
    /// As text; bytes that are not UTF-8 become U+FFFD.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }
}

/// A line, or the part of one up to a brace, with the block that the brace opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Empty only for a `{` that nothing stands before.
    pub words: Vec<Word>,
    /// From the first word to the last, comment and block excluded.
    pub span: Span,
    /// The block, if a `{` follows on this line or before any other statement.
    pub block: Option<Block>,
}

impl Statement {
    /// What its block holds; nothing without one.
    pub fn body(&self) -> Body {
        self.block.as_ref().map_or_else(Body::default, |block| block.statements.clone())
    }
}

/// `{ … }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The `{`.
    pub open: Span,
    /// What is between.
    pub statements: Body,
    /// The `}`; `None` when the file ended first.
    pub close: Option<Span>,
}

/// The statements of a block, or of a whole configuration. Cheap to clone.
#[derive(Default)]
pub struct Body {
    tape: Option<Rc<Tape>>,
    start: u32,
    end: u32,
    statements: OnceCell<Vec<Statement>>,
}

impl Body {
    pub(super) fn new(tape: Rc<Tape>, start: u32, end: u32) -> Body {
        Body { tape: Some(tape), start, end, statements: OnceCell::new() }
    }

    /// Its statements, one after the other. Nothing is kept.
    pub fn heads(&self) -> Heads {
        Heads { tape: self.tape.clone(), at: self.start, end: self.end }
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }
}

impl Clone for Body {
    fn clone(&self) -> Body {
        Body { tape: self.tape.clone(), start: self.start, end: self.end, statements: OnceCell::new() }
    }
}

impl Deref for Body {
    type Target = [Statement];

    fn deref(&self) -> &[Statement] {
        self.statements.get_or_init(|| self.heads().map(|head| head.statement()).collect())
    }
}

impl<'a> IntoIterator for &'a Body {
    type Item = &'a Statement;
    type IntoIter = std::slice::Iter<'a, Statement>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl PartialEq for Body {
    fn eq(&self, other: &Body) -> bool {
        self[..] == other[..]
    }
}

impl Eq for Body {}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self[..].fmt(f)
    }
}

/// Goes through the statements of a [`Body`].
#[derive(Debug, Clone)]
pub struct Heads {
    tape: Option<Rc<Tape>>,
    at: u32,
    end: u32,
}

/// A statement that has not been taken apart.
#[derive(Debug, Clone)]
pub struct Head {
    tape: Rc<Tape>,
    start: u32,
    words_end: u32,
    /// Of its block: what is in it.
    block: Option<(u32, u32)>,
}

impl Iterator for Heads {
    type Item = Head;

    fn next(&mut self) -> Option<Head> {
        let tape = self.tape.as_ref().filter(|_| self.at < self.end)?;
        let (start, words_end) = (self.at, tape.words_end(self.at, self.end));
        let opens = words_end < self.end && tape.item(words_end).kind == ItemKind::Open;
        let block = opens.then(|| (words_end + 2, tape.item(words_end + 1).start));
        self.at = block.map_or(words_end, |(_, close)| close + 1);
        Some(Head { tape: tape.clone(), start, words_end, block })
    }
}

impl Head {
    /// The first word as it is written, without quotes; nothing before a brace that stands alone.
    pub fn keyword(&self) -> &[u8] {
        if self.start < self.words_end { self.tape.raw(self.tape.item(self.start)) } else { b"" }
    }

    /// Whether it has a block.
    pub fn opens(&self) -> bool {
        self.block.is_some()
    }

    /// With its words, and with what is in its block still to be looked at.
    pub fn statement(&self) -> Statement {
        let words: Vec<Word> = (self.start..self.words_end).map(|index| self.tape.word(index)).collect();
        let block = self.block.map(|(start, close)| {
            let end = self.tape.item(close);
            Block {
                open: self.tape.item(start - 2).span(),
                statements: Body::new(self.tape.clone(), start, close),
                close: (end.len > 0).then(|| end.span()),
            }
        });
        let span = match (words.first(), words.last()) {
            (Some(first), Some(last)) => first.span.to(last.span),
            _ => self.tape.item(self.start).span(),
        };
        Statement { words, span, block }
    }
}

/// A parsed file, or a configuration of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    /// Its statements, in the order in which they are read.
    pub statements: Body,
    /// What was wrong, in file order.
    pub problems: Vec<Problem>,
}

/// Something wrong with the text itself, before any meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Problem {
    /// What.
    pub kind: ProblemKind,
    /// Where.
    pub span: Span,
}

/// The ways in which text can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    /// The file begins with a UTF-8 byte order mark, which keepalived takes for a part of the first word.
    ByteOrderMark,
    /// A NUL hides the rest of its line.
    Nul,
    /// A line is longer than keepalived reads at once; the rest counts as a line of its own.
    LongLine,
    /// A `"` without a second one on its line; the words from there on are lost.
    UnterminatedQuote,
    /// A `}` that closes nothing.
    ExtraClose,
    /// A `{` that is never closed; of several, the one that the indentation points to.
    UnclosedBlock,
}
