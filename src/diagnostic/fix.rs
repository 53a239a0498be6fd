//! Changes of the text that remove what a diagnostic complains about: as values, applied to a file, and shown as a
//! difference. Writes no file.

use std::collections::BTreeMap;

use crate::source::{SourceFile, SourceId, SourceMap, Span};

use super::Diagnostic;

/// Lines shown around a change.
const CONTEXT: usize = 3;

/// What to change; all of it or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// The pieces, in the order of the text, not overlapping.
    pub edits: Vec<Edit>,
    /// What runs stays the same or becomes what was clearly meant: `--fix` may apply it unasked. An editor offers the
    /// others too.
    pub safe: bool,
}

/// One replaced piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What goes; empty for an insertion.
    pub span: Span,
    /// What comes.
    pub text: String,
}

impl Fix {
    /// Replaces one piece; safe to apply unasked.
    pub fn replace(span: Span, text: impl Into<String>) -> Fix {
        Fix { edits: vec![Edit { span, text: text.into() }], safe: true }
    }

    /// Takes one piece out; safe to apply unasked.
    pub fn remove(span: Span) -> Fix {
        Fix::replace(span, "")
    }

    /// The same change as a proposal: somebody has to look at it.
    pub fn proposed(self) -> Fix {
        Fix { safe: false, ..self }
    }
}

/// The files that change when every safe fix is applied, with their new bytes. Of two fixes that overlap, the one that
/// comes first in the text is applied; checking again finds the other.
pub fn apply<'a>(
    sources: &SourceMap,
    diagnostics: impl IntoIterator<Item = &'a Diagnostic>,
) -> Vec<(SourceId, Vec<u8>)> {
    let fixes = diagnostics.into_iter().filter_map(|diagnostic| diagnostic.fix.as_ref()).filter(|fix| fix.safe);
    let mut fixes: Vec<&Fix> = fixes.filter(|fix| !fix.edits.is_empty()).collect();
    fixes.sort_by_key(|fix| (fix.edits[0].span.source, fix.edits[0].span.start));
    let mut edits: BTreeMap<SourceId, Vec<&Edit>> = BTreeMap::new();
    for fix in fixes {
        let after = |edit: &Edit| edits.get(&edit.span.source).and_then(|taken| taken.last()).map(|last| last.span.end);
        let fits = fix.edits.iter().all(|edit| after(edit).is_none_or(|end| end <= edit.span.start));
        if fits {
            for edit in &fix.edits {
                edits.entry(edit.span.source).or_default().push(edit);
            }
        }
    }
    edits.into_iter().map(|(source, edits)| (source, edited(sources.file(source), &edits))).collect()
}

fn edited(file: &SourceFile, edits: &[&Edit]) -> Vec<u8> {
    let (mut bytes, mut at) = (Vec::with_capacity(file.bytes().len()), 0);
    for edit in edits {
        let (start, end) = (edit.span.start as usize, edit.span.end as usize);
        bytes.extend_from_slice(file.bytes().get(at..start).unwrap_or_default());
        bytes.extend_from_slice(edit.text.as_bytes());
        at = end;
    }
    bytes.extend_from_slice(file.bytes().get(at..).unwrap_or_default());
    bytes
}

/// The difference between two texts in the unified format of diff(1); empty when they are equal.
pub fn unified_diff(path: &str, old: &[u8], new: &[u8]) -> String {
    if old == new {
        return String::new();
    }
    let lines = |text: &[u8]| -> Vec<String> {
        text.split_inclusive(|byte| *byte == b'\n').map(|line| String::from_utf8_lossy(line).into_owned()).collect()
    };
    let (old, new) = (lines(old), lines(new));
    let steps = steps(&old, &new);
    let mut text = format!("--- {path}\n+++ {path}\n");
    let changed: Vec<usize> = (0..steps.len()).filter(|at| steps[*at].sign != ' ').collect();
    let mut next = 0;
    while let Some(&first) = changed.get(next) {
        while changed.get(next + 1).is_some_and(|following| following - changed[next] <= 2 * CONTEXT) {
            next += 1;
        }
        hunk(&mut text, &steps, first.saturating_sub(CONTEXT), (changed[next] + CONTEXT + 1).min(steps.len()));
        next += 1;
    }
    text
}

