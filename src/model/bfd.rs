//! `bfd_instance`: a session of Bidirectional Forwarding Detection (RFC 5880) with a neighbour.

use std::net::IpAddr;
use std::num::NonZeroU8;
use std::time::Duration;

use super::track::TrackWeight;

/// One `bfd_instance` block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BfdInstance {
    /// The block's name; unique in a configuration, 31 characters at most.
    pub name: String,
    /// `neighbor_ip`
    pub neighbour: IpAddr,
    /// `source_ip`, of the neighbour's family; the kernel chooses one when absent.
    pub source: Option<IpAddr>,
    /// `min_rx`, default 10 ms: `bfd.RequiredMinRxInterval`.
    pub min_rx: BfdInterval,
    /// `min_tx`, default 10 ms: `bfd.DesiredMinTxInterval` while the session is up.
    pub min_tx: BfdInterval,
    /// `idle_tx`, default and at least 1 s: the same while it is not (RFC 5880 §6.8.3).
    pub idle_tx: BfdInterval,
    /// `multiplier`, default 5: `bfd.DetectMult`.
    pub multiplier: NonZeroU8,
    /// `passive`: says nothing before the neighbour has (RFC 5880 §6.1).
    pub passive: bool,
    /// `ttl`, `hoplimit`: of what is sent; default 255 over IPv4, 64 over IPv6.
    pub ttl: NonZeroU8,
    /// `max_hops`: how far below `ttl` that of a received packet may be; `None` (255 in the file) asks for nothing.
    pub max_hops: Option<u8>,
    /// `multihop`: UDP port 4784 instead of 3784 (RFC 5883 §5).
    pub multihop: bool,
    /// `weight`: for `track_bfd` lines without one.
    pub weight: TrackWeight,
    /// VRRP instances may track it: `vrrp`, or neither `vrrp` nor `checker`.
    pub for_vrrp: bool,
    /// Real servers may track it: `checker`, or neither.
    pub for_checkers: bool,
}

/// An interval of BFD: microseconds in 32 bits on the wire, and none that alived wants is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BfdInterval(u32);

impl BfdInterval {
    /// 10 ms: keepalived's default of `min_rx` and `min_tx`.
    pub const DEFAULT: BfdInterval = BfdInterval(10_000);
    /// 1 s: what RFC 5880 §6.8.3 demands at least of a session that is not up, and `idle_tx`'s default.
    pub const IDLE: BfdInterval = BfdInterval(1_000_000);

    /// `None` for zero and above 2³² − 1 µs.
    pub fn new(duration: Duration) -> Option<BfdInterval> {
        u32::try_from(duration.as_micros()).ok().filter(|micros| *micros > 0).map(BfdInterval)
    }

    /// As the wire carries it.
    pub fn micros(self) -> u32 {
        self.0
    }

    /// The same as a duration.
    pub fn duration(self) -> Duration {
        Duration::from_micros(self.0.into())
    }
}
