//! Tokens → the flat list of words and braces. Never fails: what does not fit is reported and stepped over.

use crate::source::{SourceId, SourceMap, Span};

use super::lexer::{Token, TokenKind, lex};
use super::tape::{BYTE_ORDER_MARK, Item, ItemKind, Tape};
use super::tree::{Problem, ProblemKind, Tree};

/// How deep blocks may nest before further braces are reported instead of followed. keepalived's deepest block is the
/// fifth; the limit keeps a hostile file from exhausting the stack of whoever walks the tree.
const MAX_DEPTH: usize = 64;

/// Parses a file of `sources`.
pub fn parse(sources: &SourceMap, source: SourceId) -> Tree {
    let bytes = sources.file(source).bytes();
    let mut parser = Parser::default();
    for token in lex(source, bytes) {
        parser.token(token, &bytes[token.span.start as usize..token.span.end as usize]);
    }
    parser.finish(sources)
}

/// Takes the tokens of a configuration one by one, from however many files.
#[derive(Debug, Default)]
pub struct Parser {
    items: Vec<Item>,
    open: Vec<OpenBlock>,
    /// Where the words of the line begin that is being read.
    words: usize,
    /// Where the statement before it begins, if a `{` may still belong to that.
    before: Option<usize>,
    problems: Vec<Problem>,
}

/// A block that is still open: the items of its statement and of its `{`.
#[derive(Debug, Clone, Copy)]
struct OpenBlock {
    statement: usize,
    open: usize,
}

impl Parser {
    /// Takes in the next token, which reads `text`.
    pub fn token(&mut self, token: Token, text: &[u8]) {
        match token.kind {
            TokenKind::Space | TokenKind::Comment => {}
            TokenKind::Newline => self.end_statement(),
            TokenKind::LineSplit => {
                self.problem(ProblemKind::LongLine, token.span);
                self.end_statement();
            }
            TokenKind::Nul => self.problem(ProblemKind::Nul, token.span),
            TokenKind::Unterminated => self.problem(ProblemKind::UnterminatedQuote, token.span),
            TokenKind::Bare | TokenKind::Quoted => self.word(token, text),
            TokenKind::Open => self.open(token.span),
            TokenKind::Close => self.close(token.span),
        }
    }

    fn problem(&mut self, kind: ProblemKind, span: Span) {
        self.problems.push(Problem { kind, span });
    }

    fn word(&mut self, token: Token, text: &[u8]) {
        let quoted = token.kind == TokenKind::Quoted;
        if token.span.start == 0 && !quoted && text.starts_with(BYTE_ORDER_MARK) {
            let end = BYTE_ORDER_MARK.len() as u32;
            self.problem(ProblemKind::ByteOrderMark, Span { end, ..token.span });
        }
        let kind = if self.items.len() == self.words { ItemKind::First } else { ItemKind::Next };
        self.push(token.span, kind, quoted);
    }

    fn push(&mut self, span: Span, kind: ItemKind, quoted: bool) {
        // A line is read in pieces that are much shorter.
        let len = (span.end - span.start) as u16;
        self.items.push(Item { start: span.start, source: span.source, len, kind, quoted });
    }

    fn end_statement(&mut self) {
        if self.words < self.items.len() {
            self.before = Some(self.words);
            self.words = self.items.len();
        }
    }

    /// The `{` belongs to the words before it on the line, else to the statement before it if that has no block yet.
    fn open(&mut self, open: Span) {
        let has_words = self.words < self.items.len();
        let statement = match self.before {
            Some(before) if !has_words => before,
            _ => self.words,
        };
        if self.open.len() == MAX_DEPTH {
            self.problem(ProblemKind::UnclosedBlock, open);
            self.items.truncate(statement);
            self.before = self.before.filter(|_| has_words);
            self.words = self.items.len();
            return;
        }
        self.open.push(OpenBlock { statement, open: self.items.len() });
        self.push(open, ItemKind::Open, false);
        self.push(open, ItemKind::Skip, false);
        (self.before, self.words) = (None, self.items.len());
    }

    fn close(&mut self, close: Span) {
        self.end_statement();
        match self.open.pop() {
            Some(block) => self.end_block(block, close),
            None => self.problem(ProblemKind::ExtraClose, close),
        }
    }

    fn end_block(&mut self, block: OpenBlock, close: Span) {
        self.items[block.open + 1].start = self.items.len() as u32;
        self.push(close, ItemKind::Close, false);
        (self.before, self.words) = (None, self.items.len());
    }

