//! `check --peers`: reads the files, compares them, plays the failures, and says all of it in words.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use crate::config::{self, Checked, Files, Format};
use crate::diagnostic::{Diagnostic, Name, Severity};
use crate::source::SourceMap;

use super::group::{Group, Node, groups, short_names};
use super::play::{Election, Outcome, Play, address_list, play};
use super::{compare, explain};

/// What there is to say about a cluster.
pub struct Report {
    /// Of each file that has errors, and then across the files.
    pub checked: Vec<Checked>,
    /// Every failure and what came of it.
    story: String,
    verdict: Verdict,
}

/// The file of a node, and how that node reads it: several may share one file and differ in their ids.
#[derive(Clone, Copy)]
pub struct NodeFile<'a> {
    /// Where it is.
    pub path: &'a Path,
    /// What it and its includes are read from.
    pub files: &'a dyn Files,
}

/// Reads the files of the nodes of one cluster, compares them, and plays every single failure.
pub fn check(node_files: &[NodeFile]) -> Report {
    let mut sources = SourceMap::default();
    let (mut nodes, mut checked, mut verdict) = (Vec::new(), Vec::new(), Verdict::default());
    for (NodeFile { path, files }, name) in node_files.iter().zip(names(node_files)) {
        let mut loaded = config::load(path, *files);
        let places = loaded.instance_places(sources.append(&loaded.sources));
        let config = loaded.understood().cloned().unwrap_or_default();
        nodes.push(Node { name, config, places });
        let mut errors = std::mem::take(&mut loaded.diagnostics);
        errors.retain(|diagnostic| diagnostic.severity == Severity::Error);
        for error in &errors {
            verdict.unreadable |= error.name == Name::UNREADABLE_FILE && error.primary.is_none();
            // What alived cannot run yet still has ids, addresses and priorities.
            let unsupported = error.name == Name::NOT_YET_SUPPORTED;
            verdict.denied |= !unsupported;
            verdict.incomplete |= unsupported;
        }
        checked.push(Checked { diagnostics: errors, sources: loaded.sources });
    }
    let mut story = String::new();
    if !verdict.unreadable {
        let groups = groups(&nodes);
        let diagnostics = groups.iter().flat_map(|group| judge(group, &mut verdict, &mut story)).collect();
        checked.push(Checked { diagnostics, sources });
        story += &verdict.sentence(groups.len());
    }
    Report { checked, story, verdict }
}

/// How the nodes are called: by their files, those with the same file by their ids.
fn names(nodes: &[NodeFile]) -> Vec<String> {
    let paths: Vec<&Path> = nodes.iter().map(|node| node.path).collect();
    let shared = |path: &Path| paths.iter().filter(|other| **other == path).count() > 1;
    let name = |(node, name): (&NodeFile, String)| if shared(node.path) { node.files.config_id() } else { name };
    nodes.iter().zip(short_names(&paths)).map(name).collect()
}

impl Report {
    /// 0 when every single failure moves the addresses and nothing contradicts, 1 when not, 2 when a file could not be
    /// read.
    pub fn exit_code(&self, deny_warnings: bool) -> u8 {
        let warns = self.checked.iter().any(|checked| !checked.diagnostics.is_empty());
        self.verdict.exit_code().max(u8::from(deny_warnings && warns))
    }

    /// What to print. The story is for people; a program gets the findings alone.
    pub fn render(&self, format: Format) -> String {
        let findings = config::render(&self.checked, format);
        match format {
            Format::Full(_) | Format::Concise => findings + &self.story,
            Format::Json | Format::Sarif | Format::Github => findings,
        }
    }
}

/// What has been found so far.
#[derive(Default)]
struct Verdict {
    unreadable: bool,
    /// An error in a file, or between files.
    denied: bool,
    /// Something in the files had to be left out of the play.
    incomplete: bool,
    failures: usize,
    uncovered: usize,
    /// Virtual routers that were not played.
    unplayed: usize,
}

impl Verdict {
    fn exit_code(&self) -> u8 {
        match self {
            Verdict { unreadable: true, .. } => 2,
            Verdict { denied: false, uncovered: 0, unplayed: 0, .. } => 0,
            _ => 1,
        }
    }

