//! Typed access to one block: each statement is looked up in the grammar, and only those that mean something are
//! handed on. What does not fit is reported here, once, whatever the block.

use std::borrow::Cow;

use crate::diagnostic::{Diagnostic, ErrorClass, Fix, Name};
use crate::schema::{self, Keyword, Missing, ROOT, Release, Status, Value};
use crate::source::Span;
use crate::syntax::{Block, Body, Head, Statement, Word};

use super::context::Context;
use super::suggest::suggestion;
use super::{text, values};

/// A statement whose keyword is known.
pub(super) struct Line<'a> {
    pub keyword: &'static Keyword,
    /// What follows the keyword.
    pub arguments: Cow<'a, [Word]>,
    pub statement: &'a Statement,
}

impl Line<'_> {
    /// The keyword and everything after it on the line.
    pub fn span(&self) -> Span {
        self.statement.span
    }

    /// The statements of its block; none without one.
    pub fn body(&self) -> Body {
        self.statement.body()
    }

    /// Whether something comes of it.
    pub fn is_effective(&self) -> bool {
        self.keyword.status == Status::Effective && self.keyword.denies.is_none()
    }

    /// The first argument; the walk made sure that there is one where the keyword needs it.
    pub fn argument(&self) -> Option<&Word> {
        self.arguments.first()
    }
}

/// Hands every effective statement of the block at `path` to `handle`, in file order. The others are judged by the
/// grammar alone.
pub(super) fn walk(context: &mut Context, path: &str, body: Body, handle: &mut dyn FnMut(&mut Context, Line)) {
    let mut walker = Walker::new(path);
    for head in body.heads() {
        if let Some(line) = walker.admit(context, &head.statement()) {
            if line.is_effective() {
                handle(context, line);
            } else {
                walker.announce(context, &line);
                judge(context, path, &line);
            }
        }
    }
}

/// As [`walk_all`] for a whole configuration; the `global_defs` come first, wherever they stand.
pub(super) fn walk_root(context: &mut Context, body: &Body, handle: &mut dyn FnMut(&mut Context, Line)) {
    let mut walker = Walker::new(ROOT);
    let (mut globals, mut others) = (Vec::new(), Vec::new());
    for head in body.heads() {
        let statement = head.statement();
        let Some(line) = walker.admit(context, &statement) else { continue };
        walker.announce(context, &line);
        let list = if line.keyword.name == "global_defs" { &mut globals } else { &mut others };
        list.push((head, line.keyword));
    }
    for (head, keyword) in globals.into_iter().chain(others) {
        let statement = head.statement();
        handle(context, Line { keyword, arguments: Cow::Borrowed(&statement.words[1..]), statement: &statement });
    }
}

/// Hands on every statement of the block at `path` that means something, effective or not: for lowerings that read
/// more than takes effect yet. What they have no place for goes to [`judge`].
pub(super) fn walk_all(context: &mut Context, path: &str, body: Body, handle: &mut dyn FnMut(&mut Context, Line)) {
    let mut walker = Walker::new(path);
    for head in body.heads() {
        if let Some(line) = walker.admit(context, &head.statement()) {
            walker.announce(context, &line);
            handle(context, line);
        }
    }
}

/// Judges a statement of which nothing comes by the grammar: its value, and the block that it opens.
pub(super) fn judge(context: &mut Context, path: &str, line: &Line) {
    debug_assert!(!line.is_effective(), "the grammar calls '{}' in {path} effective", line.keyword.name);
    values::check(context, path, line);
    let child = schema::keepalived().child(path, &line.keyword.name);
    if let (Value::Block { .. }, Some(child)) = (&line.keyword.value, child) {
        let mut inside = Walker::new(&child.path);
        for head in line.body().heads() {
            if let Some(line) = inside.admit(context, &head.statement()) {
                inside.announce(context, &line);
                judge(context, &child.path, &line);
            }
        }
    }
}

/// The lines of a value block, each with its words. A block inside one is reported and left out.
pub(super) fn lines(context: &mut Context, body: Body) -> impl Iterator<Item = Statement> + use<> {
    for head in body.heads().filter(Head::opens) {
        let statement = head.statement();
        if let Some(block) = &statement.block {
            unexpected_block(context, &statement, block);
        }
    }
    body.heads().filter(|head| !head.opens()).map(|head| head.statement())
}

