//! `vrrp_sync_group` and `track_group`: instances that belong together (`vrrp/vrrp_sync.c`, `vrrp/vrrp_track.c`).

use std::collections::{HashMap, HashSet};

use crate::config::context::{Context, Spanned};
use crate::config::cursor::{Line, lines, second_reading, shortened, walk};
use crate::diagnostic::{Diagnostic, ErrorClass, Name};
use crate::model::{Global, Priority, SyncGroup, TrackGroup, Tracked, TrackedObject, VrrpInstance};
use crate::source::Span;

use super::notify::NotifyDraft;
use super::tracking::{self, TrackedDraft};
use super::{Draft, InstanceDraft};

/// What a `vrrp_sync_group` block says.
pub(in crate::config) struct SyncGroupDraft {
    pub name: Spanned<String>,
    pub members: Vec<Spanned<String>>,
    tracked: Vec<TrackedDraft>,
    tracking_weight: bool,
    notify: NotifyDraft,
}

/// What a `track_group` block says.
pub(in crate::config) struct TrackGroupDraft {
    pub name: Spanned<String>,
    pub members: Vec<Spanned<String>>,
}

/// The name of a group that is the first of its kind to be called so.
fn name(context: &mut Context, block: &Line, known: impl Iterator<Item = Spanned<String>>) -> Option<Spanned<String>> {
    let keyword = &block.keyword.name;
    let word = block.argument()?;
    if let Some(extra) = block.arguments.get(1) {
        let diagnostic = Diagnostic::error(Name::EXTRA_WORDS, format!("the name of a {keyword} is one word"))
            .class(ErrorClass::General);
        let gist = format!("{keyword} must have a name - skipping");
        context.report(diagnostic.at(extra.span).gist(gist).note("keepalived skips the block"));
        return None;
    }
    let name = Spanned::new(word.text().into_owned(), word.span);
    let shown = shortened(&name.value).into_owned();
    let mut known = known;
    if let Some(first) = known.find(|known| known.value == name.value) {
        let what = if keyword == "vrrp_sync_group" { "vrrp sync group" } else { keyword };
        let message = format!("another {keyword} is called {shown}; this one is ignored");
        let diagnostic =
            Diagnostic::warning(Name::DUPLICATE_NAME, message).at(block.span()).also(first.span, "this one");
        context.report(diagnostic.class(ErrorClass::General).gist(format!("{what} {shown} already defined")));
        return None;
    }
    Some(name)
}

/// `group { NAME … }`, which may stand once.
fn members(context: &mut Context, group: &str, block: &Line, members: &mut Option<Vec<Spanned<String>>>) {
    if members.is_some() {
        let message = format!("{group} has a list already; this one is ignored");
        let gist = format!("Group list already specified for sync group {group}");
        let diagnostic = Diagnostic::warning(Name::SECOND_IGNORED, message).at(block.span());
        return context.report(diagnostic.class(ErrorClass::General).gist(gist));
    }
    let mut names = Vec::new();
    for line in lines(context, block.body()) {
        let words = second_reading(&line.words);
        names.extend(words.iter().map(|word| Spanned::new(word.text().into_owned(), word.span)));
    }
    *members = Some(names);
}

/// Reads one `vrrp_sync_group`; `before` is what the file says further up.
pub(super) fn read(context: &mut Context, block: &Line, before: &Draft) -> Option<SyncGroupDraft> {
    let name = name(context, block, before.sync_groups.iter().map(|group| group.name.clone()))?;
    let (mut list, mut tracked, mut tracking_weight) = (None, Vec::new(), false);
    let mut notify = NotifyDraft::default();
    let owner = name.value.clone();
    walk(context, "vrrp_sync_group", block.body(), &mut |context, line| match line.keyword.name.as_str() {
        "group" => members(context, &owner, &line, &mut list),
        "global_tracking" | "sync_group_tracking_weight" => tracking_weight = true,
        keyword if tracking::KEYWORDS.contains(&keyword) => {
            tracking::read(context, &owner, &line, before, &mut tracked);
        }
        other => {
            let taken = notify.line(context, "vrrp_sync_group", &line);
            assert!(taken, "grammar/vrrp_sync_group.conf calls '{other}' effective");
        }
    });
    Some(SyncGroupDraft { name, members: list.unwrap_or_default(), tracked, tracking_weight, notify })
}

