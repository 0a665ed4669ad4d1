//! The tools for mail and sessions, row by row, with good and with bad input.

use c2c_harness::{Sandbox, Shim};
use c2c_proto::ErrorCode::{InvalidArgument, NotFound};
use serde_json::{Value, json};

fn pair(sandbox: &Sandbox) -> (Shim, Shim) {
    (sandbox.session("alice"), sandbox.session("bob"))
}

#[track_caller]
fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("no text `{field}` in {value}"))
}

#[track_caller]
fn is_utc(value: &Value) {
    let at = value.as_str().unwrap_or_else(|| panic!("no time: {value}"));
    assert!(at.len() >= 20 && at.ends_with('Z') && at.as_bytes()[10] == b'T', "no ISO 8601 in UTC: {at}");
}

#[test]
fn register_session_gives_the_row_and_the_name() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    let before = alice.own_row();
    let same = alice.ok("register_session", json!({"name": "alice", "metadata": {"role": "api"}}));
    assert_eq!(same["session_id"], before["session_id"]);
    assert_eq!(same["name"], "alice");
    assert!(same["superseded"].is_null());
    assert_eq!(alice.own_row()["metadata"], json!({"role": "api"}));
    // The name that it has, without metadata: nothing changes.
    alice.ok("register_session", json!({"name": "alice"}));
    assert_eq!(alice.own_row()["metadata"], json!({"role": "api"}));
    let renamed = alice.ok("register_session", json!({"name": "alice.v2"}));
    assert_eq!(renamed["session_id"], before["session_id"], "the row is renamed");
    assert_eq!(alice.own_name(), "alice.v2");
}

#[test]
fn register_session_refuses_what_is_no_name() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    for bad in ["", "-a", ".a", "a b", "ä", "a@b", "*", "a/b", "x-stale-1", "X-STALE-9z", &"a".repeat(65)] {
        alice.call("register_session", json!({"name": bad})).err(InvalidArgument);
    }
    alice.call("register_session", json!({})).err(InvalidArgument);
    alice.call("register_session", json!({"name": ["a"]})).err(InvalidArgument);
    assert_eq!(alice.own_name(), "alice");
    alice.ok("register_session", json!({"name": "a".repeat(64)}));
}

#[test]
fn heartbeat_says_when() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    let beat = alice.ok("heartbeat", json!({}));
    assert_eq!(beat["ok"], true);
    is_utc(&beat["at"]);
}

#[test]
fn list_sessions_tells_all_of_each_session() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    let mut bob = sandbox.shim().name("bob").client("some-client").cwd(&sandbox.folder("work")).session();
    alice.say("bob", "hello");
    let wait = bob.start_call("wait_for_message", json!({"from": "nobody-yet", "timeout_s": 600}));
    alice.until_waiting("bob");
    let row = alice.row_of("bob").expect("bob is listed");
    assert_eq!(row["online"], true);
    assert_eq!(row["waiting"], true);
    assert_eq!(row["unread"], 1);
    assert_eq!(row["is_self"], false);
    assert!(text(&row, "client").contains("some-client"), "{row}");
    assert!(text(&row, "cwd").replace('\\', "/").ends_with("/work"), "{row}");
    assert!(row.get("metadata").is_none_or(Value::is_null));
    is_utc(&row["started_at"]);
    is_utc(&row["last_seen_at"]);
    wait.cancel(&mut bob);
    assert_eq!(alice.own_row()["is_self"], true);
    alice.call("list_sessions", json!({"active_within_min": "x"})).err(InvalidArgument);
    alice.call("list_sessions", json!({"active_within_min": -1})).err(InvalidArgument);
}

