//! The client's side of an SMTP dialogue (RFC 5321), as far as handing over one mail needs it. Pure: bytes in, bytes out.
//!
//! ```text
//! 220 → HELO → 250 → MAIL FROM → 250 → RCPT TO (each) → 250 → DATA → 354 → message → 250 → QUIT
//! ```
//!
//! Any other reply ends it. Never retries: an alert that cannot be delivered now is of no use later.

use nom::bytes::streaming::{tag, take, take_until};
use nom::character::streaming::one_of;
use nom::combinator::{map_opt, verify};
use nom::sequence::terminated;
use nom::{IResult, Parser};

use super::mail::Mail;

/// Longest reply that is read; RFC 5321 §4.5.3.1.5 allows 512 bytes to a line.
const REPLY_MAX: usize = 16 * 1024;

/// What to do after bytes came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Read more: the reply is not complete.
    Read,
    /// Send these bytes, then read.
    Send(Vec<u8>),
    /// The mail is delivered: send these bytes and close.
    Delivered(Vec<u8>),
}

/// Why a mail was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SmtpError {
    /// The server said no; `command` is what it was an answer to.
    #[error("the server answered {code} {text:?} to {command}")]
    Refused {
        /// The command, or "the connection".
        command: &'static str,
        /// Three digits.
        code: u16,
        /// The reply's last line.
        text: String,
    },
    /// What came is no SMTP reply.
    #[error("the answer to {command} is no SMTP reply")]
    Malformed {
        /// The command, or "the connection".
        command: &'static str,
    },
}

/// The state of a dialogue: what is being waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaiting {
    Greeting,
    Helo,
    MailFrom,
    /// The reply for the recipient at this position.
    Recipient(usize),
    Data,
    Message,
}

/// One dialogue.
#[derive(Debug, Clone)]
pub struct Dialogue {
    mail: Mail,
    date: String,
    awaiting: Awaiting,
    received: Vec<u8>,
}

impl Dialogue {
    /// A dialogue that hands over `mail`; the server speaks first. `date` is an RFC 5322 date-time.
    pub fn new(mail: Mail, date: String) -> Dialogue {
        Dialogue { mail, date, awaiting: Awaiting::Greeting, received: Vec::new() }
    }

    /// Takes in what the server sent, in pieces of any size.
    pub fn received(&mut self, bytes: &[u8]) -> Result<Step, SmtpError> {
        let command = self.awaiting.command();
        self.received.extend_from_slice(bytes);
        let (rest, reply) = match reply(&self.received) {
            Ok((rest, reply)) => (rest.to_vec(), reply),
            Err(nom::Err::Incomplete(_)) if self.received.len() < REPLY_MAX => return Ok(Step::Read),
            Err(_) => return Err(SmtpError::Malformed { command }),
        };
        self.received = rest;
        if reply.code != self.awaiting.expected() {
            return Err(SmtpError::Refused { command, code: reply.code, text: reply.text });
        }
        Ok(self.next())
    }

    /// What follows the expected reply.
    fn next(&mut self) -> Step {
        let recipient = |position: usize| self.mail.recipients.get(position);
        let (awaiting, line) = match self.awaiting {
            Awaiting::Greeting => (Awaiting::Helo, format!("HELO {}", self.mail.helo)),
            Awaiting::Helo => (Awaiting::MailFrom, format!("MAIL FROM:<{}>", self.mail.from)),
            Awaiting::MailFrom if recipient(0).is_none() => (Awaiting::Data, "DATA".to_owned()),
            Awaiting::MailFrom => (Awaiting::Recipient(0), format!("RCPT TO:<{}>", self.mail.recipients[0])),
            Awaiting::Recipient(position) => match recipient(position + 1) {
                Some(address) => (Awaiting::Recipient(position + 1), format!("RCPT TO:<{address}>")),
                None => (Awaiting::Data, "DATA".to_owned()),
            },
            Awaiting::Data => {
                self.awaiting = Awaiting::Message;
                return Step::Send(self.mail.data(&self.date));
            }
            Awaiting::Message => return Step::Delivered(b"QUIT\r\n".to_vec()),
        };
        self.awaiting = awaiting;
        Step::Send(format!("{line}\r\n").into_bytes())
    }
}

impl Awaiting {
    fn expected(self) -> u16 {
        match self {
            Awaiting::Greeting => 220,
            Awaiting::Helo | Awaiting::MailFrom | Awaiting::Recipient(_) | Awaiting::Message => 250,
            Awaiting::Data => 354,
        }
    }

