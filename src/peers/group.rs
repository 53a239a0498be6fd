//! Which instances of several files are one virtual router: those that share an id and addresses; else those that share
//! enough to have been meant as one. Interfaces do not count: nodes name them differently.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::config::InstancePlaces;
use crate::model::{Config, VrrpInstance};

/// One node: what its file says, and where.
pub struct Node {
    /// How it is called in texts: as much of its file's path as tells it from the others.
    pub name: String,
    /// What it says; of a file with errors, what could be understood.
    pub config: Config,
    /// Where its instances' settings stand.
    pub places: Vec<InstancePlaces>,
}

/// For each path the shortest end of it that no other path has.
pub fn short_names(paths: &[&Path]) -> Vec<String> {
    let end = |path: &Path, count: usize| {
        let components: Vec<_> = path.components().collect();
        components[components.len().saturating_sub(count)..].iter().collect::<PathBuf>().display().to_string()
    };
    let longest = paths.iter().map(|path| path.components().count()).max().unwrap_or_default();
    let names = |count| paths.iter().map(|path| end(path, count)).collect::<Vec<String>>();
    let distinct = |names: &Vec<String>| names.iter().collect::<BTreeSet<_>>().len() == names.len();
    (1..longest).map(names).find(distinct).unwrap_or_else(|| names(longest))
}

/// A node's part in a virtual router.
#[derive(Clone, Copy)]
pub struct Member<'a> {
    /// Whose.
    pub node: &'a Node,
    /// What it runs.
    pub instance: &'a VrrpInstance,
    /// Where that stands.
    pub places: &'a InstancePlaces,
}

impl Member<'_> {
    /// How the node is called in texts.
    pub fn name(&self) -> &str {
        &self.node.name
    }
}

/// One virtual router on several nodes; at most one member of each, in the order of the files.
pub struct Group<'a> {
    /// At least one.
    pub members: Vec<Member<'a>>,
}

/// Sorts all instances into virtual routers, in file order.
pub fn groups(nodes: &[Node]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group> = Vec::new();
    for node in nodes {
        let members: Vec<Member> = node.config.instances.iter().filter_map(|instance| member(node, instance)).collect();
        let mut pairs: Vec<(u8, usize, usize)> = Vec::new();
        for (index, candidate) in members.iter().enumerate() {
            let alike = groups.iter().enumerate().map(|(group, g)| (likeness(g, candidate), group, index));
            pairs.extend(alike.filter(|(likeness, ..)| *likeness > 0));
        }
        pairs.sort_by_key(|(likeness, group, index)| (u8::MAX - likeness, *group, *index));
        let (mut taken, mut placed) = (vec![false; groups.len()], vec![false; members.len()]);
        for (_, group, index) in pairs {
            if !taken[group] && !placed[index] {
                (taken[group], placed[index]) = (true, true);
                groups[group].members.push(members[index]);
            }
        }
        let alone = members.iter().zip(placed).filter(|(_, placed)| !placed);
        groups.extend(alone.map(|(member, _)| Group { members: vec![*member] }));
    }
    groups
}

fn member<'a>(node: &'a Node, instance: &'a VrrpInstance) -> Option<Member<'a>> {
    let places = node.places.iter().find(|places| places.instance == instance.name)?;
    Some(Member { node, instance, places })
}

/// How much speaks for an instance being the same virtual router as those of the group; 0 when nothing does.
fn likeness(group: &Group, candidate: &Member) -> u8 {
    group.members.iter().map(|member| pair_likeness(member, candidate)).max().unwrap_or_default()
}

fn pair_likeness(a: &Member, b: &Member) -> u8 {
    let same_vrid = a.instance.vrid == b.instance.vrid;
    let same_name = a.instance.name == b.instance.name;
    match (same_vrid, shares_address(a.instance, b.instance), same_name) {
        (true, true, _) => 5,
        (true, false, true) => 4,
        (false, true, true) => 3,
        (false, true, false) => 2,
        // An id may be used again on another interface, so it says nothing unless it is the only one.
        (true, false, false) if is_only_use(a) && is_only_use(b) => 1,
        _ => 0,
    }
}

fn is_only_use(member: &Member) -> bool {
    member.node.config.instances.iter().filter(|other| other.vrid == member.instance.vrid).count() == 1
}

fn shares_address(a: &VrrpInstance, b: &VrrpInstance) -> bool {
    let own: BTreeSet<IpAddr> = a.virtual_addresses.iter().map(|vip| vip.net.addr()).collect();
    b.virtual_addresses.iter().any(|vip| own.contains(&vip.net.addr()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_called_by_as_much_of_its_path_as_tells_it_from_the_others() {
        let names = |paths: &[&str]| short_names(&paths.iter().map(Path::new).collect::<Vec<_>>());
        assert_eq!(names(&["/etc/x/a.conf", "b.conf"]), ["a.conf", "b.conf"]);
        assert_eq!(names(&["one/k.conf", "two/k.conf"]), ["one/k.conf", "two/k.conf"]);
        assert_eq!(names(&["k.conf", "k.conf"]), ["k.conf", "k.conf"]);
    }
}
