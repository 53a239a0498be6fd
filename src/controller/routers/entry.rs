//! One virtual router and what belongs to it alone: its counters, what was told, and how its wishes become packets.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::Discriminant;
use std::net::IpAddr;

use super::Action;
use crate::controller::report::RoutersReport as Report;
use crate::model::{Carrier, Channel, Endpoint, Interface, InterfaceName, Priority, Transport, VrrpInstance};
use crate::notify::script::{self, Occasion};
use crate::vrrp::{self, Counters, FaultCause, Refusal, StateName, VirtualRouter};
use crate::wire::arp::GratuitousArp;
use crate::wire::ip::Header;
use crate::wire::ndisc::NeighbourAdvert;
use crate::wire::vrrp::{Advert, PROTOCOL, TOS, TTL};

/// One instance and what belongs to it alone.
pub(super) struct Entry {
    pub(super) router: VirtualRouter,
    /// Identification of the last datagram sent; one more for each advert, 0 is skipped.
    pub(super) identification: u16,
    pub(super) counters: Counters,
    /// Reasons for refusing that were told and are not repeated until something changes.
    pub(super) told: Vec<Discriminant<Refusal>>,
    pub(super) told_missing_addresses: bool,
    /// The interface has no address to send from.
    pub(super) sourceless: bool,
    /// The causes for FAULT that this controller has raised and may take back.
    pub(super) raised: BTreeSet<FaultCause>,
}

impl Entry {
    pub(super) fn new(config: VrrpInstance) -> Entry {
        Entry {
            router: VirtualRouter::new(config),
            identification: 0,
            counters: Counters::default(),
            told: Vec::new(),
            told_missing_addresses: false,
            sourceless: true,
            raised: BTreeSet::new(),
        }
    }

    /// `None` while there was never an address to send from.
    pub(super) fn channel(&self) -> Option<Channel> {
        let config = self.router.config();
        let source = self.router.source()?;
        let endpoint = match config.transport {
            Transport::Multicast { group, .. } => Endpoint::Multicast(group),
            Transport::Unicast { .. } => Endpoint::Unicast(source),
        };
        Some(Channel { interface: config.interface.clone(), endpoint, protocol: Carrier::Vrrp })
    }

    /// One datagram, or one for each peer under the same identification.
    pub(super) fn send_advert(&mut self, priority: Priority, out: &mut Vec<Action>) {
        let (Some(channel), Some(source)) = (self.channel(), self.router.source()) else { return };
        let config = self.router.config();
        let advert = Advert {
            vrid: config.vrid,
            priority,
            interval: config.advert_interval,
            authentication: config.authentication,
            addresses: config.virtual_addresses.iter().map(|vip| vip.net.addr()).collect(),
        };
        self.identification = self.identification.wrapping_add(1).max(1);
        let destinations = match &config.transport {
            Transport::Multicast { group, .. } => vec![*group],
            Transport::Unicast { peers, .. } => peers.clone(),
        };
        for destination in destinations {
            let identification = self.identification;
            let header = Header { source, destination, protocol: PROTOCOL, tos: TOS, ttl: TTL, identification };
            let bytes = header.emit(&advert.emit(source, destination));
            out.push(Action::SendDatagram { channel: channel.clone(), destination, bytes });
        }
    }

    /// A round is one packet for each address, in file order.
    pub(super) fn announce(&self, rounds: u32, interfaces: &BTreeMap<InterfaceName, Interface>, out: &mut Vec<Action>) {
        let config = self.router.config();
        for round in 0..rounds {
            for vip in &config.virtual_addresses {
                let Some(sender) = interfaces.get(&vip.interface).and_then(|interface| interface.mac) else { continue };
                let (interface, address) = (vip.interface.clone(), vip.net.addr());
                if round == 0 {
                    let instance = config.name.clone();
                    let interface = interface.clone();
                    out.push(Action::Report(Report::Queueing { instance, interface, address }));
                }
                out.push(Action::Report(Report::Announcing { interface: interface.clone(), address }));
                let bytes = match address {
                    IpAddr::V4(address) => GratuitousArp { sender, address }.emit(),
                    IpAddr::V6(address) => NeighbourAdvert { sender, address, router: false }.emit(),
                };
                out.push(Action::SendFrame { interface, bytes });
            }
        }
    }

    /// What was told once is told again after mastership moved.
    pub(super) fn rearm(&mut self, report: &vrrp::Report) {
        let moved = match report {
            vrrp::Report::Entered { from, to } => *from == StateName::Master || *to == StateName::Master,
            vrrp::Report::MasterIs { .. } => true,
            _ => false,
        };
        if moved {
            self.told.clear();
            self.told_missing_addresses = false;
        }
    }

    /// Runs what is configured for this occasion.
    pub(super) fn notify(&self, occasion: Occasion, out: &mut Vec<Action>) {
        let config = self.router.config();
        let scripts = script::scripts(&config.notify, &config.name, occasion, self.router.priority());
        out.extend(scripts.into_iter().map(Action::Notify));
    }

    /// A reload took the instance away: keepalived tells the general script FAULT, and no other.
    pub(super) fn notify_removed(&self, out: &mut Vec<Action>) {
        let config = self.router.config();
        let told = script::general(&config.notify, &config.name, Occasion::Fault, self.router.priority());
        out.extend(told.map(Action::Notify));
    }
}
