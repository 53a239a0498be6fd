//! Listens on the switch: every advert and gratuitous ARP, once, and from which port it came (packet(7)).

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::thread;

use nix::sys::socket::{LinkAddr, recvfrom};
use socket2::{Domain, Protocol, Socket, Type};

use super::event::{Kind, Reporter};
use super::namespace::Namespace;
use super::network::HostId;
use crate::model::{Family, Version};
use crate::wire::arp::GratuitousArp;
use crate::wire::ip::Datagram;
use crate::wire::vrrp::{PROTOCOL, View};

/// Octets of an Ethernet header.
const ETHERNET_LEN: usize = 14;
/// `ETHERTYPE_IP`
const ETHERTYPE_IPV4: [u8; 2] = [0x08, 0x00];

/// Starts listening in `switch`; `ports` says who is behind which interface.
pub fn start(switch: &Namespace, ports: Vec<(u32, HostId)>, reporter: Reporter) -> io::Result<()> {
    let all_protocols = i32::from((libc::ETH_P_ALL as u16).to_be());
    let socket = switch.inside(|| Socket::new(Domain::PACKET, Type::RAW, Some(Protocol::from(all_protocols))))??;
    let socket = OwnedFd::from(socket);
    thread::spawn(move || {
        let mut buffer = [0; 2048];
        while let Ok((length, Some(from))) = recvfrom::<LinkAddr>(socket.as_raw_fd(), &mut buffer) {
            // A frame is seen on the port it enters, on the bridge, and on each port it leaves by.
            if from.pkttype() == libc::PACKET_OUTGOING {
                continue;
            }
            let sender = ports.iter().find(|(port, _)| *port as usize == from.ifindex());
            let Some(kind) = sender.and_then(|(_, host)| read(*host, &buffer[..length])) else { continue };
            if !reporter.report(kind) {
                break;
            }
        }
    });
    Ok(())
}

/// What `frame` of `from` tells; `None` for everything that is neither an advert nor a gratuitous ARP.
fn read(from: HostId, frame: &[u8]) -> Option<Kind> {
    if let Some(arp) = GratuitousArp::parse(frame) {
        return Some(Kind::Announcement { from, address: arp.address });
    }
    if frame.get(12..ETHERNET_LEN)? != ETHERTYPE_IPV4 {
        return None;
    }
    let datagram = Datagram::parse(&frame[ETHERNET_LEN..]).ok()?;
    if datagram.header.protocol != PROTOCOL {
        return None;
    }
    let advert = View::new(datagram.payload, Family::V4).ok()?;
    // The demo's files say nothing about the version.
    let interval = advert.interval(Version::V2)?;
    let addresses: Vec<String> = advert.addresses().map(|address| address.to_string()).collect();
    let text = format!(
        "{} > {}: VRRPv{} vrid {} prio {} intvl {}s addrs {}",
        datagram.header.source,
        datagram.header.destination,
        advert.version(),
        advert.vrid(),
        advert.priority(),
        interval.duration().as_secs_f64(),
        addresses.join(" "),
    );
    Some(Kind::Advert { from, priority: advert.priority(), interval, text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AdvertInterval;
    use crate::model::{Authentication, Priority, Vrid};
    use crate::wire::ip::Header;
    use crate::wire::vrrp::{Advert, GROUP, TOS, TTL};
    use pnet_base::MacAddr;
    use std::net::Ipv4Addr;

    fn advert_frame() -> Vec<u8> {
        let advert = Advert {
            vrid: Vrid::new(55).expect("not zero"),
            priority: Priority::new(150),
            interval: AdvertInterval::DEFAULT,
            authentication: Authentication::Pass(*b"demo\0\0\0\0"),
            addresses: vec![[10, 80, 0, 100].into()],
        };
        let header = Header {
            source: [10, 80, 0, 1].into(),
            destination: GROUP,
            protocol: PROTOCOL,
            tos: TOS,
            ttl: TTL,
            identification: 1,
        };
        let mut frame = vec![0; 12];
        frame.extend_from_slice(&ETHERTYPE_IPV4);
        frame.extend_from_slice(&header.emit(&advert.emit(header.source, GROUP)));
        frame
    }

    #[test]
    fn an_advert_is_told_in_one_line_that_hides_the_password() {
        let Some(Kind::Advert { from: HostId::A, priority, interval: AdvertInterval::DEFAULT, text }) =
            read(HostId::A, &advert_frame())
        else {
            panic!("not an advert")
        };
        assert_eq!(priority, Priority::new(150));
        assert_eq!(text, "10.80.0.1 > 224.0.0.18: VRRPv2 vrid 55 prio 150 intvl 1s addrs 10.80.0.100");
    }

    #[test]
    fn a_gratuitous_arp_names_its_address() {
        let address = Ipv4Addr::new(10, 80, 0, 100);
        let frame = GratuitousArp { sender: MacAddr::new(2, 0, 0, 0, 0, 1), address }.emit();
        assert!(
            matches!(read(HostId::B, &frame), Some(Kind::Announcement { from: HostId::B, address: a }) if a == address)
        );
    }

    #[test]
    fn no_part_of_a_frame_panics() {
        let frame = advert_frame();
        for length in 0..frame.len() {
            let _ = read(HostId::A, &frame[..length]);
        }
    }
}
