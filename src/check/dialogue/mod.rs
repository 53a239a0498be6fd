//! What a probe says to a server once it is connected, and what it makes of the answer. Each kind knows bytes only:
//! who moves them, and how long it waits, is the edge's.

mod datagram;
pub mod dns;
pub mod http;
pub mod ping;
pub mod smtp;

use super::probe::{Cause, Outcome, Probe};
use crate::model::CheckerKind;

use datagram::Datagram;

/// What to do next in a dialogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Wait for more.
    Read,
    /// Send these octets, then wait for an answer.
    Send(Vec<u8>),
    /// It is over.
    Done(Outcome),
}

/// Looks for a pattern in pieces of a text, so that a match may lie across them.
pub trait Search {
    /// How many octets before a match the pattern looks at.
    fn lookbehind(&self) -> usize;
    /// The first match in `text` that begins at `from` or later.
    fn find(&mut self, text: &[u8], from: usize) -> Found;
}

/// What a [`Search`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// A match that begins here.
    At(usize),
    /// Something that begins here, reaches the end of the text, and may become a match.
    Partial(usize),
    /// Nothing.
    Nothing,
}

/// The state of one dialogue.
pub enum Dialogue {
    /// Nothing is said: being connected is enough.
    Connect,
    /// A request, and an answer that ends with the connection.
    Http(http::Reading),
    /// Greeting, HELO, QUIT.
    Smtp(smtp::Session),
    /// One datagram out, perhaps one back.
    Datagram(Datagram),
}

impl Dialogue {
    /// The dialogue of a probe; `None` for a check that needs no network. `random` names a DNS question; `search` looks
    /// for the url's regular expression, if it has one.
    pub fn new(probe: &Probe, random: u16, search: Option<Box<dyn Search>>) -> Option<Dialogue> {
        let ipv6 = probe.checker.route.target.is_ipv6();
        Some(match &probe.checker.kind {
            CheckerKind::Tcp => Dialogue::Connect,
            CheckerKind::Http(check) | CheckerKind::Ssl(check) => match check.urls.get(probe.url) {
                Some(url) => {
                    let request = http::request(check, url, probe.checker.route.target);
                    Dialogue::Http(http::Reading::new(request, url.digest.is_some(), url.regex.as_ref(), search))
                }
                None => Dialogue::Connect,
            },
            CheckerKind::Smtp(name) => Dialogue::Smtp(smtp::Session::new(name)),
            CheckerKind::Dns(check) => Dialogue::Datagram(Datagram::dns(check, random)),
            CheckerKind::Udp(check) => Dialogue::Datagram(Datagram::udp(check)),
            CheckerKind::Ping => Dialogue::Datagram(Datagram::ping(ipv6, probe.sequence.wrapping_add(1))),
            CheckerKind::Misc(_) | CheckerKind::File(_) | CheckerKind::Bfd(_) => return None,
        })
    }

    /// What to do now that there is a connection.
    pub fn opened(&mut self) -> Step {
        match self {
            Dialogue::Connect => Step::Done(Outcome::Passed),
            Dialogue::Http(reading) => Step::Send(reading.take_request()),
            Dialogue::Smtp(_) => Step::Read,
            Dialogue::Datagram(datagram) => Step::Send(datagram.take_message()),
        }
    }

    /// The most octets that the next [`Dialogue::received`] may bring; more of a datagram is lost.
    pub fn room(&self) -> usize {
        match self {
            Dialogue::Connect => 0,
            Dialogue::Http(reading) => reading.room(),
            Dialogue::Smtp(session) => session.room(),
            Dialogue::Datagram(datagram) => datagram.room(),
        }
    }

    /// Takes in what came: a piece of a stream, or one datagram.
    pub fn received(&mut self, octets: &[u8]) -> Step {
        match self {
            Dialogue::Connect => Step::Done(Outcome::Passed),
            Dialogue::Http(reading) => reading.received(octets),
            Dialogue::Smtp(session) => session.received(octets),
            Dialogue::Datagram(datagram) => datagram.received(octets),
        }
    }

    /// The server ended its side of the connection.
    pub fn closed(self) -> Outcome {
        match self {
            Dialogue::Connect => Outcome::Passed,
            Dialogue::Http(reading) => reading.finish(),
            Dialogue::Smtp(_) | Dialogue::Datagram(_) => Outcome::Failed(Cause::ReadFailed),
        }
    }

    /// Nothing came in time.
    pub fn timed_out(&self) -> Outcome {
        match self {
            Dialogue::Datagram(datagram) if datagram.silence_is_good() => Outcome::Passed,
            Dialogue::Connect | Dialogue::Http(_) | Dialogue::Smtp(_) | Dialogue::Datagram(_) => {
                Outcome::Failed(Cause::ReadTimeout)
            }
        }
    }

    /// Whether each piece that comes has a time of its own; otherwise all of them together have one.
    pub fn is_patient(&self) -> bool {
        matches!(self, Dialogue::Http(_) | Dialogue::Smtp(_))
    }
}