/// One line of the difference: kept, taken out or put in.
struct Step<'a> {
    sign: char,
    line: &'a str,
}

fn hunk(text: &mut String, steps: &[Step], from: usize, to: usize) {
    let count = |steps: &[Step], without: char| steps.iter().filter(|step| step.sign != without).count();
    let (before, shown) = (&steps[..from], &steps[from..to]);
    let range = |without| {
        let (start, len) = (count(before, without), count(shown, without));
        format!("{},{len}", if len == 0 { start } else { start + 1 })
    };
    text.push_str(&format!("@@ -{} +{} @@\n", range('+'), range('-')));
    for step in shown {
        text.push(step.sign);
        text.push_str(step.line);
        if !step.line.ends_with('\n') {
            text.push_str("\n\\ No newline at end of file\n");
        }
    }
}

/// The lines of both texts in one sequence. What both have at their ends is kept; between, the longest common
/// subsequence, unless that would take too long: then all of it is replaced.
fn steps<'a>(old: &'a [String], new: &'a [String]) -> Vec<Step<'a>> {
    const MOST_WORK: usize = 4_000_000;
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    let step = |sign: char| move |line: &'a String| Step { sign, line };
    let mut steps: Vec<Step> = old[..head].iter().map(step(' ')).collect();
    let (mut i, mut j) = (0, 0);
    if a.len() * b.len() <= MOST_WORK {
        let common = common_lengths(a, b);
        while i < a.len() && j < b.len() {
            if a[i] == b[j] {
                steps.push(Step { sign: ' ', line: &a[i] });
                (i, j) = (i + 1, j + 1);
            } else if common[i + 1][j] >= common[i][j + 1] {
                steps.push(Step { sign: '-', line: &a[i] });
                i += 1;
            } else {
                steps.push(Step { sign: '+', line: &b[j] });
                j += 1;
            }
        }
    }
    steps.extend(a[i..].iter().map(step('-')));
    steps.extend(b[j..].iter().map(step('+')));
    steps.extend(old[old.len() - tail..].iter().map(step(' ')));
    steps
}

/// At `[i][j]`: how long the longest common subsequence of `a[i..]` and `b[j..]` is.
fn common_lengths(a: &[String], b: &[String]) -> Vec<Vec<u32>> {
    let mut lengths = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            lengths[i][j] =
                if a[i] == b[j] { lengths[i + 1][j + 1] + 1 } else { lengths[i + 1][j].max(lengths[i][j + 1]) };
        }
    }
    lengths
}

#[cfg(test)]
mod tests {
    use super::super::Name;
    use super::*;

    fn fixed(text: &str, fixes: Vec<Fix>) -> String {
        let mut sources = SourceMap::default();
        sources.add("k.conf".into(), text.into());
        let found: Vec<_> = fixes.into_iter().map(|fix| Diagnostic::warning(Name::LOOK_ALIKE, "x").fix(fix)).collect();
        let files = apply(&sources, &found);
        files.into_iter().map(|(_, bytes)| String::from_utf8_lossy(&bytes).into_owned()).collect()
    }

    fn span(start: u32, end: u32) -> Span {
        let mut sources = SourceMap::default();
        Span { source: sources.add("k.conf".into(), Vec::new()), start, end }
    }

    #[test]
    fn safe_fixes_are_applied_and_proposals_are_not() {
        let fixes = vec![Fix::replace(span(4, 7), "2"), Fix::remove(span(0, 4)), Fix::remove(span(7, 8)).proposed()];
        assert_eq!(fixed("one two x", fixes), "2 x");
    }

    #[test]
    fn of_overlapping_fixes_the_first_is_applied() {
        assert_eq!(fixed("abcd", vec![Fix::replace(span(1, 3), "x"), Fix::replace(span(2, 4), "y")]), "axd");
    }

    #[test]
    fn a_difference_reads_as_diff_writes_it() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9";
        let diff = unified_diff("k.conf", old.as_bytes(), old.replace('5', "five").as_bytes());
        let expected = "--- k.conf\n+++ k.conf\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n";
        assert_eq!(diff, expected);
        assert_eq!(unified_diff("k.conf", b"a", b"a"), "");
        assert!(unified_diff("k.conf", b"a", b"b").contains("\\ No newline at end of file"));
    }
}
