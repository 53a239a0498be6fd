//! Does `alived lsp` answer an editor? The real binary, over its standard input and output.
#![cfg(feature = "lsp")]

#[path = "common/editor.rs"]
mod editor;

use std::fs;

use editor::Editor;
use serde_json::{Value, json};

const URI: &str = "file:///nowhere/keepalived.conf";

const PAIR: &str = "\
vrrp_script chk {
    script /bin/true
}
vrrp_sync_group G {
    group {
        VI_1
    }
}
vrrp_instance VI_1 {
    state BACKUP
    interface eth0
    virtual_router_id 51
    priority 100
    track_script {
        chk weight -20
    }
    virtual_ipaddress {
        192.0.2.10/24
    }
}
";

/// A place in a document, as a request names it.
fn place(line: u32, character: u32) -> Value {
    json!({ "textDocument": { "uri": URI }, "position": { "line": line, "character": character } })
}

/// An editor with one open document.
fn editing(text: &str) -> Editor {
    let mut editor = Editor::start();
    editor.open(URI, text);
    editor
}

fn codes(diagnostics: &[Value]) -> Vec<&str> {
    diagnostics.iter().filter_map(|diagnostic| diagnostic["code"].as_str()).collect()
}

fn start(value: &Value) -> (u64, u64) {
    let start = &value["range"]["start"];
    (start["line"].as_u64().expect("a line"), start["character"].as_u64().expect("a column"))
}

fn labels(items: &Value) -> Vec<&str> {
    items.as_array().expect("a list").iter().filter_map(|item| item["label"].as_str()).collect()
}

#[test]
fn a_mistake_is_shown_while_it_is_typed_and_gone_when_it_is_mended() {
    let mut editor = editing(PAIR);
    assert!(!codes(&editor.diagnostics(URI, 1)).contains(&"unknown-keyword"));
    editor.edit(URI, 2, [12, 4, 12, 12], "priorty");
    let found = editor.diagnostics(URI, 2);
    let mistake = found.iter().find(|found| found["code"] == "unknown-keyword").expect("it is found");
    assert_eq!(start(mistake), (12, 4));
    assert_eq!(mistake["range"]["end"]["character"], 11);
    assert!(mistake["message"].as_str().is_some_and(|text| text.contains("did you mean 'priority'?")), "{mistake}");
    editor.edit(URI, 3, [12, 4, 12, 11], "priority");
    assert!(!codes(&editor.diagnostics(URI, 3)).contains(&"unknown-keyword"));
    assert!(editor.leave());
}

#[test]
fn columns_are_counted_as_editors_count_them() {
    let mut editor = editing("vrrp_instance \u{1f600}\u{1f600} { wibble\n}\n");
    let found = editor.diagnostics(URI, 1);
    let mistake = found.iter().find(|found| found["code"] == "unknown-keyword").expect("it is found");
    assert_eq!(start(mistake), (0, 21));
}

#[test]
fn hovering_a_keyword_shows_its_row_of_the_grammar() {
    let mut editor = editing(PAIR);
    let hover = editor.ask("textDocument/hover", place(12, 6)).expect("an answer");
    let text = hover["contents"]["value"].as_str().expect("markdown");
    assert!(text.starts_with("**priority** (vrrp_instance)"), "{text}");
    assert!(text.contains("value: 1 to 255"), "{text}");
    assert_eq!(start(&hover), (12, 4));
    assert_eq!(editor.ask("textDocument/hover", place(12, 14)), Ok(Value::Null), "a number has no meaning of its own");
}

#[test]
fn hovering_a_name_shows_what_it_stands_for() {
    let mut editor = editing(PAIR);
    let hover = editor.ask("textDocument/hover", place(14, 9)).expect("an answer");
    assert_eq!(hover["contents"]["value"], "```\nvrrp_script chk {\n    script /bin/true\n}\n```");
}

