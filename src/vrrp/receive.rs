//! What an instance may believe: the checks on a received datagram, in keepalived's order (RFC 3768 §7.1, RFC 9568 §7.1).
//!
//! A refused packet changes nothing: no timer restarts, no state moves. It is counted under its reason, and the reason
//! is told once until something changes.

use std::net::IpAddr;

use crate::model::{AdvertInterval, Authentication, Carrier, ChecksumV3, Family, Transport, Version, VrrpInstance};
use crate::wire::auth_header::{self, AuthHeader};
use crate::wire::ip::Datagram;
use crate::wire::vrrp::{AUTH_AH, AUTH_NONE, AUTH_PASS, Summing, TTL, TYPE_ADVERTISEMENT, View};

use super::router::Heard;

/// Why a packet was not believed. The text is what keepalived logs, with the sender.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Received octets, or the header's total length, are not what the address count calls for.
    #[error("vrrp packet from {from} too {}, length {length} and expect {expected}", if .length > .expected { "long" } else { "short" })]
    Length {
        /// Sender.
        from: IpAddr,
        /// Octets received, IP header included.
        length: usize,
        /// Octets that a whole packet measures.
        expected: usize,
    },
    /// A router forwarded it, or it was forged from afar.
    #[error("invalid TTL/HL from {from}. Received {ttl} and expect {TTL}")]
    Ttl {
        /// Sender.
        from: IpAddr,
        /// As received.
        ttl: u8,
    },
    /// Another version of the protocol.
    #[error("wrong VRRP version from {from}. Received {version} and expect {expected}")]
    Version {
        /// Sender.
        from: IpAddr,
        /// As received.
        version: u8,
        /// As configured.
        expected: u8,
    },
    /// `Auth Type` is none that exists.
    #[error("Invalid auth type from {from}: {auth_type}")]
    AuthTypeInvalid {
        /// Sender.
        from: IpAddr,
        /// As received.
        auth_type: u8,
    },
    /// Not the `Auth Type` that is configured here.
    #[error("received a {auth_type} auth from {from}, expecting {expected}!")]
    AuthTypeMismatch {
        /// Sender.
        from: IpAddr,
        /// As received.
        auth_type: u8,
        /// As configured.
        expected: u8,
    },
    /// Another password.
    #[error("received an invalid passwd from {from}!")]
    Password {
        /// Sender.
        from: IpAddr,
    },
    /// Version 2 routers must agree on the interval; in either version none is zero.
    #[error("advertisement interval mismatch with {from} mine={own} rcv'd={}", heard(.received))]
    Interval {
        /// Sender.
        from: IpAddr,
        /// Ours.
        own: AdvertInterval,
        /// As received; `None` for zero.
        received: Option<AdvertInterval>,
    },
    /// Not an advertisement.
    #[error("Invalid packet type from {from}. {packet_type} and expect {TYPE_ADVERTISEMENT}")]
    PacketType {
        /// Sender.
        from: IpAddr,
        /// As received.
        packet_type: u8,
    },
    /// Damaged, or forged without care.
    #[error("Invalid VRRPv{version} checksum from {from}")]
    Checksum {
        /// Sender.
        from: IpAddr,
        /// Of the packet.
        version: u8,
    },
    /// Another key, or a field that was changed on the way.
    #[error("IPSEC-AH : invalid IPSEC HMAC-MD5 value from {from}. Due to fields mutation or bad password !")]
    CheckValue {
        /// Sender.
        from: IpAddr,
    },
    /// The header names another sender than the datagram.
    #[error("IPSEC AH : invalid IPSEC SPI value. {spi} and expect {from}")]
    Spi {
        /// Sender.
        from: IpAddr,
        /// As received.
        spi: IpAddr,
    },
    /// A packet that was heard before, or an older one.
    #[error("IPSEC-AH : sequence number {sequence} from {from} already processed. Packet dropped. Local({own})")]
    Replayed {
        /// Sender.
        from: IpAddr,
        /// As received.
        sequence: u32,
        /// The highest one so far, sent or received.
        own: u32,
    },
    /// Not one of the peers, which is checked where the file says so.
    #[error("unicast source address {from} not a unicast peer")]
    NotAPeer {
        /// Sender.
        from: IpAddr,
    },
    /// The peer is nearer or farther than the file says.
    #[error("TTL/HL {ttl} from {from} not in range [{least}, {most}]")]
    PeerTtl {
        /// Sender.
        from: IpAddr,
        /// As received.
        ttl: u8,
        /// `min_ttl`
        least: u8,
        /// `max_ttl`
        most: u8,
    },
    /// Multicast to a unicast instance, or the reverse.
    #[error("Expected {} packet but received {} packet from {from}", cast(.expected_multicast), cast(&!.expected_multicast))]
    Destination {
        /// Sender.
        from: IpAddr,
        /// What the instance listens to.
        expected_multicast: bool,
    },
}

