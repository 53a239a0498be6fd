//! The nouns: what a configuration means once it is read. Values here can only hold what is allowed, so the rest of
//! the code never asks again. Nothing here knows text, packets or the kernel.

pub mod address;
pub mod bfd;
pub mod check;
pub mod global;
pub mod ipvs;
pub mod lvs;
pub mod network;
pub mod track;
pub mod vrrp;

pub use address::{BoundedName, Family, InterfaceName, MulticastV4, MulticastV6};
pub use bfd::{BfdInstance, BfdInterval};
pub use check::{CheckTiming, Checker, CheckerKind, HttpCheck, HttpUrl, Route, StatusCodes};
pub use global::{
    ChainName, DownTimerAdverts, DynamicInterfaces, EmailSettings, ExtraGarp, Firewall, GarpDefaults, Global,
    InstanceDefaults, Ipsets, IptablesChains, Nftables, NotifyFifo, ReceiveBuffer, ReceiveBufferPolicy, SetName,
    TableName, VrrpSettings,
};
pub use lvs::{
    Forwarding, LvsSettings, Protocol, RealServer, Scheduler, ServerId, ServerKey, SorryServer, Target, VirtualServer,
    Weight,
};
pub use network::{Carrier, Channel, Endpoint, Interface};
pub use track::{Command, ScriptName, ScriptWeight, TrackedScript, VrrpScript};
pub use vrrp::{
    AdvertInterval, Authentication, GROUP_V4, GROUP_V6, GratuitousArp, InitialState, Notify, Priority, Transport,
    Version, VirtualAddress, Vrid, VrrpInstance,
};

/// A whole configuration, ready to run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// `global_defs`
    pub global: Global,
    /// `vrrp_script` blocks that some instance tracks or may track, in file order.
    pub scripts: Vec<VrrpScript>,
    /// `vrrp_instance` blocks, in file order.
    pub instances: Vec<VrrpInstance>,
    /// `virtual_server` blocks, in file order.
    pub virtual_servers: Vec<VirtualServer>,
}