#[test]
fn completion_offers_the_keywords_of_the_block_and_no_other() {
    let mut editor = editing("vrrp_instance VI_1 {\n    \n}\n\n");
    let inside = editor.ask("textDocument/completion", place(1, 4)).expect("an answer");
    assert!(labels(&inside).contains(&"virtual_router_id") && !labels(&inside).contains(&"real_server"));
    let block = inside.as_array().into_iter().flatten().find(|item| item["label"] == "virtual_ipaddress");
    assert_eq!(block.expect("it is offered")["insertText"], "virtual_ipaddress {\n    $0\n}");
    let outside = editor.ask("textDocument/completion", place(3, 0)).expect("an answer");
    assert!(labels(&outside).contains(&"vrrp_instance") && !labels(&outside).contains(&"virtual_router_id"));
}

#[test]
fn completion_offers_the_words_of_a_value_and_the_names_that_fit() {
    let text = PAIR.replace("state BACKUP", "state ").replace("chk weight -20", "");
    let mut editor = editing(&text);
    let state = editor.ask("textDocument/completion", place(9, 10)).expect("an answer");
    assert_eq!(labels(&state), ["MASTER", "BACKUP"]);
    let script = editor.ask("textDocument/completion", place(14, 8)).expect("an answer");
    assert!(labels(&script).contains(&"chk") && !labels(&script).contains(&"VI_1"), "{script}");
    let member = editor.ask("textDocument/completion", place(5, 8)).expect("an answer");
    assert!(labels(&member).contains(&"VI_1") && !labels(&member).contains(&"chk"), "{member}");
}

#[test]
fn a_name_leads_to_its_definition_and_to_its_uses() {
    let mut editor = editing(PAIR);
    let script = editor.ask("textDocument/definition", place(14, 8)).expect("an answer");
    assert_eq!(start(&script[0]), (0, 12));
    let member = editor.ask("textDocument/definition", place(5, 10)).expect("an answer");
    assert_eq!(start(&member[0]), (8, 14));
    let mut question = place(8, 15);
    question["context"] = json!({ "includeDeclaration": false });
    let uses = editor.ask("textDocument/references", question).expect("an answer");
    assert_eq!(uses.as_array().map(Vec::len), Some(1));
    assert_eq!(start(&uses[0]), (5, 8));
}

#[test]
fn an_include_and_what_stands_behind_it_can_be_reached() {
    let directory = tempfile::tempdir().expect("a directory");
    let scripts = directory.path().join("scripts.conf");
    fs::write(&scripts, "# scripts\nvrrp_script chk {\n}\n").expect("it is writable");
    let uri = format!("file://{}/k.conf", directory.path().display());
    let mut editor = Editor::start();
    editor.open(&uri, "include scripts.conf\nvrrp_instance VI {\n track_script {\n  chk\n }\n}\n");
    let at = |line: u32, character: u32| json!({ "textDocument": { "uri": uri }, "position": { "line": line, "character": character } });
    let target = format!("file://{}", scripts.display());
    let file = editor.ask("textDocument/definition", at(0, 10)).expect("an answer");
    assert_eq!((file[0]["uri"].as_str(), start(&file[0])), (Some(target.as_str()), (0, 0)));
    let script = editor.ask("textDocument/definition", at(3, 3)).expect("an answer");
    assert_eq!((script[0]["uri"].as_str(), start(&script[0])), (Some(target.as_str()), (1, 12)));
}

