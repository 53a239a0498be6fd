//! BFD control packets (RFC 5880 §4.1).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |Vers |  Diag   |Sta|P|F|C|A|D|M|  Detect Mult  |    Length     |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                       My Discriminator                        |
//! |                      Your Discriminator                       |
//! |                    Desired Min TX Interval                    |
//! |                   Required Min RX Interval                    |
//! |                 Required Min Echo RX Interval                 |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//!
//! Intervals are microseconds. Authentication is not spoken, as keepalived does not.

use std::fmt;

/// UDP port of single-hop sessions (RFC 5881 §4).
pub const PORT: u16 = 3784;
/// UDP port of multihop sessions (RFC 5883 §5).
pub const MULTIHOP_PORT: u16 = 4784;
/// Source ports that a session may send from (RFC 5881 §4).
pub const SOURCE_PORTS: std::ops::RangeInclusive<u16> = 49_152..=65_535;
/// Octets of a packet without authentication.
pub const LEN: usize = 24;
const VERSION: u8 = 1;

/// State of a session as packets carry it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// 0: held down by an operator.
    AdminDown = 0,
    /// 1
    Down = 1,
    /// 2: the neighbour is heard, and may not hear us yet.
    Init = 2,
    /// 3: both hear each other.
    Up = 3,
}

impl State {
    fn from_bits(bits: u8) -> State {
        match bits & 3 {
            0 => State::AdminDown,
            1 => State::Down,
            2 => State::Init,
            _ => State::Up,
        }
    }
}

impl fmt::Display for State {
    /// As keepalived's log and dumps name it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            State::AdminDown => "AdminDown",
            State::Down => "Down",
            State::Init => "Init",
            State::Up => "Up",
        })
    }
}

/// Why a session changed its state last; 0 to 8 (RFC 5880 §4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Diagnostic(u8);

impl Diagnostic {
    /// 0: nothing to tell.
    pub const NONE: Diagnostic = Diagnostic(0);
    /// 1: nothing was heard for the detection time.
    pub const EXPIRED: Diagnostic = Diagnostic(1);
    /// 3: the neighbour said that it is down.
    pub const NEIGHBOUR_DOWN: Diagnostic = Diagnostic(3);
    /// 7: an operator wants it so.
    pub const ADMINISTRATIVELY_DOWN: Diagnostic = Diagnostic(7);

    /// As the wire carries it.
    pub fn code(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            0 => "No Diagnostic",
            1 => "Control Detection Time Expired",
            2 => "Echo Function Failed",
            3 => "Neighbor Signaled Session Down",
            4 => "Forwarding Plane Reset",
            5 => "Path Down",
            6 => "Concatenated Path Down",
            7 => "Administratively Down",
            _ => "Reverse Concatenated Path Down",
        })
    }
}

/// A control packet without authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Control {
    /// Why the sender's session changed last.
    pub diagnostic: Diagnostic,
    /// The sender's state.
    pub state: State,
    /// The sender asks for an answer with `finally` set.
    pub poll: bool,
    /// The answer to a poll.
    pub finally: bool,
    /// The sender's BFD does not share fate with its control plane.
    pub control_plane_independent: bool,
    /// The sender wants no periodic packets while both are up.
    pub demand: bool,
    /// How many of the sender's packets may be missing.
    pub detect_mult: u8,
    /// The sender's name for the session; never 0.
    pub my_discriminator: u32,
    /// The receiver's name for it as the sender knows it; 0 when it does not.
    pub your_discriminator: u32,
    /// The least interval at which the sender would like to send, in µs.
    pub desired_min_tx: u32,
    /// The least interval at which it can receive, in µs; 0 asks for no periodic packets.
    pub required_min_rx: u32,
    /// The same for echo packets; 0 refuses them.
    pub required_min_echo_rx: u32,
}

/// Why a packet is discarded before anybody looks at its session (RFC 5880 §6.8.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Discard {
    /// Shorter than a header.
    #[error("{0} octets, and a packet has {LEN}")]
    TooShort(usize),
    /// Another version.
    #[error("version {0}")]
    Version(u8),
    /// The length field is not what was received.
    #[error("length {length} in {received} octets")]
    Length {
        /// As sent.
        length: u8,
        /// Octets.
        received: usize,
    },
    /// `Detect Mult` is 0.
    #[error("a detection multiplier of 0")]
    DetectMult,
    /// The multipoint bit is set.
    #[error("the multipoint bit")]
    Multipoint,
    /// `My Discriminator` is 0.
    #[error("my discriminator is 0")]
    MyDiscriminator,
    /// `Your Discriminator` is 0, and the state is neither Down nor AdminDown.
    #[error("your discriminator is 0 in state {0}")]
    YourDiscriminator(State),
    /// Poll and final at a time (RFC 5880 §6.5).
    #[error("poll and final in one packet")]
    PollAndFinal,
    /// A diagnostic that does not exist.
    #[error("diagnostic {0}")]
    Diagnostic(u8),
    /// Authenticated, and no authentication is in use.
    #[error("authentication, and none is in use")]
    Authenticated,
}