#[test]
fn send_message_says_who_gets_it() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = pair(&sandbox);
    let sent = alice.ok("send_message", json!({"to": "bob", "body": "ran the etl", "tag": "status"}));
    assert_eq!(sent["to"], "bob");
    assert_eq!(sent["tag"], "status");
    assert_eq!(sent["recipients"], json!([{"name": "bob", "online": true, "waiting": false, "known": true}]));
    let page = bob.ok("inbox", json!({}));
    let message = &page["messages"][0];
    assert_eq!(message["id"], sent["id"]);
    assert_eq!(message["from_name"], "alice");
    assert_eq!(message["from_session"], alice.own_row()["session_id"]);
    assert_eq!(message["to"], "bob");
    assert_eq!(message["body"], "ran the etl");
    assert_eq!(message["tag"], "status");
    assert!(message["reply_to"].is_null());
    assert_eq!(message["thread"], sent["id"]);
    assert_eq!(message["priority"], "normal");
    is_utc(&message["created_at"]);
}

#[test]
fn a_name_that_nobody_holds_is_queued_with_near_names() {
    let sandbox = Sandbox::new();
    let (mut alice, _bob) = pair(&sandbox);
    let sent = alice.call("send_message", json!({"to": "bobb", "body": "hello"}));
    assert!(sent.text.contains("\"bob\""), "a near name is named: {}", sent.text);
    let sent = sent.ok();
    assert_eq!(sent["recipients"][0]["known"], false);
    let mut late = sandbox.session("bobb");
    assert_eq!(late.inbox_bodies(json!({})), ["hello"]);
}

#[test]
fn send_message_refuses_bad_input() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = pair(&sandbox);
    let id = alice.say("bob", "first");
    for bad in [
        json!({"to": "bob", "body": ""}),
        json!({"to": "bob"}),
        json!({"body": "to whom"}),
        json!({"to": [], "body": "x"}),
        json!({"to": "", "body": "x"}),
        // Nobody could ever take these names.
        json!({"to": "not a name!", "body": "x"}),
        json!({"to": ["bob", "bob-stale-7"], "body": "x"}),
        json!({"to": 7, "body": {"a": 1}}),
        json!({"to": "bob", "body": "x", "priority": "urgent"}),
        json!({"to": "bob", "body": "x", "reply_to": "abc"}),
        json!({"to": ["bob", {"name": "x"}], "body": "x"}),
    ] {
        alice.call("send_message", bad).err(InvalidArgument);
    }
    alice.call("send_message", json!({"reply_to": id + 1000, "body": "x"})).err(NotFound);
    assert_eq!(bob.inbox_ids(json!({})), [id], "nothing of these was stored");
    // Whitespace is a body.
    alice.say("bob", " \n");
    assert_eq!(bob.inbox_bodies(json!({})), ["first", " \n"]);
}

#[test]
fn arguments_are_read_kindly() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = pair(&sandbox);
    let first = alice.say("bob", "one");
    let second = alice.say("bob", "two");
    let kind = json!({"limit": "1", "tag": null, "from": null, "unread_only": "true"});
    assert_eq!(bob.inbox_ids(kind), [first]);
    let reply = json!({"reply_to": first.to_string(), "to": null, "body": "thanks", "tag": null});
    assert_eq!(bob.ok("send_message", reply)["to"], "alice");
    assert_eq!(bob.ok("mark_read", json!({"message_ids": second}))["marked"], 1);
    assert_eq!(
        bob.ok("mark_read", json!({"message_ids": [second.to_string()]}))["already_read"],
        json!([second])
    );
    bob.ok("heartbeat", Value::Null);
}