/// Reads one `track_group`.
pub(super) fn read_track_group(context: &mut Context, block: &Line, before: &Draft) -> Option<TrackGroupDraft> {
    let name = name(context, block, before.track_groups.iter().map(|group| group.name.clone()))?;
    let mut list = None;
    let owner = name.value.clone();
    walk(context, "track_group", block.body(), &mut |context, line| members(context, &owner, &line, &mut list));
    Some(TrackGroupDraft { name, members: list.unwrap_or_default() })
}

/// Which group each instance is in: the first that names it.
pub(super) struct Membership<'d> {
    groups: &'d [SyncGroupDraft],
    home: HashMap<&'d str, usize>,
}

impl<'d> Membership<'d> {
    /// Looks at the lists of all groups.
    pub fn new(groups: &'d [SyncGroupDraft]) -> Membership<'d> {
        let mut home = HashMap::new();
        for (index, group) in groups.iter().enumerate() {
            for member in &group.members {
                home.entry(member.value.as_str()).or_insert(index);
            }
        }
        Membership { groups, home }
    }

    /// The group of an instance.
    pub fn of(&self, instance: &str) -> Option<&'d SyncGroupDraft> {
        self.home.get(instance).map(|index| &self.groups[*index])
    }
}

impl SyncGroupDraft {
    /// What its members are told by default.
    pub fn notify(&self) -> &NotifyDraft {
        &self.notify
    }

    /// Whether the priorities of its members may move.
    pub fn allows_weights(&self) -> bool {
        self.tracking_weight
    }

    fn complain(&self, context: &mut Context, name: Name, span: Span, message: String, gist: String) {
        context.report(Diagnostic::warning(name, message).at(span).class_without_line(ErrorClass::General).gist(gist));
    }

    /// The members that exist and are in no group before this one.
    fn present<'i>(
        &self,
        context: &mut Context,
        instances: &'i [InstanceDraft],
        taken: &mut HashSet<String>,
    ) -> Vec<&'i InstanceDraft> {
        let group = &self.name.value;
        let mut present = Vec::new();
        for Spanned { value: name, span } in &self.members {
            let shown = shortened(name);
            let Some(instance) = instances.iter().find(|instance| instance.name.value == *name) else {
                let message = format!("sync group {group} names {shown}, and no instance is called so");
                let gist = format!("Virtual router {shown} specified in sync group {group} doesn't exist - ignoring");
                self.complain(context, Name::UNKNOWN_REFERENCE, *span, message, gist);
                continue;
            };
            if !taken.insert(name.clone()) {
                let message = format!("{shown} is in a sync group already");
                let gist = format!("Virtual router {shown} cannot exist in more than one sync group; ignoring {group}");
                self.complain(context, Name::SYNC_GROUP_MEMBERS, *span, message, gist);
                continue;
            }
            present.push(instance);
        }
        present
    }

    /// The group's own tracked objects; with an owner among the members none has a weight.
    fn tracked(&self, context: &mut Context, has_owner: bool) -> Vec<Tracked> {
        let mut tracked = Vec::new();
        for TrackedDraft { object, weight } in &self.tracked {
            let mut weight = *weight;
            if has_owner && weight.value() != 0 {
                let (group, what) = (&self.name.value, &object.value);
                let message = format!("{group}: a member has priority 255; the weight of {what} is ignored");
                let gist = format!(
                    "({group}) Cannot have weighted track {what} with member having priority 255 - clearing weight"
                );
                self.complain(context, Name::WEIGHT_OF_OWNER, object.span, message, gist);
                weight = crate::model::TrackWeight::new(0, weight.reverse).unwrap_or_default();
            }
            tracked.push(Tracked { object: object.value.clone(), weight });
        }
        tracked
    }
}

