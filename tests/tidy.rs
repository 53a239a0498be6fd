//! Holds the lines of `docs/ARCHITECTURE.md`: reads the sources and checks who imports whom, what the core never names,
//! and the shape of the files. Code after `#[cfg(test)]` is not looked at: tests may reach for more.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module and what it may import, lowest first. A row names only rows above it, so there can be no cycle.
const LAYERS: &[(&str, &[&str])] = &[
    ("time", &[]),
    ("random", &[]),
    ("source", &[]),
    ("model", &["time"]),
    // The text side.
    ("syntax", &["source"]),
    ("schema", &["syntax", "source"]),
    ("diagnostic", &["source"]),
    ("config", &["diagnostic", "schema", "syntax", "source", "model", "time"]),
    // The protocol side. It meets the text side only in `model`.
    ("wire", &["model", "time"]),
    ("vrrp", &["wire", "model", "time"]),
    ("bfd", &["wire", "model", "random", "time"]),
    // Captures: other people's packets, judged without the daemon's own receive path.
    ("pcap", &["wire", "model"]),
    ("track", &["model", "time"]),
    ("check", &["model", "time"]),
    ("ipvs", &["model", "time"]),
    ("notify", &["model", "time"]),
    ("controller", &["vrrp", "track", "check", "ipvs", "notify", "wire", "model", "random", "time"]),
    // Above both: the configurations of several nodes, and the elections that come of them.
    ("peers", &["config", "diagnostic", "source", "controller", "vrrp", "track", "model", "time"]),
    // The edge.
    ("io", &["config", "wire", "track", "check", "ipvs", "notify", "source", "model", "time"]),
    (
        "daemon",
        &[
            "io",
            "bfd",
            "config",
            "controller",
            "vrrp",
            "track",
            "check",
            "ipvs",
            "notify",
            "wire",
            "diagnostic",
            "source",
            "model",
            "random",
            "time",
        ],
    ),
    (
        "demo",
        &[
            "daemon",
            "io",
            "config",
            "controller",
            "vrrp",
            "check",
            "ipvs",
            "notify",
            "wire",
            "diagnostic",
            "source",
            "model",
            "time",
        ],
    ),
    ("lsp", &["io", "config", "diagnostic", "schema", "syntax", "source"]),
    (
        "cli",
        &[
            "lsp",
            "demo",
            "daemon",
            "io",
            "pcap",
            "peers",
            "config",
            "controller",
            "check",
            "diagnostic",
            "schema",
            "source",
            "model",
            "time",
        ],
    ),
    ("main", &["cli"]),
];

/// The modules that touch the system. No other names anything of [`SYSTEM`].
const EDGE: &[&str] = &["io", "daemon", "demo", "lsp", "cli", "main"];

/// What only the edge may name: sockets, files, processes, clocks, the log, and the environment.
const SYSTEM: &[&str] = &[
    "tokio",
    "socket2",
    "netlink_sys",
    "libc::",
    "nix::",
    "tracing",
    "std::fs",
    "std::process",
    "std::thread",
    "std::env",
    "std::os::fd",
    "std::io::",
    "std::time::Instant",
    "std::time::SystemTime",
    "TcpStream",
    "UdpSocket",
    "println!",
    "eprintln!",
];

/// The only module with unsafe code: one file for each foreign library, and one for the system.
const UNSAFE: &str = "src/io/sys";
/// Longer files answer more than one question. Tests in the file do not count.
const MAX_LINES: usize = 500;

struct Source {
    path: PathBuf,
    /// The top-level module it belongs to.
    module: String,
    text: String,
    /// Without comments and tests.
    code: String,
}

fn sources() -> Vec<Source> {
    let mut paths = Vec::new();
    collect(Path::new("src"), &mut paths);
    paths.sort();
    let sources: Vec<_> = paths.into_iter().map(read).collect();
    assert!(sources.len() > LAYERS.len(), "the sources were not found");
    sources
}

