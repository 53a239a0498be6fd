//! What the instances stand on: interfaces that come and go, addresses to send from, sockets.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::entry::Entry;
use super::{Action, Routers};
use crate::controller::report::RoutersReport as Report;
use crate::model::{Channel, Family, Interface, InterfaceName, Transport, VrrpInstance};
use crate::time::Instant;
use crate::vrrp;

impl Routers {
    pub(super) fn interface_changed(
        &mut self,
        now: Instant,
        name: InterfaceName,
        facts: Option<Interface>,
        out: &mut Vec<Action>,
    ) {
        if self.interfaces.get(&name) == facts.as_ref() {
            return;
        }
        let ran = self.interfaces.get(&name).is_some_and(|interface| interface.running);
        let runs = facts.as_ref().is_some_and(|interface| interface.running);
        let concerned = self.entries.iter().any(|entry| entry.router.config().interface == name);
        if concerned && ran != runs {
            out.push(Action::Report(Report::Link { interface: name.clone(), up: runs }));
        }
        // Sockets are bound to an interface that exists; a deleted one takes them along.
        if facts.is_none() {
            self.close_channels_of(&name, out);
        }
        self.failed.retain(|channel| channel.interface != name);
        if runs && !ran {
            self.reinstate_statics(&name, out);
        }
        // Our own addresses come and go by the hundred, and nothing but them changes then.
        let essence = |facts: &Interface| {
            let own = facts.addresses.iter().filter(|net| !self.virtual_addresses.contains(&net.addr())).copied();
            (facts.running, facts.mac, own.collect::<Vec<_>>())
        };
        let before = self.interfaces.get(&name).map(essence);
        let changed = before != facts.as_ref().map(essence);
        match facts {
            Some(facts) => self.interfaces.insert(name, facts),
            None => self.interfaces.remove(&name),
        };
        if changed {
            self.update_all(now, out);
        }
    }

    pub(super) fn close_channels_of(&mut self, name: &InterfaceName, out: &mut Vec<Action>) {
        let (gone, open) = std::mem::take(&mut self.open).into_iter().partition(|channel| channel.interface == *name);
        self.open = open;
        let gone: BTreeSet<Channel> = gone;
        out.extend(gone.into_iter().map(Action::Close));
    }

    pub(super) fn channel_failed(&mut self, now: Instant, channel: Channel, reason: String, out: &mut Vec<Action>) {
        self.open.remove(&channel);
        out.push(Action::Report(Report::ChannelFailed { channel: channel.clone(), reason }));
        self.failed.insert(channel);
        self.update_all(now, out);
    }

    /// Brings sources, channels, priorities and causes for FAULT of every instance up to date.
    pub(super) fn update_all(&mut self, now: Instant, out: &mut Vec<Action>) {
        for index in 0..self.entries.len() {
            let source = source_address(self.entries[index].router.config(), &self.interfaces, &self.virtual_addresses);
            self.entries[index].sourceless = source.is_none();
            // A router that loses its address keeps it for one farewell.
            if let Some(source) = source.filter(|source| Some(*source) != self.entries[index].router.source()) {
                self.feed(now, index, vrrp::Event::Source(source), out);
            }
        }
        self.update_channels(out);
        for index in 0..self.entries.len() {
            self.update_entry(now, index, out);
        }
    }

    pub(super) fn update_channels(&mut self, out: &mut Vec<Action>) {
        let exists = |channel: &Channel| self.interfaces.contains_key(&channel.interface);
        let wanted: BTreeSet<Channel> = self.entries.iter().filter_map(Entry::channel).filter(exists).collect();
        out.extend(self.open.difference(&wanted).cloned().map(Action::Close));
        let missing = wanted.difference(&self.open).filter(|channel| !self.failed.contains(channel));
        let missing: Vec<Channel> = missing.cloned().collect();
        self.open.retain(|channel| wanted.contains(channel));
        for channel in missing {
            out.push(Action::Open(channel.clone()));
            self.open.insert(channel);
        }
    }
}

/// The configured source, else the first address of the interface that is no virtual address.
fn source_address(
    config: &VrrpInstance,
    interfaces: &BTreeMap<InterfaceName, Interface>,
    virtual_addresses: &BTreeSet<IpAddr>,
) -> Option<IpAddr> {
    let first = || {
        let interface = interfaces.get(&config.interface)?;
        let mut own = interface.addresses.iter().map(IpNet::addr).filter(|own| !virtual_addresses.contains(own));
        own.find(|own| can_send_from(config, *own))
    };
    config.transport.source().or_else(first)
}

/// Multicast over IPv6 needs a link-local source, unicast one that peers can answer (RFC 9568 §5.1.2.1).
fn can_send_from(config: &VrrpInstance, own: IpAddr) -> bool {
    match own {
        IpAddr::V4(_) => config.family == Family::V4,
        IpAddr::V6(own) => {
            let multicast = matches!(config.transport, Transport::Multicast { .. });
            config.family == Family::V6 && own.is_unicast_link_local() == multicast
        }
    }
}
