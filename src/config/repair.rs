//! Puts braces where the text most likely lacks them, and takes out those that are too many, so that one missing brace
//! does not hide every mistake behind it. Only `--check-config` reads a file this way: what is repaired is an error, and
//! nothing that was repaired is ever run.
//!
//! A brace is moved only where the keywords say so: a line that its block does not know and a block around it does, and
//! where the indentation agrees, or does not speak because there is none.

use crate::diagnostic::Diagnostic;
use crate::schema::{self, Block, Keyword, ROOT, Value};
use crate::source::{SourceMap, Span};
use crate::syntax::{Token, TokenKind};

use super::text;

/// Blocks nested deeper than any that mean something are left as they are.
const MAX_DEPTH: usize = 16;

/// The tokens with their braces put right, and what was wrong with them.
pub(super) fn repair(sources: &SourceMap, tokens: Vec<Token>) -> (Vec<Token>, Vec<Diagnostic>) {
    let (mut depth, mut deepest, mut extra) = (0_usize, 0, false);
    for token in &tokens {
        match token.kind {
            TokenKind::Open => depth += 1,
            TokenKind::Close if depth == 0 => extra = true,
            TokenKind::Close => depth -= 1,
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    if deepest > MAX_DEPTH {
        return (tokens, Vec::new());
    }
    let unbalanced = extra || depth > 0;
    let mut repair = Repair { sources, unbalanced, frames: Vec::new(), repaired: Vec::new(), found: Vec::new() };
    let lines = lines_of(&tokens);
    for (index, line) in lines.iter().enumerate() {
        repair.line(line, &lines[index + 1..]);
    }
    repair.end();
    (repair.repaired, repair.found)
}

/// A block that is open.
struct Frame {
    /// `None` where the grammar knows no such block.
    path: Option<&'static Block>,
    /// The column of its first word.
    column: usize,
    head: Span,
    /// Its `{`.
    brace: Span,
    /// Its first line is indented further than it is: the author indents.
    indents: bool,
    is_empty: bool,
    /// A block inside it that took the `}` which stands under this one: the one that lacks its own.
    suspect: Option<Span>,
}

/// What ends a line to keepalived: a newline, or a brace.
struct Line<'t> {
    tokens: &'t [Token],
    words: Vec<Token>,
    brace: Option<Token>,
}

fn lines_of(tokens: &[Token]) -> Vec<Line<'_>> {
    let ends = |token: &Token| {
        matches!(token.kind, TokenKind::Newline | TokenKind::LineSplit | TokenKind::Open | TokenKind::Close)
    };
    let pieces = tokens.split_inclusive(ends);
    pieces
        .map(|tokens| {
            let is_word = |token: &&Token| matches!(token.kind, TokenKind::Bare | TokenKind::Quoted);
            let is_brace = |token: &&Token| matches!(token.kind, TokenKind::Open | TokenKind::Close);
            Line {
                tokens,
                words: tokens.iter().filter(is_word).copied().collect(),
                brace: tokens.last().filter(is_brace).copied(),
            }
        })
        .collect()
}

impl Line<'_> {
    /// From its first word to its last.
    fn span(&self) -> Option<Span> {
        Some(self.words.first()?.span.to(self.words.last()?.span))
    }
}

struct Repair<'a> {
    sources: &'a SourceMap,
    /// There are more braces of one kind than of the other.
    unbalanced: bool,
    frames: Vec<Frame>,
    repaired: Vec<Token>,
    found: Vec<Diagnostic>,
}

