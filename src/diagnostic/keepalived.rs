//! What `-t` prints: `(FILE: Line N) text`, the form that scripts around keepalived look for.

use crate::source::SourceMap;

use super::Diagnostic;

/// The line, or `None` when keepalived says nothing about this.
pub fn keepalived(diagnostic: &Diagnostic, sources: &SourceMap) -> Option<String> {
    let complaint = diagnostic.keepalived.as_ref()?;
    let text = complaint.gist.as_ref().unwrap_or(&diagnostic.message);
    Some(match diagnostic.primary.filter(|_| complaint.with_line) {
        Some(span) => {
            let (path, line) = (sources.file(span.source).path().display(), sources.position(span).line);
            format!("({path}: Line {line}) {text}")
        }
        None => text.clone(),
    })
}
