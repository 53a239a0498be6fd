//! One virtual router and what belongs to it alone: its counters, what was told, and how its wishes become packets.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::Discriminant;
use std::net::IpAddr;

use super::Action;
use super::groups::occasion;
use crate::controller::report::RoutersReport as Report;
use crate::model::{
    Authentication, Carrier, Channel, ChecksumV3, Endpoint, Family, Interface, InterfaceName, Priority, TrackedObject,
    Transport, VrrpInstance,
};
use crate::notify::vrrp::{Kind, Occasion, Subject};
use crate::time::Instant;
use crate::vrrp::{self, Counters, FaultCause, Memory, Refusal, StateName, VirtualRouter};
use crate::wire::arp::GratuitousArp;
use crate::wire::auth_header;
use crate::wire::ip::{HEADER_LEN, Header};
use crate::wire::ndisc::NeighbourAdvert;
use crate::wire::vrrp::{Advert, Summing, TOS, TTL};

/// Linux's default hop limit (`IPV6_DEFAULT_HOPLIMIT`, net/ipv6.h).
const DEFAULT_HOP_LIMIT: u8 = 64;

/// One instance and what belongs to it alone.
pub(super) struct Entry {
    pub(super) router: VirtualRouter,
    /// Identification of the last datagram sent; one more for each advert, 0 is skipped.
    pub(super) identification: u16,
    /// Under which deadline it stands in the order of deadlines.
    pub(super) scheduled: Option<Instant>,
    pub(super) counters: Counters,
    pub(super) memory: Memory,
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
            scheduled: None,
            counters: Counters::default(),
            memory: Memory::default(),
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
        Some(Channel { interface: config.interface.clone(), endpoint, protocol: self.carrier() })
    }

    fn carrier(&self) -> Carrier {
        match self.router.config().authentication {
            Authentication::Header(_) => Carrier::AuthenticationHeader,
            Authentication::None | Authentication::Pass(_) => Carrier::Vrrp,
        }
    }

    /// `owner_ignore_adverts`
    pub(super) fn ignores_adverts(&self) -> bool {
        let config = self.router.config();
        config.priority == Priority::OWNER && config.conduct.checks.owner_ignores
    }

    /// One datagram, or one for each peer under the same identification and sequence number.
    pub(super) fn send_advert(&mut self, priority: Priority, out: &mut Vec<Action>) {
        let (Some(channel), Some(source)) = (self.channel(), self.router.source()) else { return };
        self.identification = self.identification.wrapping_add(1).max(1);
        self.memory.sequence = self.memory.sequence.saturating_add(1);
        let config = self.router.config();
        let advert = Advert {
            vrid: config.vrid,
            priority,
            interval: config.advert_interval,
            authentication: config.authentication,
            addresses: config.virtual_addresses.iter().map(|vip| vip.net.addr()).collect(),
        };
        match &config.transport {
            Transport::Multicast { group, .. } => {
                out.push(self.datagram(channel, &advert, source, *group));
            }
            Transport::Unicast { peers, .. } => {
                out.extend(peers.iter().map(|peer| self.datagram(channel.clone(), &advert, source, *peer)));
            }
        }
    }

    fn datagram(&self, channel: Channel, advert: &Advert, source: IpAddr, destination: IpAddr) -> Action {
        let config = self.router.config();
        let unicast = matches!(config.transport, Transport::Unicast { .. });
        let header = Header {
            source,
            destination,
            protocol: channel.protocol.number(),
            tos: TOS,
            ttl: self.ttl(),
            identification: self.identification,
        };
        let summing = match config.conduct.checksum {
            ChecksumV3::AsV2 => Summing::AsV2,
            ChecksumV3::OldUnicast if unicast => Summing::OverGroup,
            ChecksumV3::Adaptive if self.memory.old_checksum => Summing::OverGroup,
            ChecksumV3::OldUnicast | ChecksumV3::Adaptive | ChecksumV3::Standard => Summing::Standard,
        };
        let vrrp = advert.emit_summed(source, destination, summing);
        let bytes = match (config.authentication, source) {
            (Authentication::Header(key), IpAddr::V4(spi)) => {
                let head = auth_header::emit(spi, self.memory.sequence);
                let mut bytes = header.emit(&[&head[..], &vrrp].concat());
                auth_header::seal(&mut bytes, HEADER_LEN, &key, unicast);
                bytes
            }
            _ => header.emit(&vrrp),
        };
        Action::SendDatagram { channel, destination, bytes }
    }

    /// 255 proves that no router forwarded the advert. Over IPv6 keepalived leaves unicast to the kernel's default.
    fn ttl(&self) -> u8 {
        let config = self.router.config();
        match (&config.transport, config.family) {
            (Transport::Multicast { .. }, _) => TTL,
            (Transport::Unicast { .. }, Family::V4) => config.conduct.unicast_ttl.unwrap_or(TTL),
            (Transport::Unicast { .. }, Family::V6) => config.conduct.unicast_ttl.unwrap_or(DEFAULT_HOP_LIMIT),
        }
    }

    /// A round is one packet for each address, in file order.
    pub(super) fn announce(&self, rounds: u32, interfaces: &BTreeMap<InterfaceName, Interface>, out: &mut Vec<Action>) {
        let config = self.router.config();
        for round in 0..rounds {
            for vip in &config.all_addresses() {
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
        use vrrp::Report::{Challenged, Entered, PriorityChanged, SplitBrain};
        matches!(report, Entered { .. } | Challenged { .. } | PriorityChanged { .. } | SplitBrain { .. })
    }

    /// Tells scripts, FIFOs and mail.
    pub(super) fn tell(&mut self, report: &vrrp::Report, fault_mails: bool, out: &mut Vec<Action>) {
        match report {
            vrrp::Report::Entered { to, .. } => {
                if let Some(occasion) = occasion(*to) {
                    self.notify(occasion, fault_mails, out);
                }
            }
            // Clients may have learned the other one: whoever follows MASTER has to act again.
            vrrp::Report::SplitBrain { .. } => self.notify(Occasion::Master, fault_mails, out),
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
