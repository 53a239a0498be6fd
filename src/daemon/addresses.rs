//! The addresses of this host, as the kernel tells them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::os::fd::{AsFd, OwnedFd};

use tokio::io::unix::AsyncFd;

use crate::io::netlink::NetlinkError;
use crate::io::netlink::monitor::{Change, Monitor};
use crate::io::sys;
use crate::model::InterfaceName;

/// A subscription, and what it has told so far.
pub struct Addresses {
    monitor: Monitor,
    readiness: AsyncFd<OwnedFd>,
    by_interface: BTreeMap<InterfaceName, Vec<IpAddr>>,
}

impl Addresses {
    /// Subscribes. Needs a tokio runtime with I/O.
    pub fn open() -> Result<Addresses, NetlinkError> {
        let (monitor, changes) = Monitor::open()?;
        let readiness = sys::watch_readable(monitor.as_fd().try_clone_to_owned()?)?;
        let mut addresses = Addresses { monitor, readiness, by_interface: BTreeMap::new() };
        addresses.take_in(changes);
        Ok(addresses)
    }

    /// All addresses of all interfaces.
    pub fn all(&self) -> BTreeSet<IpAddr> {
        self.by_interface.values().flatten().copied().collect()
    }

    /// Waits for a change; all addresses after it. `None` when nothing more will be told. Safe to abandon.
    pub async fn changed(&mut self) -> Option<BTreeSet<IpAddr>> {
        let before = self.all();
        loop {
            let mut ready = self.readiness.readable().await.ok()?;
            ready.clear_ready();
            drop(ready);
            let changes = self.monitor.read();
            self.take_in(changes.inspect_err(|error| tracing::error!("reading addresses: {error}")).ok()?);
            let now = self.all();
            if now != before {
                return Some(now);
            }
        }
    }

    fn take_in(&mut self, changes: Vec<Change>) {
        for change in changes {
            if let Change::Interface { name, facts } = change {
                let addresses = facts.into_iter().flat_map(|facts| facts.addresses);
                self.by_interface.insert(name, addresses.map(|net| net.addr()).collect());
            }
        }
    }
}