impl Repair<'_> {
    fn line(&mut self, line: &Line, rest: &[Line]) {
        let first = line.words.first().copied();
        if let Some(first) = first {
            self.dedent(first);
            self.note_indent(first);
        }
        match (line.brace.map(|brace| brace.kind), line.span()) {
            (Some(TokenKind::Open), Some(span)) => {
                self.repaired.extend(line.tokens);
                self.open(first.map(|first| first.span), span, line.brace);
            }
            (Some(TokenKind::Open), None) => {
                self.repaired.extend(line.tokens);
                let brace = line.brace.map(|brace| brace.span);
                // That of the line before was opened there.
                let is_new = self.frames.last().is_none_or(|frame| Some(frame.brace) != brace);
                if let (Some(brace), true) = (brace, is_new) {
                    self.open(None, brace, line.brace);
                }
            }
            (Some(TokenKind::Close), span) => {
                if let (Some(first), Some(span)) = (first, span) {
                    self.block_without_brace(first, span, rest);
                }
                self.close(line, rest);
            }
            (_, Some(span)) => {
                self.repaired.extend(line.tokens);
                let next = rest.iter().find(|line| !line.words.is_empty() || line.brace.is_some());
                let brace = next.filter(|line| line.words.is_empty()).and_then(|line| line.brace);
                let brace = brace.filter(|brace| brace.kind == TokenKind::Open);
                if brace.is_some() {
                    self.open(first.map(|first| first.span), span, brace);
                } else if let Some(first) = first {
                    self.block_without_brace(first, span, rest);
                }
            }
            (_, None) => self.repaired.extend(line.tokens),
        }
    }

    /// Closes the blocks that a line cannot be in: they do not know it, one around them does, and it stands left of
    /// what is in them.
    fn dedent(&mut self, first: Token) {
        let word = self.sources.slice(first.span);
        while let Some(top) = self.frames.last() {
            let known = top.path.is_none_or(|block| block.keyword(word).is_some());
            let outer = self.frames.iter().rev().skip(1).any(|frame| frame.knows(word));
            let at_root = || schema::keepalived().block(ROOT).is_some_and(|root| root.keyword(word).is_some());
            let outside = self.is_written(first.span)
                && first.span.source == top.head.source
                && self.column(first.span) <= top.column
                && (top.indents || self.unbalanced);
            if known || !outside || !(outer || at_root()) {
                return;
            }
            let culprit = top.suspect.unwrap_or(top.brace);
            self.found.push(text::unclosed_block(culprit));
            self.insert(TokenKind::Close, Span { end: first.span.start, ..first.span });
            self.frames.pop();
        }
    }

    fn note_indent(&mut self, first: Token) {
        let column = self.column(first.span);
        if let Some(top) = self.frames.last_mut().filter(|top| top.is_empty) {
            top.is_empty = false;
            top.indents = column > top.column;
        }
    }

    fn open(&mut self, first: Option<Span>, head: Span, brace: Option<Token>) {
        let keyword = first.map(|first| String::from_utf8_lossy(self.sources.slice(first)).into_owned());
        let path = keyword.and_then(|keyword| schema::keepalived().child(self.path()?, &keyword));
        let (column, brace) = (self.column(head), brace.map_or(head, |brace| brace.span));
        self.frames.push(Frame { path, column, head, brace, indents: false, is_empty: true, suspect: None });
    }

    /// Opens the block of a line that needs one, when what follows belongs into it.
    fn block_without_brace(&mut self, first: Token, span: Span, rest: &[Line]) {
        let word = self.sources.slice(first.span);
        let here = self.path().and_then(|path| schema::keepalived().block(path));
        let keyword = here.and_then(|block| block.keyword(word)).filter(|keyword| opens(keyword));
        let next = rest.iter().find_map(|line| line.words.first());
        let (Some(keyword), Some(next), Some(path)) = (keyword, next, self.path()) else { return };
        let child = schema::keepalived().child(path, &keyword.name);
        let after = self.sources.slice(next.span);
        let is_inner = child.is_some_and(|block| block.keyword(after).is_some())
            || (matches!(keyword.value, Value::Lines { .. })
                && here.is_some_and(|block| block.keyword(after).is_none()));
        let deeper = self.column(next.span) > self.column(first.span);
        if !is_inner || !(deeper || self.unbalanced) || !self.is_written(first.span) {
            return;
        }
        self.found.push(text::missing_brace(&keyword.name, span));
        self.insert(TokenKind::Open, span.after());
        self.open(Some(first.span), span, None);
    }

    /// Takes a `}` as what it is, or drops it when what follows is still of the block that it would close.
    fn close(&mut self, line: &Line, rest: &[Line]) {
        let Some(close) = line.brace else { return };
        let next = rest.iter().find(|line| !line.words.is_empty() || line.brace.is_some());
        let next = next.and_then(|line| line.words.first());
        if let (Some(top), Some(next)) = (self.frames.last(), next) {
            let word = self.sources.slice(next.span);
            let outer = self.frames.iter().rev().skip(1).any(|frame| frame.knows(word))
                || schema::keepalived().block(ROOT).is_some_and(|root| root.keyword(word).is_some());
            let inside = self.column(next.span) > top.column || (self.unbalanced && !top.indents);
            if top.knows(word) && !outer && inside && next.span.source == top.head.source && self.is_written(close.span)
            {
                self.repaired.extend(&line.tokens[..line.tokens.len() - 1]);
                self.found.push(text::extra_brace(close.span));
                return;
            }
        }
        self.repaired.extend(line.tokens);
        let Some(closed) = self.frames.pop() else { return };
        // The `}` stands under a block further out: if that one turns out not to be closed, this one lacks its own.
        let column = self.column(close.span);
        let under = self.frames.last_mut().filter(|outer| column == outer.column && column < closed.column);
        if let Some(outer) = under {
            outer.suspect = Some(closed.suspect.unwrap_or(closed.brace));
        }
    }

    fn end(&mut self) {
        while let Some(frame) = self.frames.pop() {
            self.found.push(text::unclosed_block(frame.suspect.unwrap_or(frame.brace)));
            let last = self.repaired.last().map_or(frame.head, |token| token.span);
            self.insert(TokenKind::Close, last.after());
        }
    }

    fn insert(&mut self, kind: TokenKind, place: Span) {
        self.repaired.push(Token { kind, span: Span { end: place.start, ..place } });
    }

    /// The path of the innermost block; `None` where the grammar does not know it.
    fn path(&self) -> Option<&'static str> {
        match self.frames.last() {
            None => Some(ROOT),
            Some(frame) => frame.path.map(|block| block.path.as_str()),
        }
    }

    fn column(&self, span: Span) -> usize {
        self.sources.position(span).column
    }

    /// It stands in a file as it is, and did not come out of an expansion.
    fn is_written(&self, span: Span) -> bool {
        self.sources.used(span) == span
    }
}

