//! One message in, at most one answer out; and the diagnostics of what has changed since they were last asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use lsp_server::{ErrorCode, Message, Notification, Request, Response};
use lsp_types::notification::{
    DidChangeTextDocument, DidCloseTextDocument, DidOpenTextDocument, DidSaveTextDocument, Notification as _,
    PublishDiagnostics,
};
use lsp_types::request::{
    CodeActionRequest, Completion, Formatting, GotoDefinition, HoverRequest, PrepareRenameRequest, References, Rename,
    Request as _,
};
use lsp_types::{
    CodeActionKind, CodeActionOptions, CodeActionParams, CompletionOptions, CompletionParams,
    DidChangeTextDocumentParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams, DocumentFormattingParams,
    GotoDefinitionParams, Hover, HoverContents, HoverParams, InitializeParams, MarkupContent, MarkupKind, OneOf,
    PublishDiagnosticsParams, ReferenceParams, RenameOptions, RenameParams, ServerCapabilities,
    TextDocumentPositionParams, TextDocumentSyncCapability, TextDocumentSyncKind, TextDocumentSyncOptions,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::io::files::NodeFiles;

use super::completion::{Abilities, completion};
use super::documents::Documents;
use super::hover::hover;
use super::position::{offset, range};
use super::symbols::Project;
use super::{edits, navigate, publish, uri};

/// The state of one session.
pub(super) struct Server {
    documents: Documents,
    abilities: Abilities,
    /// Open files whose diagnostics are out of date.
    stale: BTreeSet<PathBuf>,
    /// For each open file, the files that it is spread over: diagnostics were published for them.
    published: BTreeMap<PathBuf, Vec<PathBuf>>,
}

impl Server {
    /// A session with an editor that sent these `initialize` parameters.
    pub fn new(parameters: &Value, files: NodeFiles) -> Server {
        let parameters: InitializeParams = serde_json::from_value(parameters.clone()).unwrap_or_default();
        let completion = parameters.capabilities.text_document.and_then(|document| document.completion);
        let item = completion.and_then(|completion| completion.completion_item);
        let snippets = item.and_then(|item| item.snippet_support).unwrap_or(false);
        Server {
            documents: Documents::over(files),
            abilities: Abilities { snippets },
            stale: BTreeSet::new(),
            published: BTreeMap::new(),
        }
    }

    /// What the server can do, as the answer to `initialize`.
    pub fn greeting() -> Value {
        let sync = TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::INCREMENTAL),
            save: Some(true.into()),
            ..TextDocumentSyncOptions::default()
        };
        let rename = RenameOptions { prepare_provider: Some(true), work_done_progress_options: Default::default() };
        let capabilities = ServerCapabilities {
            text_document_sync: Some(TextDocumentSyncCapability::Options(sync)),
            hover_provider: Some(true.into()),
            completion_provider: Some(CompletionOptions {
                trigger_characters: Some(vec!["$".to_owned()]),
                ..CompletionOptions::default()
            }),
            definition_provider: Some(OneOf::Left(true)),
            references_provider: Some(OneOf::Left(true)),
            code_action_provider: Some(
                CodeActionOptions {
                    code_action_kinds: Some(vec![CodeActionKind::QUICKFIX]),
                    ..CodeActionOptions::default()
                }
                .into(),
            ),
            document_formatting_provider: Some(OneOf::Left(true)),
            rename_provider: Some(OneOf::Right(rename)),
            ..ServerCapabilities::default()
        };
        json!({
            "capabilities": capabilities,
            "serverInfo": { "name": "alived", "version": env!("CARGO_PKG_VERSION") },
        })
    }

    /// Takes a message; a request gets its answer.
    pub fn handle(&mut self, message: Message) -> Option<Message> {
        match message {
            Message::Request(request) => Some(Message::Response(self.answer(request))),
            Message::Notification(notification) => {
                self.notice(notification);
                None
            }
            Message::Response(_) => None, // nothing is ever asked of the editor
        }
    }

    // ---- what the editor tells --------------------------------------------------------------------------------------

    /// A notification that makes no sense is dropped: the protocol has no answer to it.
    fn notice(&mut self, Notification { method, params }: Notification) {
        match method.as_str() {
            DidOpenTextDocument::METHOD => {
                let Ok(DidOpenTextDocumentParams { text_document }) = serde_json::from_value(params) else { return };
                if let Some(path) = uri::to_path(&text_document.uri) {
                    self.documents.open(path, text_document.text, text_document.version);
                    self.all_stale();
                }
            }
            DidChangeTextDocument::METHOD => {
                let parameters: Result<DidChangeTextDocumentParams, _> = serde_json::from_value(params);
                let Ok(DidChangeTextDocumentParams { text_document, content_changes }) = parameters else { return };
                if let Some(path) = uri::to_path(&text_document.uri) {
                    self.documents.change(&path, text_document.version, content_changes);
                    self.stale.extend(self.readers_of(&path));
                    self.stale.insert(path);
                }
            }
            DidCloseTextDocument::METHOD => {
                let Ok(DidCloseTextDocumentParams { text_document }) = serde_json::from_value(params) else { return };
                if let Some(path) = uri::to_path(&text_document.uri) {
                    self.documents.close(&path);
                    self.all_stale();
                }
            }
            // Another file may have been written that an open one includes.
            DidSaveTextDocument::METHOD => self.all_stale(),
            _ => {}
        }
    }

    /// The open files that included `path` when they were last looked at.
    fn readers_of(&self, path: &Path) -> Vec<PathBuf> {
        let reads = |(entry, files): &(&PathBuf, &Vec<PathBuf>)| {
            entry.as_path() != path && files.iter().any(|file| file == path)
        };
        self.published.iter().filter(reads).map(|(entry, _)| entry.clone()).collect()
    }

    /// Which file includes which may have changed.
    fn all_stale(&mut self) {
        self.stale = self.documents.paths().cloned().collect();
        self.stale.extend(self.published.keys().filter(|path| self.documents.get(path).is_none()).cloned());
    }

    /// The diagnostics of everything that has changed, a notification for each file.
    pub fn diagnose(&mut self) -> Vec<Message> {
        let mut messages = Vec::new();
        for path in std::mem::take(&mut self.stale) {
            // A part of another open file is judged there: alone it would lack what stands around it.
            let is_part = self.readers_of(&path).iter().any(|entry| self.documents.get(entry).is_some());
            let found = match self.documents.get(&path) {
                Some(_) if !is_part => publish::diagnostics(&path, &self.documents),
                Some(_) | None => BTreeMap::new(),
            };
            let before = self.published.remove(&path).unwrap_or_default();
            let abandoned = |file: &PathBuf| !found.contains_key(file) && self.readers_of(file).is_empty();
            let cleared: Vec<_> = before.into_iter().filter(abandoned).map(|file| (file, Vec::new())).collect();
            if !found.is_empty() {
                self.published.insert(path.clone(), found.keys().cloned().collect());
            }
            for (file, diagnostics) in found.into_iter().chain(cleared) {
                let Some(uri) = uri::from_path(&file) else { continue };
                let version = self.documents.get(&file).map(|document| document.version);
                let parameters = PublishDiagnosticsParams { uri, diagnostics, version };
                let method = PublishDiagnostics::METHOD.to_owned();
                messages.push(Message::Notification(Notification::new(method, parameters)));
            }
        }
        messages
    }

    // ---- what the editor asks ---------------------------------------------------------------------------------------

    fn answer(&self, Request { id, method, params }: Request) -> Response {
        let answer = match method.as_str() {
            HoverRequest::METHOD => read(params).map(|parameters| self.hover(parameters)),
            Completion::METHOD => read(params).map(|parameters| self.completion(parameters)),
            GotoDefinition::METHOD => read(params).map(|parameters| self.definition(parameters)),
            References::METHOD => read(params).map(|parameters| self.references(parameters)),
            PrepareRenameRequest::METHOD => read(params).map(|parameters| self.prepare_rename(parameters)),
            Rename::METHOD => read(params).and_then(|parameters| self.rename(parameters)),
            CodeActionRequest::METHOD => read(params).map(|parameters| self.quick_fixes(parameters)),
            Formatting::METHOD => read(params).map(|parameters| self.formatting(parameters)),
            _ => Err((ErrorCode::MethodNotFound, format!("{method} is not supported"))),
        };
        match answer {
            Ok(value) => Response::new_ok(id, value),
            Err((code, message)) => Response::new_err(id, code as i32, message),
        }
    }

    /// The project around a file, and the offset of a position in it.
    fn locate(&self, place: &TextDocumentPositionParams) -> Option<(Project, u32)> {
        let path = uri::to_path(&place.text_document.uri)?;
        let project = self.project(&path)?;
        let bytes = project.sources.file(project.asked()?.source).bytes();
        let offset = offset(bytes, place.position) as u32;
        Some((project, offset))
    }

    fn project(&self, path: &Path) -> Option<Project> {
        let project = Project::read(&self.entry_of(path), path, &self.documents);
        project.asked().is_some().then_some(project)
    }

    /// The open file that a file is a part of, or the file itself.
    fn entry_of(&self, path: &Path) -> PathBuf {
        let mut readers = self.readers_of(path).into_iter();
        readers.find(|reader| self.documents.get(reader).is_some()).unwrap_or_else(|| path.to_owned())
    }

    fn hover(&self, parameters: HoverParams) -> Value {
        let Some((project, offset)) = self.locate(&parameters.text_document_position_params) else {
            return Value::Null;
        };
        let Some((value, span)) = hover(&project, offset) else { return Value::Null };
        let contents = HoverContents::Markup(MarkupContent { kind: MarkupKind::Markdown, value });
        json!(Hover { contents, range: Some(range(&project.sources, span)) })
    }

    fn completion(&self, parameters: CompletionParams) -> Value {
        let located = self.locate(&parameters.text_document_position);
        json!(located.map(|(project, offset)| completion(&project, offset, self.abilities)))
    }

    fn definition(&self, parameters: GotoDefinitionParams) -> Value {
        let located = self.locate(&parameters.text_document_position_params);
        json!(located.map(|(project, offset)| navigate::definition(&project, &self.documents, offset)))
    }

    fn references(&self, parameters: ReferenceParams) -> Value {
        let located = self.locate(&parameters.text_document_position);
        let with_definition = parameters.context.include_declaration;
        json!(located.map(|(project, offset)| navigate::references(&project, offset, with_definition)))
    }

    fn prepare_rename(&self, parameters: TextDocumentPositionParams) -> Value {
        json!(self.locate(&parameters).and_then(|(project, offset)| navigate::renameable(&project, offset)))
    }

    fn quick_fixes(&self, parameters: CodeActionParams) -> Value {
        let path = uri::to_path(&parameters.text_document.uri);
        json!(path.map(|path| edits::quick_fixes(&self.entry_of(&path), &path, &self.documents, parameters.range)))
    }

    fn formatting(&self, parameters: DocumentFormattingParams) -> Value {
        let path = uri::to_path(&parameters.text_document.uri);
        let document = path.and_then(|path| self.documents.get(&path));
        json!(document.map(|document| edits::formatting(&document.text)))
    }

    fn rename(&self, parameters: RenameParams) -> Result<Value, Refusal> {
        let located = self.locate(&parameters.text_document_position);
        let (project, offset) = located.ok_or((ErrorCode::InvalidParams, "there is no such file".to_owned()))?;
        let edit = navigate::rename(&project, offset, &parameters.new_name);
        edit.map(|edit| json!(edit)).map_err(|reason| (ErrorCode::InvalidParams, reason))
    }
}

/// Why a request is not answered.
type Refusal = (ErrorCode, String);

fn read<T: DeserializeOwned>(parameters: Value) -> Result<T, Refusal> {
    serde_json::from_value(parameters).map_err(|error| (ErrorCode::InvalidParams, error.to_string()))
}
