//! A statement as the process that owns its keyword reads it.

use crate::config::cursor::{second_reading, shortened};
use crate::source::Span;
use crate::syntax::{Body, Bytes, Head, Statement, Word};

/// One statement with at least one word.
#[derive(Clone)]
pub(super) struct Entry {
    /// The keyword, or the first word of a line that has none, and what follows.
    pub words: Vec<Word>,
    span: Span,
    body: Body,
}

/// The statements of a block that have words.
pub(super) fn entries(body: &Body) -> impl Iterator<Item = Entry> + use<> {
    body.heads().filter_map(|head| Entry::of(&head))
}

/// Those that begin with `keyword`.
pub(super) fn all(body: &Body, keyword: &'static str) -> impl Iterator<Item = Entry> + use<> {
    body.heads().filter_map(move |head| Entry::beginning_with(&head, keyword))
}

/// The last of them: the one that counts.
pub(super) fn last(body: &Body, keyword: &str) -> Option<Entry> {
    let found = body.heads().filter(|head| Entry::may_begin_with(head, keyword));
    found.filter_map(|head| Entry::beginning_with(&head, keyword)).last()
}

/// Whether a flag, or a keyword with an optional boolean, is set.
pub(super) fn is_set(body: &Body, keyword: &str) -> bool {
    let value = |entry: Entry| entry.argument(0).map(|word| word.bytes.clone());
    let off = |value: Bytes| matches!(value.as_slice(), b"false" | b"off" | b"no");
    last(body, keyword).is_some_and(|entry| !value(entry).is_some_and(off))
}

impl Entry {
    fn of(head: &Head) -> Option<Entry> {
        let Statement { words, span, block } = head.statement();
        let words = match second_reading(&words) {
            std::borrow::Cow::Owned(shorter) => shorter,
            std::borrow::Cow::Borrowed(_) => words,
        };
        let body = block.map_or_else(Body::default, |block| block.statements);
        (!words.is_empty()).then_some(Entry { words, span, body })
    }

    /// An escape in the first word makes another of it.
    fn may_begin_with(head: &Head, keyword: &str) -> bool {
        let word = head.keyword();
        word == keyword.as_bytes() || word.contains(&b'\\')
    }

    fn beginning_with(head: &Head, keyword: &str) -> Option<Entry> {
        let entry = if Entry::may_begin_with(head, keyword) { Entry::of(head) } else { None };
        entry.filter(|entry| entry.words[0].bytes == keyword)
    }

    /// What its block holds; nothing without one.
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// From the first word to the last.
    pub fn span(&self) -> Span {
        self.span
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
