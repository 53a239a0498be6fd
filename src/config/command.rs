//! The second tokenizer: how keepalived reads the program of `script`, `notify_*` and their like
//! (`lib/parser.c`: `alloc_strvec_quoted_escaped`). Both quotes group, pieces that touch are one word, and a backslash
//! escapes. The first word of the line is the whole command; read again by the same rules, it is program and arguments.

/// Splits `text` into words. A quote without a second one groups to the end.
pub(super) fn split(text: &[u8]) -> Vec<Vec<u8>> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quote: Option<u8> = None;
    let mut rest = text.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        match (quote, byte) {
            (Some(open), _) if byte == open => quote = None,
            (None, b'"' | b'\'') => {
                quote = Some(byte);
                word.get_or_insert_default();
            }
            (None, b' ' | b'\t' | b'\r' | 0x0b | 0x0c) => words.extend(word.take()),
            (_, b'\\') => {
                let byte = escaped(&mut rest);
                word.get_or_insert_default().extend(byte);
            }
            _ => word.get_or_insert_default().push(byte),
        }
    }
    words.extend(word);
    words
}

/// What follows a backslash; nothing at the end of the text.
fn escaped(rest: &mut std::iter::Peekable<impl Iterator<Item = u8>>) -> Option<u8> {
    let byte = rest.next()?;
    Some(match byte {
        b'a' => 0x07,
        b'b' => 0x08,
        b'E' => 0x1b,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        b'c' => rest.next()? & 0x1f,
        b'x' => digits(rest, 0, 16, usize::MAX), // 2.2.7 takes as many as there are
        b'0'..=b'7' => digits(rest, u32::from(byte - b'0'), 8, 2),
        other => other,
    })
}

fn digits(rest: &mut std::iter::Peekable<impl Iterator<Item = u8>>, first: u32, radix: u32, most: usize) -> u8 {
    let mut value = first;
    for _ in 0..most {
        let Some(digit) = rest.peek().and_then(|byte| char::from(*byte).to_digit(radix)) else { break };
        value = value.wrapping_mul(radix).wrapping_add(digit);
        rest.next();
    }
    value as u8 // as C's conversion to char: the low eight bits
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str) -> Vec<String> {
        split(text.as_bytes()).iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect()
    }

    #[test]
    fn both_quotes_group_and_touching_pieces_are_one_word() {
        assert_eq!(words(r#""/bin/x a 'b c'" user"#), ["/bin/x a 'b c'", "user"]);
        assert_eq!(words("/bin/x a 'b c'"), ["/bin/x", "a", "b c"]);
        assert_eq!(words(r#"ab" c d "ef ''"#), ["ab c d ef", ""]);
    }

    #[test]
    fn a_backslash_escapes() {
        assert_eq!(words(r"a\ b \x41 \101 \t\q"), ["a b", "A", "A", "\tq"]);
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_split(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            split(&text);
        }
    }
}
