//! `track_file`, `vrrp_track_file` and `vrrp_track_process` (`trackers/track_file.c`, `vrrp/vrrp_parser.c`).

use std::path::PathBuf;
use std::time::Duration;

use crate::config::context::{Context, Spanned};
use crate::config::cursor::{Line, shortened, walk};
use crate::config::values::{self, Garbage};
use crate::diagnostic::{Diagnostic, ErrorClass, Name};
use crate::model::{FileInit, FileName, ParameterMatch, ProcessName, TrackFile, TrackProcess, TrackWeight};

use super::Draft;

/// What a `track_file` block says.
pub(in crate::config) struct FileDraft {
    pub name: Spanned<FileName>,
    pub weight: TrackWeight,
    path: PathBuf,
    init: Option<FileInit>,
}

/// What a `vrrp_track_process` block says.
pub(in crate::config) struct ProcessDraft {
    pub name: Spanned<ProcessName>,
    pub weight: TrackWeight,
    command: String,
    parameters: Vec<String>,
    matching: ParameterMatch,
    full_command: bool,
    quorum: u32,
    quorum_max: Option<u32>,
    terminate_delay: Duration,
    fork_delay: Duration,
}

/// Something that keepalived complains about too.
fn complaint(name: Name, message: impl Into<String>) -> Diagnostic {
    Diagnostic::warning(name, message).class(ErrorClass::General)
}

/// Reads one block; one without a file is left out.
pub(super) fn read_file(context: &mut Context, block: &Line) -> Option<FileDraft> {
    let name = block.argument()?;
    let text = name.text().into_owned();
    let name = Spanned::new(FileName(text.clone()), name.span);
    let (mut path, mut init) = (None, None);
    let mut weight = TrackWeight::new(1, false).unwrap_or_default();
    walk(context, &block.keyword.name, block.body(), &mut |context, line| match line.keyword.name.as_str() {
        "file" => path = line.argument().map(|word| PathBuf::from(word.text().into_owned())),
        "weight" => weight = self::weight(context, &line, weight),
        "init_file" => init = Some(file_init(context, &text, &line)),
        other => unreachable!("grammar/tracking.conf calls '{other}' effective"),
    });
    let Some(path) = path else {
        let diagnostic = complaint(Name::INCOMPLETE_BLOCK, format!("track_file {text} names no file"));
        let gist = format!("No file set for track_file {} - ignoring", shortened(&text));
        context.report(diagnostic.at(block.span()).gist(gist));
        return None;
    };
    Some(FileDraft { name, weight, path, init })
}

/// `weight N [reverse]`
fn weight(context: &mut Context, line: &Line, default: TrackWeight) -> TrackWeight {
    let Some(value) = values::integer(context, line, Garbage::Refused) else { return default };
    let reverse = match line.arguments.get(1) {
        None => false,
        Some(word) if word.bytes == b"reverse" => true,
        Some(word) => {
            let message = format!("'{}' is not 'reverse'", shortened(&word.text()));
            context.report(values::invalid_value(word.span, message));
            false
        }
    };
    TrackWeight::new(value as i64, reverse).unwrap_or(default)
}

/// `init_file [N] [overwrite]`
fn file_init(context: &mut Context, name: &str, line: &Line) -> FileInit {
    let mut init = FileInit { value: 0, overwrite: false };
    for word in line.arguments.iter() {
        let text = word.text();
        let number = text.trim_start();
        if number.starts_with(|first: char| first.is_ascii_digit() || first == '-') {
            let value = number.parse::<i32>().ok();
            if value.is_none_or(|value| value.unsigned_abs() > 254) {
                let shown = shortened(&text);
                let message = format!("the initial value '{shown}' is not within -254 to 254");
                let gist = format!("Track file {name} init value {shown} is outside sensible range [-254, 254]");
                let diagnostic = complaint(Name::NUMBER_OUT_OF_RANGE, message);
                context.report(diagnostic.at(word.span).gist(gist));
            }
            init.value = value.unwrap_or(0);
        } else if text == "overwrite" {
            init.overwrite = true;
        } else {
            let message = format!("'{}' is neither a number nor 'overwrite'", shortened(&text));
            let gist = format!("Unknown track file init option {}", shortened(&text));
            context.report(values::invalid_value(word.span, message).gist(gist));
        }
    }
    init
}