    /// At the end of the last file of `sources`.
    pub fn finish(mut self, sources: &SourceMap) -> Tree {
        self.end_statement();
        if !self.open.is_empty() {
            let culprit = self.unclosed(sources);
            self.problem(ProblemKind::UnclosedBlock, culprit);
        }
        while let Some(block) = self.open.pop() {
            let nowhere = self.items[block.open].span();
            self.end_block(block, Span { end: nowhere.start, ..nowhere });
        }
        self.problems.sort_by_key(|problem| (problem.span.source, problem.span.start));
        self.items.shrink_to_fit();
        Tree { statements: Tape::new(self.items, sources).body(), problems: self.problems }
    }

    /// The `{` that most likely lacks its `}`: one whose block holds a block that starts no further right than it.
    fn unclosed(&self, sources: &SourceMap) -> Span {
        let column = |item: usize| sources.position(self.items[item].span()).column;
        let outdented = self.open.iter().enumerate().find(|(depth, block)| {
            let own = column(block.statement);
            let deeper = self.open.get(depth + 1).map(|deeper| deeper.statement);
            self.blocks(block.open + 2, deeper).chain(deeper).any(|statement| column(statement) <= own)
        });
        let culprit = outdented.map(|(_, block)| block).or(self.open.last()).unwrap_or(&self.open[0]);
        self.items[culprit.open].span()
    }

    /// The statements with closed blocks from item `from` on, up to `end`.
    fn blocks(&self, from: usize, end: Option<usize>) -> impl Iterator<Item = usize> {
        let (mut at, mut statement) = (from, from);
        std::iter::from_fn(move || {
            while at < end.unwrap_or(self.items.len()) {
                match self.items[at].kind {
                    ItemKind::First => (statement, at) = (at, at + 1),
                    ItemKind::Open => {
                        let found = statement;
                        at = self.items[at + 1].start as usize + 1;
                        statement = at;
                        return Some(found);
                    }
                    _ => at += 1,
                }
            }
            None
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::Statement;

    fn shown(text: &str) -> (String, Vec<ProblemKind>) {
        let mut sources = SourceMap::default();
        let source = sources.add("test".into(), text.into());
        let tree = parse(&sources, source);
        (show(&tree.statements), tree.problems.iter().map(|problem| problem.kind).collect())
    }

    fn show(statements: &[Statement]) -> String {
        let one = |statement: &Statement| {
            let words: Vec<_> = statement.words.iter().map(|word| word.text().into_owned()).collect();
            match &statement.block {
                Some(block) => format!("{}({})", words.join(" "), show(&block.statements)),
                None => words.join(" "),
            }
        };
        statements.iter().map(one).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn a_block_may_open_on_the_line_or_after_blank_and_comment_lines() {
        for text in ["a b {\nc\n}", "a b\n{\nc\n}\n", "a b\n\n# x\n  {\nc }", "a b{c}"] {
            assert_eq!(shown(text), ("a b(c)".into(), vec![]), "{text}");
        }
    }

    #[test]
    fn a_statement_may_follow_a_closing_brace_on_its_line() {
        assert_eq!(shown("a { b } c\nd {\n} e {\n} }"), ("a(b); c; d(); e()".into(), vec![ProblemKind::ExtraClose]));
    }

    #[test]
    fn a_second_opening_brace_opens_a_nameless_block() {
        assert_eq!(shown("a {\n{\nb\n}\n}"), ("a((b))".into(), vec![]));
    }

    #[test]
    fn an_unclosed_block_is_the_one_the_indentation_points_to() {
        let mut sources = SourceMap::default();
        let source = sources.add("test".into(), b"a {\n  b {\n  }\n\nc {\n  d\n}\n".to_vec());
        let tree = parse(&sources, source);
        assert_eq!(tree.problems.len(), 1);
        assert_eq!(sources.position(tree.problems[0].span).line, 1);
    }

    #[test]
    fn an_escaped_hash_is_part_of_the_word_until_the_line_is_read_again() {
        let mut sources = SourceMap::default();
        let source = sources.add("test".into(), br"x a\#b".to_vec());
        let tree = parse(&sources, source);
        let word = &tree.statements[0].words[1];
        assert_eq!((word.bytes.as_slice(), word.second_reading), (&b"a#b"[..], Some(1)));
    }

    #[test]
    fn a_byte_order_mark_is_reported_and_left_out_of_the_word() {
        assert_eq!(shown("\u{feff}a b"), ("a b".into(), vec![ProblemKind::ByteOrderMark]));
    }

    #[test]
    fn braces_without_end_are_reported_and_do_not_nest_without_end() {
        let (_, problems) = shown(&"a {\n".repeat(10_000));
        assert!(problems.len() > 9_000);
    }
}
