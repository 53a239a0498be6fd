//! Lines → lines: `include`, `@id`, `$NAME`, `~SEQ` and `~LST`, as keepalived resolves them while it reads
//! (`lib/parser.c`: `read_line`). Knows no keyword but `include` and `include_check`.
//!
//! ```text
//! file ── line ──► @id? ──► $NAME=? ──► ~SEQ, ~LST? ──► ${NAME} ──┬─► include? ──► file
//!                             ▲                                   └─► tokens
//!                             └──────── again, while it changes ──┘
//! ```
//!
//! A line that holds none of this is lexed where it stands. Of every other the words remember the file they were
//! written in and the line that uses them ([`SourceMap::written`], [`SourceMap::used`]). What never ends in keepalived,
//! or takes all memory, ends here with a diagnostic.

mod definition;
mod files;
mod include;
mod line;
mod sequence;

use std::collections::HashSet;
use std::path::PathBuf;

use crate::diagnostic::{Diagnostic, ErrorClass, Findings, Name};
use crate::source::{SourceId, SourceMap, Span};
use crate::syntax::{Outline, Parser, RawLine, Token, TokenKind, lex_line, lex_plain, outline, pieces, significant};

use super::host::Files;
use definition::{Definitions, RandomRange, definition, reference};
pub(super) use files::matching;
use include::Checks;
use line::Line;
use sequence::Sequence;

/// An expanded line stays shorter than keepalived's buffer (`MAXBUF`).
const LINE_BUFFER: usize = 1024;
/// How often a line is looked at again before its definitions count as a loop, and how deep lines may come from lines.
/// Far beyond what anybody writes, and little enough to give up soon.
const MOST_ROUNDS: usize = 200;
const MAX_DEPTH: usize = 64;
/// Most lines that definitions and sequences may make.
const MOST_LINES: usize = 2_000_000;

/// What a loop counts for among them.
const COST_OF_A_LOOP: usize = 1000;

/// Where the tokens go.
pub(super) trait Sink: Default {
    /// Takes the next token, which reads `text`.
    fn token(&mut self, token: Token, text: &[u8]);
}

impl Sink for Parser {
    fn token(&mut self, token: Token, text: &[u8]) {
        Parser::token(self, token, text);
    }
}

impl Sink for Vec<Token> {
    fn token(&mut self, token: Token, _: &[u8]) {
        self.push(token);
    }
}

/// What came of the files of a configuration.
pub(super) struct Expanded<S> {
    /// Has taken the tokens of all files, as one text.
    pub sink: S,
    /// What there is to say about it.
    pub diagnostics: Findings,
}

/// Reads the files that are the configuration, and what they include.
pub(super) fn expand<S: Sink>(sources: &mut SourceMap, files: &dyn Files, entries: &[SourceId]) -> Expanded<S> {
    let mut expander = Expander {
        sources,
        files,
        sink: S::default(),
        tokens: Vec::new(),
        lines_read: 0,
        diagnostics: Findings::default(),
        definitions: Definitions::default(),
        unfinished: None,
        reading: Vec::new(),
        checks: if files.checks_every_include() { Checks::ALL } else { Checks::default() },
        work_left: MOST_LINES,
        loops: HashSet::new(),
        includes_left: files::MOST_INCLUDES,
    };
    entries.iter().for_each(|entry| expander.file(*entry));
    Expanded { sink: expander.sink, diagnostics: expander.diagnostics }
}

struct Expander<'a, S> {
    sources: &'a mut SourceMap,
    files: &'a dyn Files,
    sink: S,
    /// Of the line that is being lexed.
    tokens: Vec<Token>,
    /// How many lines have been read from files.
    lines_read: usize,
    diagnostics: Findings,
    definitions: Definitions,
    /// A definition whose last line ended in `\`.
    unfinished: Option<(Vec<u8>, Vec<Line>)>,
    /// The files that are being read, outermost first.
    reading: Vec<PathBuf>,
    /// What `include_check` and `-e` ask of every include.
    checks: Checks,
    /// How many more lines definitions and sequences may make.
    work_left: usize,
    /// Where definitions have been found to refer to each other without end.
    loops: HashSet<Span>,
    includes_left: usize,
}