#[test]
fn a_mistake_in_an_included_file_is_shown_there_and_the_file_is_read_as_it_stands_in_the_editor() {
    let directory = tempfile::tempdir().expect("a directory");
    let uri = |name: &str| format!("file://{}/{name}", directory.path().display());
    fs::write(directory.path().join("part.conf"), "priority 100\n").expect("it is writable");
    let mut editor = Editor::start();
    let whole = "vrrp_instance VI {\n interface eth0\n virtual_router_id 7\n include part.conf\n}\n";
    editor.open(&uri("k.conf"), whole);
    assert!(editor.diagnostics(&uri("part.conf"), 0).is_empty());
    editor.open(&uri("part.conf"), "priority 300\n");
    let found = editor.diagnostics(&uri("part.conf"), 1);
    assert_eq!(codes(&found), ["number-out-of-range"], "and not that 'priority' stands outside every block");
    editor.edit(&uri("part.conf"), 2, [0, 9, 0, 12], "200");
    assert!(editor.diagnostics(&uri("part.conf"), 2).is_empty());
}

#[test]
fn a_part_of_a_configuration_is_known_for_what_it_is_part_of() {
    let directory = tempfile::tempdir().expect("a directory");
    let uri = |name: &str| format!("file://{}/{name}", directory.path().display());
    let part = "track_script {\n chk\n}\npriority 100\nunicast_peer {\n 192.0.2.7/24\n}\n";
    fs::write(directory.path().join("part.conf"), part).expect("it is writable");
    let mut editor = Editor::start();
    let whole = "vrrp_script chk {\n script /bin/true\n}\nvrrp_instance VI {\n interface eth0\n virtual_router_id 7\n \
                 include part.conf\n}\n";
    editor.open(&uri("k.conf"), whole);
    editor.open(&uri("part.conf"), part);
    editor.diagnostics(&uri("part.conf"), 1);
    let at = |line: u32, character: u32| json!({ "textDocument": { "uri": uri("part.conf") }, "position": { "line": line, "character": character } });
    let hover = editor.ask("textDocument/hover", at(3, 2)).expect("an answer");
    assert!(hover["contents"]["value"].as_str().is_some_and(|text| text.starts_with("**priority** (vrrp_instance)")));
    let script = editor.ask("textDocument/definition", at(1, 2)).expect("an answer");
    assert_eq!((script[0]["uri"].as_str(), start(&script[0])), (Some(uri("k.conf").as_str()), (0, 12)));
    let mut question = at(1, 2);
    question["newName"] = json!("check");
    let edit = editor.ask("textDocument/rename", question).expect("an edit");
    assert_eq!(edit["changes"].as_object().map(serde_json::Map::len), Some(2), "{edit}");
    let range = json!({ "start": { "line": 5, "character": 0 }, "end": { "line": 5, "character": 0 } });
    let question =
        json!({ "textDocument": { "uri": uri("part.conf") }, "context": { "diagnostics": [] }, "range": range });
    let actions = editor.ask("textDocument/codeAction", question).expect("an answer");
    assert_eq!(actions[0]["title"], "replace '192.0.2.7/24' with '192.0.2.7'", "{actions}");
}

#[test]
fn a_script_leads_to_its_file_and_a_condition_is_no_keyword() {
    let mut editor = editing("vrrp_script chk {\n @here script \"/bin/sh -c true\"\n}\n");
    let file = editor.ask("textDocument/definition", place(1, 18)).expect("an answer");
    assert_eq!((file[0]["uri"].as_str(), start(&file[0])), (Some("file:///bin/sh"), (0, 0)));
    let hover = editor.ask("textDocument/hover", place(1, 9)).expect("an answer");
    assert!(hover["contents"]["value"].as_str().is_some_and(|text| text.starts_with("**script** (vrrp_script)")));
}

#[test]
fn a_variable_leads_to_its_definition() {
    let mut editor = editing("$IF=eth0\nvrrp_instance VI {\n interface ${IF}\n}\n");
    let found = editor.ask("textDocument/definition", place(2, 14)).expect("an answer");
    assert_eq!(start(&found[0]), (0, 1));
}

