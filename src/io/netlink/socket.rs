//! A blocking netlink socket for requests: acknowledged commands, batches of them, and dumps (linux/netlink.h).
//!
//! Replies are handed out as bytes after their header, so that one attribute of a newer kernel that a codec does not
//! know cannot lose a whole message. Every wait has a time limit: the kernel leaves some commands unanswered.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload, NetlinkSerializable,
};
use netlink_sys::{Socket, SocketAddr};
use nix::sys::socket::{setsockopt, sockopt};
use nix::sys::time::{TimeVal, TimeValLike};

use super::attributes::attributes;
use crate::io::sys::borrow_fd;

/// `NLMSG_ERROR`, which is also the acknowledgement (error 0).
const NLMSG_ERROR: u16 = 2;
/// `NLMSG_DONE`: the end of a dump.
const NLMSG_DONE: u16 = 3;
/// `NLM_F_CAPPED`, `NLM_F_ACK_TLVS`: the shape of an error message (linux/netlink.h).
const NLM_F_CAPPED: u16 = 0x100;
const NLM_F_ACK_TLVS: u16 = 0x200;
/// `NLMSGERR_ATTR_MSG`: the kernel's reason in words.
const NLMSGERR_ATTR_MSG: u16 = 1;
/// Length of `struct nlmsghdr`.
const HEADER_LEN: usize = 16;
/// Refusals of more messages than about 250 overflow the default receive buffer; ours holds some 1,300.
const BATCH: usize = 500;
/// Octets of a batch; more may not fit the send buffer.
const BATCH_BYTES: usize = 128 * 1024;
/// No command is longer.
const LONGEST: usize = 1024;
/// How long to wait for any one answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum NetlinkError {
    /// The kernel refused; `reason` is its extended acknowledgement, if it gave one.
    #[error("{}{}", io::Error::from_raw_os_error(*.errno), .reason.as_deref().map(|r| format!(" ({r})")).unwrap_or_default())]
    Refused {
        /// A positive errno.
        errno: i32,
        /// `NLMSGERR_ATTR_MSG`
        reason: Option<String>,
    },
    /// The kernel did not answer in time. The command may or may not have been carried out.
    #[error("the kernel did not answer within {} s", ANSWER_TIMEOUT.as_secs())]
    NoAnswer,
    /// Answers were lost because too many arrived at once; read the state back.
    #[error("netlink answers were lost (receive buffer overrun)")]
    Overrun,
    /// The network namespace could not be entered.
    #[error("entering the network namespace {}", .path.display())]
    Namespace {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The socket itself failed.
    #[error("netlink socket")]
    Socket(#[from] io::Error),
    /// The kernel's answer could not be understood.
    #[error("malformed netlink answer: {0}")]
    Malformed(&'static str),
}

impl NetlinkError {
    /// The kernel's errno, if it refused.
    pub fn errno(&self) -> Option<i32> {
        match self {
            NetlinkError::Refused { errno, .. } => Some(*errno),
            _ => None,
        }
    }
}

/// One message of an answer: its type and what follows the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// `nlmsg_type`
    pub message_type: u16,
    /// Everything after `struct nlmsghdr`.
    pub payload: Vec<u8>,
}

/// A socket to one netlink family, used for one request (or batch) at a time.
pub struct Connection {
    socket: Socket,
    sequence: u32,
}

impl Connection {
    /// Opens a socket of `protocol` (`NETLINK_ROUTE`, `NETLINK_GENERIC`, …) in the calling thread's network namespace.
    pub fn open(protocol: isize) -> Result<Connection, NetlinkError> {
        let mut socket = Socket::new(protocol)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        // Old kernels lack these two; without them errors only carry less text.
        let _ = socket.set_ext_ack(true);
        let _ = socket.set_cap_ack(true);
        let fd = borrow_fd(&socket);
        let timeout = TimeVal::milliseconds(ANSWER_TIMEOUT.as_millis() as i64);
        setsockopt(&fd, sockopt::ReceiveTimeout, &timeout).map_err(io::Error::from)?;
        // Needs CAP_NET_ADMIN; without it the default buffer still holds a batch.
        let _ = setsockopt(&fd, sockopt::RcvBufForce, &(1 << 20));
        let _ = setsockopt(&fd, sockopt::SndBuf, &(1 << 19));
        Ok(Connection { socket, sequence: 0 })
    }

    /// One command, acknowledged. `flags` are added to `NLM_F_REQUEST | NLM_F_ACK`. Answers that come before the
    /// acknowledgement are returned.
    pub fn request<M: NetlinkSerializable>(&mut self, flags: u16, message: M) -> Result<Vec<Reply>, NetlinkError> {
        let (bytes, sequence) = self.encode(NLM_F_REQUEST | NLM_F_ACK | flags, message);
        self.socket.send(&bytes, 0)?;
        self.collect(sequence)
    }

    /// A dump: every object that `message` selects.
    pub fn dump<M: NetlinkSerializable>(&mut self, message: M) -> Result<Vec<Reply>, NetlinkError> {
        let (bytes, sequence) = self.encode(NLM_F_REQUEST | NLM_F_DUMP, message);
        self.socket.send(&bytes, 0)?;
        self.collect(sequence)
    }

    /// Many commands, carried out in order; one that fails does not stop the rest. The answers are in the order of
    /// `messages`. Only the last command of each batch is acknowledged: what went wrong with the others is told, with
    /// their sequence numbers, before that.
    pub fn batch<M: NetlinkSerializable>(&mut self, messages: Vec<(u16, M)>) -> Vec<Result<(), NetlinkError>> {
        let mut results = Vec::with_capacity(messages.len());
        let mut messages = messages.into_iter().peekable();
        let mut bytes = Vec::new();
        while messages.peek().is_some() {
            bytes.clear();
            let first = self.sequence.wrapping_add(1).max(1);
            let mut count = 0;
            while let Some((flags, message)) = messages.next_if(|_| bytes.len() < BATCH_BYTES && count < BATCH) {
                let is_last = messages.peek().is_none() || bytes.len() + LONGEST >= BATCH_BYTES || count + 1 == BATCH;
                let acknowledged = if is_last { NLM_F_ACK } else { 0 };
                let (encoded, _) = self.encode(NLM_F_REQUEST | acknowledged | flags, message);
                bytes.extend_from_slice(&encoded);
                count += 1;
                if is_last {
                    break;
                }
            }
            results.extend(self.carry_out(&bytes, first, count));
        }
        results
    }

    /// Sends a batch and reads what comes of it.
    fn carry_out(&mut self, bytes: &[u8], first: u32, count: usize) -> Vec<Result<(), NetlinkError>> {
        if let Err(error) = self.socket.send(bytes, 0) {
            let kind = error.kind();
            return (0..count).map(|_| Err(NetlinkError::Socket(kind.into()))).collect();
        }
        let mut results: Vec<Result<(), NetlinkError>> = (0..count).map(|_| Ok(())).collect();
        let unknown = |error: &NetlinkError| match error {
            NetlinkError::Overrun => NetlinkError::Overrun,
            NetlinkError::Malformed(what) => NetlinkError::Malformed(what),
            _ => NetlinkError::NoAnswer,
        };
        loop {
            let datagram = match self.receive() {
                Ok(datagram) => datagram,
                // Without the last answer nothing is known about those that were not refused.
                Err(error) => {
                    let unanswered = results.iter_mut().filter(|result| result.is_ok());
                    unanswered.for_each(|result| *result = Err(unknown(&error)));
                    return results;
                }
            };
            let mut rest = datagram.as_slice();
            let mut finished = false;
            while let Ok(Some((header, payload, next))) = split_message(rest) {
                rest = next;
                let position = header.sequence.wrapping_sub(first) as usize;
                if header.message_type != NLMSG_ERROR || position >= count {
                    continue;
                }
                results[position] = parse_error(header.flags, payload).and_then(|result| result);
                finished |= position + 1 == count;
            }
            if finished {
                return results;
            }
        }
    }

    /// The next datagram.
    fn receive(&mut self) -> Result<Vec<u8>, NetlinkError> {
        loop {
            match self.socket.recv_from_full() {
                Ok((datagram, _)) => return Ok(datagram),
                Err(error) => match error.raw_os_error() {
                    Some(libc::EAGAIN) => return Err(NetlinkError::NoAnswer),
                    Some(libc::ENOBUFS) => return Err(NetlinkError::Overrun),
                    Some(libc::EINTR) => {}
                    _ => return Err(NetlinkError::Socket(error)),
                },
            }
        }
    }

    fn encode<M: NetlinkSerializable>(&mut self, flags: u16, message: M) -> (Vec<u8>, u32) {
        self.sequence = self.sequence.wrapping_add(1).max(1);
        let mut header = NetlinkHeader::default();
        header.flags = flags;
        header.sequence_number = self.sequence;
        let mut message = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(message));
        message.finalize();
        let mut bytes = vec![0; message.buffer_len().next_multiple_of(4)];
        message.serialize(&mut bytes);
        (bytes, self.sequence)
    }

    /// Reads until the answer to `sequence` is complete. Answers to earlier, abandoned requests are skipped.
    fn collect(&mut self, sequence: u32) -> Result<Vec<Reply>, NetlinkError> {
        let mut replies = Vec::new();
        loop {
            let datagram = self.receive()?;
            let mut rest = datagram.as_slice();
            let mut finished = None;
            while let Some((header, payload, next)) = split_message(rest)? {
                rest = next;
                if header.sequence != sequence {
                    continue;
                }
                match header.message_type {
                    NLMSG_ERROR => finished = Some(parse_error(header.flags, payload)?),
                    NLMSG_DONE => finished = Some(Ok(())),
                    message_type => replies.push(Reply { message_type, payload: payload.to_vec() }),
                }
            }
            match finished {
                Some(Ok(())) => return Ok(replies),
                Some(Err(error)) => return Err(error),
                None => {}
            }
        }
    }
}

