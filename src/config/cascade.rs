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
    Name::TEMPLATE_PLACEHOLDER,
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
    Name::SCRIPT_NOT_SET,
    Name::STRICT_WITHOUT_ACCEPT,
    Name::SYNC_GROUP_MEMBERS,
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
    lines(diagnostics, sources);
    values(diagnostics, sources);
    options(diagnostics, sources);
    urls(diagnostics);
    refused(diagnostics, statements, sources);
    merge_conflicts(diagnostics, sources);
    absences(diagnostics, &Blocks::of(statements, sources));
    missing_braces(diagnostics, sources, braced);
    unclosed_blocks(diagnostics, sources);
    if diagnostics.len() > 1 {
        diagnostics.retain(|diagnostic| diagnostic.name != Name::EMPTY_CONFIGURATION);
    }
}

/// What is wrong with the word itself.
const WORD_CAUSES: &[Name] =
    &[Name::LOOK_ALIKE, Name::UNDEFINED_VARIABLE, Name::TEMPLATE_PLACEHOLDER, Name::PASTED_TEXT];

/// What is wrong with the line itself.
const LINE_CAUSES: &[Name] = &[Name::TEMPLATE_PLACEHOLDER, Name::CARRIAGE_RETURN, Name::NUL_BYTE];

/// What is wrong with a value; the first one says it.
const VALUES: &[Name] = &[
    Name::INVALID_NUMBER,
    Name::NUMBER_OUT_OF_RANGE,
    Name::INVALID_VALUE,
    Name::INVALID_ADDRESS,
    Name::UNKNOWN_STATE,
    Name::EXTRA_WORDS,
];

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

/// A line that cannot be read as it was meant: nothing else about it matters.
fn lines(diagnostics: &mut Vec<Diagnostic>, sources: &SourceMap) {
    let line = |span: Span| (span.source, sources.position(span).line);
    let is =
        |diagnostic: &&Diagnostic| LINE_CAUSES.contains(&diagnostic.name) && diagnostic.severity == Severity::Error;
    let lines: HashSet<_> = diagnostics.iter().filter(is).filter_map(|found| found.primary).map(line).collect();
    if lines.is_empty() {
        return;
    }
    diagnostics
        .retain(|diagnostic| is(&diagnostic) || diagnostic.primary.is_none_or(|span| !lines.contains(&line(span))));
}

/// A value with two things wrong, or followed by words because it is none: the first report says enough.
fn values(diagnostics: &mut Vec<Diagnostic>, sources: &SourceMap) {
    let mut last: Option<(Span, usize)> = None;
    diagnostics.retain(|diagnostic| {
        let Some(span) = diagnostic.primary.filter(|_| VALUES.contains(&diagnostic.name)) else { return true };
        let line = sources.position(span).line;
        let follows = last.is_some_and(|(before, its_line)| {
            let is_after = before.source == span.source && its_line == line && before.end <= span.start;
            before == span || (is_after && diagnostic.name == Name::EXTRA_WORDS)
        });
        if !follows && diagnostic.name != Name::EXTRA_WORDS {
            last = Some((span, line));
        }
        !follows || diagnostic.severity == Severity::Error
    });
}

/// The words after one that is no option are not judged.
fn options(diagnostics: &mut Vec<Diagnostic>, sources: &SourceMap) {
    let mut last = None;
    diagnostics.retain(|diagnostic| {
        let Some(span) = diagnostic.primary.filter(|_| diagnostic.name == Name::UNKNOWN_OPTION) else { return true };
        let line = Some((span.source, sources.position(span).line));
        std::mem::replace(&mut last, line) != line
    });
}

/// A check whose url is no good has none: that is one error, at the url.
fn urls(diagnostics: &mut Vec<Diagnostic>) {
    for at in (1..diagnostics.len()).rev() {
        if diagnostics[at].name == Name::URL_WITHOUT_PATH && diagnostics[at - 1].name == Name::NO_URL {
            diagnostics[at].severity = Severity::Error;
            diagnostics.remove(at - 1);
        }
    }
}

/// A setting that an instance must have, and whose value is no good: that is one error, at the value.
fn refused(diagnostics: &mut Vec<Diagnostic>, statements: &[Statement], sources: &SourceMap) {
    let needed = [(Name::MISSING_VRID, "virtual_router_id"), (Name::MISSING_INTERFACE, "interface")];
    let wanting = |found: &Diagnostic| needed.iter().find(|(name, _)| *name == found.name).map(|(_, keyword)| *keyword);
    let places: Vec<_> = diagnostics.iter().filter_map(|found| Some((found.primary?, wanting(found)?))).collect();
    let mut settled = HashSet::new();
    for (head, keyword) in places {
        let instance = statements.iter().find(|statement| {
            let span = sources.used(statement.span);
            span.source == head.source && span.start <= head.start && head.end <= span.end
        });
        let Some(block) = instance.and_then(|instance| instance.block.as_ref()) else { continue };
        let own = block
            .statements
            .iter()
            .filter(|line| line.words.first().is_some_and(|word| word.bytes == keyword.as_bytes()));
        let own: Vec<Span> = own.map(|line| sources.used(line.span)).collect();
        let is_cause = |found: &&mut Diagnostic| {
            let inside = |span: Span| {
                own.iter().any(|line| line.source == span.source && line.start <= span.start && span.end <= line.end)
            };
            CAUSES.contains(&found.name) && found.primary.is_some_and(inside)
        };
        if let Some(cause) = diagnostics.iter_mut().find(is_cause) {
            cause.severity = Severity::Error;
            settled.insert((head, keyword));
        }
    }
    diagnostics.retain(|found| !found.primary.zip(wanting(found)).is_some_and(|place| settled.contains(&place)));
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
    let mut incomplete = HashSet::new();
    for diagnostic in diagnostics.iter() {
        let Some(block) = diagnostic.primary.and_then(|span| blocks.at(span)) else { continue };
        if CAUSES.contains(&diagnostic.name) {
            causes.insert((block, diagnostic.severity));
        } else if diagnostic.name == Name::UNKNOWN_REFERENCE {
            incomplete.insert(block);
        }
    }
    if causes.is_empty() && incomplete.is_empty() {
        return;
    }
    diagnostics.retain(|diagnostic| {
        let block = diagnostic.primary.filter(|_| ABSENCES.contains(&diagnostic.name)).and_then(|span| blocks.at(span));
        let Some(block) = block else { return true };
        let by_error = causes.contains(&(block, Severity::Error));
        let by_warning = causes.contains(&(block, Severity::Warning)) && diagnostic.severity < Severity::Error;
        let by_member = diagnostic.name == Name::SYNC_GROUP_MEMBERS && incomplete.contains(&block);
        !(by_error || by_warning || by_member)
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