/// The groups that have members; what they track becomes part of what each member tracks.
pub(super) fn finish_all(
    context: &mut Context,
    draft: &Draft,
    instances: &mut [VrrpInstance],
    exists: &dyn Fn(&TrackedObject) -> bool,
    global: &Global,
) -> Vec<SyncGroup> {
    let mut taken = HashSet::new();
    let mut groups = Vec::new();
    for group in &draft.sync_groups {
        let name = &group.name.value;
        let present = group.present(context, &draft.instances, &mut taken);
        match present.len() {
            0 => {
                let message = format!("sync group {name} has no members and is left out");
                let gist = format!("Sync group {name} has no members - removing");
                group.complain(context, Name::SYNC_GROUP_MEMBERS, group.name.span, message, gist);
                continue;
            }
            1 => {
                let message = format!("sync group {name} has one member, which moves alone anyway");
                let gist =
                    format!("Sync group {name} has only 1 virtual router(s) - this probably isn't what you want");
                group.complain(context, Name::SYNC_GROUP_MEMBERS, group.name.span, message, gist);
            }
            _ => {}
        }
        let is_member = |instance: &VrrpInstance| present.iter().any(|draft| draft.name.value == instance.name);
        let has_owner = instances.iter().any(|i| is_member(i) && i.priority == Priority::OWNER);
        let mut tracked = group.tracked(context, has_owner);
        tracked.retain(|tracked| exists(&tracked.object));
        for instance in instances.iter_mut().filter(|instance| is_member(instance)) {
            inherit(context, group, instance, &tracked);
        }
        let members = present.iter().map(|draft| draft.name.value.clone()).collect();
        let notify = group.notify.finish(context, None, global);
        let tracking_weight = group.tracking_weight;
        groups.push(SyncGroup { name: name.clone(), members, tracked, tracking_weight, notify });
    }
    groups
}

/// What is tracked by both has the group's weight, unless it is a condition to the instance.
fn inherit(context: &mut Context, group: &SyncGroupDraft, instance: &mut VrrpInstance, tracked: &[Tracked]) {
    for tracked in tracked {
        let is_own = matches!(&tracked.object, TrackedObject::Interface(name) if *name == instance.interface);
        let known = instance.tracked.iter_mut().find(|known| known.object == tracked.object);
        if known.is_some() || is_own {
            let (what, name) = (&tracked.object, &instance.name);
            let message = format!("{name}: {what} is tracked by the instance and by sync group {}", group.name.value);
            let place = group.tracked.iter().find(|line| line.object.value == *what).map(|line| line.object.span);
            let mut diagnostic = Diagnostic::warning(Name::TRACKED_TWICE, message).at(place.unwrap_or(group.name.span));
            if let TrackedObject::Interface(interface) = what {
                let gist = format!(
                    "({name}) track_interface {interface} is configured on VRRP instance and sync group. Remove vrrp instance or sync group config"
                );
                diagnostic = diagnostic.class_without_line(ErrorClass::General).gist(gist);
            }
            context.report(diagnostic);
        }
        match known {
            Some(known) if known.weight.value() != 0 => known.weight = tracked.weight,
            Some(_) => {}
            None if is_own => {}
            None => instance.tracked.push(tracked.clone()),
        }
    }
}

/// The `track_group` blocks with at least one instance.
pub(super) fn finish_track_groups(context: &mut Context, draft: &Draft) -> Vec<TrackGroup> {
    let mut groups = Vec::new();
    for TrackGroupDraft { name, members } in &draft.track_groups {
        let exists = |member: &Spanned<String>| draft.instances.iter().any(|i| i.name.value == member.value);
        for missing in members.iter().filter(|member| !exists(member)) {
            let shown = shortened(&missing.value);
            let message = format!("track_group {} names {shown}, and no instance is called so", name.value);
            context.report(Diagnostic::warning(Name::UNKNOWN_REFERENCE, message).at(missing.span));
        }
        let members: Vec<String> = members.iter().filter(|m| exists(m)).map(|member| member.value.clone()).collect();
        if members.is_empty() {
            let message = format!("track_group {} has no members and is left out", name.value);
            context.report(Diagnostic::warning(Name::SYNC_GROUP_MEMBERS, message).at(name.span));
            continue;
        }
        groups.push(TrackGroup { name: name.value.clone(), members });
    }
    groups
}
