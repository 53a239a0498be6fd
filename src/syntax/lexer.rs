//! Bytes → tokens. Concatenating the tokens gives the file again, whatever the file holds.
//!
//! keepalived reads a line into 1024 bytes, cuts it at a NUL, then strips the comment, then splits at braces and into
//! words (`lib/parser.c`: `read_line`, `decomment`, `alloc_strvec`). The comment stripper and the word splitter do not
//! agree on `\"`, so the comment is looked for first here too.

use nom::branch::alt;
use nom::bytes::complete::{tag, take_till, take_while1};
use nom::combinator::{opt, recognize, rest, value};
use nom::multi::fold_many0;
use nom::sequence::delimited;
use nom::{IResult, Parser};

use crate::source::{SourceId, Span};

/// The most bytes of a line that keepalived 2.2.7 reads at once (`MAXBUF` − 1); what follows is a line of its own.
const MAX_LINE: usize = 1023;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// Blanks, tabs, vertical tabs, form feeds, carriage returns.
    Space,
    /// `\n`
    Newline,
    /// Nothing at all: a line went on beyond the 1023 bytes that are read at once.
    LineSplit,
    /// `#` or `!` to the end of the line.
    Comment,
    /// A NUL and the rest of its line.
    Nul,
    /// `{`
    Open,
    /// `}`
    Close,
    /// A run of bytes without blanks, quotes and braces.
    Bare,
    /// `"…"` with both quotes.
    Quoted,
    /// `"` without a second one, and the rest of the line.
    Unterminated,
}

/// One piece of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it is.
    pub span: Span,
}

/// All tokens of a file, in order and without gaps.
pub fn lex(source: SourceId, bytes: &[u8]) -> Vec<Token> {
    let mut tokens = Vec::new();
    for line in lines(source, bytes) {
        lex_line(&mut tokens, line.span, line.text, line.is_split);
    }
    tokens
}

/// What keepalived reads at once: a line, or one piece of an over-long one.
#[derive(Debug, Clone, Copy)]
pub struct RawLine<'a> {
    /// With its newline, if it has one.
    pub text: &'a [u8],
    /// Where it is.
    pub span: Span,
    /// The line goes on in the next one, for it is too long to be read at once.
    pub is_split: bool,
}

/// The lines of a file as keepalived reads them, in order and without gaps.
pub fn lines(source: SourceId, bytes: &[u8]) -> impl Iterator<Item = RawLine<'_>> {
    let lines = bytes.split_inclusive(|byte| *byte == b'\n').scan(0, move |at, line| {
        let start = *at as u32;
        *at += line.len();
        Some(pieces(Span { source, start, end: *at as u32 }, line, *at == bytes.len()))
    });
    lines.flatten()
}

/// A line that stands at `span`, in the pieces in which keepalived reads it.
pub fn pieces(span: Span, line: &[u8], is_last: bool) -> impl Iterator<Item = RawLine<'_>> {
    line.chunks(MAX_LINE).scan(0, move |at, text| {
        let start = span.start + *at as u32;
        *at += text.len();
        let is_split = text.len() == MAX_LINE && !text.ends_with(b"\n") && !(is_last && *at == line.len());
        Some(RawLine { text, span: Span { start, end: start + text.len() as u32, ..span }, is_split })
    })
}

/// The kinds of bytes in a line in which nothing needs a closer look.
const WORD: u8 = 0;
const SPACE: u8 = 1;
const BRACE: u8 = 2;
const COMMENT: u8 = 4;
const NEWLINE: u8 = 8;
/// A quote, a backslash, a `$` or a NUL: such a line is not plain.
const SPECIAL: u8 = 16;

const KINDS: [u8; 256] = {
    let mut kinds = [WORD; 256];
    let mut byte = 0;
    while byte < 256 {
        kinds[byte] = match byte as u8 {
            b' ' | b'\t' | 0x0b | 0x0c | b'\r' => SPACE,
            b'{' | b'}' => BRACE,
            b'#' | b'!' => COMMENT,
            b'\n' => NEWLINE,
            b'"' | b'\\' | b'$' | 0 => SPECIAL,
            _ => WORD,
        };
        byte += 1;
    }
    kinds
};

/// The line that `bytes` begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outline {
    /// Its length with its newline.
    pub len: usize,
    /// The length of what stands before its comment, when there is no quote, backslash, `$` or NUL in it and it is read at
    /// once: it is words and braces then, which [`lex_plain`] takes apart.
    pub plain: Option<usize>,
    /// The first brace of a plain line.
    pub brace: Option<usize>,
}

/// Looks at the line that `bytes` begin with.
pub fn outline(bytes: &[u8]) -> Outline {
    let newline =
        |from: usize| bytes[from..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| from + at);
    let mut brace = None;
    let mut end = bytes.len();
    for (at, byte) in bytes.iter().enumerate() {
        match KINDS[usize::from(*byte)] {
            WORD | SPACE => {}
            BRACE => brace = brace.or(Some(at)),
            NEWLINE => {
                end = at;
                break;
            }
            COMMENT => {
                let after = newline(at);
                let plain = (after < MAX_LINE && !bytes[at..after].contains(&0)).then_some(at);
                return Outline { len: (after + 1).min(bytes.len()), plain, brace };
            }
            _ => return Outline { len: (newline(at) + 1).min(bytes.len()), plain: None, brace },
        }
    }
    Outline { len: (end + 1).min(bytes.len()), plain: (end < MAX_LINE).then_some(end), brace }
}

