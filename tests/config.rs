//! What comes of the files in `fixtures/conf`: a model and silence in `ok`, at least one diagnostic in `err`, and in
//! `planned` a model of what is not effective yet, about which nothing else is said.

#[path = "common/fixtures.rs"]
mod fixtures;
#[path = "common/host.rs"]
mod host;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use alived::config::{CheckOptions, Format, Target, check_config, load, load_on};
use alived::diagnostic::{Name, Style};
use alived::io::files::SystemFiles;
use alived::schema::Status;
use fixtures::{expect, expect_file, files};
use host::PaperHost;
use proptest::prelude::*;

const OK: &str = "fixtures/conf/ok";
const ERR: &str = "fixtures/conf/err";
const PLANNED: &str = "fixtures/conf/planned";

fn checked(path: &Path, format: Format) -> (u8, String) {
    let peer = path.with_extension("peer");
    let mut paths = vec![path];
    if peer.exists() {
        paths.push(&peer);
    }
    let target = Some(Target::Alived);
    let options = CheckOptions { format, host: Some(&PaperHost), target, ..CheckOptions::default() };
    check_config(&paths, &SystemFiles, options)
}

#[test]
fn a_good_file_becomes_a_model_without_a_diagnostic() {
    for path in files(OK, "conf") {
        let loaded = load_on(&path, &SystemFiles, &PaperHost);
        assert_eq!(loaded.diagnostics, [], "{}", path.display());
        let config = loaded.config.expect("no error, so there is a configuration");
        expect(&path, "model", &format!("{config:#?}\n"));
    }
}

#[test]
fn what_is_not_effective_yet_is_in_the_model() {
    for path in files(PLANNED, "conf") {
        let loaded = load_on(&path, &SystemFiles, &PaperHost);
        let known = [Name::NOT_YET_EFFECTIVE, Name::NOT_YET_SUPPORTED, Name::NEWER_KEYWORD, Name::RENAMED_KEYWORD];
        let other: Vec<_> = loaded.diagnostics.iter().filter(|found| !known.contains(&found.name)).collect();
        assert!(other.is_empty(), "{}: {other:#?}", path.display());
        let config = loaded.understood().expect("the file can be read");
        expect(&path, "model", &format!("{config:#?}\n"));
    }
}

/// Keywords that are no part of a configuration's meaning, and old names that are complained about.
const NOT_SHOWN: [&str; 2] = ["include_check", "vrrp_vmac_garp_intvl"];

#[test]
fn every_setting_that_is_not_effective_yet_is_shown() {
    let texts = files(PLANNED, "conf").into_iter().map(|path| std::fs::read_to_string(path).expect("a fixture"));
    let texts: Vec<String> = texts.collect();
    let words = |line: &str| line.split_whitespace().next().map(str::to_owned);
    let shown: BTreeSet<String> = texts.iter().flat_map(|text| text.lines().filter_map(words)).collect();
    for path in ["global_defs", "garp_group", "SSL", "bfd_instance"] {
        let block = alived::schema::keepalived().block(path).expect("a block");
        let planned = block.keywords.iter().filter(|keyword| keyword.status == Status::Planned);
        for keyword in planned.filter(|keyword| !NOT_SHOWN.contains(&keyword.name.as_str())) {
            assert!(shown.contains(&keyword.name), "{PLANNED} does not show {} of {path}", keyword.name);
        }
    }
}

#[test]
fn a_line_about_what_is_not_effective_yet_changes_the_model() {
    for path in files(PLANNED, "conf") {
        let text = std::fs::read_to_string(&path).expect("a fixture");
        let model = |text: &str| {
            let loaded = load_on(Path::new("k.conf"), &OneFile(text.as_bytes().to_vec()), &PaperHost);
            loaded.understood().expect("the file can be read").clone()
        };
        let whole = model(&text);
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate().filter(|(_, line)| !line.contains(['{', '}', '#'])) {
            let without = [&lines[..at], &lines[at + 1..]].concat().join("\n");
            assert!(model(&without) != whole, "{}: nothing comes of '{}'", path.display(), line.trim());
        }
    }
}

#[test]
fn a_bad_file_gets_its_diagnostics() {
    for path in files(ERR, "conf") {
        let (_, text) = checked(&path, Format::Full(Style::Plain));
        assert!(!text.is_empty(), "{} has no diagnostic", path.display());
        expect(&path, "diag", &text);
    }
}