fn heard(interval: &Option<AdvertInterval>) -> String {
    interval.map_or_else(|| "0".to_owned(), |interval| interval.to_string())
}

fn cast(multicast: &bool) -> &'static str {
    if *multicast { "multicast" } else { "unicast" }
}

/// Received packets by fate, named as in keepalived's statistics dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Adverts believed.
    pub received: u64,
    /// Adverts believed with priority 0.
    pub priority_zero_received: u64,
    /// `Packet Errors: Length`
    pub length: u64,
    /// `Packet Errors: TTL`
    pub ttl: u64,
    /// `Packet Errors: Invalid Type`
    pub invalid_type: u64,
    /// `Packet Errors: Advertisement Interval` (keepalived never counts these)
    pub advertisement_interval: u64,
    /// `Packet Errors: Address List`
    pub address_list: u64,
    /// Another VRRP version.
    pub version: u64,
    /// Wrong checksum.
    pub checksum: u64,
    /// `Authentication Errors: Invalid Type`
    pub authentication_invalid_type: u64,
    /// `Authentication Errors: Type Mismatch`
    pub authentication_type_mismatch: u64,
    /// `Authentication Errors: Failure`
    pub authentication_failure: u64,
    /// Times that two routers were MASTER at once and this one stayed.
    pub split_brains: u64,
}

impl Counters {
    /// Counts `refusal` under its reason.
    pub fn refused(&mut self, refusal: &Refusal) {
        let counter = match refusal {
            Refusal::Length { .. } => &mut self.length,
            Refusal::Ttl { .. } | Refusal::PeerTtl { .. } => &mut self.ttl,
            Refusal::Version { .. } => &mut self.version,
            Refusal::AuthTypeInvalid { .. } => &mut self.authentication_invalid_type,
            Refusal::AuthTypeMismatch { .. } => &mut self.authentication_type_mismatch,
            Refusal::Password { .. } | Refusal::CheckValue { .. } | Refusal::Spi { .. } | Refusal::Replayed { .. } => {
                &mut self.authentication_failure
            }
            Refusal::Interval { .. } => &mut self.advertisement_interval,
            Refusal::PacketType { .. } => &mut self.invalid_type,
            Refusal::Checksum { .. } => &mut self.checksum,
            Refusal::Destination { .. } | Refusal::NotAPeer { .. } => &mut self.address_list,
        };
        *counter += 1;
    }
}

/// A received packet, taken apart; nothing of it is checked yet.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'a> {
    /// The IP datagram.
    pub datagram: Datagram<'a>,
    /// What stands before the VRRP part with protocol 51.
    pub auth_header: Option<AuthHeader<'a>>,
    /// The VRRP part.
    pub advert: View<'a>,
}

impl<'a> Packet<'a> {
    /// `None` when there is not even a virtual router id in it.
    pub fn parse(bytes: &'a [u8]) -> Option<Packet<'a>> {
        let datagram = Datagram::parse(bytes).ok()?;
        let mut vrrp = datagram.payload;
        let auth_header = match datagram.header.protocol == Carrier::AuthenticationHeader.number() {
            true => {
                vrrp = vrrp.get(auth_header::LEN..)?;
                Some(AuthHeader::parse(datagram.payload)?)
            }
            false => None,
        };
        let advert = View::new(vrrp, Family::of(datagram.header.source)).ok()?;
        Some(Packet { datagram, auth_header, advert })
    }
}

/// What an instance remembers of the packets it has sent and received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Memory {
    /// The last sequence number of authentication headers, sent or received: keepalived counts both in one.
    pub sequence: u32,
    /// A peer sums adverts of version 3 as old keepalived did, and is answered in the same way.
    pub old_checksum: bool,
}