fn collect(directory: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a source directory") {
        let path = entry.expect("a directory entry").path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

fn read(path: PathBuf) -> Source {
    let text = fs::read_to_string(&path).expect("a source file");
    let top = path.components().nth(1).expect("a path below src").as_os_str().to_string_lossy();
    let module = top.trim_end_matches(".rs").to_owned();
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let code = code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
    Source { path, module, text, code }
}

/// The modules that the code names as `crate::x` or `crate::{x, y::…}`.
fn imports(code: &str) -> BTreeSet<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let is_word = code[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_');
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            _ if is_word => {}
            Some(group) => found.extend(members(group).into_iter().map(|member| word(member.trim()))),
            None => drop(found.insert(word(rest))),
        }
    }
    found
}

/// The members of `a, b::{c, d}, e}…` up to the brace that closes the group.
fn members(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut members) = (0, 0, Vec::new());
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => {
                members.push(&group[start..at]);
                return members;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                members.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    members
}

/// Whether `code` holds `name` as a word of its own: `unix::` is not `nix::`.
fn names(code: &str, name: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(name).any(|(at, _)| !code[..at].ends_with(is_word))
}

fn allowed(module: &str) -> &'static [&'static str] {
    let row = LAYERS.iter().find(|(name, _)| *name == module);
    row.unwrap_or_else(|| panic!("src/{module} has no row in LAYERS: say what it may import")).1
}

#[test]
fn the_table_of_layers_has_no_cycle() {
    for (index, (module, imports)) in LAYERS.iter().enumerate() {
        for import in *imports {
            let above = LAYERS[..index].iter().any(|(name, _)| name == import);
            assert!(above, "{module} may import {import}, which does not stand above it");
        }
    }
}

#[test]
fn a_module_imports_only_what_its_layer_allows() {
    for source in sources().iter().filter(|source| source.module != "lib") {
        for import in imports(&source.code) {
            let fine = import == source.module || allowed(&source.module).contains(&import.as_str());
            assert!(fine, "{}: {} must not import {import}", source.path.display(), source.module);
        }
    }
}

#[test]
fn only_the_edge_names_the_system() {
    for source in sources().iter().filter(|source| !EDGE.contains(&source.module.as_str())) {
        for name in SYSTEM {
            let line = source.code.lines().position(|line| names(line, name));
            assert_eq!(line, None, "{}: names {name} (line counted from 0)", source.path.display());
        }
    }
}

#[test]
fn the_core_has_no_global_state() {
    for source in sources().iter().filter(|source| !EDGE.contains(&source.module.as_str())) {
        for line in source.code.lines().map(str::trim_start) {
            let global =
                line.starts_with("static ") || line.starts_with("pub static ") || line.starts_with("thread_local!");
            // What is written once and never changes is no state.
            assert!(!global || line.contains("OnceLock<"), "{}: {line}", source.path.display());
        }
    }
}

#[test]
fn unsafe_code_lives_in_one_module() {
    let allowed = |path: &Path| path.starts_with(UNSAFE) || path == Path::new(UNSAFE).with_extension("rs");
    for source in sources().iter().filter(|source| !allowed(&source.path)) {
        let line = source.code.lines().find(|line| line.contains("unsafe {") || line.contains("allow(unsafe_code)"));
        assert_eq!(line, None, "{}", source.path.display());
    }
}

#[test]
fn a_file_opens_by_saying_what_it_is() {
    for source in sources().iter().filter(|source| !source.path.ends_with("mod.rs") || !source.code.trim().is_empty()) {
        assert!(source.text.starts_with("//! "), "{} does not begin with //!", source.path.display());
    }
}

#[test]
fn a_file_answers_one_question() {
    for source in sources() {
        let lines = source.text.split("#[cfg(test)]").next().unwrap_or_default().lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines", source.path.display());
    }
}

#[test]
fn nothing_is_left_for_later_without_a_place() {
    for source in sources() {
        for word in ["todo!(", "unimplemented!(", "dbg!(", "FIXME", "XXX"] {
            assert!(!source.code.contains(word), "{}: {word}", source.path.display());
        }
    }
}

#[test]
fn imports_are_found_in_every_form() {
    let code = "use crate::a::B;\nuse crate::{c, d::{E, f}, g};\nlet x = crate::h::i();\nuse supercrate::j;";
    let found: Vec<_> = imports(code).into_iter().collect();
    assert_eq!(found, ["a", "c", "d", "g", "h"]);
}
