//! Statements → [`crate::model`]: one file per block family. Each reads its blocks into a draft that remembers where
//! every value came from, then finishes the draft: defaults, corrections and checks across its keywords, as
//! keepalived's `*_complete_*` functions make them after the last line.

mod addresses;
mod bfd;
mod certificate;
mod checker;
mod conduct;
mod encapsulation;
mod forwarding;
mod global;
mod instance;
mod instance_checks;
mod links;
mod notify;
mod real_server;
mod root;
mod route_hops;
mod route_metrics;
mod routes;
mod rules;
mod script;
mod scripts_security;
mod server_group;
mod sorry_server;
mod statics;
mod sync_group;
mod tracked_objects;
pub(super) mod tracking;
mod virtual_server;
mod virtual_server_checks;
mod words;

use crate::model::{Config, Statics, TrackWeight, TrackedObject};
use crate::schema::ROOT;
use crate::syntax::Statement;

use super::context::Context;
use super::cursor::{Line, judge, walk_all};

pub(super) use bfd::BfdDraft;
pub(super) use global::GlobalDraft;
pub(super) use instance::InstanceDraft;
pub(super) use script::ScriptDraft;
pub(super) use server_group::GroupDraft;
pub(super) use statics::StaticsDraft;
pub(super) use sync_group::{SyncGroupDraft, TrackGroupDraft};
pub(super) use tracked_objects::{FileDraft, ProcessDraft};
pub(super) use virtual_server::ServerDraft;

/// What the file says, with places: what the rules look at.
#[derive(Default)]
pub(super) struct Draft {
    pub global: GlobalDraft,
    pub scripts: Vec<ScriptDraft>,
    pub files: Vec<FileDraft>,
    pub processes: Vec<ProcessDraft>,
    /// Names and weights of `bfd_instance` blocks.
    pub sessions: Vec<(String, TrackWeight)>,
    pub sync_groups: Vec<SyncGroupDraft>,
    pub track_groups: Vec<TrackGroupDraft>,
    pub instances: Vec<InstanceDraft>,
    pub statics: StaticsDraft,
    pub servers: Vec<ServerDraft>,
    pub server_groups: Vec<GroupDraft>,
    pub bfd: Vec<BfdDraft>,
}

/// Reads the statements of a whole file, then makes a configuration of them. Blocks are read in file order, as an
/// instance sees only the scripts above it; but `global_defs` comes first, wherever it stands.
pub(super) fn lower(context: &mut Context, statements: &[Statement]) -> (Draft, Config) {
    context.dynamic_interfaces = mentions_dynamic_interfaces(statements);
    let mut blocks: Vec<Line> = Vec::new();
    walk_all(context, ROOT, statements, &mut |_, line| blocks.push(line));
    let (globals, others): (Vec<_>, Vec<_>) = blocks.iter().partition(|line| line.keyword.name == "global_defs");
    let mut draft = Draft::default();
    let mut priorities = rules::Priorities::default();
    for line in globals {
        global::read(context, &mut draft.global, line);
    }
    for line in others {
        match line.keyword.name.as_str() {
            "virtual_server" => draft.servers.extend(virtual_server::read(context, line)),
            "virtual_server_group" => draft.server_groups.extend(server_group::read(context, line)),
            "track_file" | "vrrp_track_file" => draft.files.extend(tracked_objects::read_file(context, line)),
            "vrrp_track_process" => draft.processes.extend(tracked_objects::read_process(context, line)),
            "vrrp_sync_group" => {
                let group = sync_group::read(context, line, &draft);
                draft.sync_groups.extend(group);
            }
            "track_group" => {
                let group = sync_group::read_track_group(context, line, &draft);
                draft.track_groups.extend(group);
            }
            "vrrp_script" => draft.scripts.extend(script::read(context, line)),
            "vrrp_instance" => {
                let instance = instance::read(context, line, &draft, &mut priorities);
                draft.instances.extend(instance);
            }
            "SSL" => certificate::read(context, &mut draft.global, line),
            "bfd_instance" => {
                let session = bfd::read(context, line, &draft.bfd);
                draft.sessions.extend(session.as_ref().map(BfdDraft::tracked));
                draft.bfd.extend(session);
            }
            _ if root::read(context, &mut draft.global, line) => {}
            _ if links::read(context, &mut draft.global.links, line) => {}
            "static_routes" | "static_rules" => {
                let groups = draft.track_groups.iter().map(|group| group.name.value.clone()).collect();
                statics::read(context, &mut draft.statics, &mut priorities, &groups, line);
            }
            _ => judge(context, ROOT, line),
        }
    }
    let config = finish(context, &draft);
    (draft, config)
}

fn mentions_dynamic_interfaces(statements: &[Statement]) -> bool {
    let globals = statements.iter().filter(|statement| is(statement, "global_defs"));
    let mut lines = globals.filter_map(|globals| globals.block.as_ref()).flat_map(|block| &block.statements);
    lines.any(|line| is(line, "dynamic_interfaces"))
}

