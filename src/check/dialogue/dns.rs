//! `DNS_CHECK`: one question over UDP; any answer without an error is good (RFC 1035 §4).
//!
//! ```text
//!  0  ID                                  random, the answer repeats it
//!  2  QR Opcode AA TC RD RA  Z  RCODE     RD set in the question; QR and RCODE are looked at in the answer
//!  4  QDCOUNT 1, ANCOUNT 0, NSCOUNT 0, ARCOUNT 0
//! 12  QNAME, QTYPE, QCLASS IN
//! ```

use crate::model::check::DnsCheck;

/// Octets of the header.
const HEADER_LENGTH: usize = 12;
/// QR: this is a response.
const RESPONSE: u8 = 0x80;
/// Octets read of an answer at most; only the header matters, so a truncated answer is as good as a whole one.
pub const REPLY_MAX: usize = 768;

/// The question, as keepalived asks it.
pub fn question(check: &DnsCheck, id: u16) -> Vec<u8> {
    let mut message = id.to_be_bytes().to_vec();
    message.extend([0x01, 0, 0, 1, 0, 0, 0, 0, 0, 0]); // RD; one question
    for label in check.name.labels() {
        message.push(label.len() as u8); // at most 63
        message.extend(label);
    }
    message.push(0);
    message.extend((check.kind as u16).to_be_bytes());
    message.extend([0, 1]); // IN
    message
}

/// The response code of an answer to the question called `id`; `None` for anything else, which is ignored.
pub fn response_code(message: &[u8], id: u16) -> Option<u8> {
    let header = message.get(..HEADER_LENGTH)?;
    let ours = header[..2] == id.to_be_bytes() && header[2] & RESPONSE != 0;
    ours.then_some(header[3] & 0x0f)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use simple_dns::{Packet, QCLASS, QTYPE, RCODE, TYPE};

    use super::*;
    use crate::model::check::{DnsName, DnsType};

    fn check(name: &[u8], kind: DnsType) -> DnsCheck {
        DnsCheck { name: DnsName::parse(name).expect("a name"), kind }
    }

    #[test]
    fn the_question_is_understood_by_another_library() {
        for (name, kind, expected) in
            [(b"www.example.org".as_slice(), DnsType::Aaaa, TYPE::AAAA), (b".", DnsType::Soa, TYPE::SOA)]
        {
            let message = question(&check(name, kind), 0x1234);
            let packet = Packet::parse(&message).expect("a DNS packet");
            assert_eq!((packet.id(), packet.questions.len(), packet.answers.len()), (0x1234, 1, 0));
            assert!(packet.has_flags(simple_dns::PacketFlag::RECURSION_DESIRED));
            let question = &packet.questions[0];
            assert_eq!(question.qname.to_string(), String::from_utf8_lossy(name).trim_matches('.'));
            assert_eq!(question.qtype, QTYPE::TYPE(expected));
            assert_eq!(question.qclass, QCLASS::CLASS(simple_dns::CLASS::IN));
        }
    }

    #[test]
    fn only_a_response_with_our_id_is_an_answer() {
        let reply = |code: RCODE| {
            let mut packet = Packet::new_reply(7);
            *packet.rcode_mut() = code;
            packet.build_bytes_vec().expect("a packet")
        };
        assert_eq!(response_code(&reply(RCODE::NoError), 7), Some(0));
        assert_eq!(response_code(&reply(RCODE::NameError), 7), Some(3));
        assert_eq!(response_code(&reply(RCODE::ServerFailure), 7), Some(2));
        assert_eq!(response_code(&reply(RCODE::NoError), 8), None);
        assert_eq!(response_code(&question(&check(b".", DnsType::A), 7), 7), None, "a question");
        assert_eq!(response_code(&reply(RCODE::NoError)[..11], 7), None, "too short");
    }

    proptest! {
        #[test]
        fn no_reply_is_too_much_for_it(message in proptest::collection::vec(any::<u8>(), 0..64), id: u16) {
            let code = response_code(&message, id);
            prop_assert!(code.is_none_or(|code| code < 16 && message.len() >= HEADER_LENGTH));
        }
    }
}
