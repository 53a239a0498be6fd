//! The way of a received datagram: whom it concerns, whether it is believed, what is told about it.

use std::mem::discriminant;
use std::net::IpAddr;

use super::entry::Entry;
use super::{Action, Routers};
use crate::controller::report::RoutersReport as Report;
use crate::model::{Channel, Priority, Transport};
use crate::time::Instant;
use crate::vrrp::{self, Packet, StateName, receive};

impl Routers {
    pub(super) fn datagram(&mut self, now: Instant, channel: &Channel, bytes: &[u8], out: &mut Vec<Action>) {
        let Some(packet) = Packet::parse(bytes) else {
            self.discarded.too_short += 1;
            let interface = channel.interface.clone();
            if self.told_too_short.insert(interface.clone()) {
                let family = channel.family();
                out.push(Action::Report(Report::TooShort { family, interface, length: bytes.len() }));
            }
            return;
        };
        let (from, advert) = (packet.datagram.header.source, packet.advert);
        // Ordinary on a shared segment, so only counted.
        let Some(index) = self.addressee(channel, advert.vrid(), from) else {
            self.discarded.unknown_vrid += 1;
            return;
        };
        let entry = &mut self.entries[index];
        if matches!(entry.router.state(), StateName::Fault | StateName::Init) || now < self.quiet_until {
            return;
        }
        let instance = entry.router.config().name.clone();
        match receive::judge(entry.router.config(), &packet, &mut entry.memory) {
            Err(refusal) => {
                entry.counters.refused(&refusal);
                let reason = discriminant(&refusal);
                if !entry.told.contains(&reason) {
                    entry.told.push(reason);
                    out.push(Action::Report(Report::Refused { instance, refusal }));
                }
            }
            Ok(_) if entry.ignores_adverts() => {}
            Ok(heard) => {
                entry.counters.received += 1;
                if heard.priority == Priority::STOP {
                    entry.counters.priority_zero_received += 1;
                }
                let known = entry.router.config().conduct.checks.addresses_once && entry.router.master() == Some(from);
                let missing =
                    if known { Vec::new() } else { receive::missing_addresses(entry.router.config(), &advert) };
                if !missing.is_empty() && !std::mem::replace(&mut entry.told_missing_addresses, true) {
                    entry.counters.address_list += 1;
                    out.push(Action::Report(Report::AddressesDiffer { instance, from, missing }));
                }
                self.feed(now, index, vrrp::Event::Advert(heard), out);
            }
        }
    }

    /// Several unicast instances may share channel and VRID; then the sender decides.
    fn addressee(&self, channel: &Channel, vrid: u8, from: IpAddr) -> Option<usize> {
        let of_vrid = self.by_vrid.get(&vrid)?;
        let listens = |entry: &Entry| entry.channel().as_ref() == Some(channel);
        let is_peer = |entry: &Entry| match &entry.router.config().transport {
            Transport::Unicast { peers, .. } => peers.contains(&from),
            Transport::Multicast { .. } => true,
        };
        let entries = || of_vrid.iter().map(|index| (*index, &self.entries[*index]));
        let candidates = || entries().filter(|(_, entry)| listens(entry));
        candidates().find(|(_, entry)| is_peer(entry)).or_else(|| candidates().next()).map(|(index, _)| index)
    }
}