impl<S: Sink> Expander<'_, S> {
    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Reads a file of `sources` to its end.
    fn file(&mut self, source: SourceId) {
        let file = self.sources.file(source);
        let bytes = file.shared();
        self.reading.push(file.path().to_owned());
        let checks = self.checks;
        let mut at = 0;
        while at < bytes.len() {
            let line = outline(&bytes[at..]);
            let end = at + line.len;
            self.line(Span { source, start: at as u32, end: end as u32 }, &bytes[at..end], line, end == bytes.len());
            at = end;
        }
        self.checks = checks;
        self.reading.pop();
    }

    /// A line of a file; most have nothing in them that is to be expanded.
    fn line(&mut self, span: Span, line: &[u8], outline: Outline, is_last: bool) {
        if let Some(end) =
            outline.plain.filter(|end| self.unfinished.is_none() && is_plain(&line[..*end], outline.brace))
        {
            self.lines_read += 1;
            lex_plain(span, &line[..end], &mut |token, text| self.sink.token(token, text));
            if line.ends_with(b"\n") {
                self.sink.token(Token { kind: TokenKind::Newline, span: Span { start: span.end - 1, ..span } }, b"\n");
            }
            return;
        }
        for piece in pieces(span, line, is_last) {
            self.piece(piece);
        }
    }

    /// What is read at once of a line that may have to be expanded.
    fn piece(&mut self, line: RawLine) {
        let text = significant(line.text);
        self.lines_read += 1;
        if self.unfinished.is_none() && is_plain(text, Some(0)) && !text.contains(&b'$') {
            return self.lex(line.span, line.text, line.is_split);
        }
        if line.is_split || line.text.contains(&0) {
            // What is wrong with the line as such is seen by the lexer; its words are those of the expanded line.
            let kind = if line.is_split { TokenKind::LineSplit } else { TokenKind::Nul };
            self.sink.token(Token { kind, span: line.span }, line.text);
        }
        let len = text.len() as u32;
        self.physical(Line::written(text, Span { end: line.span.start + len, ..line.span }).trimmed());
    }

    /// A line of a file, without its comment.
    fn physical(&mut self, line: Line) {
        match self.unfinished.take() {
            Some((name, mut lines)) => {
                let more = continued(&line);
                lines.extend((!line.bytes().is_empty()).then(|| more.clone().unwrap_or(line)));
                match more {
                    Some(_) => self.unfinished = Some((name, lines)),
                    None => self.definitions.set(name, lines),
                }
            }
            None => self.conditional(line, 0),
        }
    }

    /// `@ID rest` and `@^ID rest`: the rest, if the id is ours, or is not.
    fn conditional(&mut self, line: Line, depth: usize) {
        let Some(condition) = line.bytes().strip_prefix(b"@") else { return self.statement(line, depth, false) };
        let id = condition.split(|byte| matches!(byte, b' ' | b'\t')).next().unwrap_or_default();
        let rest = line.from(1 + id.len()).trimmed();
        let own = self.files.config_id();
        let applies = match id.strip_prefix(b"^") {
            Some(id) => id != own.as_bytes(),
            None => id == own.as_bytes(),
        };
        if applies {
            self.statement(rest, depth, true);
        }
    }

    /// A line whose condition holds.
    fn statement(&mut self, mut line: Line, depth: usize, is_conditional: bool) {
        if line.bytes().is_empty() || !self.affords(&line, 1) {
            return;
        }
        if depth > MAX_DEPTH {
            return self.endless(&line);
        }
        let mut following = Vec::new();
        for round in 0.. {
            if line.bytes().is_empty() {
                break;
            }
            if round > MOST_ROUNDS {
                return self.endless(&line);
            }
            if let Some(definition) = definition(line.bytes()) {
                return self.define(&line, definition);
            }
            if sequence::starts(line.bytes()) {
                self.sequence(&line, depth);
                break;
            }
            let Some((replaced, lines)) = self.replaced(&line) else {
                self.finished(line, is_conditional);
                break;
            };
            if replaced.bytes().len() >= LINE_BUFFER {
                self.too_long(&line);
                break;
            }
            following.push(lines);
            line = replaced.trimmed();
        }
        for line in following.into_iter().rev().flatten() {
            self.conditional(line, depth + 1);
        }
    }

    /// `$NAME=VALUE`; the value may go on in the following lines.
    fn define(&mut self, line: &Line, definition: definition::Definition) {
        let value = line.from(definition.value);
        match continued(&value) {
            Some(value) => self.unfinished = Some((definition.name, vec![value])),
            None => self.definitions.set(definition.name, vec![value]),
        }
    }

    /// The line with every reference replaced that has a value, and the lines that follow it; `None` if it has none.
    /// A value of several lines takes the place only of a reference at the end of the line.
    fn replaced(&mut self, line: &Line) -> Option<(Line, Vec<Line>)> {
        let (mut result, mut following, mut done, mut changed) = (Line::default(), Vec::new(), 0, false);
        while let Some(found) = reference(line.bytes(), done) {
            let used = line.span(found.start, found.end);
            result.push(line, done, found.start);
            done = found.end;
            match self.definitions.lines(found.name) {
                Some([first, rest @ ..]) if rest.is_empty() || found.end == line.bytes().len() => {
                    result.put(first, used);
                    following.extend(rest.iter().map(|line| line.used_at(used)));
                    changed = true;
                }
                Some(_) => result.push(line, found.start, found.end),
                None => match self.built_in(found.name, found.parameters, used) {
                    Some(value) => {
                        result.put(&Line::written(value.as_bytes(), used), used);
                        changed = true;
                    }
                    None => result.push(line, found.start, found.end),
                },
            }
        }
        result.push(line, done, line.bytes().len());
        changed.then_some((result, following))
    }

    fn built_in(&mut self, name: &[u8], parameters: &[u8], used: Span) -> Option<String> {
        Some(match name {
            b"_HASH" => "#".to_owned(),
            b"_BANG" => "!".to_owned(),
            b"_INSTANCE" => self.files.config_id(),
            b"_PWD" => self.files.directory(self.reading.last()?).display().to_string(),
            b"_ENV" => self.files.variable(&String::from_utf8_lossy(parameters)).unwrap_or_default(),
            b"_RANDOM" => {
                let range = RandomRange::new(parameters);
                if range.was_inverted {
                    self.report(
                        Diagnostic::warning(Name::NUMBER_OUT_OF_RANGE, "MIN > MAX in ${_RANDOM MIN MAX}; MIN is used")
                            .at(used)
                            .class(ErrorClass::General),
                    );
                }
                range.pick(self.files.random()).to_string()
            }
            _ => return None,
        })
    }

    /// `~SEQ(…) rest` and `~LST(…) rest`: the rest once for every value.
    fn sequence(&mut self, line: &Line, depth: usize) {
        let Some(end) = sequence::end(line.bytes()) else {
            let kind = String::from_utf8_lossy(&line.bytes()[..4]).into_owned();
            return self.invalid_sequence(line, &format!("{kind} missing terminating ')'"));
        };
        let mut parameters = line.part(0, end);
        for _ in 0..MOST_ROUNDS {
            match self.replaced(&parameters) {
                Some((replaced, _)) if replaced.bytes().len() < LINE_BUFFER => parameters = replaced,
                _ => break,
            }
        }
        let written = line.span(0, end);
        let rest = line.from(end).trimmed();
        let value = |text: &[u8]| vec![Line::written(text, written)];
        match sequence::parse(parameters.bytes()) {
            Err(invalid) => self.invalid_sequence(line, invalid.0),
            Ok(Sequence::Numbers { name, start, step, end, hexadecimal }) => {
                let mut number = start;
                while (if step > 0 { number <= end } else { number >= end }) && self.work_left > 0 {
                    let text = if hexadecimal { format!("{number:x}") } else { number.to_string() };
                    self.definitions.set(name.clone(), value(text.as_bytes()));
                    self.statement(rest.clone(), depth + 1, false);
                    number += step;
                }
            }
            Ok(Sequence::Values { names, rounds }) => {
                for round in rounds {
                    for (index, name) in names.iter().enumerate() {
                        let text = round.get(index).map_or(&b""[..], Vec::as_slice);
                        self.definitions.set(name.clone(), value(text));
                    }
                    self.statement(rest.clone(), depth + 1, false);
                }
            }
        }
    }

    /// A line in which nothing is left to expand. Each brace begins a new one, which may be an `include`.
    fn finished(&mut self, line: Line, is_conditional: bool) {
        for start in include::statements(line.bytes()) {
            let statement = line.from(start);
            let Some((checks, pattern)) = include::include(statement.bytes()) else { continue };
            if start > 0 {
                self.emit(&line.part(0, start));
            }
            let before = self.lines_read;
            self.include(&statement.from(pattern), statement.whole(), checks);
            if is_conditional && self.lines_read > before {
                self.included_twice(statement.whole());
            }
            return;
        }
        let mut words = line.bytes().split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        if words.next() == Some(b"include_check") {
            self.include_check(&words.collect::<Vec<_>>(), line.whole());
        }
        self.emit(&line);
    }

    fn emit(&mut self, line: &Line) {
        let Some(span) = line.in_file().or_else(|| line.keep(self.sources)) else {
            self.affords(line, usize::MAX);
            return;
        };
        self.lex(span, line.bytes(), false);
        self.sink.token(Token { kind: TokenKind::Newline, span: span.after() }, b"");
    }

    /// Hands the tokens of a line on.
    fn lex(&mut self, span: Span, line: &[u8], is_split: bool) {
        self.tokens.clear();
        lex_line(&mut self.tokens, span, line, is_split);
        for token in &self.tokens {
            let text = &line[(token.span.start - span.start) as usize..(token.span.end - span.start) as usize];
            self.sink.token(*token, text);
        }
    }

    /// Whether the work for a line may still be done; says so when it may not for the first time.
    fn affords(&mut self, line: &Line, cost: usize) -> bool {
        if self.work_left == 0 {
            return false;
        }
        self.work_left = self.work_left.saturating_sub(cost);
        if self.work_left == 0 {
            let message = format!("definitions and sequences make more than {MOST_LINES} lines");
            let diagnostic = Diagnostic::error(Name::EXPANSION_TOO_LONG, message).at(line.whole());
            self.report(diagnostic.class(ErrorClass::General));
        }
        self.work_left > 0
    }

    fn invalid_sequence(&mut self, line: &Line, gist: &str) {
        let message = match gist {
            "Invalid ~SEQ values" => "this sequence never arrives at its end",
            "~LST specification has too many values" => "more values than names",
            _ => "this is no sequence",
        };
        self.report(
            Diagnostic::error(Name::INVALID_SEQUENCE, message)
                .at(line.whole())
                .class(ErrorClass::General)
                .gist(format!("{gist} '{}'", line.text()))
                .help("write ~SEQ(NAME, END), ~SEQ(NAME, START, END), ~SEQ(NAME, START, STEP, END) or ~LST(NAME, A, B)")
                .note("keepalived drops the line"),
        );
    }

    /// Reported once for a line of the file; the work is dear, so that many such loops end soon.
    fn endless(&mut self, line: &Line) {
        let place = line.whole();
        if self.loops.insert(place) {
            self.report(
                Diagnostic::error(Name::DEFINITION_LOOP, "the definitions used here refer to each other without end")
                    .at(place)
                    .class(ErrorClass::General)
                    .note("keepalived hangs at this line"),
            );
        }
        self.affords(line, COST_OF_A_LOOP);
    }

    fn too_long(&mut self, line: &Line) {
        let message = format!("with its definitions the line has {LINE_BUFFER} bytes or more");
        self.report(
            Diagnostic::error(Name::EXPANSION_TOO_LONG, message)
                .at(line.whole())
                .class(ErrorClass::General)
                .help("break it up")
                .note("keepalived leaves the names in the line as they are; alived leaves out the line"),
        );
    }
}

/// The line without the `\` at its end that says that the definition goes on.
fn continued(line: &Line) -> Option<Line> {
    line.bytes().ends_with(b"\\").then(|| line.part(0, line.bytes().len() - 1).trimmed())
}

/// Whether there is nothing but `$` to be expanded in a line with its first brace there.
fn is_plain(line: &[u8], brace: Option<usize>) -> bool {
    let text = line.trim_ascii_start();
    if matches!(text.first(), Some(b'@' | b'~')) || text.starts_with(b"include") {
        return false;
    }
    let is_last = brace.is_none_or(|brace| line[brace..].trim_ascii_end().len() <= 1);
    is_last || !include::statements(line).any(|start| line[start..].starts_with(b"include"))
}