/// The words that a child process finds on a line: what the parent made of `\#` is a comment to it.
pub(super) fn second_reading(words: &[Word]) -> Cow<'_, [Word]> {
    let Some((at, kept)) = words.iter().enumerate().find_map(|(at, word)| Some((at, word.second_reading?))) else {
        return Cow::Borrowed(words);
    };
    let mut words = words[..=at].to_vec();
    let kept = usize::from(kept);
    words[at].bytes.truncate(kept);
    words[at].second_reading = None;
    words.truncate(if kept == 0 { at } else { at + 1 });
    Cow::Owned(words)
}

struct Walker<'p> {
    path: &'p str,
    block: Option<&'static schema::Block>,
    /// The keywords so far that may stand only once, and where.
    seen: Vec<(&'static str, Span)>,
}

impl<'p> Walker<'p> {
    fn new(path: &'p str) -> Walker<'p> {
        Walker { path, block: schema::keepalived().block(path), seen: Vec::new() }
    }

    /// Looks the statement up; what is handed on has its value and its block where they belong.
    fn admit<'a>(&mut self, context: &mut Context, statement: &'a Statement) -> Option<Line<'a>> {
        let Some(first) = statement.words.first() else {
            return self.nameless(context, statement);
        };
        let Some(keyword) = self.block.and_then(|block| block.keyword(&first.bytes)) else {
            self.unknown(context, statement, first);
            return None;
        };
        if keyword.status == Status::Removed {
            self.removed(context, statement, keyword);
            return None;
        }
        self.remark(context, statement, keyword);
        let parents = self.path == ROOT || self.path == "global_defs";
        let arguments = &statement.words[1..];
        let arguments = if parents { Cow::Borrowed(arguments) } else { second_reading(arguments) };
        let line = Line { keyword, arguments, statement };
        let fits = self.has_block(context, &line) && self.has_value(context, &line) && self.is_first(context, &line);
        fits.then_some(line)
    }

    /// False, with a report, for a second one of a keyword that may stand only once.
    fn is_first(&mut self, context: &mut Context, line: &Line) -> bool {
        if !line.keyword.once {
            return true;
        }
        let (name, span) = (line.keyword.name.as_str(), line.span());
        // There is one set of global definitions, in however many blocks.
        let is_global = self.path == ROOT || self.path == "global_defs";
        let seen = if is_global { &mut context.seen_once } else { &mut self.seen };
        let Some(&(_, first)) = seen.iter().find(|(seen, _)| *seen == name) else {
            seen.push((name, span));
            return true;
        };
        context.report(
            Diagnostic::warning(Name::SECOND_IGNORED, format!("a second '{name}' is ignored"))
                .at(span)
                .also(first, "first here")
                .class(ErrorClass::General)
                .gist(format!("{name} already specified - ignoring")),
        );
        false
    }

    fn nameless<'a>(&self, context: &mut Context, statement: &Statement) -> Option<Line<'a>> {
        context.report(
            Diagnostic::error(Name::UNEXPECTED_BRACE, "'{' where no block begins")
                .at(statement.span)
                .class(ErrorClass::General)
                .gist("Unexpected '{' - ignoring")
                .help("remove it, or write the name of the block before it"),
        );
        None
    }

    fn unknown(&self, context: &mut Context, statement: &Statement, word: &Word) {
        let text = word.text();
        let what = format!("unknown keyword '{}'", shortened(&text));
        let is_block = statement.block.is_some();
        let (name, message) = if is_block {
            (Name::UNKNOWN_BLOCK, format!("{what} opens a block"))
        } else {
            (Name::UNKNOWN_KEYWORD, what)
        };
        let diagnostic = if is_block { Diagnostic::error(name, message) } else { Diagnostic::warning(name, message) };
        let mut diagnostic =
            diagnostic.at(word.span).class(ErrorClass::General).gist(format!("Unknown keyword '{}'", shortened(&text)));
        if is_block {
            diagnostic = diagnostic.note(
                "keepalived would read the lines of the block as lines of the block around it, and end that block early",
            );
        }
        context.report(match suggestion(self.path, statement, word) {
            Some((help, fix)) => diagnostic.help(help).maybe_fix(fix),
            None => diagnostic,
        });
    }

    fn removed(&self, context: &mut Context, statement: &Statement, keyword: &Keyword) {
        let name = &keyword.name;
        let message = format!("keepalived no longer knows '{name}'");
        let help = match &keyword.replaced {
            Some(replacement) => format!("use '{replacement}'"),
            None => "remove the line: nothing depends on it".to_owned(),
        };
        context.report(
            Diagnostic::warning(Name::REMOVED_KEYWORD, message)
                .at(statement.span)
                .class(ErrorClass::General)
                .gist(format!("Unknown keyword '{name}'"))
                .help(help),
        );
    }

    /// What there is to say about the keyword itself, wherever it stands.
    fn remark(&self, context: &mut Context, statement: &Statement, keyword: &Keyword) {
        let (name, span) = (&keyword.name, statement.words[0].span);
        if keyword.is_newer_than(Release::WIDESPREAD) {
            context.report(newer(keyword, Release::WIDESPREAD, span));
        }
        if let Some(replacement) = &keyword.replaced {
            context.report(
                Diagnostic::warning(Name::DEPRECATED_KEYWORD, format!("'{name}' is deprecated"))
                    .at(span)
                    .class(ErrorClass::General)
                    .gist(format!("Keyword \"{name}\" is deprecated - please use \"{replacement}\""))
                    .help(format!("use '{replacement}'"))
                    .maybe_fix(self.renaming(span, keyword, replacement)),
            );
        }
        if let Some(new) = &keyword.renamed {
            context.report(
                Diagnostic::warning(Name::RENAMED_KEYWORD, format!("'{name}' is now called '{new}'"))
                    .at(span)
                    .maybe_fix(self.renaming(span, keyword, new)),
            );
        }
    }

    /// Writing the new name is enough when the block knows it, takes the same value after it, and every keepalived does.
    fn renaming(&self, span: Span, old: &Keyword, new: &str) -> Option<Fix> {
        let new = self.block?.keyword(new.as_bytes())?;
        (new.value == old.value && !new.is_newer_than(Release::WIDESPREAD)).then(|| Fix::replace(span, &new.name))
    }

    /// Whether the statement has a block exactly if its keyword opens one.
    fn has_block(&self, context: &mut Context, line: &Line) -> bool {
        let statement = line.statement;
        let opens = matches!(line.keyword.value, Value::Block { .. } | Value::Lines { .. });
        match (&statement.block, opens) {
            (Some(block), false) => {
                unexpected_block(context, statement, block);
                false
            }
            (None, true) => {
                context.report(text::missing_brace(&line.keyword.name, statement.span));
                false
            }
            _ => true,
        }
    }

    /// Whether the value that the keyword needs is there.
    fn has_value(&self, context: &mut Context, line: &Line) -> bool {
        if let (Value::Lines { named: false }, Some(extra)) = (&line.keyword.value, line.arguments.first()) {
            context.report(
                Diagnostic::warning(
                    Name::EXTRA_WORDS,
                    format!("'{}' takes nothing before its brace", line.keyword.name),
                )
                .at(extra.span)
                .class(ErrorClass::General)
                .gist(format!("Block {} has extra parameters {} ...", line.keyword.name, extra.text())),
            );
        }
        if !line.arguments.is_empty() || line.keyword.missing == Missing::Allowed {
            return true;
        }
        let opens = matches!(line.keyword.value, Value::Block { .. } | Value::Lines { .. });
        let what = if opens { "a name" } else { "a value" };
        let keyword = &line.keyword.name;
        let message = format!("'{keyword}' needs {what}");
        let diagnostic = match line.keyword.missing {
            Missing::Exits => Diagnostic::error(Name::MISSING_VALUE, message)
                .class(ErrorClass::MissingArgument)
                .gist(format!(
                    "*** Configuration line starting `{keyword}` is missing a parameter after keyword `{keyword}` at word \
                     position 2"
                ))
                .note("keepalived stops here and exits with status 2"),
            _ if opens => Diagnostic::error(Name::MISSING_VALUE, message)
                .class(ErrorClass::General)
                .gist(format!("{keyword} must have a name"))
                .note("keepalived skips the block"),
            _ => {
                let diagnostic = Diagnostic::warning(Name::MISSING_VALUE, message).class(ErrorClass::General);
                diagnostic.gist(format!("{keyword} value missing - ignoring"))
            }
        };
        context.report(diagnostic.at(line.statement.words[0].span));
        false
    }

    /// Says of a known keyword that nothing comes of it, if that is so.
    fn announce(&self, context: &mut Context, line: &Line) {
        let (name, span) = (&line.keyword.name, line.statement.words[0].span);
        if line.is_effective() || is_idle(self.path) {
            return;
        }
        context.report(match (&line.keyword.denies, line.keyword.status) {
            (Some(consequence), _) => {
                Diagnostic::error(Name::NOT_YET_SUPPORTED, format!("'{name}' is not supported yet"))
                    .at(span)
                    .note(format!("without it {consequence}, so alived does not run this configuration"))
            }
            (None, Status::NoEffect) => {
                Diagnostic::remark(Name::NO_EFFECT, format!("'{name}' has no effect, in keepalived neither")).at(span)
            }
            (None, Status::Planned) => {
                Diagnostic::remark(Name::NOT_YET_EFFECTIVE, format!("'{name}' is not effective yet")).at(span)
            }
            (None, Status::Effective | Status::Removed) => return,
        });
    }
}

