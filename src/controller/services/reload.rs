//! A configuration takes the place of another: what is the same keeps its health, and what differs is told.

use indexmap::IndexMap;

use super::server::Server;
use super::{Services, ServicesAction};
use crate::model::lvs::{GroupEntry, Protocol};
use crate::model::{Config, ServerId, Target, VirtualServer};
use crate::notify::mail::{LocalNames, Mailer};
use crate::time::Instant;

impl Services {
    /// Runs `config` from now on. What goes is told before what comes, as keepalived does it.
    pub(super) fn configure(
        &mut self,
        now: Instant,
        config: Config,
        names: &LocalNames,
        actions: &mut Vec<ServicesAction>,
    ) {
        self.mailer = Mailer::new(&config.global, names);
        self.settings.configure(&config.global.lvs);
        self.flush_on_stop = config.global.lvs.flush_on_stop;
        let old: IndexMap<ServerId, Server> =
            std::mem::take(&mut self.servers).into_iter().map(|server| (server.id().clone(), server)).collect();
        if self.started {
            self.probes.clear();
            actions.push(ServicesAction::AbandonProbes);
        }
        if !self.started && config.global.lvs.flush && !config.virtual_servers.is_empty() {
            self.kernel.remove_foreign();
        }
        self.kernel.touch(old.values().flat_map(Server::keys));
        self.kernel.touch(config.virtual_servers.iter().flat_map(|new| new.target.keys()));
        let mut create = |new: VirtualServer| {
            let (id, random) = (new.target.id(), &mut self.random);
            let server = match old.get(&id) {
                Some(before) => before.reloaded(new, now, || random.fraction()),
                None => Server::new(new, !self.started, now, || random.fraction()),
            };
            (id, server)
        };
        let new: IndexMap<ServerId, Server> = config.virtual_servers.into_iter().map(&mut create).collect();
        for (id, before) in &old {
            match new.get(id) {
                Some(after) => self.tell_gone(before, after, actions),
                None => self.tell_server_gone(before, actions),
            }
        }
        for (id, after) in new {
            match old.get(&id) {
                Some(before) => self.tell_changed(before, &after, actions),
                None if config.global.lvs.initial_notifies => {
                    for (position, _) in after.reals().enumerate().filter(|(_, real)| real.is_up()) {
                        self.notify_real(&after, position, true, actions);
                    }
                }
                None => {}
            }
            self.servers.push(after);
            self.evaluate_quorum(self.servers.len() - 1, true, actions);
        }
        self.started = true;
        self.schedule_all(actions);
    }

    fn tell_server_gone(&self, server: &Server, actions: &mut Vec<ServicesAction>) {
        self.say(
            actions,
            match server.id() {
                ServerId::Service(_) => format!("Removing Virtual Server {}", server.name()),
                ServerId::Group { name, .. } => format!("Removing Virtual Server Group [{name}]"),
            },
        );
        self.tell_server_removed(server, actions);
    }

    /// Tells what a reload takes out of a virtual server that stays.
    fn tell_gone(&self, before: &Server, after: &Server, actions: &mut Vec<ServicesAction>) {
        for (group, entry) in entries_beyond(before, after) {
            self.say(actions, format!("VS [{entry}] in group {group} no longer exists"));
        }
        for (position, real) in before.reals().enumerate() {
            if after.real(real.address()).is_none() {
                self.say(actions, format!("service {} no longer exist", real.name()));
                self.tell_removed(before, position, actions);
            }
        }
        if let Some(name) = before.sorry_name().filter(|_| before.is_sorry() && after.sorry_name().is_none()) {
            self.say(actions, format!("Removing sorry server {name} from VS {}", before.name()));
            self.say(actions, format!("Adding alive servers to the pool for VS {}", after.name()));
        }
    }

    /// Tells what a reload changes and adds in a virtual server that stays.
    fn tell_changed(&self, before: &Server, after: &Server, actions: &mut Vec<ServicesAction>) {
        for (position, real) in after.reals().enumerate() {
            let Some(old) = before.real(real.address()) else { continue };
            let (name, server) = (real.name(), after.name());
            let (from, to) = (old.weight().get(), real.weight().get());
            if from != to {
                let activity = if old.is_up() { "active" } else { "inactive" };
                let text = format!("Changing weight from {from} to {to} for {activity} service {name} of VS {server}");
                self.say(actions, text);
            }
            if real.is_up() && !old.is_up() {
                self.say_moved(after, real, true, actions);
                self.notify_real(after, position, true, actions);
            }
        }
        for (group, entry) in entries_beyond(after, before) {
            self.say(actions, format!("VS [{entry}] added into group {group}"));
        }
    }
}

/// The entries of a group that one virtual server has and the other has not, with the group's name.
fn entries_beyond(one: &Server, other: &Server) -> Vec<(String, String)> {
    let (Target::Group { name, protocol, entries, .. }, Target::Group { entries: others, .. }) =
        (&one.config().target, &other.config().target)
    else {
        return Vec::new();
    };
    let beyond = entries.iter().filter(|entry| !others.contains(entry));
    beyond.map(|entry| (name.clone(), entry_name(entry, *protocol))).collect()
}

/// As keepalived names an entry: `[192.0.2.1]:tcp:80-192.0.2.9`.
fn entry_name(entry: &GroupEntry, protocol: Protocol) -> String {
    match entry {
        GroupEntry::Range { first, last, port } if first == last => format!("[{first}]:{protocol}:{port}"),
        GroupEntry::Range { first, last, port } => format!("[{first}]:{protocol}:{port}-{last}"),
        GroupEntry::Fwmark { mark, .. } => format!("FWM {mark}"),
    }
}
