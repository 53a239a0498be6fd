//! Laws that hold for any text: nothing is lost in reading it, formatting settles at once and changes no meaning, fixes come
//! to an end and leave none to apply, and whatever stands there, no finding of it breaks a renderer.

#[path = "common/fixtures.rs"]
mod fixtures;

use std::path::{Path, PathBuf};

use alived::config::{CheckOptions, Checked, FileError, Files, Format, check, effective, format, render};
use alived::diagnostic::{Style, apply};
use alived::source::SourceMap;
use alived::syntax::{Token, TokenKind, lex};
use fixtures::files;
use proptest::collection::vec;
use proptest::prelude::*;

const ENTRY: &str = "k.conf";
/// How often fixes may ask for another look.
const MOST_ROUNDS: usize = 10;

struct OneFile(Vec<u8>);

impl Files for OneFile {
    fn read(&self, path: &Path) -> Result<Vec<u8>, FileError> {
        if path == Path::new(ENTRY) { Ok(self.0.clone()) } else { Err(FileError::NotFound) }
    }

    fn matches(&self, pattern: &Path) -> Vec<PathBuf> {
        if pattern == Path::new(ENTRY) { vec![ENTRY.into()] } else { Vec::new() }
    }
}

/// Every configuration of the fixtures.
fn corpus() -> Vec<(PathBuf, Vec<u8>)> {
    let all =
        ["fixtures/conf/ok", "fixtures/conf/err", "fixtures/seeds"].into_iter().flat_map(|all| files(all, "conf"));
    all.map(|path| (path.clone(), std::fs::read(path).expect("a fixture"))).collect()
}

/// Lines of a configuration, and what people put between them.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        8 => prop::sample::select(vec![
            "vrrp_instance V {", "virtual_ipaddress {", "192.0.2.10/24", "192.0.2.11", "}", "}", "interface eth0",
            "virtual_router_id 51", "priority 100", "priority 120;", "state MASTER", "state SLAVE", "nopreempt yes",
            "unicast_peer {", "192.0.2.3/24", "vrrp_track_file f {", "authentication {", "auth_type PASS",
            "auth_pass ab#cd", "virtual_server 192.0.2.10 80 {", "real_server 192.0.2.1 80 {", "HTTP_GET {", "url {",
            "path /", "status_code 200", "lb_algo rr", "lb_kind NAT", "protocol TCP", "global_defs {", "router_id a b",
            "include k.conf", "include nosuch/*.conf", "$X=1", "priority $X", "priority ${Y}", "~SEQ(I, 1, 3) 192.0.2.${I}",
            "@node priority 5", "# alived: allow(small-weight)", "vrrp_script c {", "script \"/bin/x | y\"", "weight -2",
        ]).prop_map(|line| line.as_bytes().to_vec()),
        1 => "[ -~]{0,20}".prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 0..12),
        1 => prop::sample::select(vec!["priority\u{a0}90", "\u{201c}x\u{201d}", "\u{feff}a", "pri\u{fe}ority 5", "a\rb", "{{ x }}"])
            .prop_map(|line| line.as_bytes().to_vec()),
    ];
    vec(line, 0..40).prop_map(|lines| lines.join(&b'\n'))
}

fn checked(text: &[u8]) -> Vec<Checked> {
    check(&[Path::new(ENTRY)], &OneFile(text.to_vec()), CheckOptions::default())
}

/// What means something: words and braces, and the comments.
fn meaning(text: &[u8]) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let mut sources = SourceMap::default();
    let source = sources.add(ENTRY.into(), text.to_vec());
    let tokens = lex(source, text);
    let of = |wanted: &dyn Fn(&Token) -> bool| {
        let tokens = tokens.iter().filter(|token| wanted(token));
        tokens.map(|token| sources.slice(token.span).trim_ascii_end().to_vec()).collect()
    };
    let words =
        |token: &Token| matches!(token.kind, TokenKind::Bare | TokenKind::Quoted | TokenKind::Open | TokenKind::Close);
    (of(&words), of(&|token| token.kind == TokenKind::Comment))
}

/// The text after all safe fixes, and how many rounds they took.
fn fixed(text: &[u8]) -> (Vec<u8>, usize) {
    let mut text = text.to_vec();
    for round in 0..MOST_ROUNDS {
        let before = checked(&text);
        let Some(Checked { diagnostics, sources }) = before.first() else { return (text, round) };
        let Some((_, new)) = apply(sources, diagnostics).into_iter().next() else { return (text, round) };
        text = new;
    }
    (text, MOST_ROUNDS)
}

fn read_holds(text: &[u8]) {
    let mut sources = SourceMap::default();
    let source = sources.add(ENTRY.into(), text.to_vec());
    let pieces: Vec<u8> = lex(source, text).iter().flat_map(|token| sources.slice(token.span).to_vec()).collect();
    assert_eq!(pieces, text, "the tokens are the text");
}

fn format_holds(text: &[u8]) {
    let once = format(text);
    assert_eq!(String::from_utf8_lossy(&format(&once)), String::from_utf8_lossy(&once), "formatting settles at once");
    let (words, comments) = meaning(text);
    let (new_words, new_comments) = meaning(&once);
    assert_eq!(new_words, words, "words and braces stay");
    assert_eq!(new_comments, comments, "comments stay");
    let of = |text: &[u8]| effective(Path::new(ENTRY), &OneFile(text.to_vec()));
    assert_eq!(of(&once), of(text), "what it says stays");
}

fn fix_holds(text: &[u8]) {
    let (once, rounds) = fixed(text);
    assert!(rounds < MOST_ROUNDS, "fixes come to an end: {}", String::from_utf8_lossy(text));
    assert_eq!(fixed(&once), (once, 0), "what is fixed stays fixed");
}

fn render_holds(text: &[u8]) {
    let checked = checked(text);
    for format in [Format::Full(Style::Coloured), Format::Concise, Format::Json, Format::Sarif, Format::Github] {
        let text = render(&checked, format);
        if matches!(format, Format::Json | Format::Sarif) {
            serde_json::from_str::<serde_json::Value>(&text).expect("what is for programs can be read by them");
        }
    }
}

#[test]
fn the_laws_hold_for_every_fixture() {
    for (path, text) in corpus() {
        println!("{}", path.display());
        read_holds(&text);
        format_holds(&text);
        fix_holds(&text);
        render_holds(&text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn nothing_is_lost_in_reading(text in text()) {
        read_holds(&text);
    }

    #[test]
    fn formatting_settles_at_once_and_changes_no_meaning(text in text()) {
        format_holds(&text);
    }

    #[test]
    fn fixes_come_to_an_end_and_leave_none(text in text()) {
        fix_holds(&text);
    }

    #[test]
    fn whatever_is_found_can_be_shown(text in text()) {
        render_holds(&text);
    }
}