/// Hands on the words and braces of the plain part of a line, which stands at `span`.
pub fn lex_plain<'t>(span: Span, text: &'t [u8], take: &mut impl FnMut(Token, &'t [u8])) {
    let kind = |at: usize| text.get(at).map_or(NEWLINE, |byte| KINDS[usize::from(*byte)]);
    let mut at = 0;
    while at < text.len() {
        let start = at;
        let token = match kind(at) {
            SPACE => {
                at += 1;
                continue;
            }
            BRACE => {
                at += 1;
                if text[start] == b'{' { TokenKind::Open } else { TokenKind::Close }
            }
            _ => {
                while kind(at) == WORD {
                    at += 1;
                }
                TokenKind::Bare
            }
        };
        let span = Span { start: span.start + start as u32, end: span.start + at as u32, ..span };
        take(Token { kind: token, span }, &text[start..at]);
    }
}

/// The part of a line that means something: without its newline, what a NUL hides, and its comment.
pub fn significant(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = &line[..nul(line)];
    &line[..comment_start(line)]
}

/// Adds the tokens of one line that stands at `span`.
pub fn lex_line(tokens: &mut Vec<Token>, span: Span, line: &[u8], is_split: bool) {
    let mut at = span.start;
    let mut push = |kind, len: usize| {
        let end = at + len as u32;
        tokens.push(Token { kind, span: Span { source: span.source, start: at, end } });
        at = end;
    };
    let (line, newline) = match line {
        [line @ .., b'\n'] => (line, 1),
        _ => (line, 0),
    };
    let (line, after_nul) = line.split_at(nul(line));
    let (mut text, comment) = line.split_at(comment_start(line));
    while let Ok((after, (kind, token))) = token(text) {
        push(kind, token.len());
        text = after;
    }
    let rest = [(TokenKind::Comment, comment.len()), (TokenKind::Nul, after_nul.len()), (TokenKind::Newline, newline)];
    rest.into_iter().filter(|(_, len)| *len > 0).for_each(|(kind, len)| push(kind, len));
    if is_split {
        push(TokenKind::LineSplit, 0);
    }
}

/// Where the first NUL of a line is, else its end.
fn nul(line: &[u8]) -> usize {
    line.iter().position(|byte| *byte == 0).unwrap_or(line.len())
}

/// Where the comment of a line begins, else its end. A backslash hides the byte after it, here even a quote.
fn comment_start(line: &[u8]) -> usize {
    let escaped = |input| recognize((tag(&b"\\"[..]), opt(nom::bytes::complete::take(1usize)))).parse(input);
    let quoted_text = fold_many0(alt((escaped, take_while1(|byte| byte != b'"' && byte != b'\\'))), || (), |(), _| ());
    let quoted = recognize((tag(&b"\""[..]), quoted_text, opt(tag(&b"\""[..]))));
    let plain = take_while1(|byte| !matches!(byte, b'"' | b'\\' | b'#' | b'!'));
    let mut before = recognize(fold_many0(alt((escaped, quoted, plain)), || (), |(), _: &[u8]| ()));
    let result: IResult<&[u8], &[u8]> = before.parse(line);
    result.map_or(line.len(), |(_, before)| before.len())
}

/// The next token of a line without its comment; an error at the end of the line only.
fn token(input: &[u8]) -> IResult<&[u8], (TokenKind, &[u8])> {
    let quote = || tag(&b"\""[..]);
    alt((
        take_while1(is_space).map(|token| (TokenKind::Space, token)),
        value(TokenKind::Open, tag(&b"{"[..])).map(|kind| (kind, &input[..1])),
        value(TokenKind::Close, tag(&b"}"[..])).map(|kind| (kind, &input[..1])),
        recognize(delimited(quote(), take_till(|byte| byte == b'"'), quote())).map(|token| (TokenKind::Quoted, token)),
        recognize((quote(), rest)).map(|token| (TokenKind::Unterminated, token)),
        take_while1(|byte| !is_space(byte) && !matches!(byte, b'{' | b'}' | b'"'))
            .map(|token| (TokenKind::Bare, token)),
    ))
    .parse(input)
}

