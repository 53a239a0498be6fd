//! Answers what a configuration asks about this machine: interfaces, users, scripts, host names.

use std::fs::{self, Metadata};
use std::net::{IpAddr, ToSocketAddrs};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;
use nix::unistd::{Group, SysconfVar, User, sysconf};

use crate::config::{Host, Interface, NameTable, Script};
use crate::io::netlink::link::Links;
use crate::io::sys;
use crate::model::InterfaceName;

/// Where a program without `/` is looked for when the environment has no `PATH` (confstr(3), `_CS_PATH`).
const DEFAULT_PATH: &str = "/bin:/usr/bin";
/// Where network namespaces have their names (ip-netns(8)).
const NAMESPACES: &str = "/run/netns";
/// Write permission for the group, for others; and the sticky bit, with which others cannot replace a file.
const GROUP_WRITE: u32 = 0o020;
const OTHER_WRITE: u32 = 0o002;
const STICKY: u32 = 0o1000;

/// How long the machine has been running, suspended or not; zero when the kernel does not say.
pub fn uptime() -> Duration {
    let time = nix::time::clock_gettime(nix::time::ClockId::CLOCK_BOOTTIME);
    time.map_or(Duration::ZERO, Duration::from)
}

/// This machine, in the network namespace of the process.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemHost;

impl Host for SystemHost {
    fn processors(&self) -> u16 {
        let online = sysconf(SysconfVar::_NPROCESSORS_ONLN).ok().flatten();
        online.and_then(|online| u16::try_from(online).ok()).unwrap_or(u16::MAX)
    }

    fn can_hold_files(&self, directory: &str) -> bool {
        let path = Path::new(directory);
        path.is_dir()
            || (!path.exists() && path.parent().is_some_and(|parent| parent == Path::new("") || parent.is_dir()))
    }

    fn interface(&self, name: &InterfaceName) -> Interface {
        let Ok(mut interfaces) = getifaddrs() else { return Interface::Missing };
        match interfaces.find(|interface| interface.interface_name == name.as_str()) {
            None => Interface::Missing,
            Some(found) if found.flags.contains(InterfaceFlags::IFF_LOOPBACK) => Interface::Loopback,
            Some(_) => Interface::Usable,
        }
    }

    fn user(&self, name: &str) -> Option<u32> {
        User::from_name(name).ok().flatten().map(|user| user.uid.as_raw())
    }

    fn group(&self, name: &str) -> Option<u32> {
        Group::from_name(name).ok().flatten().map(|group| group.gid.as_raw())
    }

    fn script(&self, program: &str) -> Script {
        let Some(path) = find(program) else { return Script::Missing };
        match fs::metadata(&path) {
            Ok(metadata) if !metadata.is_file() => Script::Missing,
            Ok(metadata) if metadata.permissions().mode() & 0o111 == 0 => Script::NotExecutable,
            Ok(_) if path.ancestors().all(only_root_changes) && !goes_through_a_link(program) => Script::Secure,
            Ok(_) => Script::Insecure,
            Err(_) => Script::Missing,
        }
    }

    fn resolve(&self, name: &str) -> Option<IpAddr> {
        (name, 0).to_socket_addrs().ok()?.next().map(|address| address.ip())
    }

    fn number_of(&self, table: NameTable, name: &str) -> Option<u32> {
        named_in_files(table, name).or_else(|| table.built_in(name))
    }

    fn vrf_table(&self, name: &InterfaceName) -> Option<u32> {
        let mut links = Links::open().ok()?;
        links.vrf_table(name).ok().flatten()
    }

    fn has_network_namespace(&self, name: &str) -> bool {
        Path::new(NAMESPACES).join(name).exists()
    }
}

/// The files of names, each overriding what comes later: `NUMBER NAME`, but protocols(5) has the name first.
fn files_of(table: NameTable) -> Vec<PathBuf> {
    let name = match table {
        NameTable::Tables => "rt_tables",
        NameTable::Fields => "rt_dsfield",
        NameTable::Realms => "rt_realms",
        NameTable::Protocols => "rt_protos",
        NameTable::Scopes => "rt_scopes",
        NameTable::Groups => "group",
        NameTable::IpProtocols => return vec![PathBuf::from("/etc/protocols")],
    };
    let places = ["/etc/iproute2", "/usr/share/iproute2"];
    let in_place = |place: &str| {
        let mut files = vec![PathBuf::from(format!("{place}/{name}"))];
        files.extend(sys::glob(Path::new(&format!("{place}/{name}.d/*.conf"))));
        files
    };
    places.into_iter().flat_map(in_place).collect()
}

