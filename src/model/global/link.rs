//! How interfaces are watched, how announcements are paced on them, and the certificates of health checks.

use std::fmt;
use std::time::Duration;

use crate::model::address::InterfaceName;

/// Settings of interfaces.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LinkSettings {
    /// `linkbeat_use_polling`: the state of every interface is asked for, not waited for.
    pub poll_all: bool,
    /// `linkbeat_interfaces`: of these it is.
    pub polled: Vec<PolledInterface>,
    /// `interface_up_down_delays`; the last one of an interface counts.
    pub delays: Vec<InterfaceDelays>,
    /// `garp_group`; an interface is in one group at most.
    pub garp_groups: Vec<GarpGroup>,
}

/// One line of `linkbeat_interfaces`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolledInterface {
    /// Which.
    pub interface: InterfaceName,
    /// How; what the interface can do when absent.
    pub method: Option<PollMethod>,
}

/// How the state of a link is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PollMethod {
    /// `MII`: registers of the transceiver (linux/mii.h).
    Mii,
    /// `ETHTOOL`: `ETHTOOL_GLINK` (linux/ethtool.h).
    Ethtool,
    /// `IOCTL`: the flags of the interface (netdevice(7), `SIOCGIFFLAGS`).
    Ioctl,
}

/// One line of `interface_up_down_delays`: how long a change must last before it counts, each up to 255 s.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterfaceDelays {
    /// Which.
    pub interface: InterfaceName,
    /// Going down.
    pub down: Duration,
    /// Coming up; zero when the line has one time only.
    pub up: Duration,
}

/// One `garp_group` block: announcements on its interfaces together keep a distance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GarpGroup {
    /// `garp_interval`: between two gratuitous ARPs.
    pub interval: Option<Duration>,
    /// `gna_interval`: between two unsolicited neighbour adverts.
    pub gna_interval: Option<Duration>,
    /// `interface`, `interfaces`
    pub interfaces: Vec<InterfaceName>,
}

/// `SSL { … }`: the client certificate of `SSL_GET`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ClientCertificate {
    /// `password`: of the key.
    pub password: Option<String>,
    /// `ca`: file with the authorities.
    pub authorities: Option<String>,
    /// `certificate`: file with the certificate.
    pub certificate: Option<String>,
    /// `key`: file with the private key.
    pub key: Option<String>,
}

impl fmt::Debug for ClientCertificate {
    /// Never shows the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ClientCertificate { password, authorities, certificate, key } = self;
        f.debug_struct("ClientCertificate")
            .field("password", &password.as_ref().map(|_| "…"))
            .field("authorities", authorities)
            .field("certificate", certificate)
            .field("key", key)
            .finish()
    }
}
