//! What a person does with the store as a whole, and with the broker: `backup`, `export`, `prune`, `stop`, `log`,
//! `completions`, `man`.

use c2c_harness::{PATIENCE, Sandbox, alive, until, until_some};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// The objects of an export.
fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line:?}"))).collect()
}

fn of_type<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["type"] == kind).collect()
}

#[cfg(unix)]
fn is_private(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o077 == 0
}

#[cfg(windows)]
fn is_private(path: &Path) -> bool {
    path.is_file()
}

#[test]
fn a_backup_made_while_a_session_sends_is_a_store_with_all_that_was_there() {
    let sandbox = Sandbox::new();
    let mut api = sandbox.session("api");
    let before: Vec<i64> = (0..50).map(|number| api.say("web", &format!("before {number}"))).collect();
    let target = sandbox.dir().join("copy.db");
    let done = AtomicBool::new(false);
    let said = std::thread::scope(|scope| {
        let sends = scope.spawn(|| {
            let mut sent = 0;
            while !done.load(Ordering::Relaxed) {
                let _id = api.say("web", "meanwhile");
                sent += 1;
            }
            sent
        });
        let said = sandbox.c2c(&["backup", "copy.db", "--json"]);
        done.store(true, Ordering::Relaxed);
        assert!(sends.join().unwrap() > 0);
        said
    });
    assert_eq!(said.status, Some(0), "{said:?}");
    let told = said.json();
    assert_eq!(told["bytes"], std::fs::metadata(&target).unwrap().len());
    assert!(is_private(&target) && !sandbox.dir().join("copy.db.unfinished").exists());
    let other = Sandbox::new();
    std::fs::copy(&target, other.store()).unwrap();
    let exported = lines(&other.person(&["export", "--quiet"]));
    let messages = of_type(&exported, "message");
    assert_eq!(told["messages"], messages.len());
    let ids: Vec<i64> = messages.iter().map(|message| message["id"].as_i64().unwrap()).collect();
    assert!(before.iter().all(|id| ids.contains(id)), "{before:?} {ids:?}");
}

