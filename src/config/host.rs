//! What the configuration asks of the machine. `io` answers; tests answer with a table.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::model::InterfaceName;

/// Where a configuration comes from: its files, and what of the surroundings becomes a part of their text. Only reading
/// is a must; the rest has the answers of a place where there is nothing else.
pub trait Files {
    /// All bytes of the file.
    ///
    /// # Errors
    /// Why keepalived would not read it either.
    fn read(&self, path: &Path) -> Result<Vec<u8>, FileError>;

    /// The files and directories that a pattern of glob(7) matches, sorted.
    fn matches(&self, pattern: &Path) -> Vec<PathBuf> {
        let _ = pattern;
        Vec::new()
    }

    /// The directory that a file is in, absolute: `${_PWD}`.
    fn directory(&self, file: &Path) -> PathBuf {
        file.parent().unwrap_or(Path::new("/")).to_owned()
    }

    /// A variable of the environment: `${_ENV NAME}`.
    fn variable(&self, name: &str) -> Option<String> {
        let _ = name;
        None
    }

    /// What `@id` is compared with, and `${_INSTANCE}`: `-i`, else the host name up to its first dot.
    fn config_id(&self) -> String {
        String::new()
    }

    /// Any number: `${_RANDOM}`.
    fn random(&self) -> u64 {
        0
    }

    /// Whether every include is checked for everything: `-e`.
    fn checks_every_include(&self) -> bool {
        false
    }
}

/// Why a configuration file was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// There is none of that name.
    #[error("there is no such file")]
    NotFound,
    /// A directory.
    #[error("it is a directory")]
    Directory,
    /// A device, a socket, or a file with an execute permission, which keepalived takes for a program.
    #[error("it is not a regular file without execute permission")]
    NotPlain,
    /// It cannot be opened or read.
    #[error("{0}")]
    Unreadable(String),
    /// Longer than positions in it can be counted.
    #[error("it is too large")]
    TooLarge,
}

/// Answers questions about the machine that the configuration is for.
pub trait Host {
    /// What kind of interface has that name.
    fn interface(&self, name: &InterfaceName) -> Interface;
    /// The numeric id of a user.
    fn user(&self, name: &str) -> Option<u32>;
    /// The numeric id of a group.
    fn group(&self, name: &str) -> Option<u32>;
    /// How many processors run, for `…_cpu_affinity`.
    fn processors(&self) -> u16 {
        u16::MAX
    }
    /// Whether the path is a directory or can become one.
    fn can_hold_files(&self, directory: &str) -> bool {
        let _ = directory;
        true
    }
    /// What stands at the path of a script; a name without `/` is looked for in the search path.
    fn script(&self, program: &str) -> Script;
    /// The address of a host name.
    fn resolve(&self, name: &str) -> Option<std::net::IpAddr>;
    /// The number that goes by this name; what the kernel itself names is always known.
    fn number_of(&self, table: NameTable, name: &str) -> Option<u32> {
        table.built_in(name)
    }
    /// The routing table of a VRF; `None` when there is no interface of that name, or it is no VRF.
    fn vrf_table(&self, name: &InterfaceName) -> Option<u32> {
        let _ = name;
        None
    }
    /// Whether a network namespace has that name.
    fn has_network_namespace(&self, name: &str) -> bool {
        let _ = name;
        true
    }
}

/// What numbers have names for, in files of iproute2 and protocols(5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameTable {
    /// Routing tables: `rt_tables`.
    Tables,
    /// Values of the TOS octet: `rt_dsfield`.
    Fields,
    /// Realms of routes: `rt_realms`.
    Realms,
    /// Who makes routes: `rt_protos`.
    Protocols,
    /// Scopes of routes and addresses: `rt_scopes`.
    Scopes,
    /// Groups of interfaces: `group`.
    Groups,
    /// IP protocols: protocols(5).
    IpProtocols,
}

impl NameTable {
    /// What keepalived knows without a file (linux/rtnetlink.h).
    pub fn built_in(self, name: &str) -> Option<u32> {
        let known: &[(&str, u32)] = match self {
            NameTable::Tables => &[("default", 253), ("main", 254), ("local", 255)],
            NameTable::Protocols => &[
                ("none", 0),
                ("redirect", 1),
                ("kernel", 2),
                ("boot", 3),
                ("static", 4),
                ("gated", 8),
                ("ra", 9),
                ("mrt", 10),
                ("zebra", 11),
                ("bird", 12),
                ("dnrouted", 13),
                ("xorp", 14),
                ("ntk", 15),
                ("dhcp", 16),
                ("babel", 42),
            ],
            NameTable::Scopes => &[("global", 0), ("nowhere", 255), ("host", 254), ("link", 253), ("site", 200)],
            NameTable::IpProtocols => &[("icmp", 1), ("tcp", 6), ("udp", 17), ("ipv6-icmp", 58), ("sctp", 132)],
            NameTable::Fields | NameTable::Realms | NameTable::Groups => &[],
        };
        known.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
    }
}

/// An interface, as far as a configuration cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interface {
    /// There is none.
    Missing,
    /// `lo` and its like, which cannot carry VRRP.
    Loopback,
    /// Any other.
    Usable,
}

/// A script file, as far as a configuration cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Script {
    /// No file, or not reachable.
    Missing,
    /// A file without execute permission.
    NotExecutable,
    /// Somebody else than root could change it or replace it.
    Insecure,
    /// Only root can change it.
    Secure,
}

/// `smtp_server` when the name needs no resolving: an address.
pub(super) fn literal_address(name: &str, port: u16) -> Option<SocketAddr> {
    name.parse().ok().map(|address| SocketAddr::new(address, port))
}
