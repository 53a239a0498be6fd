//! One datagram out and perhaps one back: DNS, UDP and ping.

use super::super::probe::{Cause, Outcome};
use super::{Step, dns, ping};
use crate::model::check::{DnsCheck, ReplyPattern, UdpCheck};

/// A question in one datagram.
#[derive(Debug)]
pub struct Datagram {
    message: Vec<u8>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Dns { id: u16 },
    Udp { reply: Option<ReplyPattern> },
    Ping { ipv6: bool, sequence: u16 },
}

impl Datagram {
    /// The question of a `DNS_CHECK`.
    pub(super) fn dns(check: &DnsCheck, id: u16) -> Datagram {
        Datagram { message: dns::question(check, id), kind: Kind::Dns { id } }
    }

    /// The payload of a `UDP_CHECK`.
    pub(super) fn udp(check: &UdpCheck) -> Datagram {
        let message = check.payload.clone().unwrap_or_else(|| ping::filler(32));
        Datagram { message, kind: Kind::Udp { reply: check.reply.clone() } }
    }

    /// An echo request.
    pub(super) fn ping(ipv6: bool, sequence: u16) -> Datagram {
        Datagram { message: ping::request(ipv6, sequence), kind: Kind::Ping { ipv6, sequence } }
    }

    pub(super) fn take_message(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.message)
    }

    pub(super) fn room(&self) -> usize {
        match &self.kind {
            Kind::Dns { .. } => dns::REPLY_MAX,
            // One more than may come, to notice what is too long.
            Kind::Udp { reply } => reply.as_ref().map_or(1, |reply| usize::from(reply.max_length) + 1),
            Kind::Ping { .. } => ping::MESSAGE_LENGTH,
        }
    }

    pub(super) fn received(&mut self, reply: &[u8]) -> Step {
        let verdict =
            |good: bool, cause: Cause| Step::Done(if good { Outcome::Passed } else { Outcome::Failed(cause) });
        match &self.kind {
            Kind::Dns { id } => match dns::response_code(reply, *id) {
                Some(0) => Step::Done(Outcome::Passed),
                Some(code) => Step::Done(Outcome::Failed(Cause::ResponseCode(code))),
                None => Step::Read,
            },
            Kind::Udp { reply: pattern } => {
                verdict(pattern.as_ref().is_none_or(|pattern| pattern.matches(reply)), Cause::Reply)
            }
            Kind::Ping { ipv6, sequence } => verdict(ping::is_reply(reply, *ipv6, *sequence), Cause::Echo),
        }
    }

    pub(super) fn silence_is_good(&self) -> bool {
        matches!(self.kind, Kind::Udp { reply: None })
    }
}
