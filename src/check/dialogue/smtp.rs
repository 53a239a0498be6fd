//! `SMTP_CHECK`: the greeting, `HELO`, `QUIT` (RFC 5321), as keepalived speaks it: one line at a time, of which only the
//! code counts, and no answer of several lines.
//!
//! ```text
//! Greeting ── 220 ──→ HELO ── 250 ──→ QUIT ── any line ──→ good
//! ```

use super::super::probe::{Cause, Outcome};
use super::Step;

/// keepalived's buffer: what is read of a longer line is thrown away and the rest taken for another.
const LINE_MAX: usize = 511;

/// Where the dialogue stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaiting {
    Greeting,
    Helo,
    Quit,
}

/// The state of one dialogue.
#[derive(Debug)]
pub struct Session {
    name: String,
    line: Vec<u8>,
    awaiting: Awaiting,
}

impl Session {
    /// Before the greeting; `name` is what we call ourselves.
    pub fn new(name: &str) -> Session {
        Session { name: name.to_owned(), line: Vec::new(), awaiting: Awaiting::Greeting }
    }

    /// Octets until the buffer is full.
    pub fn room(&self) -> usize {
        LINE_MAX - self.line.len()
    }

    /// Takes in a piece of the stream. What follows a line in the same piece is dropped.
    pub fn received(&mut self, octets: &[u8]) -> Step {
        self.line.extend_from_slice(&octets[..octets.len().min(self.room())]);
        let Some(end) = self.line.iter().position(|byte| *byte == b'\n') else {
            if self.room() == 0 {
                self.line.clear();
            }
            return Step::Read;
        };
        let code = code(&self.line[..end]);
        self.line.clear();
        let (expected, cause) = match self.awaiting {
            Awaiting::Greeting => (220, Cause::Banner),
            Awaiting::Helo => (250, Cause::Helo),
            Awaiting::Quit => return Step::Done(Outcome::Passed),
        };
        if code != Some(expected) {
            return Step::Done(Outcome::Failed(cause));
        }
        let (next, answer) = match self.awaiting {
            Awaiting::Greeting => (Awaiting::Helo, format!("HELO {}\r\n", self.name)),
            Awaiting::Helo | Awaiting::Quit => (Awaiting::Quit, "QUIT\r\n".to_owned()),
        };
        self.awaiting = next;
        Step::Send(answer.into_bytes())
    }
}

/// The code of a line: exactly three digits, followed by a blank or nothing.
pub fn code(line: &[u8]) -> Option<u16> {
    let (digits, rest) = line.split_at_checked(3)?;
    let ends = rest.first().is_none_or(|byte| *byte == b' ');
    (ends && digits.iter().all(u8::is_ascii_digit)).then(|| std::str::from_utf8(digits).ok()?.parse().ok())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What comes of a server that says these lines, one piece each.
    fn dialogue(pieces: &[&[u8]]) -> Vec<Step> {
        let mut session = Session::new("me.example");
        pieces.iter().map(|piece| session.received(piece)).collect()
    }

    fn send(text: &str) -> Step {
        Step::Send(text.as_bytes().to_vec())
    }

    #[test]
    fn greeting_helo_and_quit_in_keepalived_s_octets() {
        let steps = dialogue(&[b"220 mail ", b"ESMTP\r\n", b"250 hello\r\n", b"221 bye\r\n"]);
        let passed = Step::Done(Outcome::Passed);
        assert_eq!(steps, [Step::Read, send("HELO me.example\r\n"), send("QUIT\r\n"), passed]);
    }

    #[test]
    fn a_code_that_is_not_the_one_expected_is_a_failure() {
        let banner = [Step::Done(Outcome::Failed(Cause::Banner))];
        for greeting in [b"554 no\r\n".as_slice(), b"220-first of several\r\n", b"220\r\n", b"22 x\n", b"2200\n", b"\n"]
        {
            assert_eq!(dialogue(&[greeting]), banner, "{}", String::from_utf8_lossy(greeting));
        }
        assert_eq!(dialogue(&[b"220\n"]), [send("HELO me.example\r\n")]);
        assert_eq!(dialogue(&[b"220 a\n", b"500 what\n"])[1], Step::Done(Outcome::Failed(Cause::Helo)));
        assert_eq!(dialogue(&[b"220 a\n", b"250 b\n", b"whatever\n"])[2], Step::Done(Outcome::Passed));
    }

    #[test]
    fn an_overlong_line_starts_again() {
        let mut session = Session::new("me.example");
        assert_eq!(session.received(&[b'x'; LINE_MAX]), Step::Read);
        assert_eq!(session.room(), LINE_MAX);
        assert_eq!(session.received(b"220 ok\n"), send("HELO me.example\r\n"));
    }

    proptest! {
        #[test]
        fn no_server_is_too_much_for_it(pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..700), 0..8)) {
            let mut session = Session::new("me.example");
            for piece in pieces {
                let step = session.received(&piece[..piece.len().min(session.room())]);
                prop_assert!(session.room() > 0, "a read of nothing would look like the end");
                if matches!(step, Step::Done(_)) {
                    break;
                }
            }
        }
    }
}