/// Reads one block; one without a process is left out.
pub(super) fn read_process(context: &mut Context, block: &Line) -> Option<ProcessDraft> {
    let name = block.argument()?;
    let text = name.text().into_owned();
    let name = Spanned::new(ProcessName(text.clone()), name.span);
    let mut draft = ProcessDraft {
        name,
        weight: TrackWeight::default(),
        command: String::new(),
        parameters: Vec::new(),
        matching: ParameterMatch::Ignored,
        full_command: false,
        quorum: 1,
        quorum_max: None,
        terminate_delay: Duration::ZERO,
        fork_delay: Duration::ZERO,
    };
    walk(context, "vrrp_track_process", block.body(), &mut |context, line| draft.line(context, &line));
    if draft.command.is_empty() {
        let diagnostic = complaint(Name::INCOMPLETE_BLOCK, format!("vrrp_track_process {text} names no process"));
        let gist = format!("track process '{}' process name not specified", shortened(&text));
        context.report(diagnostic.at(block.span()).gist(gist));
        return None;
    }
    Some(draft)
}

impl ProcessDraft {
    fn line(&mut self, context: &mut Context, line: &Line) {
        match line.keyword.name.as_str() {
            "process" => {
                let mut words = line.arguments.iter().map(|word| word.text().into_owned());
                self.command = words.next().unwrap_or_default();
                self.parameters = words.collect();
                if !self.parameters.is_empty() {
                    self.full_command = true;
                    if self.matching == ParameterMatch::Ignored {
                        self.matching = ParameterMatch::Exact;
                    }
                }
            }
            "param_match" => self.param_match(context, line),
            "weight" => self.weight = weight(context, line, self.weight),
            "quorum" => {
                let quorum = values::unsigned(context, line, Garbage::Refused);
                match quorum.zip(Some(self.quorum_max.unwrap_or(u32::MAX))) {
                    Some((quorum, most)) if quorum > most => {
                        self.contradiction(
                            context,
                            line,
                            "'quorum' is more than 'quorum_max'",
                            "Quorum is greater than quorum_max - ignoring",
                        );
                    }
                    _ => self.quorum = quorum.unwrap_or(self.quorum),
                }
            }
            "quorum_max" => self.quorum_max(context, line),
            "delay" => {
                if let Some(delay) = values::duration(context, line) {
                    (self.terminate_delay, self.fork_delay) = (delay, delay);
                }
            }
            "terminate_delay" => {
                self.terminate_delay = values::duration(context, line).unwrap_or(self.terminate_delay);
            }
            "fork_delay" => self.fork_delay = values::duration(context, line).unwrap_or(self.fork_delay),
            "full_command" => self.full_command = true,
            other => unreachable!("grammar/tracking.conf calls '{other}' effective"),
        }
    }

    fn param_match(&mut self, context: &mut Context, line: &Line) {
        self.matching = match line.argument().map(|word| (word, word.bytes.as_slice())) {
            None => ParameterMatch::Exact,
            Some((_, b"initial")) => ParameterMatch::Initial,
            Some((_, b"partial")) => ParameterMatch::Partial,
            Some((word, _)) => {
                let text = shortened(&word.text()).into_owned();
                let message = format!("'{text}' is neither 'initial' nor 'partial'");
                let gist = format!("Invalid param_match type {text} - ignoring");
                context.report(values::invalid_value(word.span, message).gist(gist));
                return;
            }
        };
        self.full_command = true;
    }

    /// A maximum of 0, for a process that must not run, takes the quorum along.
    fn quorum_max(&mut self, context: &mut Context, line: &Line) {
        let Some(most) = values::unsigned::<u32>(context, line, Garbage::Refused) else { return };
        if (most > 0 || self.quorum > 1) && most < self.quorum {
            let gist = "quorum_max is less than quorum - ignoring";
            return self.contradiction(context, line, "'quorum_max' is less than 'quorum'", gist);
        }
        self.quorum_max = Some(most);
        self.quorum = if most == 0 { 0 } else { self.quorum.max(1) };
    }

    fn contradiction(&self, context: &mut Context, line: &Line, message: &str, gist: &str) {
        let diagnostic = complaint(Name::INCOMPATIBLE_SETTINGS, message);
        context.report(diagnostic.at(line.span()).gist(gist));
    }
}

/// The blocks, the first of each name.
pub(super) fn finish(draft: &Draft) -> (Vec<TrackFile>, Vec<TrackProcess>) {
    let mut files: Vec<TrackFile> = Vec::new();
    for FileDraft { name, weight, path, init } in &draft.files {
        if files.iter().all(|file| file.name != name.value) {
            files.push(TrackFile { name: name.value.clone(), path: path.clone(), weight: *weight, init: *init });
        }
    }
    let mut processes: Vec<TrackProcess> = Vec::new();
    for process in draft.processes.iter() {
        if processes.iter().all(|known| known.name != process.name.value) {
            processes.push(TrackProcess {
                name: process.name.value.clone(),
                command: process.command.clone(),
                parameters: process.parameters.clone(),
                matching: process.matching,
                full_command: process.full_command,
                weight: process.weight,
                quorum: process.quorum,
                quorum_max: process.quorum_max,
                terminate_delay: process.terminate_delay,
                fork_delay: process.fork_delay,
            });
        }
    }
    (files, processes)
}
