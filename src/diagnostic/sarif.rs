//! SARIF 2.1.0, the exchange format of static analysers (OASIS, "Static Analysis Results Interchange Format").

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::region::Region;
use super::{Finding, Fix, Name, Severity, page};
use crate::source::{SourceMap, Span};

/// The log with one run, a newline at its end.
pub fn sarif(findings: &[Finding]) -> String {
    let names: BTreeSet<Name> = findings.iter().map(|(diagnostic, _)| diagnostic.name).collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "alived",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": names.iter().map(rule).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "results": findings.iter().map(result).collect::<Vec<_>>(),
        }],
    });
    format!("{log:#}\n")
}

fn rule(name: &Name) -> Value {
    let text = page(*name).unwrap_or_default();
    let meaning = text.lines().find(|line| !line.is_empty() && !line.starts_with('#')).unwrap_or(name.as_str());
    json!({ "id": name.as_str(), "shortDescription": { "text": meaning }, "help": { "text": text, "markdown": text } })
}

fn result((diagnostic, sources): &Finding) -> Value {
    let level = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    let parts = [Some(&diagnostic.message), diagnostic.help.as_ref(), diagnostic.note.as_ref()];
    let text = parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join("\n");
    let mut result = json!({
        "ruleId": diagnostic.name.as_str(),
        "level": level,
        "message": { "text": text },
        "locations": diagnostic.primary.iter().map(|span| location(sources, *span, None)).collect::<Vec<_>>(),
    });
    let related = diagnostic.related.iter().map(|label| location(sources, label.span, Some(&label.text)));
    let related: Vec<Value> = related.collect();
    if !related.is_empty() {
        result["relatedLocations"] = related.into();
    }
    if let Some(fix) = &diagnostic.fix {
        result["fixes"] = json!([change(sources, fix)]);
    }
    result
}

fn location(sources: &SourceMap, span: Span, text: Option<&str>) -> Value {
    let region = Region::of(sources, span);
    let place = json!({ "artifactLocation": { "uri": uri(&region.file) }, "region": range(&region) });
    match text {
        Some(text) => json!({ "physicalLocation": place, "message": { "text": text } }),
        None => json!({ "physicalLocation": place }),
    }
}

fn range(region: &Region) -> Value {
    json!({
        "startLine": region.line,
        "startColumn": region.column,
        "endLine": region.end_line,
        "endColumn": region.end_column,
    })
}

fn change(sources: &SourceMap, fix: &Fix) -> Value {
    let changes = fix.edits.iter().map(|edit| {
        let region = Region::of(sources, edit.span);
        let replacement = json!({ "deletedRegion": range(&region), "insertedContent": { "text": edit.text } });
        json!({ "artifactLocation": { "uri": uri(&region.file) }, "replacements": [replacement] })
    });
    json!({ "artifactChanges": changes.collect::<Vec<_>>() })
}

/// A path as a URI reference (RFC 3986 §2): what is not plainly allowed is percent-encoded.
fn uri(path: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(byte);
    path.bytes().map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Diagnostic;
    use super::*;

    #[test]
    fn a_log_names_the_rule_the_place_and_the_fix() {
        let mut sources = SourceMap::default();
        let source = sources.add("my k.conf".into(), b"one\ntwo\n".to_vec());
        let span = Span { source, start: 4, end: 7 };
        let diagnostic = Diagnostic::error(Name::EXTRA_BRACE, "x").at(span).also(span, "y").fix(Fix::remove(span));
        let log: Value = serde_json::from_str(&sarif(&[(&diagnostic, &sources)])).expect("JSON");
        let run = &log["runs"][0];
        assert_eq!(run["tool"]["driver"]["rules"][0]["id"], "extra-brace");
        let result = &run["results"][0];
        assert_eq!((&result["ruleId"], &result["level"]), (&json!("extra-brace"), &json!("error")));
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "my%20k.conf");
        assert_eq!(place["region"], json!({"startLine": 2, "startColumn": 1, "endLine": 2, "endColumn": 4}));
        assert_eq!(result["relatedLocations"][0]["message"]["text"], "y");
        assert_eq!(result["fixes"][0]["artifactChanges"][0]["replacements"][0]["insertedContent"]["text"], "");
    }
}
