//! `alived lsp`: a language server on standard input and output (LSP 3.17), for editors of `keepalived.conf`.
//!
//! Decides nothing about the language: diagnostics are those of `--check-config`, hover and completion are rows of
//! `grammar/`, names come from the tree. Files that are not open are read from disk, and none is ever written.
//!
//! ```text
//!   editor ── messages ──► Server ── Documents (open files over the disk) ──► config, schema, syntax
//!                            └── answers at once; diagnostics when no further keystroke waits
//! ```

mod caret;
mod completion;
mod documents;
mod edits;
mod hover;
mod navigate;
mod position;
mod publish;
mod server;
mod symbols;
mod uri;

use std::process::ExitCode;

use lsp_server::{Connection, Message};

use crate::io::files::NodeFiles;
use server::Server;

/// Speaks the protocol until the editor says goodbye; what is not open in the editor is read from `files`. A protocol
/// that is broken off ends with status 1.
pub fn run(files: NodeFiles) -> ExitCode {
    let (connection, threads) = Connection::stdio();
    let served = serve(&connection, files);
    drop(connection); // ends the thread that writes
    match served.and_then(|()| threads.join().map_err(|error| error.to_string())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("alived lsp: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(connection: &Connection, files: NodeFiles) -> Result<(), String> {
    let (id, parameters) = connection.initialize_start().map_err(|error| error.to_string())?;
    let mut server = Server::new(&parameters, files);
    connection.initialize_finish(id, Server::greeting()).map_err(|error| error.to_string())?;
    let send = |message: Message| connection.sender.send(message).map_err(|error| error.to_string());
    while let Ok(message) = connection.receiver.recv() {
        if let Message::Request(request) = &message
            && connection.handle_shutdown(request).map_err(|error| error.to_string())?
        {
            return Ok(());
        }
        if let Some(answer) = server.handle(message) {
            send(answer)?;
        }
        // Somebody who types fast is not answered about text that is gone already.
        if connection.receiver.is_empty() {
            server.diagnose().into_iter().try_for_each(send)?;
        }
    }
    Err("the editor is gone without a goodbye".to_owned())
}
