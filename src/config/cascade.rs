//! One mistake, one diagnostic: takes out what only follows from something else that is reported. The cause stays, and so
//! does every error without another error as its cause, so that the verdict on a file never changes.

use std::collections::HashSet;

use crate::diagnostic::{Diagnostic, Name, Severity};
use crate::schema;
use crate::source::{SourceId, SourceMap, Span};
use crate::syntax::Statement;

/// Lines that were not understood, so that what they say is missing elsewhere.
const CAUSES: &[Name] = &[
    Name::UNKNOWN_KEYWORD,
    Name::UNKNOWN_BLOCK,
    Name::REMOVED_KEYWORD,
    Name::LOOK_ALIKE,
    Name::INVALID_VALUE,
    Name::INVALID_NUMBER,
    Name::NUMBER_OUT_OF_RANGE,
    Name::INVALID_ADDRESS,
    Name::INVALID_SERVER,
    Name::INVALID_INTERFACE,
    Name::INVALID_SEQUENCE,
    Name::LABEL_TOO_LONG,
    Name::UNDEFINED_VARIABLE,
    Name::UNEXPECTED_BLOCK,
    Name::MISSING_BRACE,
    Name::MISSING_VALUE,
    Name::UNCLOSED_BLOCK,
    Name::UNTERMINATED_QUOTE,
    Name::DEFINITION_LOOP,
    Name::MERGE_CONFLICT,
    Name::NO_URL,
    Name::URL_WITHOUT_PATH,
];

/// What is said because something is not there.
const ABSENCES: &[Name] = &[
    Name::ALERT_WITHOUT_MAIL,
    Name::DEFAULT_USED,
    Name::EMPTY_BLOCK,
    Name::IMPLIED_OWNER,
    Name::MISSING_INTERFACE,
    Name::MISSING_PASSWORD,
    Name::MISSING_PORT,
    Name::MISSING_ROUTER_ID,
    Name::MISSING_VRID,
    Name::NO_CHECKER,
    Name::NO_REAL_SERVER,
    Name::NO_VIRTUAL_ADDRESS,
    Name::PEER_WITHOUT_SOURCE,
    Name::PASSWORD_WITHOUT_TYPE,
    Name::STRICT_WITHOUT_ACCEPT,
    Name::UNICAST_WITHOUT_PEERS,
    Name::UNPROTECTED_UNICAST,
    Name::URL_WITHOUT_EXPECTATION,
];

/// Takes out what follows from something else. The diagnostics have to be in the order of the text.
/// `braced` are the lines that were read as if their `{` stood there: nothing follows from those.
pub(super) fn reduce(
    diagnostics: &mut Vec<Diagnostic>,
    statements: &[Statement],
    sources: &SourceMap,
    braced: &[Span],
) {
    let mut said = HashSet::new();
    diagnostics.retain(|diagnostic| said.insert((diagnostic.name, diagnostic.primary, diagnostic.message.clone())));
    if diagnostics.len() < 2 {
        return;
    }
    words(diagnostics);
    merge_conflicts(diagnostics, sources);
    absences(diagnostics, &Blocks::of(statements, sources));
    missing_braces(diagnostics, sources, braced);
    unclosed_blocks(diagnostics, sources);
    if diagnostics.len() > 1 {
        diagnostics.retain(|diagnostic| diagnostic.name != Name::EMPTY_CONFIGURATION);
    }
}

/// What is wrong with the word itself.
const WORD_CAUSES: &[Name] = &[Name::LOOK_ALIKE, Name::UNDEFINED_VARIABLE];

/// A word that is not understood because of a character in it, or because it should have been replaced: that is the
/// mistake, not what the word is no good for.
fn words(diagnostics: &mut Vec<Diagnostic>) {
    let is = |diagnostic: &&Diagnostic| WORD_CAUSES.contains(&diagnostic.name);
    let words: HashSet<Span> = diagnostics.iter().filter(is).filter_map(|diagnostic| diagnostic.primary).collect();
    if words.is_empty() {
        return;
    }
    diagnostics.retain(|diagnostic| {
        let same_word = diagnostic.primary.is_some_and(|span| words.contains(&span));
        WORD_CAUSES.contains(&diagnostic.name) || !same_word || diagnostic.severity == Severity::Error
    });
}

/// The markers of a conflict are no keywords, and what both variants set is set twice.
fn merge_conflicts(diagnostics: &mut Vec<Diagnostic>, sources: &SourceMap) {
    const MARKERS: [&[u8]; 4] = [b"<<<<<<<", b"|||||||", b"=======", b">>>>>>>"];
    let mut inside = false;
    diagnostics.retain(|diagnostic| {
        let marker = diagnostic.primary.map(|span| sources.slice(span)).filter(|word| MARKERS.contains(word));
        inside |= diagnostic.name == Name::MERGE_CONFLICT;
        let keep = match diagnostic.name {
            Name::UNKNOWN_KEYWORD => marker.is_none(),
            Name::REPEATED_KEYWORD => !inside,
            _ => true,
        };
        inside &= marker != Some(MARKERS[3]);
        keep
    });
}

/// Where the blocks outside every other begin and end.
struct Blocks(Vec<(SourceId, u32, u32)>);

impl Blocks {
    fn of(statements: &[Statement], sources: &SourceMap) -> Blocks {
        let range = |statement: &Statement| {
            let (head, block) = (sources.used(statement.span), statement.block.as_ref()?);
            let end = block.close.map_or(u32::MAX, |close| sources.used(close).end);
            Some((head.source, head.start, end))
        };
        let mut blocks: Vec<_> = statements.iter().filter_map(range).collect();
        blocks.sort_unstable();
        Blocks(blocks)
    }

