//! Tokens → statements and blocks. Never fails: what does not fit is reported and stepped over.

use crate::source::{SourceMap, Span};

use super::lexer::{Token, TokenKind, lex};
use super::tree::{Block, Problem, ProblemKind, Statement, Tree, Word};

/// The UTF-8 byte order mark.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How deep blocks may nest before further braces are reported instead of followed. keepalived's deepest block is the
/// fifth; the limit keeps a hostile file from exhausting the stack of whoever walks the tree.
const MAX_DEPTH: usize = 64;

/// Parses a file of `sources`.
pub fn parse(sources: &SourceMap, source: crate::source::SourceId) -> Tree {
    parse_tokens(sources, lex(source, sources.file(source).bytes()))
}

/// Parses the tokens of a whole configuration, from however many files of `sources`.
pub fn parse_tokens(sources: &SourceMap, tokens: Vec<Token>) -> Tree {
    let mut parser =
        Parser { sources, open: Vec::new(), statements: Vec::new(), words: Vec::new(), problems: Vec::new() };
    for token in tokens {
        parser.token(token);
    }
    parser.finish()
}

/// A block that is still open: its statement, the `{`, and the statements that came before it one level up.
struct OpenBlock {
    statement: Statement,
    open: Span,
    before: Vec<Statement>,
}

struct Parser<'a> {
    sources: &'a SourceMap,
    open: Vec<OpenBlock>,
    statements: Vec<Statement>,
    words: Vec<Word>,
    problems: Vec<Problem>,
}

impl Parser<'_> {
    fn token(&mut self, token: Token) {
        match token.kind {
            TokenKind::Space | TokenKind::Comment => {}
            TokenKind::Newline => self.end_statement(),
            TokenKind::LineSplit => {
                self.problem(ProblemKind::LongLine, token.span);
                self.end_statement();
            }
            TokenKind::Nul => self.problem(ProblemKind::Nul, token.span),
            TokenKind::Unterminated => self.problem(ProblemKind::UnterminatedQuote, token.span),
            TokenKind::Bare | TokenKind::Quoted => {
                let word = self.word(token);
                self.words.push(word);
            }
            TokenKind::Open => self.open(token.span),
            TokenKind::Close => self.close(token.span),
        }
    }

    fn problem(&mut self, kind: ProblemKind, span: Span) {
        self.problems.push(Problem { kind, span });
    }

    fn word(&mut self, token: Token) -> Word {
        let raw = self.sources.slice(token.span);
        if token.kind == TokenKind::Quoted {
            let bytes = raw[1..raw.len() - 1].to_vec();
            return Word { span: token.span, bytes, quoted: true, second_reading: None };
        }
        let mut raw = raw;
        if token.span.start == 0 && raw.starts_with(BYTE_ORDER_MARK) {
            let end = BYTE_ORDER_MARK.len() as u32;
            self.problem(ProblemKind::ByteOrderMark, Span { end, ..token.span });
            raw = &raw[BYTE_ORDER_MARK.len()..];
        }
        let mut bytes = Vec::with_capacity(raw.len());
        let mut second_reading = None;
        let mut rest = raw.iter();
        while let Some(&byte) = rest.next() {
            match (byte, rest.as_slice().first()) {
                (b'\\', Some(&escaped @ (b'#' | b'!'))) => {
                    second_reading.get_or_insert(bytes.len());
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
        Word { span: token.span, bytes, quoted: false, second_reading }
    }

    fn end_statement(&mut self) {
        if let Some(statement) = self.take_statement() {
            self.statements.push(statement);
        }
    }

    fn take_statement(&mut self) -> Option<Statement> {
        let words = std::mem::take(&mut self.words);
        let (first, last) = (words.first()?.span, words.last()?.span);
        Some(Statement { span: first.to(last), words, block: None })
    }

    /// The `{` belongs to the words before it on the line, else to the statement before it if that has no block yet.
    fn open(&mut self, open: Span) {
        let nothing = Statement { words: Vec::new(), span: open, block: None };
        let statement = match self.take_statement() {
            Some(statement) => statement,
            None => self.statements.pop_if(|previous| previous.block.is_none()).unwrap_or(nothing),
        };
        if self.open.len() == MAX_DEPTH {
            self.problem(ProblemKind::UnclosedBlock, open);
            return;
        }
        self.open.push(OpenBlock { statement, open, before: std::mem::take(&mut self.statements) });
    }

    fn close(&mut self, close: Span) {
        self.end_statement();
        match self.open.pop() {
            Some(block) => self.end_block(block, Some(close)),
            None => self.problem(ProblemKind::ExtraClose, close),
        }
    }

    fn end_block(&mut self, block: OpenBlock, close: Option<Span>) {
        let OpenBlock { mut statement, open, before } = block;
        let statements = std::mem::replace(&mut self.statements, before);
        statement.block = Some(Block { open, statements, close });
        self.statements.push(statement);
    }

    fn finish(mut self) -> Tree {
        self.end_statement();
        if !self.open.is_empty() {
            let culprit = self.unclosed();
            self.problem(ProblemKind::UnclosedBlock, culprit);
        }
        while let Some(block) = self.open.pop() {
            self.end_block(block, None);
        }
        self.problems.sort_by_key(|problem| (problem.span.source, problem.span.start));
        Tree { statements: self.statements, problems: self.problems }
    }

    /// The `{` that most likely lacks its `}`: one whose block holds a statement that starts further left than it.
    fn unclosed(&self) -> Span {
        let column = |span: Span| self.sources.position(span).column;
        let inside = |depth: usize| {
            let deeper = self.open.get(depth + 1);
            deeper
                .map_or(&self.statements, |deeper| &deeper.before)
                .iter()
                .chain(deeper.map(|deeper| &deeper.statement))
        };
        let outdented = self.open.iter().enumerate().find(|(depth, block)| {
            let own = column(block.statement.span);
            inside(*depth).any(|statement| statement.block.is_some() && column(statement.span) <= own)
                || self.open.get(depth + 1).is_some_and(|deeper| column(deeper.statement.span) <= own)
        });
        let innermost = || self.open.last().map(|block| block.open);
        let whole = || Span { start: 0, end: 0, ..self.open[0].open };
        outdented.map(|(_, block)| block.open).or_else(innermost).unwrap_or_else(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