#[test]
fn renaming_changes_the_definition_and_every_use() {
    let mut editor = editing(PAIR);
    let mut question = place(0, 13);
    question["newName"] = json!("check_nginx");
    let edit = editor.ask("textDocument/rename", question.clone()).expect("an edit");
    let edits = edit["changes"][URI].as_array().expect("edits of the file");
    assert_eq!(edits.iter().map(start).collect::<Vec<_>>(), [(0, 12), (14, 8)]);
    assert!(edits.iter().all(|edit| edit["newText"] == "check_nginx"));
    question["newName"] = json!("two words");
    assert!(editor.ask("textDocument/rename", question).is_err_and(|reason| reason.contains("cannot be a name")));
    let mut nowhere = place(12, 14);
    nowhere["newName"] = json!("x");
    assert!(editor.ask("textDocument/rename", nowhere).is_err());
}

#[test]
fn a_finding_with_a_fix_offers_it_where_it_is_and_nowhere_else() {
    let text = PAIR.replace("    virtual_ip", "    unicast_peer {\n        192.0.2.7/24\n    }\n    virtual_ip");
    let mut editor = editing(&text);
    let mut question = json!({ "textDocument": { "uri": URI }, "context": { "diagnostics": [] } });
    let lines =
        |line: u32| json!({ "start": { "line": line, "character": 0 }, "end": { "line": line, "character": 0 } });
    question["range"] = lines(17);
    let actions = editor.ask("textDocument/codeAction", question.clone()).expect("an answer");
    let fix = &actions[0];
    assert_eq!(fix["title"], "replace '192.0.2.7/24' with '192.0.2.7'", "{actions}");
    assert_eq!(fix["diagnostics"][0]["code"], "peer-with-prefix");
    let edit = &fix["edit"]["changes"][URI][0];
    assert_eq!((start(edit), edit["newText"].as_str()), ((17, 8), Some("192.0.2.7")));
    question["range"] = lines(10);
    assert_eq!(editor.ask("textDocument/codeAction", question), Ok(json!([])));
}

#[test]
fn formatting_lays_the_file_out_and_leaves_a_tidy_one_alone() {
    let mut editor = editing("vrrp_instance   VI {\nstate BACKUP\n}\n");
    let options = json!({ "tabSize": 8, "insertSpaces": false });
    let question = json!({ "textDocument": { "uri": URI }, "options": options });
    let edits = editor.ask("textDocument/formatting", question.clone()).expect("an answer");
    assert_eq!(edits[0]["newText"], "vrrp_instance VI {\n    state BACKUP\n}\n");
    editor.tell(
        "textDocument/didChange",
        json!({
            "textDocument": { "uri": URI, "version": 2 },
            "contentChanges": [{ "text": edits[0]["newText"] }],
        }),
    );
    assert_eq!(editor.ask("textDocument/formatting", question), Ok(json!([])));
}

#[test]
fn a_closed_file_has_no_diagnostics() {
    let mut editor = editing("wibble\n");
    assert_eq!(codes(&editor.diagnostics(URI, 1)), ["unknown-keyword"]);
    editor.tell("textDocument/didClose", json!({ "textDocument": { "uri": URI } }));
    assert!(editor.diagnostics(URI, 0).is_empty());
}

#[test]
fn nonsense_is_refused_and_the_session_goes_on() {
    let mut editor = editing(PAIR);
    assert!(editor.ask("textDocument/wibble", json!({})).is_err());
    assert!(editor.ask("textDocument/hover", json!({ "position": 7 })).is_err());
    editor.tell("textDocument/didChange", json!([1, 2, 3]));
    editor.edit(URI, 2, [900, 900, 1, 1], "}{\"");
    assert!(editor.ask("textDocument/hover", place(900, 900)).is_ok());
    let elsewhere = json!({ "textDocument": { "uri": "untitled:1" }, "position": { "line": 0, "character": 0 } });
    assert_eq!(editor.ask("textDocument/hover", elsewhere), Ok(Value::Null));
    assert!(editor.leave());
}

#[test]
fn an_editor_that_vanishes_takes_the_server_along() {
    assert!(editing(PAIR).vanish());
}