/// `struct nlmsghdr`, as far as it is needed.
pub(super) struct Header {
    pub(super) message_type: u16,
    flags: u16,
    sequence: u32,
}

/// Header, payload, and what follows.
pub(super) type Split<'a> = (Header, &'a [u8], &'a [u8]);

/// The first message of `bytes`; `None` at the end.
pub(super) fn split_message(bytes: &[u8]) -> Result<Option<Split<'_>>, NetlinkError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let header = bytes.get(..HEADER_LEN).ok_or(NetlinkError::Malformed("truncated header"))?;
    let u16_at = |at: usize| u16::from_ne_bytes([header[at], header[at + 1]]);
    let u32_at = |at: usize| u32::from_ne_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let length = u32_at(0) as usize;
    if length < HEADER_LEN || length > bytes.len() {
        return Err(NetlinkError::Malformed("impossible length"));
    }
    let next = length.next_multiple_of(4).min(bytes.len());
    let header = Header { message_type: u16_at(4), flags: u16_at(6), sequence: u32_at(8) };
    Ok(Some((header, &bytes[HEADER_LEN..length], &bytes[next..])))
}

/// `struct nlmsgerr` and the attributes after it.
fn parse_error(flags: u16, payload: &[u8]) -> Result<Result<(), NetlinkError>, NetlinkError> {
    let code = payload.get(..4).ok_or(NetlinkError::Malformed("truncated error"))?;
    let errno = -i32::from_ne_bytes([code[0], code[1], code[2], code[3]]);
    if errno == 0 {
        return Ok(Ok(()));
    }
    let reason = (flags & NLM_F_ACK_TLVS != 0).then(|| extended_reason(flags, payload)).flatten();
    Ok(Err(NetlinkError::Refused { errno, reason }))
}