/// Judges a packet that reached `instance`'s socket and carries its VRID.
pub fn judge(instance: &VrrpInstance, packet: &Packet<'_>, memory: &mut Memory) -> Result<Heard, Refusal> {
    let Packet { datagram, advert, .. } = packet;
    let from = datagram.header.source;
    let multicast = matches!(instance.transport, Transport::Multicast { .. });

    let version = instance.version();
    let before = datagram.header_len + if packet.auth_header.is_some() { auth_header::LEN } else { 0 };
    let length = before + advert.length();
    let expected = before + advert.expected_length(version);
    if length != expected {
        return Err(Refusal::Length { from, length, expected });
    }
    if multicast && datagram.header.ttl != TTL {
        return Err(Refusal::Ttl { from, ttl: datagram.header.ttl });
    }
    if advert.version() != version.number() {
        return Err(Refusal::Version { from, version: advert.version(), expected: version.number() });
    }
    if version == Version::V2 {
        authenticate(&instance.authentication, advert, from)?;
    }
    let sequence = match (&instance.authentication, &packet.auth_header) {
        (Authentication::Header(key), Some(header)) => Some(check_header(key, header, packet, multicast, memory)?),
        _ => None,
    };
    let own = instance.advert_interval;
    let interval = match advert.interval(version) {
        Some(interval) if version == Version::V3 || interval == own => interval,
        received => return Err(Refusal::Interval { from, own, received }),
    };
    if advert.packet_type() != TYPE_ADVERTISEMENT {
        return Err(Refusal::PacketType { from, packet_type: advert.packet_type() });
    }
    if datagram.total_length != length {
        return Err(Refusal::Length { from, length: datagram.total_length, expected });
    }
    if !checksum_is_right(instance, packet, memory) {
        return Err(Refusal::Checksum { from, version: version.number() });
    }
    if datagram.header.destination.is_multicast() != multicast {
        return Err(Refusal::Destination { from, expected_multicast: multicast });
    }
    check_peer(instance, datagram)?;
    // Only a packet that is believed whole moves the window.
    memory.sequence = sequence.unwrap_or(memory.sequence);
    Ok(Heard { source: from, priority: advert.priority(), interval })
}

/// The sequence number, when all is right.
fn check_header(
    key: &[u8; 8],
    header: &AuthHeader<'_>,
    packet: &Packet<'_>,
    multicast: bool,
    memory: &Memory,
) -> Result<u32, Refusal> {
    let (datagram, from) = (&packet.datagram, packet.datagram.header.source);
    let authentic = header.next_header == Carrier::Vrrp.number()
        && header.is_authentic(datagram.bytes, datagram.header_len, key, !multicast);
    if !authentic {
        return Err(Refusal::CheckValue { from });
    }
    if IpAddr::V4(header.spi) != from {
        return Err(Refusal::Spi { from, spi: header.spi.into() });
    }
    let (sequence, own) = (header.sequence, memory.sequence);
    if sequence <= own {
        return Err(Refusal::Replayed { from, sequence, own });
    }
    Ok(sequence)
}

fn checksum_is_right(instance: &VrrpInstance, packet: &Packet<'_>, memory: &mut Memory) -> bool {
    let header = &packet.datagram.header;
    let version = instance.version();
    let right = |summing| packet.advert.checksum_is_right_as(summing, version, header.source, header.destination);
    if right(Summing::Standard) {
        return true;
    }
    let unicast = matches!(instance.transport, Transport::Unicast { .. });
    match instance.conduct.checksum {
        ChecksumV3::AsV2 => right(Summing::AsV2),
        ChecksumV3::OldUnicast => unicast && right(Summing::OverGroup),
        ChecksumV3::Adaptive if unicast && right(Summing::OverGroup) => {
            memory.old_checksum = true;
            true
        }
        ChecksumV3::Adaptive | ChecksumV3::Standard => false,
    }
}

fn check_peer(instance: &VrrpInstance, datagram: &Datagram<'_>) -> Result<(), Refusal> {
    let Transport::Unicast { peers, .. } = &instance.transport else { return Ok(()) };
    let checks = &instance.conduct.checks;
    let (from, ttl) = (datagram.header.source, datagram.header.ttl);
    if (checks.sender_is_peer || !checks.peer_ttl.is_empty()) && !peers.contains(&from) {
        return Err(Refusal::NotAPeer { from });
    }
    match checks.peer_ttl.get(&from) {
        Some(range) if !range.contains(&ttl) => {
            Err(Refusal::PeerTtl { from, ttl, least: *range.start(), most: *range.end() })
        }
        _ => Ok(()),
    }
}

