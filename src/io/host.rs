//! Answers what a configuration asks about this machine: interfaces, users, scripts, host names.

use std::fs::{self, Metadata};
use std::net::{IpAddr, ToSocketAddrs};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;
use nix::unistd::{Group, User};

use crate::config::{Host, Interface, Script};
use crate::io::sys;
use crate::model::InterfaceName;

/// Where a program without `/` is looked for when the environment has no `PATH` (confstr(3), `_CS_PATH`).
const DEFAULT_PATH: &str = "/bin:/usr/bin";
/// Where routing tables get their names (ip-route(8)).
const ROUTING_TABLES: [&str; 4] = [
    "/etc/iproute2/rt_tables",
    "/etc/iproute2/rt_tables.d/*.conf",
    "/usr/share/iproute2/rt_tables",
    "/usr/share/iproute2/rt_tables.d/*.conf",
];
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

    fn knows_routing_table(&self, name: &str) -> bool {
        let files = ROUTING_TABLES.iter().flat_map(|pattern| sys::glob(Path::new(pattern)));
        let texts: Vec<String> = files.filter_map(|path| fs::read_to_string(path).ok()).collect();
        let mut lines = texts.iter().flat_map(|text| text.lines());
        let named =
            |line: &str| line.split('#').next().unwrap_or_default().split_ascii_whitespace().nth(1) == Some(name);
        matches!(name, "unspec" | "default" | "main" | "local") || lines.any(named)
    }

    fn has_network_namespace(&self, name: &str) -> bool {
        Path::new(NAMESPACES).join(name).exists()
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
    fn the_kernel_s_routing_tables_have_names() {
        assert!(SystemHost.knows_routing_table("main"));
        assert!(!SystemHost.knows_routing_table("no such table"));
        assert!(!SystemHost.has_network_namespace("no such namespace"));
    }

    #[test]
    fn root_is_a_user_and_a_group() {
        assert_eq!((SystemHost.user("root"), SystemHost.group("root")), (Some(0), Some(0)));
        assert_eq!((SystemHost.user("no such user"), SystemHost.group("no such group")), (None, None));
    }
}