/// Whether one of the keywords that lead to the block has no effect yet, which has been said.
fn is_idle(path: &str) -> bool {
    if path == ROOT {
        return false;
    }
    let (parent, name) = path.rsplit_once('.').unwrap_or((ROOT, path));
    let opener = schema::keepalived().block(parent).and_then(|block| block.keyword(name.as_bytes()));
    is_idle(parent) || opener.is_some_and(|opener| opener.status != Status::Effective || opener.denies.is_some())
}

/// A keyword that keepalived of that release does not know yet.
pub(super) fn newer(keyword: &Keyword, release: Release, span: Span) -> Diagnostic {
    let message = format!("keepalived {release} does not know '{}': {}", keyword.name, keyword.reason_unknown());
    Diagnostic::warning(Name::NEWER_KEYWORD, message).at(span)
}

fn unexpected_block(context: &mut Context, statement: &Statement, block: &Block) {
    if let Some(last) =
        statement.words.last().filter(|word| word.bytes.ends_with(b"$") && word.span.end == block.open.start)
    {
        let dollar = Span { start: last.span.end - 1, ..last.span };
        let end = block.close.filter(|close| close.source == dollar.source && close.start > dollar.end);
        let message = "nothing defines this variable, and its braces are taken for a block";
        context.report(
            Diagnostic::error(Name::UNDEFINED_VARIABLE, message)
                .at(dollar.to(end.unwrap_or(block.open)))
                .class(ErrorClass::General)
                .gist("Unexpected '{' - ignoring")
                .help("write '$NAME=…' further up: a definition counts from its line on"),
        );
        return;
    }
    let before = statement.words.first().map_or(Cow::Borrowed("a line"), |word| word.text());
    context.report(
        Diagnostic::error(Name::UNEXPECTED_BLOCK, format!("'{before}' takes no block"))
            .at(block.open)
            .class(ErrorClass::General)
            .gist("Unexpected '{' - ignoring")
            .also(statement.span, "the brace belongs to this")
            .help("if the line before lacks its own '}' or '{', put it there; a line holds one statement only"),
    );
}

/// A word short enough to be shown in a sentence.
pub(super) fn shortened(text: &str) -> Cow<'_, str> {
    const MOST: usize = 40;
    if text.chars().count() <= MOST && !text.chars().any(char::is_control) {
        return Cow::Borrowed(text);
    }
    let visible = text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c });
    let mut short: String = visible.take(MOST).collect();
    short.push('…');
    Cow::Owned(short)
}