fn authenticate(own: &Authentication, advert: &View<'_>, from: IpAddr) -> Result<(), Refusal> {
    let auth_type = advert.auth_type();
    if ![AUTH_NONE, AUTH_PASS, AUTH_AH].contains(&auth_type) {
        return Err(Refusal::AuthTypeInvalid { from, auth_type });
    }
    let expected = match own {
        Authentication::None => AUTH_NONE,
        Authentication::Pass(_) => AUTH_PASS,
        Authentication::Header(_) => AUTH_AH,
    };
    if auth_type != expected {
        return Err(Refusal::AuthTypeMismatch { from, auth_type, expected });
    }
    match own {
        // keepalived sends no password over IPv6, so none can be asked for.
        Authentication::Pass(_) if from.is_ipv6() => Ok(()),
        // The header before the advert is checked on its own.
        Authentication::None | Authentication::Header(_) => Ok(()),
        Authentication::Pass(password) => match advert.auth_data() {
            Some(received) if equal_in_constant_time(password, &received) => Ok(()),
            _ => Err(Refusal::Password { from }),
        },
    }
}

/// Equality whose duration does not tell how many octets were right.
fn equal_in_constant_time(a: &[u8; 8], b: &[u8; 8]) -> bool {
    a.iter().zip(b).fold(0, |difference, (x, y)| difference | (x ^ y)) == 0
}

