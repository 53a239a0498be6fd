//! What a capture can tell of a virtual router: its adverts in a row, and the moments at which something happened.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use indexmap::IndexSet;

use super::packet::Vrrp;

/// What makes a virtual router on a wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouterId {
    /// 802.1Q tag of its frames.
    pub vlan: Option<u16>,
    /// Over IPv6.
    pub ipv6: bool,
    /// Virtual router identifier.
    pub vrid: u8,
}

impl fmt::Display for RouterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "vrid {} over IPv{}", self.vrid, if self.ipv6 { 6 } else { 4 })?;
        self.vlan.map_or(Ok(()), |vlan| write!(f, " in VLAN {vlan}"))
    }
}

/// What a router says of itself in an advert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Says {
    /// Version of the protocol.
    pub version: u8,
    /// Its priority; 0 when it leaves.
    pub priority: u8,
    /// Its interval.
    pub interval: Duration,
    /// Authentication: none, a password, AH, HMAC.
    pub authentication: Authentication,
    /// The virtual addresses.
    pub addresses: Vec<IpAddr>,
}

/// How an advert is authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authentication {
    /// Not at all.
    None,
    /// With a password; these octets. Never shown.
    Password([u8; 8]),
    /// With an authentication header.
    Ah,
    /// With keepalived's HMAC trailer.
    Hmac,
}

impl fmt::Display for Authentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Authentication::None => "none",
            Authentication::Password(_) => "a password",
            Authentication::Ah => "AH",
            Authentication::Hmac => "HMAC",
        })
    }
}

impl Says {
    pub(super) fn of(vrrp: &Vrrp) -> Says {
        let authentication = match vrrp.password() {
            _ if vrrp.ah.is_some() => Authentication::Ah,
            _ if vrrp.has_hmac() => Authentication::Hmac,
            Some(password) if vrrp.authentication_type() == 1 => Authentication::Password(password),
            _ => Authentication::None,
        };
        Says {
            version: vrrp.version(),
            priority: vrrp.priority(),
            interval: vrrp.interval(),
            authentication,
            addresses: vrrp.addresses(),
        }
    }

    /// RFC 3768 §6.1, RFC 9568 §6.1: in the units of its version.
    pub fn skew(&self, priority: u8) -> Duration {
        let parts = 256 - u32::from(priority);
        match self.version {
            2 => Duration::from_secs(1) * parts / 256,
            _ => self.interval * parts / 256,
        }
    }

    /// How long a backup of `priority` waits for this master.
    pub fn master_down(&self, priority: u8) -> Duration {
        3 * self.interval + self.skew(priority)
    }
}

/// Adverts in a row by one router that says the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Who.
    pub source: IpAddr,
    /// Where to: the group, or the peers.
    pub destinations: IndexSet<IpAddr>,
    /// What it says.
    pub says: Says,
    /// Its frames.
    pub frames: Vec<usize>,
    /// When the first and the last were seen, since the capture's first frame.
    pub first: Duration,
    /// See `first`.
    pub last: Duration,
    /// Time between adverts, in order. One advert to several peers is one.
    pub gaps: Vec<Duration>,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    /// The first advert of a virtual router.
    Appears {
        /// Who is master.
        master: IpAddr,
    },
    /// Mastership moved.
    Election {
        /// From whom.
        from: IpAddr,
        /// To whom.
        to: IpAddr,
        /// Why.
        reason: Reason,
    },
    /// The master said farewell: priority 0.
    Farewell {
        /// Who.
        master: IpAddr,
    },
    /// Two masters at a time, until `last`.
    Conflict {
        /// The one that should stay.
        better: IpAddr,
        /// The one that should have been silent.
        worse: IpAddr,
        /// Adverts of the worse one while both spoke.
        adverts: usize,
        /// The last of them.
        last_frame: usize,
        /// From the first advert of both to the last one of the worse.
        lasted: Duration,
    },
    /// Nothing more is heard, though the capture goes on for longer than a backup would wait.
    Silence {
        /// Who spoke last.
        master: IpAddr,
        /// Until the end of the capture.
        lasted: Duration,
    },
    /// Stations were told who answers for the addresses.
    Announced {
        /// Whose station.
        master: IpAddr,
        /// Packets.
        packets: usize,
        /// The last of them.
        last_frame: usize,
        /// From the election's advert to the first packet.
        after: Duration,
    },
}

/// Why mastership moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The master said farewell `after` ago; `skew` was prescribed.
    Farewell {
        /// Measured.
        after: Duration,
        /// RFC 3768 §6.4.2 (130), RFC 9568 §6.4.2 (430).
        skew: Duration,
    },
    /// The master was silent.
    Silence {
        /// Measured.
        silent: Duration,
        /// The master-down interval of the new one.
        prescribed: Duration,
    },
    /// The new one has a higher priority, or the higher address at equal priority.
    Better {
        /// Of the old master.
        old: u8,
        /// Of the new one.
        new: u8,
    },
    /// It took over from a better master that was still speaking.
    None,
}

/// One happening and where it is seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// The frame.
    pub frame: usize,
    /// When, since the capture's first frame.
    pub at: Duration,
    /// What.
    pub happening: Happening,
}
