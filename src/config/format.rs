//! `alived fmt`: one way to lay out a file. Indents by blocks, one blank between words, no blanks at line ends, at most
//! one empty line in a row. Lines stay lines, comments stay, and so does every word: what keepalived reads is the same
//! before and after, which a test holds.
//!
//! A line in which blanks may mean something (quotes, backslashes, definitions, sequences) keeps its inner blanks; one that
//! is cut or broken (a NUL, an open quote, more than 1023 bytes) is not touched at all.

use crate::source::SourceMap;
use crate::syntax::{Token, TokenKind, lex};

const INDENT: &[u8] = b"    ";
/// keepalived reads so many bytes of a line at once; a longer one is read as several.
const LONGEST: usize = 1023;

/// The text in its one layout. Formatting again changes nothing.
pub fn format(text: &[u8]) -> Vec<u8> {
    let mut sources = SourceMap::default();
    let source = sources.add("formatted".into(), text.to_vec());
    let bytes = sources.file(source).bytes();
    let mut formatter = Formatter { out: Vec::with_capacity(text.len()), depth: 0, blank: false, continues: false };
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        formatter.line(line, &lex(source, line));
    }
    formatter.out
}

struct Formatter {
    out: Vec<u8>,
    depth: usize,
    /// An empty line is to come before the next that is not.
    blank: bool,
    /// The line before ended in a backslash: this one is a part of it.
    continues: bool,
}

impl Formatter {
    fn line(&mut self, line: &[u8], tokens: &[Token]) {
        let text = line.strip_suffix(b"\n").unwrap_or(line).trim_ascii();
        if text.is_empty() && !self.continues {
            self.blank = !self.out.is_empty();
            return;
        }
        if std::mem::take(&mut self.blank) {
            self.out.push(b'\n');
        }
        let broken = tokens
            .iter()
            .any(|token| matches!(token.kind, TokenKind::Nul | TokenKind::Unterminated | TokenKind::LineSplit));
        let was_continued = std::mem::replace(&mut self.continues, text.ends_with(b"\\"));
        let raw = broken || was_continued || self.continues || self.is_marked(line);
        let (before, after) = self.depths(tokens);
        let laid_out = self.laid_out(text, line, tokens, before);
        let defines = text.starts_with(b"$") || was_continued || self.continues;
        self.depth = if defines { self.depth } else { after };
        if raw || laid_out.len() > LONGEST {
            self.out.extend_from_slice(line);
            if !line.ends_with(b"\n") {
                self.out.push(b'\n');
            }
            return;
        }
        self.out.extend(laid_out);
        self.out.push(b'\n');
    }

    /// The first line begins with a byte order mark, which is a part of its first word to keepalived.
    fn is_marked(&self, line: &[u8]) -> bool {
        self.out.is_empty() && line.starts_with(b"\xef\xbb\xbf")
    }

    /// How deep the line stands, and how deep the next one does.
    fn depths(&self, tokens: &[Token]) -> (usize, usize) {
        let (mut depth, mut leading) = (self.depth, true);
        let mut before = self.depth;
        for token in tokens {
            match token.kind {
                TokenKind::Open => depth += 1,
                TokenKind::Close => depth = depth.saturating_sub(1),
                TokenKind::Space => continue,
                _ => {}
            }
            leading &= token.kind == TokenKind::Close;
            if leading {
                before = depth;
            }
        }
        (before, depth)
    }

    fn laid_out(&self, text: &[u8], line: &[u8], tokens: &[Token], depth: usize) -> Vec<u8> {
        let mut out = INDENT.repeat(depth);
        let begins_specially = matches!(text.first(), Some(b'$' | b'~' | b'@'));
        if begins_specially || text.iter().any(|byte| matches!(byte, b'\'' | b'"' | b'\\' | b'$' | b'~')) {
            out.extend_from_slice(text);
            return out;
        }
        let start = tokens.first().map_or(0, |token| token.span.start as usize);
        let mut gap = false;
        let mut last = None;
        for token in tokens {
            match token.kind {
                TokenKind::Space => gap = true,
                TokenKind::Newline => {}
                kind => {
                    let piece = &line[token.span.start as usize - start..token.span.end as usize - start];
                    let brace = |kind| matches!(kind, TokenKind::Open | TokenKind::Close);
                    let comment = kind == TokenKind::Comment;
                    let apart = gap || (!comment && (brace(kind) || last.is_some_and(brace)));
                    if last.is_some() && apart {
                        out.push(b' ');
                    }
                    out.extend_from_slice(if comment { piece.trim_ascii_end() } else { piece });
                    gap = false;
                    last = Some(kind);
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::syntax::{Statement, parse};

    fn formatted(text: &str) -> String {
        String::from_utf8(format(text.as_bytes())).expect("text stays text")
    }

    #[test]
    fn blocks_are_indented_and_blanks_are_single() {
        let text = "global_defs{\nrouter_id\t a  # me\r\n}\n\n\n\nx  y {  z }\n  }\n";
        assert_eq!(formatted(text), "global_defs {\n    router_id a # me\n}\n\nx y { z }\n}\n");
    }

    #[test]
    fn blanks_that_may_mean_something_stay() {
        let text = "script  \"a  b\"   'c  d'\n$X=a   b\npriority ab#cd\n";
        assert_eq!(formatted(text), "script  \"a  b\"   'c  d'\n$X=a   b\npriority ab#cd\n");
    }

    #[test]
    fn a_definition_of_several_lines_stays() {
        let text = "$X= \\\n   a {  \\\n b\nc   d\n";
        assert_eq!(formatted(text), "$X= \\\n   a {  \\\n b\nc d\n");
    }

    /// What keepalived makes of the text: the words of every statement, and where they nest.
    fn meaning(text: &[u8]) -> String {
        fn show(statements: &[Statement], out: &mut String) {
            for statement in statements {
                for word in &statement.words {
                    out.push_str(&format!("{:?} {} ", word.bytes, word.quoted));
                }
                if let Some(block) = &statement.block {
                    out.push('{');
                    show(&block.statements, out);
                    out.push('}');
                }
                out.push(';');
            }
        }
        let mut sources = SourceMap::default();
        let source = sources.add("x".into(), text.to_vec());
        let mut out = String::new();
        show(&parse(&sources, source).statements, &mut out);
        out
    }

    fn holds(text: &[u8]) {
        let once = format(text);
        assert_eq!(format(&once), once, "twice is not once: {:?}", String::from_utf8_lossy(text));
        assert_eq!(meaning(&once), meaning(text), "{:?}", String::from_utf8_lossy(text));
    }

    proptest! {
        #[test]
        fn any_bytes_keep_their_meaning(text in proptest::collection::vec(any::<u8>(), 0..400)) {
            holds(&text);
        }

        #[test]
        fn text_like_a_configuration_keeps_its_meaning(text in "([a-c{} \t\n\r\"#!\\\\'$@~]|\n\n| \\{\n|\n\\}){0,120}") {
            holds(text.as_bytes());
        }
    }
}
