//! A statement as the process that owns its keyword reads it.

use std::borrow::Cow;

use crate::config::cursor::{second_reading, shortened};
use crate::source::Span;
use crate::syntax::{Bytes, Statement, Word};

/// One statement with at least one word.
#[derive(Clone)]
pub(super) struct Entry<'a> {
    statement: &'a Statement,
    /// The keyword, or the first word of a line that has none, and what follows.
    pub words: Cow<'a, [Word]>,
}

/// The statements of a block that have words.
pub(super) fn entries(statements: &[Statement]) -> impl DoubleEndedIterator<Item = Entry<'_>> {
    let entries = statements.iter().map(|statement| Entry { statement, words: second_reading(&statement.words) });
    entries.filter(|entry| !entry.words.is_empty())
}

/// Those that begin with `keyword`.
pub(super) fn all<'a>(statements: &'a [Statement], keyword: &str) -> impl DoubleEndedIterator<Item = Entry<'a>> {
    entries(statements).filter(move |entry| entry.words[0].bytes == keyword.as_bytes())
}

/// The last of them: the one that counts.
pub(super) fn last<'a>(statements: &'a [Statement], keyword: &str) -> Option<Entry<'a>> {
    all(statements, keyword).next_back()
}

/// Whether a flag, or a keyword with an optional boolean, is set.
pub(super) fn is_set(statements: &[Statement], keyword: &str) -> bool {
    let value = |entry: Entry| entry.argument(0).map(|word| word.bytes.clone());
    let off = |value: Bytes| matches!(value.as_slice(), b"false" | b"off" | b"no");
    last(statements, keyword).is_some_and(|entry| !value(entry).is_some_and(off))
}

impl<'a> Entry<'a> {
    /// What its block holds; nothing without one.
    pub fn body(&self) -> &'a [Statement] {
        self.statement.block.as_ref().map_or(&[], |block| &block.statements)
    }

    /// From the first word to the last.
    pub fn span(&self) -> Span {
        self.statement.span
    }

    /// The words after the first.
    pub fn arguments(&self) -> &[Word] {
        &self.words[1..]
    }

    /// One of the words after the first.
    pub fn argument(&self, index: usize) -> Option<&Word> {
        self.words.get(1 + index)
    }

    /// As text, short enough for a message.
    pub fn text(&self, index: usize) -> String {
        self.argument(index).map_or(String::new(), shown)
    }
}

/// A word short enough for a message.
pub(super) fn shown(word: &Word) -> String {
    shortened(&word.text()).into_owned()
}

/// A whole number; `None` for anything else, which has been reported where it matters.
pub(super) fn number(word: &Word) -> Option<i64> {
    word.text().trim_start().parse().ok()
}