#[test]
fn an_unknown_argument_is_told_the_known_ones() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    for (tool, known) in [
        ("register_session", vec!["name", "metadata"]),
        ("heartbeat", vec![]),
        ("list_sessions", vec!["active_within_min"]),
        ("send_message", vec!["to", "body", "tag", "reply_to", "priority", "idempotency_key"]),
        (
            "inbox",
            vec![
                "unread_only",
                "limit",
                "tag",
                "from",
                "reply_to",
                "thread",
                "query",
                "sent",
                "message_id",
                "offset",
                "before_id",
                "after_id",
            ],
        ),
        ("mark_read", vec!["message_ids"]),
        ("wait_for_message", vec!["timeout_s", "from", "tag", "reply_to", "thread"]),
        ("ask", vec!["to", "body", "tag", "timeout_s", "replies"]),
        ("set_state", vec!["key", "value", "if_version", "ttl_s"]),
        ("get_state", vec!["key", "prefix", "newer_than", "timeout_s"]),
        ("delete_state", vec!["key", "if_version"]),
        ("prune", vec!["older_than_days"]),
    ] {
        let result = alice.call(tool, json!({"no_such_argument": 1}));
        let said = result.text.clone();
        result.err(InvalidArgument);
        assert!(said.contains("no_such_argument"), "{tool}: {said}");
        for name in known {
            assert!(said.contains(name), "{tool} does not list `{name}`: {said}");
        }
    }
}

#[test]
fn mark_read_is_idempotent_and_knows_only_its_own_mailbox() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = pair(&sandbox);
    let mut carol = sandbox.session("carol");
    let to_bob = alice.say("bob", "for bob");
    let to_carol = alice.say("carol", "for carol");
    let ids = json!({"message_ids": [to_bob, to_carol, 999_999]});
    let marked = bob.ok("mark_read", ids.clone());
    assert_eq!(marked["marked"], 1);
    assert_eq!(marked["already_read"], json!([]));
    assert_eq!(marked["not_found"], json!([to_carol, 999_999]));
    let again = bob.ok("mark_read", ids);
    assert_eq!((&again["marked"], &again["already_read"]), (&json!(0), &json!([to_bob])));
    assert_eq!(carol.inbox_ids(json!({})), [to_carol]);
    assert_eq!(alice.ok("mark_read", json!({"message_ids": [to_bob]}))["not_found"], json!([to_bob]));
    for bad in [json!({}), json!({"message_ids": ["x"]}), json!({"message_ids": {"id": 1}})] {
        bob.call("mark_read", bad).err(InvalidArgument);
    }
}

#[test]
fn every_result_tells_of_unread_and_new_mail() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = pair(&sandbox);
    let quiet = bob.ok("heartbeat", json!({}));
    assert_eq!(quiet["unread"], 0);
    assert!(quiet.get("new").is_none(), "{quiet}");
    let id = alice.say("bob", "one");
    let told = bob.ok("heartbeat", json!({}));
    assert_eq!((&told["unread"], &told["new"]), (&json!(1), &json!(1)));
    let shown = bob.ok("inbox", json!({}));
    assert_eq!(shown["unread"], 1);
    assert!(shown.get("new").is_none(), "it is part of this very result: {shown}");
    let later = bob.ok("get_state", json!({"key": "none"}));
    assert_eq!(later["unread"], 1);
    assert!(later.get("new").is_none(), "shown before: {later}");
    assert_eq!(bob.ok("mark_read", json!({"message_ids": [id]}))["unread"], 0);
}

#[test]
fn prune_deletes_only_what_is_done_with() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = pair(&sandbox);
    let read = alice.say("bob", "read");
    let unread = alice.say("bob", "unread");
    bob.ok("mark_read", json!({"message_ids": [read]}));
    let young = bob.ok("prune", json!({}));
    assert_eq!((&young["messages_deleted"], &young["sessions_deleted"]), (&json!(0), &json!(0)));
    assert_eq!(young["state_deleted"], 0);
    bob.call("prune", json!({"older_than_days": -1})).err(InvalidArgument);
    bob.call("prune", json!({"older_than_days": "soon"})).err(InvalidArgument);
    let now = bob.ok("prune", json!({"older_than_days": 0}));
    assert_eq!(now["messages_deleted"], 1, "{now}");
    assert_eq!(bob.inbox_ids(json!({"unread_only": false})), [unread]);
    assert!(alice.say("bob", "next") > unread, "ids are never used again");
}
