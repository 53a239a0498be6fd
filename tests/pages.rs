//! Every diagnostic has a page in `docs/diagnostics`, and what the page shows is what happens: the first configuration
//! draws the diagnostic with exactly the text printed there, the one under "Without it" does not draw it.
//! `UPDATE_FIXTURES=1` writes the text anew.

#[path = "common/fixtures.rs"]
mod fixtures;
#[path = "common/host.rs"]
mod host;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use alived::config::{CheckOptions, Checked, FileError, Files, check};
use alived::diagnostic::{ALL_NAMES, NAMES_ACROSS_NODES, Name, Style, full, page};
use alived::peers::{self, NodeFile};
use fixtures::{expect_file, files};
use host::PaperHost;

const PAGES: &str = "docs/diagnostics";
/// What the page's first configuration is called.
const ENTRY: &str = "keepalived.conf";
const BETTER: &str = "\n## Without it\n";

fn all_names() -> Vec<Name> {
    [ALL_NAMES, NAMES_ACROSS_NODES].concat()
}

/// The files of one example.
struct Example(Vec<File>);

struct File {
    path: PathBuf,
    bytes: Vec<u8>,
    /// It is there to be included, not to be checked by itself.
    is_part: bool,
    /// It may be executed, so keepalived does not read it.
    is_program: bool,
}

impl Files for Example {
    fn read(&self, path: &Path) -> Result<Vec<u8>, FileError> {
        let found = self.0.iter().find(|file| file.path == path);
        let file = found.ok_or(FileError::NotFound)?;
        if file.is_program { Err(FileError::NotPlain) } else { Ok(file.bytes.clone()) }
    }

    /// Of glob(7), the examples need `directory/*.conf`.
    fn matches(&self, pattern: &Path) -> Vec<PathBuf> {
        let all = pattern.file_name().is_some_and(|name| name == "*.conf");
        let fits = |path: &Path| path == pattern || (all && path.parent() == pattern.parent());
        self.0.iter().map(|file| file.path.clone()).filter(|path| fits(path)).collect()
    }
}

impl Example {
    /// The blocks of `text` that are fenced as ```` ```conf [escaped] [part] [program] [FILE] ````.
    fn of(text: &str) -> Example {
        let mut files = Vec::new();
        for fenced in text.split("\n```conf").skip(1) {
            let (words, rest) = fenced.split_once('\n').expect("a fence ends its line");
            let body = rest.split("```").next().expect("a fence is closed");
            let words: Vec<&str> = words.split_whitespace().collect();
            let path =
                words.iter().find(|word| !["escaped", "part", "program"].contains(word)).unwrap_or(&ENTRY).into();
            let bytes = if words.contains(&"escaped") { unescaped(body) } else { body.as_bytes().to_vec() };
            files.push(File { path, bytes, is_part: words.contains(&"part"), is_program: words.contains(&"program") });
        }
        Example(files)
    }

    /// What is said about it under that name.
    fn shown(&self, name: Name) -> String {
        let whole = self.0.iter().filter(|file| !file.is_part);
        let mut paths: Vec<&Path> = whole.map(|file| file.path.as_path()).collect();
        if paths.is_empty() {
            paths.push(Path::new(if self.0.is_empty() { ENTRY } else { "conf.d/*.conf" }));
        }
        let options = CheckOptions { host: Some(&PaperHost), ..CheckOptions::default() };
        let is_across = NAMES_ACROSS_NODES.contains(&name);
        let nodes: Vec<_> = paths.iter().map(|path| NodeFile { path, files: self }).collect();
        let checked = if is_across { peers::check(&nodes).checked } else { check(&paths, self, options) };
        let mut text = Vec::new();
        for Checked { diagnostics, sources } in checked {
            let named = diagnostics.iter().filter(|diagnostic| diagnostic.name == name);
            text.extend(named.map(|diagnostic| full(diagnostic, &sources, Style::Plain)));
        }
        text.join("\n\n")
    }
}

/// `\xHH` is a byte and `\u{H…}` a character, for what a page cannot show.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, escape)) = rest.split_once('\\') {
        bytes.extend(before.as_bytes());
        let (digits, after) = match escape.strip_prefix("u{") {
            Some(escape) => escape.split_once('}').expect("an escape is closed"),
            None => escape[1..].split_at(2),
        };
        let number = u32::from_str_radix(digits, 16).expect("an escape is a number");
        if escape.starts_with('x') {
            bytes.push(u8::try_from(number).expect("a byte"));
        } else {
            bytes.extend(char::from_u32(number).expect("a character").to_string().bytes());
        }
        rest = after;
    }
    bytes.extend(rest.as_bytes());
    bytes
}

/// The page with the text that is printed for its first example.
fn rewritten(name: Name, text: &str) -> String {
    let (example, _) = text.split_once(BETTER).unwrap_or_else(|| panic!("{name}: no '{}'", BETTER.trim()));
    let (before, rest) = text.split_once("\n```text\n").unwrap_or_else(|| panic!("{name}: shows no text"));
    let (_, after) = rest.split_once("```").expect("a fence is closed");
    format!("{before}\n```text\n{}\n```{after}", Example::of(example).shown(name))
}

#[test]
fn every_diagnostic_has_a_page_and_every_page_a_diagnostic() {
    let names: BTreeSet<String> = all_names().iter().map(|name| name.to_string()).collect();
    let pages =
        files(PAGES, "md").into_iter().map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned());
    assert_eq!(names, pages.collect());
    for name in &all_names() {
        let text = page(*name).unwrap_or_else(|| panic!("src/diagnostic/pages.rs does not list {name}"));
        assert!(text.starts_with(&format!("# {name}\n\n")), "{name}: the page begins with its name");
    }
}

#[test]
fn the_text_of_a_page_is_what_its_example_draws() {
    for name in &all_names() {
        let text = page(*name).expect("the test above says what is missing");
        let example = Example::of(text.split(BETTER).next().expect("there is a first part"));
        assert!(!example.shown(*name).is_empty(), "{name}: the example does not show it");
        expect_file(&Path::new(PAGES).join(format!("{name}.md")), &rewritten(*name, text));
    }
}

#[test]
fn the_better_example_of_a_page_does_not_draw_it() {
    for name in &all_names() {
        let text = page(*name).expect("the test above says what is missing");
        let (_, better) = text.split_once(BETTER).unwrap_or_else(|| panic!("{name}: no '{}'", BETTER.trim()));
        let example = Example::of(better);
        assert!(!example.0.is_empty(), "{name}: shows no better configuration");
        assert_eq!(example.shown(*name), "", "{name}");
    }
}

#[test]
fn escapes_stand_for_bytes_and_characters() {
    assert_eq!(unescaped(r"a\x00\u{feff}b"), b"a\x00\xef\xbb\xbfb");
}
