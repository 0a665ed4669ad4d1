//! Backups that take the place of a store, and exports that come into another one.

use c2c_harness::Sandbox;
use serde_json::json;

/// A store with a conversation, and what a person sees of it.
fn conversation(sandbox: &Sandbox) -> (i64, i64) {
    let (mut api, mut web) = (sandbox.session("api"), sandbox.session("web"));
    let question = api.say("web", "which table?");
    let answer = json!({"to": "api", "body": "orders", "reply_to": question, "tag": "answer"});
    let answer = web.ok("send_message", answer)["id"].as_i64().unwrap();
    (question, answer)
}

#[test]
fn a_backup_is_restored_under_sessions_that_go_on() {
    let sandbox = Sandbox::new();
    let (question, _) = conversation(&sandbox);
    let mut api = sandbox.session("later");
    let backup = sandbox.dir().join("backup.db");
    let _made = sandbox.person(&["backup", backup.to_str().unwrap()]);
    let lost = api.say("web", "after the backup");
    let said = sandbox.c2c(&["restore", backup.to_str().unwrap(), "--yes", "--json", "--quiet"]);
    assert_eq!(said.status, Some(0), "{said:?}");
    let restored = said.json();
    assert_eq!(restored["messages"], 2);
    // The session goes on, with what was restored; what came later is in the file that was moved aside.
    api.say("web", "after the restore");
    let shown = sandbox.c2c(&["show", &question.to_string()]);
    assert!(shown.out.contains("which table?"), "{shown:?}");
    let aside = restored["aside"].as_str().unwrap();
    assert!(std::fs::metadata(aside).is_ok(), "{aside}");
    let all = sandbox.person(&["tail", "--json"]);
    assert!(!all.contains("after the backup") && all.contains("after the restore"), "{lost}: {all}");
}

#[test]
fn nothing_is_restored_unasked_or_from_what_is_no_backup() {
    let sandbox = Sandbox::new();
    conversation(&sandbox);
    let backup = sandbox.dir().join("backup.db");
    std::fs::write(&backup, "no store").unwrap();
    let missing = sandbox.c2c(&["restore", "missing.db", "--yes"]);
    assert_eq!(missing.status, Some(4), "{missing:?}");
    let garbage = sandbox.c2c(&["restore", backup.to_str().unwrap(), "--yes"]);
    assert_eq!(garbage.status, Some(1), "{garbage:?}");
    assert!(garbage.err.contains("backup.db"), "{garbage:?}");
    let unasked = sandbox.c2c(&["restore", backup.to_str().unwrap()]);
    assert!(unasked.status == Some(1) && unasked.err.contains("--yes"), "{unasked:?}");
    assert_eq!(sandbox.person(&["tail", "--json"]).lines().count(), 2);
}

