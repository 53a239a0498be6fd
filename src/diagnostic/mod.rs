//! What is wrong with a configuration, as a value. Each renderer is a module; none of them decides anything.

mod concise;
mod findings;
mod fix;
mod full;
mod github;
mod json;
mod keepalived;
mod name;
mod pages;
mod region;
mod sarif;

use crate::source::{SourceMap, Span};

pub use concise::concise;
pub use findings::Findings;
pub use fix::{Edit, Fix, apply, unified_diff};
pub use full::{Style, full};
pub use github::github;
pub use json::json;
pub use keepalived::keepalived;
pub use name::{ALL_NAMES, NAMES_ACROSS_NODES, Name};
pub use pages::page;
pub use sarif::sarif;

/// A diagnostic and the files its spans point into.
pub type Finding<'a> = (&'a Diagnostic, &'a SourceMap);

/// One thing worth saying about a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The pattern that was found; stable, for filters and documentation.
    pub name: Name,
    /// Whether alived refuses to run the configuration.
    pub severity: Severity,
    /// One phrase that stands alone.
    pub message: String,
    /// The words concerned; `None` when there is no text to show, as for a file that cannot be read.
    pub primary: Option<Span>,
    /// What the primary words are, if the message does not say it.
    pub label: Option<String>,
    /// Other places that matter, and why.
    pub related: Vec<Label>,
    /// What to do about it.
    pub help: Option<String>,
    /// Background, for instance what keepalived does here.
    pub note: Option<String>,
    /// How the text can be changed so that the diagnostic goes away.
    pub fix: Option<Fix>,
    /// What keepalived 2.2.7 says about it; `None` when it says nothing.
    pub keepalived: Option<Complaint>,
}

/// How much a diagnostic matters; only an error keeps the configuration from running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nothing is wrong; it is worth knowing.
    Note,
    /// It runs, as keepalived runs it.
    Warning,
    /// It is refused: running it would apply a part of what it says, or keepalived refuses it too.
    Error,
}

impl Severity {
    /// As it is printed.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// A place and what is to be said there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What.
    pub text: String,
}

/// What keepalived 2.2.7 reports with `-t`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// Decides its exit status.
    pub class: ErrorClass,
    /// Its words in short, where they are shorter than the message.
    pub gist: Option<String>,
    /// It names the line. What the final validation finds has none.
    pub with_line: bool,
}

/// keepalived's classes of complaints (`lib/parser.h`), in rising order: the highest one seen decides the exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErrorClass {
    /// Printed, without influence on the status: a missing main file, a plain `include` of nothing.
    Remark,
    /// `CONFIG_FILE_NOT_FOUND`, `CONFIG_BAD_IF`, `CONFIG_FATAL`: status 4.
    Fatal,
    /// Any other: status 5.
    General,
    /// Scripts without script security: status 6.
    Security,
    /// A keyword without its value: the process ends on the spot with status 2.
    MissingArgument,
    /// A network namespace that cannot be entered: the process ends there with status 0, whatever else is wrong.
    Namespace,
    /// A failed include check: nothing of the configuration is looked at, and the status is 6.
    IncludeCheck,
}

impl ErrorClass {
    /// The exit status of `keepalived -t` when this is the highest class.
    pub fn exit_status(self) -> u8 {
        match self {
            ErrorClass::Remark => 0,
            ErrorClass::Fatal => 4,
            ErrorClass::General => 5,
            ErrorClass::Security => 6,
            ErrorClass::MissingArgument => 2,
            ErrorClass::Namespace => 0,
            ErrorClass::IncludeCheck => 6,
        }
    }
}

impl Diagnostic {
    /// A warning without place.
    pub fn warning(name: Name, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            name,
            severity: Severity::Warning,
            message: message.into(),
            primary: None,
            label: None,
            related: Vec::new(),
            help: None,
            note: None,
            fix: None,
            keepalived: None,
        }
    }

    /// An error without place.
    pub fn error(name: Name, message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Error, ..Diagnostic::warning(name, message) }
    }

    /// A note without place.
    pub fn remark(name: Name, message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Note, ..Diagnostic::warning(name, message) }
    }

    /// The words concerned.
    pub fn at(mut self, span: Span) -> Diagnostic {
        self.primary = Some(span);
        self
    }

    /// What the primary words are.
    pub fn label(mut self, text: impl Into<String>) -> Diagnostic {
        self.label = Some(text.into());
        self
    }

    /// Another place that matters.
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        self.related.push(Label { span, text: text.into() });
        self
    }

    /// What to do about it.
    pub fn help(mut self, text: impl Into<String>) -> Diagnostic {
        self.help = Some(text.into());
        self
    }

    /// Background.
    pub fn note(mut self, text: impl Into<String>) -> Diagnostic {
        self.note = Some(text.into());
        self
    }

    /// How to change the text.
    pub fn fix(mut self, fix: Fix) -> Diagnostic {
        self.fix = Some(fix);
        self
    }

    /// How to change the text, if there is a way.
    pub fn maybe_fix(self, fix: Option<Fix>) -> Diagnostic {
        Diagnostic { fix, ..self }
    }

    /// keepalived complains too, and names the line.
    pub fn class(mut self, class: ErrorClass) -> Diagnostic {
        self.keepalived = Some(Complaint { class, gist: None, with_line: true });
        self
    }

    /// keepalived complains too, after it has read everything, and names no line.
    pub fn class_without_line(mut self, class: ErrorClass) -> Diagnostic {
        self.keepalived = Some(Complaint { class, gist: None, with_line: false });
        self
    }

    /// keepalived's own words in short. Only after [`Diagnostic::class`].
    pub fn gist(mut self, text: impl Into<String>) -> Diagnostic {
        if let Some(complaint) = &mut self.keepalived {
            complaint.gist = Some(text.into());
        }
        self
    }
}

/// The exit status of `keepalived -t` for these diagnostics.
pub fn exit_status<'a>(diagnostics: impl IntoIterator<Item = &'a Diagnostic>) -> u8 {
    let classes = diagnostics.into_iter().filter_map(|diagnostic| diagnostic.keepalived.as_ref());
    classes.map(|complaint| complaint.class).max().map_or(0, ErrorClass::exit_status)
}

/// `file:line:column`, or the file alone when there is no place.
fn place(sources: &SourceMap, span: Span) -> String {
    let position = sources.position(span);
    format!("{}:{}:{}", sources.file(span.source).path().display(), position.line, position.column)
}
