//! The kernel's IPVS table over generic netlink: reads it, changes it. Blocking; decides nothing.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use indexmap::IndexMap;
use netlink_packet_generic::GenlMessage;
use netlink_sys::protocols::NETLINK_GENERIC;
use nix::sched::{CloneFlags, setns};

use super::{Connection, NetlinkError};
use crate::ipvs::{Change, Entry, Scope, SettingChange, Settings, Table};
use crate::model::ServerKey;
use crate::model::ipvs::{Destination, Service};
use crate::model::lvs::Family;
use crate::wire::ipvs::{GetFamily, ParseError, Reply, Request, parse_family_id};

/// Why the table could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum IpvsError {
    /// The kernel has no `IPVS` family and could not load it.
    #[error("this kernel has no ip_vs")]
    Absent,
    /// The kernel refused, or did not answer.
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
    /// An answer could not be understood.
    #[error(transparent)]
    Parse(#[from] ParseError),
}

impl IpvsError {
    /// The kernel's errno, if it refused.
    pub fn errno(&self) -> Option<i32> {
        match self {
            IpvsError::Netlink(error) => error.errno(),
            IpvsError::Absent | IpvsError::Parse(_) => None,
        }
    }
}

/// So many services are asked for one by one rather than with a dump of all.
const FEW: usize = 8;

/// A connection to the IPVS of the calling thread's network namespace.
pub struct Ipvs {
    connection: Connection,
    family_id: u16,
}

impl Ipvs {
    /// Opens a connection to the IPVS of a named network namespace; without a name, of the calling thread's. The kernel
    /// loads ip_vs for it where it can; where it does not, it is told to.
    pub fn open(namespace: Option<&str>) -> Result<Ipvs, IpvsError> {
        let mut connection = match namespace {
            None => Connection::open(NETLINK_GENERIC)?,
            Some(name) => inside(name, || Connection::open(NETLINK_GENERIC))??,
        };
        let mut answer = connection.request(0, GenlMessage::from_payload(GetFamily));
        let is_absent = |answer: &Result<_, NetlinkError>| {
            answer.as_ref().err().and_then(NetlinkError::errno) == Some(libc::ENOENT)
        };
        if is_absent(&answer) && load_module() {
            answer = connection.request(0, GenlMessage::from_payload(GetFamily));
        }
        if is_absent(&answer) {
            return Err(IpvsError::Absent);
        }
        let replies = answer?;
        let reply = replies.first().ok_or(ParseError::Missing("answer"))?;
        Ok(Ipvs { connection, family_id: parse_family_id(&reply.payload)? })
    }

    /// Reads a part of the table. A service of it that is not there is not in the result either.
    pub fn read(&mut self, scope: &Scope) -> Result<Table, IpvsError> {
        let mut table = Table::default();
        let few = scope.services.len() <= FEW && !scope.foreign;
        let found = if few { self.services_one_by_one(scope)? } else { self.services()? };
        for (key, service) in found {
            let destinations = if scope.services.contains(&key) {
                self.destinations(key)?
            } else if scope.foreign {
                IndexMap::new()
            } else {
                continue;
            };
            table.services.insert(key, Entry { service, destinations });
        }
        Ok(table)
    }

    fn services_one_by_one(&mut self, scope: &Scope) -> Result<Vec<(ServerKey, Service)>, IpvsError> {
        let mut found = Vec::new();
        for key in &scope.services {
            let message = self.message(Request::GetService(*key));
            let replies = match self.connection.request(0, message) {
                Err(error) if error.errno() == Some(libc::ESRCH) => continue,
                other => other?,
            };
            for reply in replies {
                if let Reply::Service(key, service) = Reply::parse(&reply.payload, key.family())? {
                    found.push((key, service));
                }
            }
        }
        Ok(found)
    }

    /// Every service that could be ours: one whose protocol we do not know is not.
    fn services(&mut self) -> Result<Vec<(ServerKey, Service)>, IpvsError> {
        let message = self.message(Request::GetServices);
        let replies = self.connection.dump(message)?;
        let parse = |reply: &super::Reply| match Reply::parse(&reply.payload, Family::Ipv4) {
            Ok(Reply::Service(key, service)) => Some((key, service)),
            _ => None,
        };
        Ok(replies.iter().filter_map(parse).collect())
    }

    /// Timeouts and sync daemons.
    pub fn settings(&mut self) -> Result<Settings, IpvsError> {
        let mut settings = Settings::default();
        let message = self.message(Request::GetConfig);
        for reply in self.connection.request(0, message)? {
            if let Reply::Config(timeouts) = Reply::parse(&reply.payload, Family::Ipv4)? {
                settings.timeouts = timeouts;
            }
        }
        let message = self.message(Request::GetDaemons);
        for reply in self.connection.dump(message)? {
            if let Reply::Daemon(role, daemon) = Reply::parse(&reply.payload, Family::Ipv4)? {
                settings.daemons.insert(role, daemon);
            }
        }
        Ok(settings)
    }

