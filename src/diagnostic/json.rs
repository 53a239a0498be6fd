//! For programs: an object with the version of the format and a list with an object per diagnostic. What the members
//! mean is written in `docs/check-output.md`; a member is never removed or given another meaning without another version.

use serde::Serialize;

use super::region::Region;
use super::{Edit, Finding, Fix};
use crate::source::SourceMap;

/// Grows when a program that reads the format would no longer understand it.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Report<'a> {
    version: u32,
    findings: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    name: &'a str,
    severity: &'a str,
    message: &'a str,
    place: Option<Region>,
    label: Option<&'a str>,
    related: Vec<Related<'a>>,
    help: Option<&'a str>,
    note: Option<&'a str>,
    fix: Option<Change<'a>>,
}

#[derive(Serialize)]
struct Related<'a> {
    place: Region,
    text: &'a str,
}

#[derive(Serialize)]
struct Change<'a> {
    safe: bool,
    edits: Vec<Replacement<'a>>,
}

#[derive(Serialize)]
struct Replacement<'a> {
    place: Region,
    text: &'a str,
}

/// The object, with a newline at its end.
pub fn json(findings: &[Finding]) -> String {
    let report = Report { version: VERSION, findings: findings.iter().map(entry).collect() };
    // Strings and numbers only: there is nothing in them that JSON cannot say.
    serde_json::to_string_pretty(&report).unwrap_or_default() + "\n"
}

fn entry<'a>((diagnostic, sources): &Finding<'a>) -> Entry<'a> {
    let related = diagnostic.related.iter();
    Entry {
        name: diagnostic.name.as_str(),
        severity: diagnostic.severity.as_str(),
        message: &diagnostic.message,
        place: diagnostic.primary.map(|span| Region::of(sources, span)),
        label: diagnostic.label.as_deref(),
        related: related.map(|label| Related { place: Region::of(sources, label.span), text: &label.text }).collect(),
        help: diagnostic.help.as_deref(),
        note: diagnostic.note.as_deref(),
        fix: diagnostic.fix.as_ref().map(|fix| change(fix, sources)),
    }
}

fn change<'a>(fix: &'a Fix, sources: &SourceMap) -> Change<'a> {
    let replacement = |edit: &'a Edit| Replacement { place: Region::of(sources, edit.span), text: &edit.text };
    Change { safe: fix.safe, edits: fix.edits.iter().map(replacement).collect() }
}

#[cfg(test)]
mod tests {
    use super::super::{Diagnostic, Name};
    use super::*;

    #[test]
    fn an_entry_has_the_place_and_the_fix() {
        let mut sources = SourceMap::default();
        let source = sources.add("k.conf".into(), b"a\nbc d\n".to_vec());
        let span = crate::source::Span { source, start: 2, end: 4 };
        let diagnostic = Diagnostic::warning(Name::LOOK_ALIKE, "odd \"x\"").at(span).fix(Fix::replace(span, "y"));
        let text = json(&[(&diagnostic, &sources)]);
        let value: serde_json::Value = serde_json::from_str(&text).expect("what was written can be read");
        assert_eq!(value["version"], 1);
        assert_eq!(value["findings"][0]["name"], "look-alike");
        assert_eq!(value["findings"][0]["place"]["line"], 2);
        assert_eq!(value["findings"][0]["place"]["end_column"], 3);
        assert_eq!(value["findings"][0]["fix"]["edits"][0]["text"], "y");
        assert_eq!(value["findings"][0]["message"], "odd \"x\"");
    }
}
