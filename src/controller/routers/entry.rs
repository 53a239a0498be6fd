//! One virtual router and what belongs to it alone: its counters, what was told, and how its wishes become packets.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::Discriminant;
use std::net::IpAddr;

use super::Action;
use super::groups::occasion;
use crate::controller::report::RoutersReport as Report;
use crate::model::{
    Carrier, Channel, Endpoint, Interface, InterfaceName, Priority, TrackedObject, Transport, VrrpInstance,
};
use crate::notify::vrrp::{Kind, Occasion, Subject};
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
    /// Its sync group, as an index.
    pub(super) group: Option<usize>,
    /// The causes that it has because of the others of its group.
    pub(super) group_causes: BTreeSet<FaultCause>,
    /// The state that the last mail told.
    mailed: Option<Occasion>,
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
            group: None,
            group_causes: BTreeSet::new(),
            mailed: None,
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

    pub(super) fn tracks(&self, object: &TrackedObject) -> bool {
        self.router.config().tracked.iter().any(|tracked| tracked.object == *object)
    }

    fn subject(&self) -> Subject<'_> {
        let config = self.router.config();
        Subject { kind: Kind::Instance, name: &config.name, notify: &config.notify, priority: self.router.priority() }
    }

    /// Whether anybody but the log is told.
    pub(super) fn is_told(&self, report: &vrrp::Report) -> bool {
        use vrrp::Report::{Challenged, Entered, PriorityChanged};
        matches!(report, Entered { .. } | Challenged { .. } | PriorityChanged { .. })
    }

    /// Tells scripts, FIFOs and mail.
    pub(super) fn tell(&mut self, report: &vrrp::Report, fault_mails: bool, out: &mut Vec<Action>) {
        match report {
            vrrp::Report::Entered { to, .. } => {
                if let Some(occasion) = occasion(*to) {
                    self.notify(occasion, fault_mails, out);
                }
            }
            vrrp::Report::Challenged { .. } => out.extend(self.subject().challenged().into_iter().map(Action::Notify)),
            vrrp::Report::PriorityChanged { .. } if self.router.state() != StateName::Init => {
                let is_master = self.router.state() == StateName::Master;
                out.extend(self.subject().priority_changed(is_master).map(Action::Notify));
            }
            _ => {}
        }
    }

    /// Tells a change of state.
    pub(super) fn notify(&mut self, occasion: Occasion, fault_mails: bool, out: &mut Vec<Action>) {
        let mut mailed = self.mailed;
        out.extend(self.subject().entered(occasion, &mut mailed, fault_mails).into_iter().map(Action::Notify));
        self.mailed = mailed;
    }

    /// A reload took the instance away. One in FAULT has nothing more to tell, unless as DELETED.
    pub(super) fn notify_removed(&mut self, was: StateName, fault_mails: bool, out: &mut Vec<Action>) {
        if was != StateName::Fault || self.router.config().notify.tells_deleted {
            self.notify(Occasion::Deleted, fault_mails, out);
        }
    }

    /// A FIFO's line about its state.
    pub(super) fn state_line(&self) -> Option<Action> {
        let occasion = occasion(self.router.state())?;
        Some(Action::Notify(self.subject().line(&occasion.to_string())))
    }
}