fn is(statement: &Statement, keyword: &str) -> bool {
    statement.words.first().is_some_and(|word| word.bytes == keyword.as_bytes())
}

fn finish(context: &mut Context, draft: &Draft) -> Config {
    let mut global = global::finish(context, &draft.global);
    let (files, processes) = tracked_objects::finish(draft);
    let virtual_servers =
        virtual_server_checks::finish_all(context, &draft.servers, &draft.server_groups, &global, &files);
    let scripts = script::finish_all(context, draft, &global);
    scripts_security::check(context, draft);
    let exists = |object: &TrackedObject| match object {
        TrackedObject::Script(name) => scripts.iter().any(|script| script.name == *name),
        _ => true,
    };
    let mut instances = instance_checks::finish_all(context, draft, &exists, &global);
    let sync_groups = sync_group::finish_all(context, draft, &mut instances, &exists, &global);
    let track_groups = sync_group::finish_track_groups(context, draft);
    global.lvs = global::finish_lvs(context, &draft.global, &instances);
    let bfd = bfd::finish_all(context, &draft.bfd);
    let statics = Statics { routes: draft.statics.routes.clone(), rules: draft.statics.rules.clone() };
    let announce_paces = conduct::paces(&global);
    Config {
        global,
        scripts,
        files,
        processes,
        instances,
        announce_paces,
        sync_groups,
        track_groups,
        statics,
        virtual_servers,
        bfd,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::{FileError, Files, load};
    use crate::diagnostic::Name;
    use crate::schema::{self, Keyword, ROOT, Status, Value};

    struct OneFile(String);

    impl Files for OneFile {
        fn read(&self, _: &Path) -> Result<Vec<u8>, FileError> {
            Ok(self.0.clone().into_bytes())
        }
    }

    /// A statement that the grammar allows.
    fn statement(keyword: &Keyword, body: &str) -> String {
        let name = &keyword.name;
        match &keyword.value {
            Value::None => name.clone(),
            Value::Integer { max, .. } => format!("{name} {max}"),
            Value::Seconds { .. } | Value::Milliseconds { .. } => format!("{name} 1"),
            Value::Boolean => format!("{name} true"),
            Value::Address => format!("{name} 192.0.2.1"),
            Value::Forwarding => format!("{name} NAT"),
            Value::Choice(words) => format!("{name} {}", words[0]),
            Value::Pairs(words) => format!("{name} {} 1", words[0]),
            Value::Block { named: true } | Value::Lines { named: true } => format!("{name} 192.0.2.1 {{\n{body}\n}}"),
            Value::Block { named: false } | Value::Lines { named: false } => format!("{name} {{\n{body}\n}}"),
            Value::Text | Value::Command | Value::Interface | Value::Free(_) => format!("{name} word"),
        }
    }

    /// The statement within the blocks that lead to it.
    fn nested(path: &str, inner: String) -> String {
        if path == ROOT {
            return inner;
        }
        let (parent, name) = path.rsplit_once('.').unwrap_or((ROOT, path));
        let opener = schema::keepalived().block(parent).and_then(|block| block.keyword(name.as_bytes()));
        nested(parent, statement(opener.expect("a block is opened by a keyword"), &inner))
    }

    #[test]
    fn every_keyword_that_the_grammar_calls_effective_is_taken_by_the_lowering() {
        for block in schema::keepalived().blocks() {
            for keyword in block.keywords.iter().filter(|keyword| keyword.status == Status::Effective) {
                let text = nested(&block.path, statement(keyword, ""));
                let loaded = load(Path::new("any.conf"), &OneFile(text.clone())); // panics when one is not taken
                let ignored =
                    [Name::UNKNOWN_KEYWORD, Name::UNKNOWN_BLOCK, Name::NOT_YET_EFFECTIVE, Name::MISSING_BRACE];
                let found = loaded.diagnostics.iter().find(|diagnostic| ignored.contains(&diagnostic.name));
                assert_eq!(found, None, "{text}");
            }
        }
    }

    #[test]
    fn every_keyword_of_the_grammar_is_at_least_known() {
        for block in schema::keepalived().blocks() {
            for keyword in block.keywords.iter().filter(|keyword| keyword.status != Status::Removed) {
                let text = nested(&block.path, statement(keyword, ""));
                let loaded = load(Path::new("any.conf"), &OneFile(text.clone()));
                let unknown = [Name::UNKNOWN_KEYWORD, Name::UNKNOWN_BLOCK, Name::UNEXPECTED_BLOCK, Name::MISSING_BRACE];
                let found = loaded.diagnostics.iter().find(|diagnostic| unknown.contains(&diagnostic.name));
                assert_eq!(found, None, "{text}");
            }
        }
    }
}
