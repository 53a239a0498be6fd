//! An editor as far as a language server can tell: starts `alived lsp`, speaks the protocol over its standard input and
//! output, and waits for what it says.

use std::collections::VecDeque;
use std::io::{BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use lsp_server::{Message, Notification, Request, Response};
use serde_json::{Value, json};

/// Longer than any answer takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Editor {
    child: Child,
    input: Option<ChildStdin>,
    output: Receiver<Message>,
    /// What came while something else was waited for.
    early: VecDeque<Message>,
    last_id: i32,
}

impl Editor {
    /// Starts the server and introduces itself.
    pub fn start() -> Editor {
        let mut child = Command::new(env!("CARGO_BIN_EXE_alived"))
            .arg("lsp")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut output = BufReader::new(child.stdout.take().expect("it is piped"));
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            while let Ok(Some(message)) = Message::read(&mut output) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let input = child.stdin.take();
        let mut editor = Editor { child, input, output: receiver, early: VecDeque::new(), last_id: 0 };
        let snippets = json!({ "textDocument": { "completion": { "completionItem": { "snippetSupport": true } } } });
        let greeting = editor.ask("initialize", json!({ "capabilities": snippets })).expect("a greeting");
        assert_eq!(greeting["serverInfo"]["name"], "alived");
        editor.tell("initialized", json!({}));
        editor
    }

    fn send(&mut self, message: Message) {
        let input = self.input.as_mut().expect("it has not been closed");
        message.write(input).and_then(|()| input.flush()).expect("the server reads");
    }

    pub fn tell(&mut self, method: &str, parameters: Value) {
        self.send(Message::Notification(Notification::new(method.to_owned(), parameters)));
    }

    /// The result, or the error's message.
    pub fn ask(&mut self, method: &str, parameters: Value) -> Result<Value, String> {
        self.last_id += 1;
        let id = self.last_id.into();
        self.send(Message::Request(Request::new(lsp_server::RequestId::clone(&id), method.to_owned(), parameters)));
        let answer = self.wait(|message| matches!(message, Message::Response(response) if response.id == id));
        let Message::Response(Response { response_result, .. }) = answer else { unreachable!("it was matched") };
        response_result.map_err(|error| error.message)
    }

    /// The next diagnostics of a file at that version.
    pub fn diagnostics(&mut self, uri: &str, version: i32) -> Vec<Value> {
        let concerned = |message: &Message| {
            let Message::Notification(notification) = message else { return false };
            notification.method == "textDocument/publishDiagnostics"
                && notification.params["uri"] == uri
                && (notification.params["version"] == version || version == 0)
        };
        let Message::Notification(found) = self.wait(concerned) else { unreachable!("it was matched") };
        found.params["diagnostics"].as_array().expect("a list").clone()
    }

    fn wait(&mut self, wanted: impl Fn(&Message) -> bool) -> Message {
        if let Some(index) = self.early.iter().position(&wanted) {
            return self.early.remove(index).expect("it is there");
        }
        loop {
            let message = self.output.recv_timeout(PATIENCE).expect("the server answers");
            if wanted(&message) {
                return message;
            }
            self.early.push_back(message);
        }
    }

    pub fn open(&mut self, uri: &str, text: &str) {
        let document = json!({ "uri": uri, "languageId": "keepalived", "version": 1, "text": text });
        self.tell("textDocument/didOpen", json!({ "textDocument": document }));
    }

    /// Types `text` over a range, given as line and UTF-16 column of both ends.
    pub fn edit(&mut self, uri: &str, version: i32, range: [u32; 4], text: &str) {
        let [line, column, last_line, last_column] = range;
        let range = json!({
            "start": { "line": line, "character": column },
            "end": { "line": last_line, "character": last_column },
        });
        self.tell(
            "textDocument/didChange",
            json!({
                "textDocument": { "uri": uri, "version": version },
                "contentChanges": [{ "range": range, "text": text }],
            }),
        );
    }

    /// Says goodbye; whether the server left without a complaint.
    pub fn leave(mut self) -> bool {
        assert_eq!(self.ask("shutdown", Value::Null), Ok(Value::Null));
        self.tell("exit", Value::Null);
        self.child.wait().is_ok_and(|status| status.success())
    }

    /// Is gone without a goodbye; whether the server noticed.
    #[allow(dead_code)] // the benchmark always says goodbye
    pub fn vanish(mut self) -> bool {
        self.input = None;
        self.child.wait().is_ok_and(|status| !status.success())
    }
}