#[test]
fn an_export_is_imported_into_another_store_once() {
    let (here, there) = (Sandbox::new(), Sandbox::new());
    conversation(&here);
    let _set = here.person(&["state", "set", "deploy", "{\"by\": \"api\"}"]);
    let exported = here.person(&["export", "--quiet"]);
    let said = there.c2c_reading(&["import", "-", "--json"], &exported);
    assert_eq!(said.status, Some(0), "{said:?}");
    assert_eq!(said.json(), json!({"imported": 2, "known": 0, "state": 1, "kept": 0}));
    let again = there.c2c_reading(&["import", "-", "--json"], &exported).json();
    assert_eq!(again, json!({"imported": 0, "known": 2, "state": 0, "kept": 1}));
    let lines = |sandbox: &Sandbox| -> Vec<serde_json::Value> {
        let text = sandbox.person(&["tail", "--json"]);
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    for (before, after) in lines(&here).iter().zip(&lines(&there)) {
        for key in ["from_name", "to", "body", "tag", "created_at", "receipts"] {
            assert_eq!(before[key], after[key], "{key}");
        }
    }
    assert_eq!(there.person(&["state", "get", "deploy"]).trim(), "{\"by\":\"api\"}");
    // Mail that was not read there is not read here, whoever takes the name.
    let mut api = there.session("api");
    assert_eq!(api.inbox_bodies(json!({})), ["orders"]);
}

#[test]
fn a_line_that_is_none_of_an_export_is_named_and_what_stands_before_it_is_in() {
    let (here, there) = (Sandbox::new(), Sandbox::new());
    conversation(&here);
    let exported = here.person(&["export", "--quiet"]) + "{\"type\": \"message\"}\n";
    let number = exported.lines().count();
    let said = there.c2c_reading(&["import", "-"], &exported);
    assert_eq!(said.status, Some(1), "{said:?}");
    assert!(said.err.contains(&format!("line {number}")), "{said:?}");
    assert_eq!(there.person(&["tail", "--json"]).lines().count(), 2);
    let said = there.c2c_reading(&["import", "-"], "{\"type\": \"session\"}\n");
    assert!(said.status == Some(1) && said.err.contains("first line"), "{said:?}");
}

#[test]
fn an_export_that_was_cut_off_is_noticed_and_two_may_follow_each_other() {
    let (here, there) = (Sandbox::new(), Sandbox::new());
    conversation(&here);
    let exported = here.person(&["export", "--quiet"]);
    let all: Vec<&str> = exported.lines().collect();
    let (last, body) = all.split_last().unwrap();
    assert_eq!(*last, format!("{{\"type\":\"end\",\"lines\":{}}}", all.len()));
    let without = |number: usize| {
        let mut left = body.to_vec();
        left.remove(number);
        left.join("\n") + "\n" + last + "\n"
    };
    let within = exported.len() - last.len() - 9;
    let cut = [
        body.join("\n") + "\n",
        without(body.len() - 1),
        body.join("\n") + "\n" + &exported,
        exported[..within].to_owned(),
    ];
    for cut in cut {
        let said = there.c2c_reading(&["import", "-"], &cut);
        assert!(said.status == Some(1) && said.err.contains("was cut off"), "{cut}: {said:?}");
    }
    assert_eq!(there.person(&["tail", "--json"]).lines().count(), 2, "what is there is in the store");
    let empty = there.c2c_reading(&["import", "-"], "");
    assert!(empty.status == Some(1) && empty.err.contains("no export"), "{empty:?}");
    let other = Sandbox::new();
    conversation(&other);
    let both = exported.clone() + &other.person(&["export", "--quiet"]);
    let said = there.c2c_reading(&["import", "-", "--json"], &both).json();
    assert_eq!(said, json!({"imported": 2, "known": 2, "state": 0, "kept": 0}));
}

#[test]
fn values_cross_to_their_last_digit() {
    let (here, there) = (Sandbox::new(), Sandbox::new());
    for (key, value) in
        [("big", "123456789012345678901234567890"), ("e", "1e400"), ("twice", "{\"a\":1,\"a\":2}")]
    {
        let _set = here.person(&["state", "set", key, value]);
        let shown = here.person(&["state", "get", key, "--json"]);
        assert!(shown.contains(&format!("\"value\":{value},")), "{shown}");
    }
    let exported = here.person(&["export", "--quiet"]);
    let said = there.c2c_reading(&["import", "-", "--json"], &exported);
    assert_eq!(said.json()["state"], 3, "{said:?}");
    for key in ["big", "e", "twice"] {
        let get = |sandbox: &Sandbox| sandbox.person(&["state", "get", key]);
        assert_eq!(get(&there), get(&here), "{key}");
    }
}

#[test]
fn numbers_are_not_handed_out_again_and_nobody_is_online_of_whom_the_backup_says_so() {
    let sandbox = Sandbox::new();
    let mut api = sandbox.session("api");
    let mut ghost = sandbox.session("ghost");
    api.say("web", "in the backup");
    let version = |session: &mut c2c_harness::Shim| {
        session.ok("set_state", json!({"key": "k", "value": 1}))["version"].as_i64()
    };
    let _first = version(&mut ghost);
    let backup = sandbox.dir().join("backup.db");
    let _made = sandbox.person(&["backup", "--quiet", backup.to_str().unwrap()]);
    drop(ghost);
    let (id, last) = (api.say("web", "lost"), version(&mut api));
    let _restored = sandbox.person(&["restore", backup.to_str().unwrap(), "--yes"]);
    let sessions = sandbox.c2c(&["sessions", "--json", "--all"]).json();
    let online = |name: &str| {
        let all = sessions["sessions"].as_array().unwrap();
        all.iter().find(|session| session["name"] == name).unwrap()["online"].clone()
    };
    assert_eq!(online("ghost"), json!(false));
    assert_eq!(api.say("web", "after"), id + 1);
    assert_eq!(version(&mut api), last.map(|last| last + 1));
    // Also where what gives way cannot be read.
    let (id, last) = (api.say("web", "lost too"), version(&mut api));
    drop(api);
    let _stopped = sandbox.person(&["stop", "--wait"]);
    std::fs::write(sandbox.store(), "no store").unwrap();
    let _restored = sandbox.person(&["restore", backup.to_str().unwrap(), "--yes"]);
    let mut api = sandbox.session("api");
    assert!(api.say("web", "after") > id);
    assert!(version(&mut api) > last);
}

#[test]
fn a_backup_with_a_damaged_index_is_refused_and_the_hint_is_about_it() {
    let sandbox = Sandbox::new();
    conversation(&sandbox);
    let backup = sandbox.dir().join("backup.db");
    let _made = sandbox.person(&["backup", "--quiet", backup.to_str().unwrap()]);
    let bytes = std::fs::read(&backup).unwrap();
    let mut refused = 0;
    for at in (4096..bytes.len() - 16).step_by(2_048) {
        let mut damaged = bytes.clone();
        damaged[at..at + 16].fill(0xa5);
        std::fs::write(&backup, &damaged).unwrap();
        let said = sandbox.c2c(&["restore", backup.to_str().unwrap(), "--yes", "--quiet"]);
        if said.status == Some(1) {
            assert!(said.err.contains("another backup"), "{said:?}");
            refused += 1;
        }
    }
    assert!(refused > 10, "{refused} of the damaged ones were refused");
}
