//! `PING_CHECK`: an ICMP echo (RFC 792, RFC 4443 §4). The kernel fills in the identifier and the checksum of such a
//! socket.

/// What keepalived fills its messages with.
const FILLER: &[u8] = b"keepalived check - ";
/// Octets of the header: type, code, checksum, identifier, sequence.
const HEADER_LENGTH: usize = 8;
/// Octets of a request and of its reply.
pub const MESSAGE_LENGTH: usize = HEADER_LENGTH + 128;

/// As many octets of keepalived's text as are wanted.
pub fn filler(length: usize) -> Vec<u8> {
    FILLER.iter().copied().cycle().take(length).collect()
}

/// An echo request.
pub fn request(ipv6: bool, sequence: u16) -> Vec<u8> {
    let kind = if ipv6 { 128 } else { 8 };
    let [high, low] = sequence.to_be_bytes();
    let mut message = vec![kind, 0, 0, 0, 0, 0, high, low];
    message.extend(filler(MESSAGE_LENGTH - HEADER_LENGTH));
    message
}

/// Whether `message` is the reply to the request with that sequence number.
pub fn is_reply(message: &[u8], ipv6: bool, sequence: u16) -> bool {
    let kind = if ipv6 { 129 } else { 0 };
    message.len() >= HEADER_LENGTH && message[0] == kind && message[6..8] == sequence.to_be_bytes()
}

#[cfg(test)]
mod tests {
    use pnet_packet::icmp::{IcmpTypes, echo_request::EchoRequestPacket};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_request_is_an_echo_request_of_128_octets() {
        let message = request(false, 0x0102);
        let packet = EchoRequestPacket::new(&message).expect("long enough");
        assert_eq!((packet.get_icmp_type(), packet.get_sequence_number()), (IcmpTypes::EchoRequest, 0x0102));
        assert!(message[8..].starts_with(b"keepalived check - keepalived check - "));
        assert_eq!(message.len(), 136);
        assert_eq!(request(true, 1)[0], 128);
    }

    #[test]
    fn only_the_reply_to_our_request_is_one() {
        let reply = |ipv6, kind| [vec![kind], request(ipv6, 7)[1..].to_vec()].concat();
        assert!(is_reply(&reply(false, 0), false, 7));
        assert!(is_reply(&reply(true, 129), true, 7));
        assert!(!is_reply(&reply(false, 0), false, 8));
        assert!(!is_reply(&reply(false, 3), false, 7), "unreachable");
        assert!(!is_reply(&reply(false, 0)[..7], false, 7), "cut");
    }

    proptest! {
        #[test]
        fn no_reply_is_too_much_for_it(message in proptest::collection::vec(any::<u8>(), 0..32), ipv6: bool, sequence: u16) {
            prop_assert!(!is_reply(&message, ipv6, sequence) || message.len() >= HEADER_LENGTH);
        }
    }
}
