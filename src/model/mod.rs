//! The nouns: what a configuration means once it is read. Values here can only hold what is allowed, so the rest of
//! the code never asks again. Nothing here knows text, packets or the kernel.

use std::fmt;

pub mod address;
pub mod bfd;
pub mod check;
pub mod conduct;
pub mod global;
pub mod ipvs;
pub mod lvs;
pub mod network;
pub mod notify;
pub mod owned;
pub mod route;
pub mod rule;
pub mod sync_group;
pub mod track;
pub mod vrrp;

pub use address::{BoundedName, Family, InterfaceName, MulticastV4, MulticastV6};
pub use bfd::{BfdInstance, BfdInterval};
pub use check::{CheckTiming, Checker, CheckerKind, HttpCheck, HttpUrl, Route, StatusCodes};
pub use conduct::{AnnouncePace, Authentication, ChecksumV3, Conduct, GratuitousArp, ReceiveChecks};
pub use global::*;
pub use lvs::{
    Forwarding, LvsSettings, Protocol, RealServer, Scheduler, ServerId, ServerKey, SorryServer, Target, VirtualServer,
    Weight,
};
pub use network::{Carrier, Channel, Endpoint, Interface};
pub use notify::Notify;
pub use owned::{Owned, Statics};
pub use rule::Rule;
pub use sync_group::SyncGroup;
pub use track::{
    Command, FileInit, FileName, ParameterMatch, ProcessName, ScriptName, SessionName, TrackFile, TrackGroup,
    TrackProcess, TrackWeight, Tracked, TrackedObject, VrrpScript,
};
pub use vrrp::{
    AddressOptions, AdvertInterval, GROUP_V4, GROUP_V6, InitialState, Priority, Transport, Version, VirtualAddress,
    Vrid, VrrpInstance,
};

/// A whole configuration, ready to run.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// `global_defs`
    pub global: Global,
    /// `vrrp_script` blocks that some instance tracks or may track, in file order.
    pub scripts: Vec<VrrpScript>,
    /// `track_file` and `vrrp_track_file` blocks, in file order.
    pub files: Vec<TrackFile>,
    /// `vrrp_track_process` blocks, in file order.
    pub processes: Vec<TrackProcess>,
    /// `vrrp_instance` blocks, in file order.
    pub instances: Vec<VrrpInstance>,
    /// `vrrp_sync_group` blocks, in file order.
    pub sync_groups: Vec<SyncGroup>,
    /// `track_group` blocks, in file order.
    pub track_groups: Vec<TrackGroup>,
    /// `static_ipaddress`, `static_routes`, `static_rules`.
    pub statics: Statics,
    /// `garp_group` blocks, and what global settings say about interfaces in none. Empty when nothing is slowed down.
    pub announce_paces: Vec<AnnouncePace>,
    /// `virtual_server` blocks, in file order.
    pub virtual_servers: Vec<VirtualServer>,
    /// `bfd_instance` blocks, in file order.
    pub bfd: Vec<BfdInstance>,
}

impl fmt::Debug for Config {
    /// Leaves out blocks of which there is none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn blocks<T: fmt::Debug>(shown: &mut fmt::DebugStruct, name: &str, blocks: &[T]) {
            if !blocks.is_empty() {
                shown.field(name, &blocks);
            }
        }
        let Config { global, scripts, files, processes, instances, sync_groups, .. } = self;
        let Config { track_groups, announce_paces, statics, virtual_servers, bfd, .. } = self;
        let mut shown = f.debug_struct("Config");
        shown.field("global", global);
        blocks(&mut shown, "scripts", scripts);
        blocks(&mut shown, "files", files);
        blocks(&mut shown, "processes", processes);
        blocks(&mut shown, "instances", instances);
        blocks(&mut shown, "sync_groups", sync_groups);
        blocks(&mut shown, "track_groups", track_groups);
        if *statics != Statics::default() {
            shown.field("statics", statics);
        }
        blocks(&mut shown, "announce_paces", announce_paces);
        blocks(&mut shown, "virtual_servers", virtual_servers);
        blocks(&mut shown, "bfd", bfd);
        shown.finish()
    }
}