impl Frame {
    fn knows(&self, word: &[u8]) -> bool {
        self.path.is_some_and(|block| block.keyword(word).is_some())
    }
}

fn opens(keyword: &Keyword) -> bool {
    matches!(keyword.value, Value::Block { .. } | Value::Lines { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceId;
    use crate::syntax::lex;
    use proptest::prelude::*;

    fn repaired(text: &str) -> (SourceMap, SourceId, Vec<Token>, Vec<(&'static str, usize)>) {
        let mut sources = SourceMap::default();
        let source = sources.add("k.conf".into(), text.into());
        let (tokens, found) = repair(&sources, lex(source, text.as_bytes()));
        let place = |found: &Diagnostic| sources.position(found.primary.expect("it has a place")).line;
        let found = found.iter().map(|found| (found.name.as_str(), place(found))).collect();
        (sources, source, tokens, found)
    }

    /// What is found, by name and line.
    fn found(text: &str) -> Vec<(&'static str, usize)> {
        repaired(text).3
    }

    const TWO: &str = "vrrp_instance A {\n  virtual_ipaddress {\n    192.0.2.1\n  }\n  priority 5\n}\n\
        vrrp_instance B {\n  track_script {\n    c\n  }\n}\n";

    #[test]
    fn a_missing_closing_brace_is_found_at_its_block_even_if_another_mistake_makes_up_for_it() {
        for text in [TWO.replacen("  }\n", "", 1), TWO.replacen("  }\n", "", 1) + "}\n"] {
            assert_eq!(found(&text)[0], ("unclosed-block", 2), "{text}");
        }
        assert_eq!(found(&TWO.replacen("}\nvrrp", "vrrp", 1)), [("unclosed-block", 1)]);
        assert_eq!(found(&TWO[..TWO.len() - 2]), [("unclosed-block", 7)]);
    }

    #[test]
    fn a_missing_opening_brace_is_found_at_its_line() {
        assert_eq!(found(&TWO.replacen("address {", "address", 1)), [("missing-brace", 2)]);
        assert_eq!(found(&TWO.replacen("A {", "A", 1)), [("missing-brace", 1)]);
        assert_eq!(found(&TWO.replacen("A {", "A", 1).replace("  ", "")), [("missing-brace", 1)]);
    }

    #[test]
    fn a_brace_too_many_is_the_one_that_closes_a_block_whose_lines_go_on() {
        assert_eq!(found(&TWO.replacen("  }\n", "  }\n  }\n", 1)), [("extra-brace", 5)]);
        assert_eq!(found(&TWO.replacen("  virtual", "}\n  virtual", 1)), [("extra-brace", 2)]);
    }

    #[test]
    fn braces_that_match_are_left_alone_whatever_the_indentation() {
        let misplaced = TWO.replacen("  priority", "  virtual_server 1 {\n  }\n  priority", 1);
        for text in [TWO, &TWO.replace("  ", ""), &TWO.replace("\n  ", "\n"), &TWO.replace(" {", "\n{"), &misplaced] {
            let (_, source, tokens, found) = repaired(text);
            assert_eq!((tokens, found), (lex(source, text.as_bytes()), vec![]), "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_out_has_as_many_braces_of_one_kind_as_of_the_other(
            lines in proptest::collection::vec(prop::sample::select(vec![
                "vrrp_instance A {", "  virtual_ipaddress {", "192.0.2.1", "  }", "}", "priority 5", "  track_script", "wibble {",
                "", "{", "real_server 192.0.2.1 80 {", "} {", "a } b {",
            ]), 0..MAX_DEPTH),
        ) {
            let text = lines.join("\n");
            let (sources, _, tokens, found) = repaired(&text);
            let mut parser = crate::syntax::Parser::default();
            tokens.into_iter().for_each(|token| parser.token(token, sources.slice(token.span)));
            let tree = parser.finish(&sources);
            let unclosed = tree.problems.iter().any(|problem| problem.kind == crate::syntax::ProblemKind::UnclosedBlock);
            prop_assert!(!unclosed, "{text}\n{found:?}");
        }
    }
}
