//! For GitHub Actions: workflow commands that put an annotation on the line
//! (docs.github.com, "Workflow commands for GitHub Actions").

use super::region::Region;
use super::{Finding, Severity};

/// One line per diagnostic.
pub fn github(findings: &[Finding]) -> String {
    findings.iter().map(line).collect()
}

fn line((diagnostic, sources): &Finding) -> String {
    let command = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let place = diagnostic.primary.map(|span| Region::of(sources, span)).map(|region| {
        let Region { file, line, column, end_line, end_column } = region;
        let file = property(&file);
        format!("file={file},line={line},col={column},endLine={end_line},endColumn={end_column},")
    });
    let (place, name) = (place.unwrap_or_default(), diagnostic.name);
    let help = diagnostic.help.as_ref().map(|help| format!("\n{help}")).unwrap_or_default();
    format!("::{command} {place}title={name}::{}\n", data(&format!("{}{help}", diagnostic.message)))
}

/// Escaped as text after the second `::` has to be.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escaped as the value of a property has to be.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::super::{Diagnostic, Name};
    use super::*;
    use crate::source::{SourceMap, Span};

    #[test]
    fn a_line_names_the_place_and_cannot_be_broken_by_the_text() {
        let mut sources = SourceMap::default();
        let source = sources.add("a,b.conf".into(), b"x y\n".to_vec());
        let diagnostic = Diagnostic::remark(Name::LOOK_ALIKE, "100%\n::error::").at(Span { source, start: 2, end: 3 });
        let expected =
            "::notice file=a%2Cb.conf,line=1,col=3,endLine=1,endColumn=4,title=look-alike::100%25%0A::error::\n";
        assert_eq!(github(&[(&diagnostic, &sources)]), expected);
    }
}
