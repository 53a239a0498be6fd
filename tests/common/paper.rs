//! What the tests of the configuration share: a machine that exists only on paper, and files beside the input.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use alived::config::{Host, Interface, Script};
use alived::model::InterfaceName;

/// A machine with two network interfaces, the user and group root, and a few scripts in `/etc/keepalived`.
pub struct PaperHost;

impl Host for PaperHost {
    fn interface(&self, name: &InterfaceName) -> Interface {
        match name.as_str() {
            "lo" => Interface::Loopback,
            "eth0" | "eth1" | "ens33" => Interface::Usable,
            _ => Interface::Missing,
        }
    }

    fn user(&self, name: &str) -> Option<u32> {
        (name == "root").then_some(0)
    }

    fn group(&self, name: &str) -> Option<u32> {
        (name == "root").then_some(0)
    }

    fn script(&self, program: &str) -> Script {
        match program {
            "/etc/keepalived/ok.sh" => Script::Secure,
            "/etc/keepalived/plain.sh" => Script::NotExecutable,
            "/etc/keepalived/insecure.sh" => Script::Insecure,
            _ => Script::Missing,
        }
    }

    fn resolve(&self, name: &str) -> Option<IpAddr> {
        (name == "localhost").then(|| "127.0.0.1".parse().expect("an address"))
    }
}

/// The files of a directory with that extension, sorted.
pub fn files(directory: &str, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{directory}: {error}"));
    let paths = entries.map(|entry| entry.expect("a directory entry").path());
    let mut found: Vec<_> = paths.filter(|path| path.extension().is_some_and(|found| found == extension)).collect();
    found.sort();
    assert!(!found.is_empty(), "no .{extension} in {directory}");
    found
}

/// Compares with the file beside `input` that has another extension. `UPDATE_FIXTURES=1` writes it instead.
pub fn expect(input: &Path, extension: &str, actual: &str) {
    expect_file(&input.with_extension(extension), actual);
}

/// Compares with a file. `UPDATE_FIXTURES=1` writes it instead.
pub fn expect_file(path: &Path, actual: &str) {
    if std::env::var_os("UPDATE_FIXTURES").is_some() {
        return fs::write(path, actual).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    let expected = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(
        expected == actual,
        "{} differs; UPDATE_FIXTURES=1 rewrites it\n--- expected\n{expected}\n--- found\n{actual}",
        path.display()
    );
}
