//! Text → tree. The lexer loses no byte and the parser never fails; neither knows a keyword, and what the text does
//! wrong is handed back as a [`Problem`] for others to put into words.
//!
//! ```text
//! bytes ── lexer ──► tokens (concatenated: the file again) ── parser ──► words and braces ──► statements, when asked for
//! ```
//!
//! The rules are keepalived 2.2.7's: a statement is a line; `#` and `!` start a comment except in double quotes;
//! every brace outside quotes ends the line it is on.

mod lexer;
mod parser;
mod tape;
mod tree;

pub use lexer::{Outline, RawLine, Token, TokenKind, lex, lex_line, lex_plain, lines, outline, pieces, significant};
pub use parser::{Parser, parse};
pub use tree::{Block, Body, Bytes, Head, Heads, Problem, ProblemKind, Statement, Tree, Word};