    /// Which block the place is in.
    fn at(&self, span: Span) -> Option<usize> {
        let after = self.0.partition_point(|(source, start, _)| (*source, *start) <= (span.source, span.start));
        let index = after.checked_sub(1)?;
        let (source, _, end) = self.0[index];
        (source == span.source && span.start < end).then_some(index)
    }
}

/// What is missing in a block in which a line was not understood.
fn absences(diagnostics: &mut Vec<Diagnostic>, blocks: &Blocks) {
    let mut causes: HashSet<(usize, Severity)> = HashSet::new();
    for diagnostic in diagnostics.iter().filter(|diagnostic| CAUSES.contains(&diagnostic.name)) {
        if let Some(block) = diagnostic.primary.and_then(|span| blocks.at(span)) {
            causes.insert((block, diagnostic.severity));
        }
    }
    if causes.is_empty() {
        return;
    }
    diagnostics.retain(|diagnostic| {
        let block = diagnostic.primary.filter(|_| ABSENCES.contains(&diagnostic.name)).and_then(|span| blocks.at(span));
        let Some(block) = block else { return true };
        let by_error = causes.contains(&(block, Severity::Error));
        let by_warning = causes.contains(&(block, Severity::Warning)) && diagnostic.severity < Severity::Error;
        !(by_error || by_warning)
    });
}

/// After a block keyword without its brace the lines of the block stand outside it, and its `}` closes nothing.
fn missing_braces(diagnostics: &mut Vec<Diagnostic>, sources: &SourceMap, braced: &[Span]) {
    let mut opener: Option<Vec<u8>> = None;
    diagnostics.retain(|diagnostic| {
        let Some(span) = diagnostic.primary else { return true };
        if diagnostic.name == Name::MISSING_BRACE {
            let words = sources.slice(span);
            if braced.contains(&span) {
                return true;
            }
            opener = words.split(|byte| byte.is_ascii_whitespace()).next().map(<[u8]>::to_vec);
            return true;
        }
        let Some(keyword) = &opener else { return true };
        let follows = match diagnostic.name {
            Name::UNKNOWN_KEYWORD | Name::UNKNOWN_BLOCK => belongs(sources.slice(span), keyword),
            Name::EXTRA_BRACE => true,
            _ => false,
        };
        if !follows || diagnostic.name == Name::EXTRA_BRACE {
            opener = None;
        }
        !follows
    });
}

/// After a block without its `}` the blocks that come next stand inside it.
fn unclosed_blocks(diagnostics: &mut Vec<Diagnostic>, sources: &SourceMap) {
    let mut unclosed = None;
    diagnostics.retain(|diagnostic| {
        let Some(span) = diagnostic.primary else { return true };
        if diagnostic.name == Name::UNCLOSED_BLOCK {
            unclosed.get_or_insert(span.source);
        }
        let is_known = || schema::keepalived().homes_of(sources.slice(span)).next().is_some();
        !(diagnostic.name == Name::UNKNOWN_BLOCK && unclosed == Some(span.source) && is_known())
    });
}

/// Whether a block opened by `opener`, or one inside it, knows the word.
fn belongs(word: &[u8], opener: &[u8]) -> bool {
    let opener = String::from_utf8_lossy(opener);
    schema::keepalived().homes_of(word).any(|path| path.split('.').any(|part| part == opener))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::{CheckOptions, FileError, Files, check};

    struct OneFile(&'static str);

    impl Files for OneFile {
        fn read(&self, _: &Path) -> Result<Vec<u8>, FileError> {
            Ok(self.0.as_bytes().to_vec())
        }
    }

    fn names(text: &'static str) -> Vec<&'static str> {
        let checked = check(&[Path::new("k.conf")], &OneFile(text), CheckOptions::default());
        checked.iter().flat_map(|checked| &checked.diagnostics).map(|diagnostic| diagnostic.name.as_str()).collect()
    }

    #[test]
    fn what_a_word_misses_because_of_a_character_is_said_once() {
        assert_eq!(names("global_defs {\nnoр 1\n}\n"), ["look-alike"]);
    }

    #[test]
    fn what_is_missing_because_a_line_was_not_understood_is_not_said() {
        let text = "vrrp_instance V {\nstate MASTER\ninterface eth0\nvirtual_router_id 1\npriorty 5\n\
            virtual_ipaddress {\n192.0.2.1/33\n}\n}\n";
        assert_eq!(names(text), ["unknown-keyword", "number-out-of-range"]);
    }

    #[test]
    fn a_block_that_is_not_closed_is_one_mistake() {
        let text = "vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\nvirtual_ipaddress {\n192.0.2.1/24\n}\n\
            vrrp_instance B {\ninterface eth0\nvirtual_router_id 2\npriorty 5\nvirtual_ipaddress {\n192.0.2.2/24\n}\n}\n\
            global_defs {\n}\n";
        assert_eq!(names(text), ["unclosed-block", "unknown-keyword"], "and what stands behind it is looked at");
    }

    #[test]
    fn a_missing_brace_is_one_mistake() {
        let text = "virtual_server 192.0.2.1 80\nlb_algo rr\nreal_server 192.0.2.2 80 {\nweight 1\n}\n}\n";
        assert_eq!(names(text), ["missing-brace"]);
    }
}