    fn command(self) -> &'static str {
        match self {
            Awaiting::Greeting => "the connection",
            Awaiting::Helo => "HELO",
            Awaiting::MailFrom => "MAIL FROM",
            Awaiting::Recipient(_) => "RCPT TO",
            Awaiting::Data => "DATA",
            Awaiting::Message => "the message",
        }
    }
}

struct Reply {
    code: u16,
    text: String,
}

/// A reply of one or more lines (RFC 5321 §4.2.1): all but the last have a hyphen after the code.
fn reply(input: &[u8]) -> IResult<&[u8], Reply> {
    let (mut rest, (mut code, mut last, mut text)) = line(input)?;
    while !last {
        (rest, (code, last, text)) = line(rest)?;
    }
    Ok((rest, Reply { code, text: String::from_utf8_lossy(text).trim().to_owned() }))
}

/// One line: the code, whether it is the last one, and the text.
fn line(input: &[u8]) -> IResult<&[u8], (u16, bool, &[u8])> {
    let digits = verify(take(3usize), |digits: &[u8]| digits.iter().all(u8::is_ascii_digit));
    let code = map_opt(digits, |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse().ok());
    let (input, (code, separator)) = (code, one_of(" -\r")).parse(input)?;
    match separator {
        // A code alone, without a text.
        '\r' => tag("\n").map(|_| (code, true, &b""[..])).parse(input),
        separator => {
            terminated(take_until("\r\n"), tag("\r\n")).map(|text| (code, separator == ' ', text)).parse(input)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn dialogue(recipients: &[&str]) -> Dialogue {
        let mail = Mail {
            server: ([127, 0, 0, 1], 25).into(),
            timeout: Duration::from_secs(30),
            helo: "localhost".to_owned(),
            from: "root".to_owned(),
            recipients: recipients.iter().map(|&address| address.to_owned()).collect(),
            subject: "[R] s".to_owned(),
            body: "=> b <=".to_owned(),
        };
        Dialogue::new(mail, "a date".to_owned())
    }

    fn sent(step: Result<Step, SmtpError>) -> String {
        let Ok(Step::Send(bytes) | Step::Delivered(bytes)) = step else { panic!("something to send, not {step:?}") };
        String::from_utf8(bytes).expect("ASCII")
    }

    #[test]
    fn a_mail_is_handed_over_command_by_command() {
        let mut dialogue = dialogue(&["a@example.org", "b@example.org"]);
        let exchange = [
            ("220 sink\r\n", "HELO localhost\r\n"),
            ("250 ok\r\n", "MAIL FROM:<root>\r\n"),
            ("250 ok\r\n", "RCPT TO:<a@example.org>\r\n"),
            ("250 ok\r\n", "RCPT TO:<b@example.org>\r\n"),
            ("250 ok\r\n", "DATA\r\n"),
        ];
        for (reply, command) in exchange {
            assert_eq!(sent(dialogue.received(reply.as_bytes())), command);
        }
        assert!(sent(dialogue.received(b"354 go\r\n")).ends_with("=> b <=\r\n\r\n.\r\n"));
        assert_eq!(dialogue.received(b"250 queued\r\n"), Ok(Step::Delivered(b"QUIT\r\n".to_vec())));
    }

    #[test]
    fn a_reply_may_come_in_pieces_and_in_several_lines() {
        let mut dialogue = dialogue(&["a@example.org"]);
        let reply = b"220-sink\r\n220-has much to say\r\n220 done\r\n";
        let (last, pieces) = reply.split_last().expect("not empty");
        for piece in pieces {
            assert_eq!(dialogue.received(&[*piece]), Ok(Step::Read));
        }
        assert_eq!(sent(dialogue.received(&[*last])), "HELO localhost\r\n");
        assert_eq!(sent(dialogue.received(b"250\r\n")), "MAIL FROM:<root>\r\n");
    }

    #[test]
    fn a_refusal_ends_the_dialogue_with_the_servers_words() {
        let mut dialogue = dialogue(&["a@example.org"]);
        let error = dialogue.received(b"554 go away\r\n").expect_err("refused");
        assert_eq!(error.to_string(), "the server answered 554 \"go away\" to the connection");
    }

    #[test]
    fn what_is_no_reply_ends_the_dialogue() {
        for junk in [&b"hello\r\n"[..], b"22x hello\r\n", b"2200 hello\r\n"] {
            let malformed = SmtpError::Malformed { command: "the connection" };
            assert_eq!(dialogue(&["a@example.org"]).received(junk), Err(malformed));
        }
        let endless = vec![b"220-x\r\n".to_vec(); REPLY_MAX / 7 + 1].concat();
        assert!(dialogue(&["a@example.org"]).received(&endless).is_err());
    }
}