fn extended_reason(flags: u16, payload: &[u8]) -> Option<String> {
    let echoed = payload.get(4..4 + HEADER_LEN)?;
    let request_length = u32::from_ne_bytes([echoed[0], echoed[1], echoed[2], echoed[3]]) as usize;
    let skipped = if flags & NLM_F_CAPPED != 0 { HEADER_LEN } else { request_length.next_multiple_of(4) };
    let mut found = attributes(payload.get(4 + skipped..)?);
    let (_, text) = found.find(|(kind, _)| *kind == NLMSGERR_ATTR_MSG)?;
    Some(String::from_utf8_lossy(text).trim_end_matches('\0').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use netlink_packet_route::RouteNetlinkMessage;
    use netlink_packet_route::link::LinkMessage;

    #[test]
    fn a_dump_of_links_names_the_loopback() {
        let mut connection = Connection::open(netlink_sys::protocols::NETLINK_ROUTE).expect("open");
        let links = connection.dump(RouteNetlinkMessage::GetLink(LinkMessage::default())).expect("dump");
        assert!(links.iter().any(|reply| reply.payload.windows(3).any(|w| w == b"lo\0")));
    }

    #[test]
    fn a_refusal_carries_the_errno() {
        let mut connection = Connection::open(netlink_sys::protocols::NETLINK_ROUTE).expect("open");
        let mut link = LinkMessage::default();
        link.header.index = 0x7fff_ffff;
        let error = connection.request(0, RouteNetlinkMessage::GetLink(link)).expect_err("no such link");
        assert_eq!(error.errno(), Some(libc::ENODEV));
    }

    #[test]
    fn a_truncated_answer_is_an_error_not_a_panic() {
        for length in 1..HEADER_LEN {
            assert!(split_message(&vec![0; length]).is_err());
        }
        let mut lying = vec![0; HEADER_LEN];
        lying[0] = 200;
        assert!(split_message(&lying).is_err());
        assert!(parse_error(0, &[1]).is_err());
    }
}