impl Control {
    /// The packet.
    pub fn emit(&self) -> [u8; LEN] {
        let flags = (self.state as u8) << 6
            | u8::from(self.poll) << 5
            | u8::from(self.finally) << 4
            | u8::from(self.control_plane_independent) << 3
            | u8::from(self.demand) << 1;
        let mut bytes = [0; LEN];
        bytes[..4].copy_from_slice(&[VERSION << 5 | self.diagnostic.0, flags, self.detect_mult, LEN as u8]);
        let words = [
            self.my_discriminator,
            self.your_discriminator,
            self.desired_min_tx,
            self.required_min_rx,
            self.required_min_echo_rx,
        ];
        for (octets, word) in bytes[4..].chunks_exact_mut(4).zip(words) {
            octets.copy_from_slice(&word.to_be_bytes());
        }
        bytes
    }

    /// Reads a packet; the order of the checks is RFC 5880 §6.8.6's.
    ///
    /// # Errors
    /// The packet has to be discarded.
    pub fn parse(bytes: &[u8]) -> Result<Control, Discard> {
        let Some(header) = bytes.first_chunk::<LEN>() else { return Err(Discard::TooShort(bytes.len())) };
        let [first, flags, detect_mult, length] = [header[0], header[1], header[2], header[3]];
        let flag = |bit: u8| flags & 1 << bit != 0;
        let word = |index: usize| {
            let at = 4 + 4 * index;
            u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
        };
        let (state, diagnostic) = (State::from_bits(flags >> 6), first & 0x1f);
        let (my_discriminator, your_discriminator) = (word(0), word(1));
        if first >> 5 != VERSION {
            return Err(Discard::Version(first >> 5));
        }
        if usize::from(length) != bytes.len() {
            return Err(Discard::Length { length, received: bytes.len() });
        }
        if detect_mult == 0 {
            return Err(Discard::DetectMult);
        }
        if flag(0) {
            return Err(Discard::Multipoint);
        }
        if my_discriminator == 0 {
            return Err(Discard::MyDiscriminator);
        }
        if your_discriminator == 0 && !matches!(state, State::Down | State::AdminDown) {
            return Err(Discard::YourDiscriminator(state));
        }
        if flag(5) && flag(4) {
            return Err(Discard::PollAndFinal);
        }
        if diagnostic > 8 {
            return Err(Discard::Diagnostic(diagnostic));
        }
        if flag(2) {
            return Err(Discard::Authenticated);
        }
        // What is longer has an authentication section, and that bit is not set.
        if bytes.len() != LEN {
            return Err(Discard::Length { length, received: bytes.len() });
        }
        Ok(Control {
            diagnostic: Diagnostic(diagnostic),
            state,
            poll: flag(5),
            finally: flag(4),
            control_plane_independent: flag(3),
            demand: flag(1),
            detect_mult,
            my_discriminator,
            your_discriminator,
            desired_min_tx: word(2),
            required_min_rx: word(3),
            required_min_echo_rx: word(4),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control() -> Control {
        Control {
            diagnostic: Diagnostic::NEIGHBOUR_DOWN,
            state: State::Up,
            poll: true,
            finally: false,
            control_plane_independent: false,
            demand: false,
            detect_mult: 5,
            my_discriminator: 0x0102_0304,
            your_discriminator: 7,
            desired_min_tx: 10_000,
            required_min_rx: 20_000,
            required_min_echo_rx: 0,
        }
    }

    #[test]
    fn what_is_emitted_parses_back() {
        let bytes = control().emit();
        assert_eq!(bytes[..8], [0x23, 0xe0, 5, 24, 1, 2, 3, 4]);
        assert_eq!(Control::parse(&bytes), Ok(control()));
        let demand = Control { demand: true, poll: false, finally: true, state: State::Init, ..control() };
        assert_eq!(Control::parse(&demand.emit()), Ok(demand));
    }

    #[test]
    fn every_flaw_has_its_reason() {
        let right = control().emit();
        let with = |index: usize, value: u8| {
            let mut bytes = right;
            bytes[index] = value;
            Control::parse(&bytes)
        };
        assert_eq!(Control::parse(&right[..23]), Err(Discard::TooShort(23)));
        assert_eq!(with(0, 0x03), Err(Discard::Version(0)));
        assert_eq!(with(3, 25), Err(Discard::Length { length: 25, received: 24 }));
        assert_eq!(with(2, 0), Err(Discard::DetectMult));
        assert_eq!(with(1, 0xe1), Err(Discard::Multipoint));
        assert_eq!(with(1, 0xf0), Err(Discard::PollAndFinal));
        assert_eq!(with(1, 0xe4), Err(Discard::Authenticated));
        assert_eq!(with(0, 0x29), Err(Discard::Diagnostic(9)));
        let nameless = Control { my_discriminator: 0, ..control() };
        assert_eq!(Control::parse(&nameless.emit()), Err(Discard::MyDiscriminator));
        for state in [State::Init, State::Up] {
            let unaware = Control { your_discriminator: 0, state, ..control() };
            assert_eq!(Control::parse(&unaware.emit()), Err(Discard::YourDiscriminator(state)));
        }
        for state in [State::Down, State::AdminDown] {
            let unaware = Control { your_discriminator: 0, state, ..control() };
            assert_eq!(Control::parse(&unaware.emit()), Ok(unaware));
        }
        let mut long = right.to_vec();
        long.push(0);
        long[3] = 25;
        assert_eq!(Control::parse(&long), Err(Discard::Length { length: 25, received: 25 }));
    }
}