/// White space within a line, as keepalived's word splitter knows it.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | 0x0b | 0x0c | b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceMap;
    use proptest::prelude::*;

    fn kinds(text: &[u8]) -> Vec<(TokenKind, String)> {
        let mut map = SourceMap::default();
        let id = map.add("test".into(), text.to_vec());
        let tokens = lex(id, text);
        let text_of = |token: &Token| String::from_utf8_lossy(map.slice(token.span)).into_owned();
        tokens.iter().filter(|t| t.kind != TokenKind::Space).map(|t| (t.kind, text_of(t))).collect()
    }

    fn words(text: &[u8]) -> Vec<String> {
        let word = |kind| matches!(kind, TokenKind::Bare | TokenKind::Quoted);
        kinds(text).into_iter().filter(|(kind, _)| word(*kind)).map(|(_, text)| text).collect()
    }

    #[test]
    fn a_hash_or_bang_starts_a_comment_even_inside_a_word() {
        assert_eq!(words(b"priority 90#9"), ["priority", "90"]);
        assert_eq!(words(b"priority 90!9"), ["priority", "90"]);
    }

    #[test]
    fn double_quotes_protect_a_hash_and_single_quotes_do_not() {
        assert_eq!(words(b"state \"a#b\" c"), ["state", "\"a#b\"", "c"]);
        assert_eq!(words(b"state 'a#b'"), ["state", "'a"]);
    }

    #[test]
    fn a_backslash_hides_a_comment_character() {
        assert_eq!(words(br"x a\#b c"), ["x", r"a\#b", "c"]);
    }

    #[test]
    fn text_glued_to_a_quoted_word_is_a_word_of_its_own() {
        assert_eq!(words(br#"a"b c"d"#), ["a", "\"b c\"", "d"]);
    }

    #[test]
    fn a_brace_needs_no_blank_around_it() {
        let found: Vec<_> = kinds(b"VI{a}").into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(found, [TokenKind::Bare, TokenKind::Open, TokenKind::Bare, TokenKind::Close]);
    }

    #[test]
    fn an_open_quote_takes_the_rest_of_its_line_and_no_more() {
        assert_eq!(kinds(b"a \"b c\nd")[1].0, TokenKind::Unterminated);
        assert_eq!(words(b"a \"b c\nd"), ["a", "d"]);
    }

    #[test]
    fn a_nul_hides_the_rest_of_its_line() {
        assert_eq!(words(b"a b\0 c\nd"), ["a", "b", "d"]);
    }

    #[test]
    fn a_line_is_cut_after_1023_bytes() {
        let line = vec![b'x'; 1030];
        let found: Vec<_> = kinds(&line).into_iter().map(|(kind, text)| (kind, text.len())).collect();
        assert_eq!(found, [(TokenKind::Bare, 1023), (TokenKind::LineSplit, 0), (TokenKind::Bare, 7)]);
    }

    proptest! {
        #[test]
        fn the_tokens_of_any_bytes_give_the_bytes_again(bytes in proptest::collection::vec(any::<u8>(), 0..3000)) {
            prop_assert_eq!(rejoined(&bytes), bytes);
        }

        #[test]
        fn the_tokens_of_config_like_text_give_the_text_again(text in "[a{} \t\n\r\"#!\\\\'$@~\0]{0,200}") {
            prop_assert_eq!(rejoined(text.as_bytes()), text.as_bytes());
        }
    }

    /// Without what the parser does not look at.
    fn seen(tokens: &[Token]) -> Vec<Token> {
        tokens.iter().copied().filter(|token| !matches!(token.kind, TokenKind::Space | TokenKind::Comment)).collect()
    }

    fn lexed_by_outline(bytes: &[u8]) -> Vec<Token> {
        let source = SourceMap::default().add("test".into(), Vec::new());
        let (mut tokens, mut at) = (Vec::new(), 0);
        while at < bytes.len() {
            let Outline { len, plain, .. } = outline(&bytes[at..]);
            let span = Span { source, start: at as u32, end: (at + len) as u32 };
            let line = &bytes[at..at + len];
            match plain {
                Some(end) => {
                    lex_plain(span, &line[..end], &mut |token, _| tokens.push(token));
                    if line.ends_with(b"\n") {
                        tokens.push(Token { kind: TokenKind::Newline, span: Span { start: span.end - 1, ..span } });
                    }
                }
                None => pieces(span, line, at + len == bytes.len())
                    .for_each(|piece| lex_line(&mut tokens, piece.span, piece.text, piece.is_split)),
            }
            at += len;
        }
        tokens
    }

    proptest! {
        #[test]
        fn a_plain_line_has_the_tokens_of_any_other(text in "[a{} \t\n\r\"#!\\\\$\0\x0b]{0,200}") {
            let bytes = text.as_bytes();
            let source = SourceMap::default().add("test".into(), Vec::new());
            prop_assert_eq!(seen(&lexed_by_outline(bytes)), seen(&lex(source, bytes)));
        }
    }

    #[test]
    fn a_line_too_long_to_be_read_at_once_is_not_plain() {
        for length in 1021..1026 {
            let bytes = [vec![b'x'; length], b"\ny\n".to_vec()].concat();
            let source = SourceMap::default().add("test".into(), Vec::new());
            assert_eq!(seen(&lexed_by_outline(&bytes)), seen(&lex(source, &bytes)), "{length}");
        }
    }

    fn rejoined(bytes: &[u8]) -> Vec<u8> {
        let mut map = SourceMap::default();
        let id = map.add("test".into(), bytes.to_vec());
        lex(id, bytes).iter().flat_map(|token| map.slice(token.span).to_vec()).collect()
    }
}
