//! `alived check --effective`: the configuration as it is after includes, definitions and conditions, as one file.
//! Passwords are hidden: the output is made to be shown to others.

use crate::syntax::{Statement, Word};

const INDENT: &str = "    ";
const HIDDEN: &str = "********";
/// Keywords whose value is nobody else's business.
const SECRETS: [&[u8]; 3] = [b"auth_pass", b"password", b"key"];

/// The statements as text.
pub(super) fn text(statements: &[Statement]) -> String {
    let mut out = String::new();
    lines(statements, 0, &mut out);
    out
}

fn lines(statements: &[Statement], depth: usize, out: &mut String) {
    for statement in statements {
        out.push_str(&INDENT.repeat(depth));
        let secret = statement.words.first().is_some_and(|word| SECRETS.contains(&word.bytes.as_slice()));
        let shown = statement.words.iter().enumerate().map(|(at, word)| match (secret, at) {
            (true, 1..) => HIDDEN.to_owned(),
            _ => written(word),
        });
        out.push_str(&shown.collect::<Vec<_>>().join(" "));
        if let Some(block) = &statement.block {
            out.push_str(if statement.words.is_empty() { "{\n" } else { " {\n" });
            lines(&block.statements, depth + 1, out);
            out.push_str(&INDENT.repeat(depth));
            out.push('}');
        }
        out.push('\n');
        if depth == 0 && statement.block.is_some() {
            out.push('\n');
        }
    }
    if depth == 0 && out.ends_with("}\n\n") {
        out.pop();
    }
}

/// The word as a file has to say it.
fn written(word: &Word) -> String {
    let text = word.text();
    let needs_quotes =
        word.quoted || text.is_empty() || text.contains(|c: char| c.is_whitespace() || "{}#!".contains(c));
    if needs_quotes && !text.contains('"') { format!("\"{text}\"") } else { text.into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceMap;
    use crate::syntax::parse;

    fn effective(file: &str) -> String {
        let mut sources = SourceMap::default();
        let source = sources.add("k.conf".into(), file.into());
        text(&parse(&sources, source).statements)
    }

    #[test]
    fn words_keep_what_they_need_and_passwords_are_hidden() {
        let file = "a \"b c\"  d # x\nvrrp_instance V{\nauthentication {\nauth_pass \"k 1\"\n}\n}\n";
        let expected = "a \"b c\" d\nvrrp_instance V {\n    authentication {\n        auth_pass ********\n    }\n}\n";
        assert_eq!(effective(file), expected);
    }

    #[test]
    fn what_was_printed_reads_the_same_again() {
        let file = "a { b { c \"d\" } }\n\ne f\\#g\n";
        let once = effective(file);
        assert_eq!(effective(&once), once);
    }
}