/// Virtual addresses that are ours but not in the advert: the two files differ. Believed all the same, as keepalived
/// since 2.3.3 does: refusing would make two masters.
pub fn missing_addresses(instance: &VrrpInstance, advert: &View<'_>) -> Vec<IpAddr> {
    let heard: Vec<IpAddr> = advert.addresses().collect();
    instance.virtual_addresses.iter().map(|vip| vip.net.addr()).filter(|address| !heard.contains(address)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Priority, Vrid};
    use crate::vrrp::router::tests::instance;
    use crate::wire::ip::Header;
    use crate::wire::vrrp::{Advert, GROUP, PROTOCOL, TOS};

    fn header() -> Header {
        Header {
            source: IpAddr::from([192, 0, 2, 2]),
            destination: GROUP,
            protocol: PROTOCOL,
            tos: TOS,
            ttl: TTL,
            identification: 1,
        }
    }

    fn advert(instance: &VrrpInstance) -> Advert {
        Advert {
            vrid: instance.vrid,
            priority: Priority::new(120),
            interval: instance.advert_interval,
            authentication: instance.authentication,
            addresses: instance.virtual_addresses.iter().map(|vip| vip.net.addr()).collect(),
        }
    }

    fn judge_bytes(instance: &VrrpInstance, bytes: &[u8]) -> Result<Heard, Refusal> {
        let packet = Packet::parse(bytes).expect("a whole header, and long enough");
        judge(instance, &packet, &mut Memory::default())
    }

    /// A valid packet, changed by `forge` before its VRRP checksum is made right again.
    fn forged(instance: &VrrpInstance, header: Header, forge: impl FnOnce(&mut Vec<u8>)) -> Result<Heard, Refusal> {
        let mut vrrp = advert(instance).emit(header.source, header.destination);
        forge(&mut vrrp);
        vrrp[6..8].fill(0);
        let sum = crate::wire::checksum::internet(&vrrp);
        vrrp[6..8].copy_from_slice(&sum.to_be_bytes());
        judge_bytes(instance, &header.emit(&vrrp))
    }

    fn with_password() -> VrrpInstance {
        VrrpInstance { authentication: Authentication::Pass(*b"secret\0\0"), ..instance() }
    }

    #[test]
    fn a_peer_s_advert_is_believed() {
        let heard = Heard {
            source: IpAddr::from([192, 0, 2, 2]),
            priority: Priority::new(120),
            interval: instance().advert_interval,
        };
        assert_eq!(forged(&instance(), header(), |_| {}), Ok(heard));
        assert_eq!(forged(&with_password(), header(), |_| {}), Ok(heard));
    }

    #[test]
    fn every_forgery_is_refused_for_its_own_reason() {
        let plain = instance();
        let password = with_password();
        let refused = |result: Result<Heard, Refusal>| result.expect_err("forged");

        assert!(matches!(
            refused(forged(&plain, Header { ttl: 254, ..header() }, |_| {})),
            Refusal::Ttl { ttl: 254, .. }
        ));
        assert!(matches!(refused(forged(&plain, header(), |v| v[0] = 0x31)), Refusal::Version { version: 3, .. }));
        assert!(matches!(
            refused(forged(&plain, header(), |v| v[0] = 0x22)),
            Refusal::PacketType { packet_type: 2, .. }
        ));
        assert!(matches!(refused(forged(&plain, header(), |v| v[3] = 9)), Refusal::Length { .. }));
        assert!(matches!(refused(forged(&plain, header(), |v| v.push(0))), Refusal::Length { .. }));
        assert!(matches!(
            refused(forged(&plain, header(), |v| v[4] = 9)),
            Refusal::AuthTypeInvalid { auth_type: 9, .. }
        ));
        assert!(matches!(
            refused(forged(&plain, header(), |v| v[4] = 1)),
            Refusal::AuthTypeMismatch { expected: 0, .. }
        ));
        assert!(matches!(
            refused(forged(&password, header(), |v| v[4] = 0)),
            Refusal::AuthTypeMismatch { expected: 1, .. }
        ));
        assert!(matches!(
            refused(forged(&password, header(), |v| *v.last_mut().expect("octets") = 1)),
            Refusal::Password { .. }
        ));
        assert!(matches!(refused(forged(&plain, header(), |v| v[5] = 2)), Refusal::Interval { received: Some(_), .. }));
        let elsewhere = Header { destination: IpAddr::from([192, 0, 2, 1]), ..header() };
        assert!(matches!(refused(forged(&plain, elsewhere, |_| {})), Refusal::Destination { .. }));

        let mut damaged = header().emit(&advert(&plain).emit(header().source, GROUP));
        damaged[27] ^= 1; // the checksum itself
        assert!(matches!(refused(judge_bytes(&plain, &damaged)), Refusal::Checksum { .. }));
        let mut lying = header().emit(&advert(&plain).emit(header().source, GROUP));
        lying[3] += 4; // IP total length
        assert!(matches!(refused(judge_bytes(&plain, &lying)), Refusal::Length { .. }));
    }

    #[test]
    fn a_unicast_instance_takes_any_ttl_but_no_multicast() {
        let source = Some(IpAddr::from([192, 0, 2, 1]));
        let peers = vec![IpAddr::from([192, 0, 2, 2])];
        let unicast = VrrpInstance { transport: Transport::Unicast { source, peers }, ..instance() };
        let to_us = Header { destination: IpAddr::from([192, 0, 2, 1]), ttl: 63, ..header() };
        assert!(forged(&unicast, to_us, |_| {}).is_ok());
        assert!(matches!(
            forged(&unicast, header(), |_| {}),
            Err(Refusal::Destination { expected_multicast: false, .. })
        ));
    }

    #[test]
    fn another_address_list_is_believed_but_noticed() {
        let own = instance();
        let mut other = advert(&own);
        other.addresses = vec![IpAddr::from([198, 51, 100, 9])];
        other.vrid = Vrid::new(own.vrid.get()).expect("not zero");
        let bytes = other.emit(header().source, GROUP);
        let view = View::new(&bytes, Family::V4).expect("whole");
        assert!(judge_bytes(&own, &header().emit(&bytes)).is_ok());
        assert_eq!(missing_addresses(&own, &view), vec![own.virtual_addresses[0].net.addr()]);
    }

    #[test]
    fn version_3_learns_another_interval_but_never_zero() {
        let own = AdvertInterval::from_centiseconds(100).expect("in range");
        let other = AdvertInterval::from_centiseconds(20).expect("in range");
        let third = VrrpInstance { advert_interval: own, ..instance() };
        let mut sent = advert(&third);
        sent.interval = other;
        let bytes = sent.emit(header().source, GROUP);
        let heard = judge_bytes(&third, &header().emit(&bytes)).expect("believed");
        assert_eq!(heard.interval, other);

        // keepalived believes an interval of zero and takes over at once.
        let mut zero = bytes.clone();
        let difference = u32::from(other.on_wire());
        zero[5] = 0;
        let sum = u32::from(u16::from_be_bytes([zero[6], zero[7]])) + difference;
        let sum = (sum & 0xffff) + (sum >> 16);
        zero[6..8].copy_from_slice(&(sum as u16).to_be_bytes());
        let refusal = judge_bytes(&third, &header().emit(&zero)).expect_err("zero");
        assert!(matches!(refusal, Refusal::Interval { received: None, .. }), "{refusal}");
    }

    #[test]
    fn version_3_ignores_the_reserved_bits_and_sums_over_the_pseudo_header() {
        let own = AdvertInterval::from_centiseconds(100).expect("in range");
        let third = VrrpInstance { advert_interval: own, ..instance() };
        let genuine = advert(&third).emit(header().source, GROUP);
        assert!(judge_bytes(&third, &header().emit(&genuine)).is_ok());
        let moved = Header { source: IpAddr::from([192, 0, 2, 77]), ..header() };
        assert!(matches!(judge_bytes(&third, &moved.emit(&genuine)), Err(Refusal::Checksum { version: 3, .. })));
        assert!(matches!(judge_bytes(&instance(), &header().emit(&genuine)), Err(Refusal::Length { .. })));
    }
}