fn named_in_files(table: NameTable, name: &str) -> Option<u32> {
    let texts = files_of(table).into_iter().filter_map(|path| fs::read_to_string(path).ok());
    texts.into_iter().find_map(|text| text.lines().find_map(|line| number_in(table, line, name)))
}

fn number_in(table: NameTable, line: &str, name: &str) -> Option<u32> {
    let mut words = line.split(['#', '!']).next()?.split_ascii_whitespace();
    let (first, second) = (words.next()?, words.next()?);
    let (number, found) = match table {
        NameTable::IpProtocols => (second, first),
        _ => (first, second),
    };
    if found != name {
        return None;
    }
    match number.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => number.parse().ok(),
    }
}

/// The file that a command names, symbolic links resolved.
fn find(program: &str) -> Option<PathBuf> {
    if program.contains('/') {
        return fs::canonicalize(program).ok();
    }
    let path = std::env::var("PATH").unwrap_or_else(|_| DEFAULT_PATH.to_owned());
    path.split(':').find_map(|directory| fs::canonicalize(Path::new(directory).join(program)).ok())
}

/// Whether a directory on the way to a script is a symbolic link: keepalived follows the path as it is written, and
/// since 2.3 such a link counts as something that others may change. A bare name is found through `PATH` instead.
fn goes_through_a_link(program: &str) -> bool {
    let directories = Path::new(program).ancestors().skip(1);
    let mut named = directories.filter(|directory| !directory.as_os_str().is_empty());
    named.any(|directory| fs::symlink_metadata(directory).is_ok_and(|metadata| metadata.is_symlink()))
}

/// keepalived's rule for each component of the path of a script that root runs (`lib/notify.c`: `check_security`).
fn only_root_changes(path: &Path) -> bool {
    let safe = |metadata: &Metadata| {
        let mode = metadata.permissions().mode();
        let others = mode & OTHER_WRITE != 0 || (mode & GROUP_WRITE != 0 && metadata.gid() != 0);
        metadata.uid() == 0 && (!others || (metadata.is_dir() && mode & STICKY != 0))
    };
    fs::metadata(path).is_ok_and(|metadata| safe(&metadata))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_is_known_as_such() {
        let interface = |name| SystemHost.interface(&InterfaceName::new(name).unwrap());
        assert_eq!(interface("lo"), Interface::Loopback);
        assert_eq!(interface("nosuch0"), Interface::Missing);
    }

    #[test]
    fn a_command_without_a_slash_is_looked_for_in_the_search_path() {
        assert_ne!(SystemHost.script("sh"), Script::Missing);
        assert_eq!(SystemHost.script("no-such-program-anywhere"), Script::Missing);
        assert_eq!(SystemHost.script("/"), Script::Missing);
    }

    #[test]
    fn a_script_that_anybody_may_write_is_insecure() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("check.sh");
        let script = |mode| {
            fs::write(&path, "#!/bin/sh\n").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            SystemHost.script(path.to_str().unwrap())
        };
        assert_eq!(script(0o777), Script::Insecure);
        assert_eq!(script(0o644), Script::NotExecutable);
    }

    #[test]
    fn numbers_have_names() {
        assert_eq!(SystemHost.number_of(NameTable::Tables, "main"), Some(254));
        assert_eq!(SystemHost.number_of(NameTable::Tables, "no such table"), None);
        assert_eq!(SystemHost.number_of(NameTable::Scopes, "link"), Some(253));
        assert_eq!(number_in(NameTable::Fields, "0x10\tAF11 # low", "AF11"), Some(16));
        assert_eq!(number_in(NameTable::Tables, "#100 lab", "lab"), None);
        assert_eq!(number_in(NameTable::IpProtocols, "tcp\t6\tTCP", "tcp"), Some(6));
        assert!(!SystemHost.has_network_namespace("no such namespace"));
    }

    #[test]
    fn root_is_a_user_and_a_group() {
        assert_eq!((SystemHost.user("root"), SystemHost.group("root")), (Some(0), Some(0)));
        assert_eq!((SystemHost.user("no such user"), SystemHost.group("no such group")), (None, None));
    }
}