    /// Carries out changes one after the other; what failed, and why.
    pub fn apply_settings(&mut self, changes: Vec<SettingChange>) -> Vec<(SettingChange, IpvsError)> {
        let mut failures = Vec::new();
        for change in changes {
            let message = self.message(match change.clone() {
                SettingChange::StopDaemon(role) => Request::DelDaemon(role),
                SettingChange::StartDaemon(role, daemon) => Request::NewDaemon(role, daemon),
                SettingChange::SetTimeouts(timeouts) => Request::SetConfig(timeouts),
            });
            if let Err(error) = self.connection.request(0, message) {
                failures.push((change, error.into()));
            }
        }
        failures
    }

    fn destinations(&mut self, key: ServerKey) -> Result<IndexMap<SocketAddr, Destination>, IpvsError> {
        let message = self.message(Request::GetDests(key));
        let mut destinations = IndexMap::new();
        for reply in self.connection.dump(message)? {
            if let Reply::Dest(address, destination) = Reply::parse(&reply.payload, key.family())? {
                destinations.insert(address, destination);
            }
        }
        Ok(destinations)
    }

    /// Carries out changes in order; one that fails does not stop the rest. What failed, and why.
    pub fn apply(&mut self, changes: Vec<Change>) -> Vec<(Change, IpvsError)> {
        let messages = changes.iter().map(|change| (0, self.message(request(change)))).collect();
        let results = self.connection.batch(messages);
        changes.into_iter().zip(results).filter_map(|(change, result)| Some((change, result.err()?.into()))).collect()
    }

    fn message(&self, request: Request) -> GenlMessage<Request> {
        let mut message = GenlMessage::from_payload(request);
        message.set_resolved_family_id(self.family_id);
        message
    }
}

/// The command for a change.
fn request(change: &Change) -> Request {
    match change.clone() {
        Change::Flush => Request::Flush,
        Change::RemoveService(key) => Request::DelService(key),
        Change::RemoveDestination(key, address) => Request::DelDest(key, address),
        Change::AddService(key, service) => Request::NewService(key, service),
        Change::UpdateService(key, service) => Request::SetService(key, service),
        Change::AddDestination(key, address, destination) => Request::NewDest(key, address, destination),
        Change::UpdateDestination(key, address, destination) => Request::SetDest(key, address, destination),
    }
}

/// Runs the program that the kernel itself loads modules with, for `ip_vs`; false when it fails.
fn load_module() -> bool {
    let Ok(program) = fs::read_to_string("/proc/sys/kernel/modprobe") else { return false };
    let mut command = Command::new(program.trim());
    command.args(["-q", "--", "ip_vs"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Runs `work` in a named network namespace (ip-netns(8)). Whoever only visits one needs a thread to spare.
fn inside<T: Send>(name: &str, work: impl FnOnce() -> T + Send) -> Result<T, NetlinkError> {
    let path = Path::new("/var/run/netns").join(name);
    let visit = || {
        setns(fs::File::open(&path)?, CloneFlags::CLONE_NEWNET)?;
        Ok(work())
    };
    let visited: std::io::Result<T> =
        thread::scope(|scope| scope.spawn(visit).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
    visited.map_err(|error| NetlinkError::Namespace { path: path.clone(), source: error })
}

/// What an errno means to a timeout or a sync daemon.
pub fn describe_setting(error: &IpvsError) -> String {
    error.errno().map_or_else(|| error.to_string(), |errno| format!("{}({errno})", strerror(errno)))
}

/// The C library's words for an errno, without the number that the standard library adds.
fn strerror(errno: i32) -> String {
    let text = std::io::Error::from_raw_os_error(errno).to_string();
    text.split_once(" (os error").map_or(text.clone(), |(words, _)| words.to_owned())
}

/// What an errno means to IPVS, in keepalived's words where it has its own.
pub fn describe(change: &Change, error: &IpvsError) -> String {
    match (error.errno(), change) {
        (Some(libc::EEXIST), Change::AddService(..)) => "Service already exists".to_owned(),
        (Some(libc::EEXIST), _) => "Destination already exists".to_owned(),
        (Some(libc::ENOENT), Change::RemoveDestination(..) | Change::UpdateDestination(..)) => {
            "No such destination".to_owned()
        }
        (Some(libc::ENOENT), Change::AddService(..) | Change::UpdateService(..)) => {
            "Scheduler or persistence engine not found".to_owned()
        }
        (Some(libc::ESRCH), _) => "No such service".to_owned(),
        (Some(errno), _) => strerror(errno),
        (None, _) => error.to_string(),
    }
}
