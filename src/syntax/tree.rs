//! What the parser makes of the tokens: statements, which may carry blocks, and what was wrong on the way.

use std::borrow::Cow;

use crate::source::Span;

/// One word of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// With its quotes.
    pub span: Span,
    /// Without its quotes, and `\#`, `\!` resolved.
    pub bytes: Vec<u8>,
    /// Whether it stood in double quotes.
    pub quoted: bool,
    /// How many bytes are left when the line is read a second time: keepalived's child processes read what the parent
    /// made of the file, where a resolved `\#` starts a comment after all. `None` when nothing was resolved.
    pub second_reading: Option<usize>,
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

/// `{ … }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The `{`.
    pub open: Span,
    /// What is between.
    pub statements: Vec<Statement>,
    /// The `}`; `None` when the file ended first.
    pub close: Option<Span>,
}

/// A parsed file, or a configuration of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    /// Its statements, in the order in which they are read.
    pub statements: Vec<Statement>,
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
