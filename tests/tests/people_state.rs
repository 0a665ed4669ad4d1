//! `c2c state`: the shared state as the person at a terminal reads and changes it.

use c2c_harness::{PATIENCE, Said, Sandbox, until};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout};

fn version(text: &str) -> i64 {
    text.trim().parse().unwrap_or_else(|_| panic!("no version: {text:?}"))
}

/// A `c2c state watch` that runs.
struct Watch {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Watch {
    fn start(sandbox: &Sandbox, words: &[&str]) -> Self {
        let mut child = sandbox.c2c_started(words);
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out }
    }

    fn line(&mut self) -> Value {
        let mut line = String::new();
        assert_ne!(self.out.read_line(&mut line).unwrap(), 0, "the watch ended");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line:?}"))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

#[test]
fn what_is_set_is_read_listed_and_removed() {
    let sandbox = Sandbox::new();
    let first = version(&sandbox.person(&["state", "set", "build/status", "{\"green\": true}"]));
    let second = version(&sandbox.person(&["state", "set", "note", "see the log"]));
    assert!(second > first, "{first} {second}");
    assert_eq!(sandbox.person(&["state", "get", "build/status"]), "{\"green\":true}\n");
    assert_eq!(sandbox.person(&["state", "get", "note"]), "\"see the log\"\n");
    let read = sandbox.c2c_reading(&["state", "set", "note", "-"], "from stdin\n");
    assert_eq!(read.status, Some(0), "{read:?}");
    let entry = sandbox.c2c(&["state", "get", "note", "--json"]).json();
    assert_eq!((&entry["value"], &entry["updated_by"]), (&json!("from stdin"), &json!("user-ada")));
    let listed = sandbox.c2c(&["state", "ls", "build/", "--json"]).json();
    assert_eq!(listed["entries"].as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(listed["entries"][0]["version"], first);
    let table = sandbox.person(&["state", "ls"]);
    assert!(table.contains("build/status") && table.contains("\"from stdin\""), "{table}");
    let _said = sandbox.person(&["state", "rm", "note"]);
    for words in [["state", "get", "note"], ["state", "rm", "note"]] {
        let gone = sandbox.c2c(&words);
        assert_eq!((gone.status, gone.out.as_str()), (Some(4), ""), "{gone:?}");
    }
}

#[test]
fn every_page_is_listed() {
    let sandbox = Sandbox::new();
    let mut api = sandbox.session("api");
    for number in 0..501 {
        api.ok("set_state", json!({"key": format!("k/{number:03}"), "value": number}));
    }
    api.ok("set_state", json!({"key": "long", "value": "x".repeat(3_000)}));
    let listed = sandbox.c2c(&["state", "ls", "--json"]).json();
    let entries = listed["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 502);
    assert_eq!((&entries[500]["key"], &entries[500]["value"]), (&json!("k/500"), &json!(500)));
    assert_eq!((&entries[501]["value"], &entries[501]["value_chars"]), (&Value::Null, &json!(3_002)));
    assert_eq!(sandbox.person(&["state", "get", "long"]).len(), 3_003);
}

#[test]
fn a_conflict_names_the_version_and_who_set_it_and_changes_nothing() {
    let sandbox = Sandbox::new();
    let mut api = sandbox.session("api");
    let set = api.ok("set_state", json!({"key": "port", "value": 8_080}));
    let there = set["version"].as_i64().unwrap();
    for words in [
        vec!["state", "set", "port", "9090", "--if-version", "0"],
        vec!["state", "rm", "port", "--if-version", "999"],
    ] {
        let refused = sandbox.c2c(&words);
        assert_eq!(refused.status, Some(1), "{refused:?}");
        assert!(refused.err.contains(&format!("version {there}")), "{refused:?}");
        assert!(refused.err.contains("\"api\"") && refused.err.contains("c2c state get"), "{refused:?}");
    }
    let there = there.to_string();
    let _set = sandbox.person(&["state", "set", "port", "9090", "--if-version", &there, "--as", "ops"]);
    let entry = sandbox.c2c(&["state", "get", "port", "--json"]).json();
    assert_eq!((&entry["value"], &entry["updated_by"]), (&json!(9_090), &json!("ops")));
}

#[test]
fn reading_makes_nobody() {
    let sandbox = Sandbox::new();
    let mut api = sandbox.session("api");
    api.ok("set_state", json!({"key": "port", "value": 8_080}));
    let _read = sandbox.person(&["state", "get", "port"]);
    let _listed = sandbox.person(&["state", "ls"]);
    let watched = sandbox.c2c(&["state", "watch", "port", "--timeout", "0"]);
    assert_eq!(watched.status, Some(3), "{watched:?}");
    assert!(watched.out.contains("api 8080"), "{watched:?}");
    assert_eq!(api.row_of("user-ada"), None);
}

#[test]
fn a_watch_sees_what_another_sets_and_that_it_is_gone_also_after_a_crash_of_the_broker() {
    let sandbox = Sandbox::new();
    let mut api = sandbox.session("api");
    let mut watch = Watch::start(&sandbox, &["state", "watch", "build", "--json"]);
    sandbox.until_status("it watches", |status| status.waits == 1);
    api.ok("set_state", json!({"key": "build", "value": "red"}));
    let first = watch.line();
    assert_eq!((&first["value"], &first["updated_by"]), (&json!("red"), &json!("api")));
    api.ok("delete_state", json!({"key": "build"}));
    assert_eq!(watch.line()["version"], Value::Null);
    let _killed = sandbox.kill_broker();
    sandbox.until_status("it watches again", |status| status.waits == 1);
    api.ok("set_state", json!({"key": "build", "value": "green"}));
    assert_eq!(watch.line()["value"], "green");
}

#[test]
fn a_watch_ends_with_its_time() {
    let sandbox = Sandbox::new();
    let said: Said = sandbox.c2c(&["state", "watch", "nothing", "--timeout", "1"]);
    assert_eq!((said.status, said.out.as_str(), said.err.as_str()), (Some(3), "", ""));
    until("the watch is gone", PATIENCE, || sandbox.status().is_some_and(|status| status.waits == 0));
}
