//! The way to the kernel's IPVS: one connection that stays open, in the network namespace that the configuration names,
//! used on threads that may wait.

use std::sync::{Arc, Mutex, PoisonError};

use crate::controller::services::{Failure, ServicesEvent, SettingFailure, Unavailable};
use crate::io::netlink::ipvs::{Ipvs, IpvsError, describe, describe_setting};
use crate::ipvs::{Change, Scope, SettingChange};

/// A connection that is made when it is needed. Copies share it.
#[derive(Clone)]
pub struct Link(Arc<Mutex<State>>);

struct State {
    namespace: Option<String>,
    ipvs: Option<Ipvs>,
}

impl Link {
    /// To the IPVS of a named network namespace; `None` is that of the process.
    pub fn new(namespace: Option<String>) -> Link {
        Link(Arc::new(Mutex::new(State { namespace, ipvs: None })))
    }

    /// Reads a part of the table. Waits for the kernel.
    pub fn read(&self, scope: &Scope) -> ServicesEvent {
        ServicesEvent::TableRead(self.ask(|ipvs| ipvs.read(scope)))
    }

    /// Reads timeouts and sync daemons. Waits for the kernel.
    pub fn settings(&self) -> ServicesEvent {
        ServicesEvent::SettingsRead(self.ask(Ipvs::settings))
    }

    /// Changes the table. Waits for the kernel.
    pub fn apply(&self, changes: Vec<Change>) -> ServicesEvent {
        let failure = |(change, error): (Change, IpvsError)| Failure {
            reason: describe(&change, &error),
            errno: error.errno(),
            change,
        };
        let mut state = self.state();
        ServicesEvent::Applied(match state.open() {
            Ok(ipvs) => {
                let failures: Vec<Failure> = ipvs.apply(changes).into_iter().map(failure).collect();
                if !failures.is_empty() {
                    // Perhaps there is another IPVS by now, with another number.
                    state.ipvs = None;
                }
                failures
            }
            Err(error) => {
                let reason = error.to_string();
                changes.into_iter().map(|change| Failure { change, reason: reason.clone(), errno: None }).collect()
            }
        })
    }

    /// Changes timeouts and sync daemons. Waits for the kernel.
    pub fn apply_settings(&self, changes: Vec<SettingChange>) -> ServicesEvent {
        let failure =
            |(change, error): (SettingChange, IpvsError)| SettingFailure { reason: describe_setting(&error), change };
        let mut state = self.state();
        ServicesEvent::SettingsApplied(match state.open() {
            Ok(ipvs) => ipvs.apply_settings(changes).into_iter().map(failure).collect(),
            Err(error) => {
                let reason = error.to_string();
                changes.into_iter().map(|change| SettingFailure { change, reason: reason.clone() }).collect()
            }
        })
    }

    /// Asks over the open connection, and if that fails over a new one.
    fn ask<T>(&self, question: impl Fn(&mut Ipvs) -> Result<T, IpvsError>) -> Result<T, Unavailable> {
        let mut state = self.state();
        let was_open = state.ipvs.is_some();
        let mut answer = state.open().and_then(&question);
        if answer.is_err() && was_open {
            state.ipvs = None;
            answer = state.open().and_then(&question);
        }
        answer.map_err(|error| {
            state.ipvs = None;
            match error {
                IpvsError::Absent => Unavailable::NoIpvs,
                error if error.errno() == Some(libc::EPERM) => Unavailable::NotPermitted,
                error => Unavailable::Failed(error.to_string()),
            }
        })
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn open(&mut self) -> Result<&mut Ipvs, IpvsError> {
        match &mut self.ipvs {
            Some(ipvs) => Ok(ipvs),
            empty => Ok(empty.insert(Ipvs::open(self.namespace.as_deref())?)),
        }
    }
}