    fn sentence(&self, routers: usize) -> String {
        let Verdict { failures, uncovered, unplayed, .. } = self;
        let mut sentence = match (routers, unplayed, uncovered) {
            (0, ..) => "no file has a vrrp_instance".to_owned(),
            (_, 0, 0) => format!("every single failure moves the VIP ({failures} played)"),
            (_, 0, 1) => format!("1 of {failures} single failures is not covered"),
            (_, 0, _) => format!("{uncovered} of {failures} single failures are not covered"),
            (_, 1, 0) => format!("1 of {routers} virtual routers could not be played"),
            (_, _, 0) => format!("{unplayed} of {routers} virtual routers could not be played"),
            (..) => format!(
                "{uncovered} of {failures} single failures not covered, {unplayed} of {routers} virtual routers not played"
            ),
        };
        if self.denied {
            sentence += "; the errors above come first";
        }
        if self.incomplete {
            sentence += "; played without what is not supported yet";
        }
        sentence + "\n"
    }
}

/// Compares and plays one virtual router, and adds to the story.
fn judge(group: &Group, verdict: &mut Verdict, story: &mut String) -> Vec<Diagnostic> {
    let mut found = compare::compare(group);
    verdict.denied |= found.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    story.push_str(&heading(group));
    match play(group) {
        Election::Unsettled { masters } => {
            verdict.unplayed += 1;
            let who = match masters[..] {
                [] => "nobody is MASTER".to_owned(),
                _ => format!("{} are MASTER at once", explain::names(group, &masters)),
            };
            let _ = writeln!(story, "  not played: with all well {who}\n");
            if found.iter().all(|diagnostic| diagnostic.severity != Severity::Error) {
                let first = &group.members[0];
                let message = format!("{}: with all well {who}", first.instance.name);
                found.push(Diagnostic::error(Name::FAILURE_NOT_COVERED, message).at(first.places.name));
                verdict.denied = true;
            }
        }
        Election::Played(plays) => {
            verdict.failures += plays.len();
            verdict.uncovered += plays.iter().filter(|play| !play.is_covered()).count();
            tell(group, &plays, story);
            // One cause spoils several failures: a node's and its link's, or the same script's from two states of rest.
            for diagnostic in plays.iter().filter_map(|play| explain::diagnostic(group, play)) {
                let same = |known: &Diagnostic| (known.name, known.primary) == (diagnostic.name, diagnostic.primary);
                if !found.iter().any(same) {
                    found.push(diagnostic);
                }
            }
        }
    }
    found
}

/// `VI_1: virtual_router_id 51, 192.0.2.1/24`
fn heading(group: &Group) -> String {
    let first = &group.members[0];
    let mut names: Vec<&str> = group.members.iter().map(|member| member.instance.name.as_str()).collect();
    names.dedup();
    let addresses = address_list(&first.instance.virtual_addresses);
    format!("{}: virtual_router_id {}, {addresses}\n", names.join("/"), first.instance.vrid)
}

/// A line for each failure, under the MASTER that it was played from.
fn tell(group: &Group, plays: &[Play], story: &mut String) {
    let width = plays.iter().map(|play| explain::failure(group, &play.failure).chars().count()).max().unwrap_or(0);
    let mut master = None;
    for play in plays {
        if master != Some(play.master) {
            master = Some(play.master);
            let _ = writeln!(story, "  with {} as MASTER:", group.members[play.master].name());
        }
        let failure = explain::failure(group, &play.failure);
        let mark = if play.is_covered() { ' ' } else { '!' };
        let _ = writeln!(story, "  {mark} {failure:width$}  {}", outcome(group, play));
    }
    story.push('\n');
}

fn outcome(group: &Group, play: &Play) -> String {
    if let Some(reason) = explain::reason(group, play) {
        return reason;
    }
    let name = |node: usize| group.members[node].name();
    match (&play.outcome, &play.recovery) {
        (Outcome::Moved { to, after }, Outcome::Moved { to: back, after: again }) => {
            let (to, back) = (name(*to), name(*back));
            format!("{to} takes over after {}; mended, {back} has it back after {}", seconds(*after), seconds(*again))
        }
        (Outcome::Moved { to, after }, _) => {
            format!("{} takes over after {}, and keeps it", name(*to), seconds(*after))
        }
        _ => format!("{} goes on", name(play.master)),
    }
}

/// With one digit, rounded up: a promise should hold.
fn seconds(duration: Duration) -> String {
    let tenths = duration.as_millis().div_ceil(100);
    format!("{}.{} s", tenths / 10, tenths % 10)
}