#[test]
fn nothing_is_ever_replaced() {
    let sandbox = Sandbox::new();
    let file = sandbox.dir().join("there");
    std::fs::write(&file, "precious").unwrap();
    for words in [["backup", "there", "--quiet"], ["export", "--output", "there"]] {
        let refused = sandbox.c2c(&words);
        assert_eq!(refused.status, Some(1), "{refused:?}");
        assert!(refused.err.contains("there already"), "{refused:?}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
    }
}

#[test]
fn an_export_has_everything_and_whole() {
    let sandbox = Sandbox::new();
    let (mut api, mut web) = (sandbox.session("api"), sandbox.session("web"));
    let body = "über \u{1f980} \"quoted\"\n".repeat(4_000);
    let long = api.say("web", &body);
    let ids: Vec<i64> = std::iter::once(long).chain((0..520).map(|_| api.say("web", "short"))).collect();
    web.ok("mark_read", json!({"message_ids": [ids[1]]}));
    api.ok("set_state", json!({"key": "long", "value": "x".repeat(5_000)}));
    api.ok("set_state", json!({"key": "short", "value": [1, null]}));
    let file = sandbox.dir().join("all.jsonl");
    let said = sandbox.c2c(&["export", "--output", "all.jsonl"]);
    assert_eq!((said.status, said.out.as_str()), (Some(0), ""), "{said:?}");
    assert!(is_private(&file));
    let all = lines(&std::fs::read_to_string(&file).unwrap());
    let status = sandbox.status().unwrap();
    assert_eq!((&all[0]["type"], &all[0]["version"]), (&json!("export"), &json!(1)));
    assert_eq!(all[0]["store_id"], status.store_id);
    let names: Vec<_> = of_type(&all, "session").iter().map(|session| session["name"].clone()).collect();
    assert_eq!(names, ["api", "web"]);
    let state = of_type(&all, "state");
    assert_eq!((&state[0]["key"], &state[0]["value"]), (&json!("long"), &json!("x".repeat(5_000))));
    assert_eq!((&state[1]["key"], &state[1]["value"]), (&json!("short"), &json!([1, null])));
    let messages = of_type(&all, "message");
    let exported: Vec<i64> = messages.iter().map(|message| message["id"].as_i64().unwrap()).collect();
    assert_eq!(exported, ids);
    assert_eq!(messages[0]["body"], body);
    assert_eq!(messages[0]["receipts"][0]["state"], "queued");
    assert_eq!(messages[1]["receipts"][0]["read_by"], "web");
    let again = lines(&sandbox.person(&["export"]));
    assert_eq!(again[1..], all[1..], "on stdout it is the same");
}

#[test]
fn a_dry_run_counts_what_the_prune_then_deletes() {
    let sandbox = Sandbox::new();
    let (mut api, mut web) = (sandbox.session("api"), sandbox.session("web"));
    let ids: Vec<i64> = (0..5).map(|_| api.say("web", "hello")).collect();
    api.ok("send_message", json!({"to": "*", "body": "news"}));
    web.ok("mark_read", json!({"message_ids": ids[..3]}));
    api.ok("set_state", json!({"key": "brief", "value": 1, "ttl_s": 1}));
    api.ok("set_state", json!({"key": "kept", "value": 1, "ttl_s": 1_000}));
    drop(sandbox.session("gone"));
    let expected = json!({"dry_run": true, "messages_deleted": 4, "sessions_deleted": 1, "state_deleted": 1});
    let would = ["prune", "--older-than", "0", "--dry-run", "--json"];
    until("all that is old is seen", PATIENCE, || sandbox.c2c(&would).json() == expected);
    let unasked = sandbox.c2c(&["prune", "--older-than", "0"]);
    assert_eq!(unasked.status, Some(2), "{unasked:?}");
    assert!(unasked.err.contains("--yes") && unasked.err.contains("--dry-run"), "{unasked:?}");
    assert_eq!(sandbox.c2c(&would).json(), expected, "neither has deleted anything");
    let pruned = sandbox.c2c(&["prune", "--older-than", "0", "--yes", "--json", "--quiet"]).json();
    let deleted = json!({"dry_run": false, "messages_deleted": 4, "sessions_deleted": 1, "state_deleted": 1});
    assert_eq!(pruned, deleted);
    assert_eq!(web.inbox_ids(json!({"unread_only": false})), ids[3..], "unread mail is never deleted");
    assert_eq!(sandbox.c2c(&["prune", "--older-than", "36501", "--yes"]).status, Some(2));
}

#[test]
fn stop_ends_the_broker_and_starts_none() {
    let sandbox = Sandbox::new();
    let none = sandbox.c2c(&["stop", "--wait"]);
    assert_eq!(none.status, Some(0), "{none:?}");
    assert!(none.out.contains("no broker runs"), "{none:?}");
    assert!(!sandbox.store().exists(), "one was started");
    let _listed = sandbox.person(&["state", "ls"]);
    let pid = sandbox.broker_id();
    let said = sandbox.person(&["stop", "--wait"]);
    assert!(said.contains(&format!("process {pid}, stopped")) && !said.contains("connected"), "{said}");
    until("its process is gone", PATIENCE, || !alive(pid));
    assert!(sandbox.status().is_none(), "another one was started");
}

#[test]
fn stop_says_that_sessions_start_another_one_and_they_do() {
    let sandbox = Sandbox::new();
    let mut api = sandbox.session("api");
    let pid = sandbox.broker_id();
    let said = sandbox.person(&["stop"]);
    assert!(said.contains("1 session is connected"), "{said}");
    sandbox.until_status("another one runs", |status| status.pid != pid);
    let _id = api.say("web", "as if nothing had happened");
}

#[test]
fn the_log_is_shown_and_followed() {
    let sandbox = Sandbox::new();
    let none = sandbox.c2c(&["log"]);
    assert_eq!((none.status, none.out.as_str()), (Some(4), ""), "{none:?}");
    let _listed = sandbox.person(&["state", "ls"]);
    // Lines are written by a thread of their own.
    until("the broker logs its start", PATIENCE, || sandbox.person(&["log"]).contains("ready address="));
    assert_eq!(sandbox.person(&["log", "-n", "1"]).lines().count(), 1);
    let mut follows = sandbox.c2c_started(&["log", "-f", "-n", "1"]);
    let mut shown = BufReader::new(follows.stdout.take().unwrap()).lines();
    let first = shown.next().unwrap().unwrap();
    let _said = sandbox.person(&["stop", "--wait"]);
    let found = until_some("the end of the broker is followed", PATIENCE, || {
        shown.next().unwrap().ok().filter(|line| line.contains("asked to stop"))
    });
    assert_ne!(found, first);
    let _gone = follows.kill();
    let _reaped = follows.wait();
}

/// The commands that `c2c --help` lists.
fn commands(sandbox: &Sandbox) -> Vec<String> {
    let help = sandbox.person(&["--help"]);
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = listed.take_while(|line| !line.is_empty()).filter_map(|line| line.split_whitespace().next());
    names.map(str::to_owned).collect()
}

#[test]
fn completions_and_manual_pages_know_every_command() {
    let sandbox = Sandbox::new();
    let commands = commands(&sandbox);
    assert!(commands.len() > 20, "{commands:?}");
    let page = sandbox.person(&["man"]);
    let _written = sandbox.person(&["man", "--all", "man1"]);
    for name in &commands {
        assert!(page.contains(&format!("c2c\\-{name}")), "the page does not mention {name}");
        assert!(sandbox.dir().join("man1").join(format!("c2c-{name}.1")).is_file(), "{name}");
    }
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = sandbox.person(&["completions", shell]);
        for name in &commands {
            assert!(script.contains(name.as_str()), "{shell} does not know {name}");
        }
    }
    assert_eq!(sandbox.c2c(&["completions", "csh"]).status, Some(2));
}