#[test]
fn a_configuration_comes_out_only_without_an_error() {
    for path in files(ERR, "conf") {
        let (status, text) = checked(&path, Format::Concise);
        let has_error = text.lines().any(|line| line.contains("error["));
        let config = load_on(&path, &SystemFiles, &PaperHost).config;
        assert_eq!(config.is_none(), has_error, "{}:\n{text}", path.display());
        assert_eq!(status != 0, has_error, "{}", path.display());
    }
}

#[test]
fn warnings_can_count_as_errors() {
    let path = Path::new("fixtures/conf/err/unknown-state.conf");
    let options = CheckOptions { format: Format::Concise, deny_warnings: true, ..CheckOptions::default() };
    assert_eq!(check_config(&[path], &SystemFiles, options).0, 1);
    assert_eq!(check_config(&[path], &SystemFiles, CheckOptions { deny_warnings: false, ..options }).0, 0);
}

#[test]
fn a_file_that_is_not_there_is_told_from_a_bad_one() {
    let options = CheckOptions { format: Format::Concise, ..CheckOptions::default() };
    let (status, text) = check_config(&[Path::new("no/such/file")], &SystemFiles, options);
    assert_eq!(status, 2);
    assert_eq!(text, "error[unreadable-file]: cannot read no/such/file: there is no such file\n");
}

#[test]
fn the_compatibility_page_is_what_the_grammar_says() {
    expect_file(Path::new("docs/COMPATIBILITY.md"), &alived::schema::compatibility());
}

/// A file system of one file.
struct OneFile(Vec<u8>);

impl alived::config::Files for OneFile {
    fn read(&self, _: &Path) -> Result<Vec<u8>, alived::config::FileError> {
        Ok(self.0.clone())
    }

    fn matches(&self, pattern: &Path) -> Vec<PathBuf> {
        vec![pattern.to_owned()]
    }
}

fn survives(bytes: Vec<u8>) {
    let files = OneFile(bytes);
    let path = Path::new("any.conf");
    let loaded = load_on(path, &files, &PaperHost);
    assert!(loaded.verdict() <= 6);
    assert!(load(path, &files).verdict() <= 6);
    for format in [Format::Concise, Format::Full(Style::Plain), Format::Full(Style::Coloured)] {
        check_config(&[path, path], &files, CheckOptions { format, ..CheckOptions::default() });
    }
}

/// Files made of pieces of the language in any order.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<Vec<u8>> = alived::schema::keepalived()
        .blocks()
        .iter()
        .flat_map(|block| block.keywords.iter().chain(&block.words))
        .map(|keyword| keyword.name.clone().into_bytes())
        .collect();
    let words = prop::sample::select(words);
    let values = prop::sample::select(
        [
            "1",
            "0",
            "-1",
            "255",
            "99999999999999999999",
            "1.5",
            "5s",
            "192.0.2.1",
            "192.0.2.1/24",
            "2001:db8::1",
            "eth0",
            "MASTER",
            "PASS",
            "NAT",
            "TUN",
            "fwmark",
            "weight",
            "\"a b\"",
            "\"",
            "'",
            "\\#",
            "$X",
            "${X}",
            "$X=",
            "${_RANDOM 3 1}",
            "${_PWD}",
            "\\\n",
            "@x",
            "@^x",
            "~SEQ(X, 1, 3)",
            "~SEQx(X, ${X})",
            "~LST({X, Y}, {a}, {b, $X})",
            "include",
            "include other.conf\n",
            "/bin/true",
            "200-299",
            "\u{2013}",
            "",
        ]
        .map(|text| text.as_bytes().to_vec())
        .to_vec(),
    );
    let glue =
        prop::sample::select([" ", "\n", " {\n", "\n}\n", "{", "}", "#", "\t"].map(|t| t.as_bytes().to_vec()).to_vec());
    prop::collection::vec(prop_oneof![3 => words, 3 => values, 5 => glue], 0..120).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        survives(bytes);
    }

    #[test]
    fn any_pieces_of_the_language_are_read_without_harm(bytes in pieces()) {
        survives(bytes);
    }

    #[test]
    fn a_good_file_with_some_bytes_changed_is_read_without_harm(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        file in prop::sample::select(files(OK, "conf")),
    ) {
        let mut bytes = std::fs::read(file).expect("a fixture");
        for (at, byte) in changes {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
        }
        survives(bytes);
    }
}
