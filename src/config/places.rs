//! Where the settings of a `vrrp_instance` stand: for whoever compares configurations after they were read.

use std::net::IpAddr;

use crate::model::TrackedObject;
use crate::source::{Moved, Span};

use super::Loaded;
use super::lower::InstanceDraft;

/// The words that an instance's settings were read from; `None` where the file says nothing.
#[derive(Debug, Clone)]
pub struct InstancePlaces {
    /// The instance's name, for [`crate::model::VrrpInstance::name`].
    pub instance: String,
    /// The name before the brace.
    pub name: Span,
    /// `version`
    pub version: Option<Span>,
    /// `state`
    pub state: Option<Span>,
    /// `virtual_router_id`
    pub vrid: Option<Span>,
    /// `priority`
    pub priority: Option<Span>,
    /// `advert_int`
    pub advert_interval: Option<Span>,
    /// `nopreempt`
    pub nopreempt: Option<Span>,
    /// `auth_type`, else `auth_pass`
    pub authentication: Option<Span>,
    /// `auth_pass`
    pub password: Option<Span>,
    /// `unicast_src_ip` or `mcast_src_ip`
    pub source: Option<Span>,
    /// The first keyword that means unicast.
    pub unicast: Option<Span>,
    /// The lines of `virtual_ipaddress`.
    pub addresses: Vec<(IpAddr, Span)>,
    /// The lines of `track_script`, `track_interface` and their like.
    pub tracked: Vec<(TrackedObject, Span)>,
}

impl Loaded {
    /// The places of every instance, in file order; moved into a map that took over [`Loaded::sources`].
    pub fn instance_places(&self, moved: Moved) -> Vec<InstancePlaces> {
        let at = |span: Span| moved.span(self.sources.used(span));
        self.draft.instances.iter().map(|draft| places(draft, &at)).collect()
    }
}

fn places(draft: &InstanceDraft, at: &dyn Fn(Span) -> Span) -> InstancePlaces {
    let password = draft.auth_pass.as_ref().map(|password| at(password.span));
    InstancePlaces {
        instance: draft.name.value.clone(),
        name: at(draft.name.span),
        version: draft.version.map(|version| at(version.span)),
        state: draft.state.map(|state| at(state.span)),
        vrid: draft.vrid.map(|vrid| at(vrid.span)),
        priority: draft.priority.map(|priority| at(priority.span)),
        advert_interval: draft.advert_interval.map(|interval| at(interval.span)),
        nopreempt: draft.nopreempt.map(at),
        authentication: draft.auth_type.map(at).or(password),
        password,
        source: draft.source.map(|source| at(source.span)),
        unicast: draft.unicast.map(at),
        addresses: draft.addresses.iter().map(|line| (line.net.value.addr(), at(line.net.span))).collect(),
        tracked: draft.tracked.iter().map(|line| (line.object.value.clone(), at(line.object.span))).collect(),
    }
}
