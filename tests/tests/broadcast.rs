//! Messages to many: `"*"` and lists.

use c2c_harness::{Sandbox, Shim};
use c2c_proto::ErrorCode::InvalidArgument;
use serde_json::{Value, json};

fn names(recipients: &Value) -> Vec<&str> {
    recipients.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect()
}

fn to_all(shim: &mut Shim, body: &str) -> Value {
    shim.ok("send_message", json!({"to": "*", "body": body}))
}

#[test]
fn everyone_but_the_sender_gets_it() {
    let sandbox = Sandbox::new();
    let mut shims: Vec<Shim> =
        ["alice", "bob", "carol"].into_iter().map(|name| sandbox.session(name)).collect();
    drop(shims.pop());
    let sent = to_all(&mut shims[0], "hello");
    assert_eq!(sent["to"], "*");
    assert_eq!(names(&sent["recipients"]), ["bob", "carol"], "offline ones that were seen lately too");
    let id = sent["id"].as_i64().unwrap();
    assert_eq!(shims[1].inbox_ids(json!({})), [id]);
    assert_eq!(shims[1].ok("inbox", json!({}))["messages"][0]["to"], "*");
    assert!(shims[0].inbox_ids(json!({})).is_empty());
    assert_eq!(sandbox.session("carol").inbox_ids(json!({})), [id]);
}

#[test]
fn each_recipient_has_a_mark_of_its_own() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob, mut carol) =
        (sandbox.session("alice"), sandbox.session("bob"), sandbox.session("carol"));
    let id = to_all(&mut alice, "hello")["id"].as_i64().unwrap();
    bob.ok("mark_read", json!({"message_ids": [id]}));
    assert!(bob.inbox_ids(json!({})).is_empty());
    assert_eq!(carol.inbox_ids(json!({})), [id]);
    let page = alice.ok("inbox", json!({"sent": true}));
    let states: Vec<(&str, &str)> = page["messages"][0]["receipts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|receipt| (receipt["name"].as_str().unwrap(), receipt["state"].as_str().unwrap()))
        .collect();
    assert!(states.contains(&("bob", "read")), "{states:?}");
    assert!(states.iter().any(|(name, state)| *name == "carol" && *state != "read"), "{states:?}");
}

#[test]
fn a_session_that_starts_a_moment_later_gets_it_too() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    let alone = to_all(&mut alice, "is anybody there");
    assert_eq!(alone["recipients"], json!([]), "nobody gets it, and that is no error");
    let id = alone["id"].as_i64().unwrap();
    let mut late = sandbox.session("late");
    assert_eq!(late.inbox_ids(json!({})), [id]);
    late.ok("mark_read", json!({"message_ids": [id]}));
    late.ok("register_session", json!({"name": "later"}));
    assert!(late.inbox_ids(json!({})).is_empty(), "once");
    let mut second = sandbox.session("second");
    assert_eq!(second.inbox_ids(json!({})), [id], "and with a mark of its own");
}

#[test]
fn a_question_to_all_is_not_for_late_comers() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let ask = alice.start_call("ask", json!({"to": "*", "body": "who is up?", "timeout_s": 600}));
    let question = bob.ok("wait_for_message", json!({"timeout_s": 20}))["messages"][0]["id"].clone();
    let mut late = sandbox.session("late");
    assert!(late.inbox_ids(json!({"unread_only": false})).is_empty());
    bob.ok("send_message", json!({"reply_to": question, "body": "me"}));
    assert_eq!(ask.ok()["replies"][0]["from_name"], "bob");
}

#[test]
fn a_full_mailbox_is_skipped_and_reported() {
    let sandbox = Sandbox::with_config("[limits]\nunread_per_mailbox = 2\n");
    let (mut alice, mut bob, mut carol) =
        (sandbox.session("alice"), sandbox.session("bob"), sandbox.session("carol"));
    alice.say("bob", "one");
    alice.say("bob", "two");
    let sent = alice.call("send_message", json!({"to": "*", "body": "to all"}));
    let said = sent.text.clone();
    assert_eq!(names(&sent.ok()["recipients"]), ["carol"]);
    assert!(said.contains("\"bob\"") && said.contains("full"), "the skipped one is named: {said}");
    assert_eq!(bob.inbox_ids(json!({})).len(), 2);
    assert_eq!(carol.inbox_ids(json!({})).len(), 1);
}

#[test]
fn a_list_goes_to_each_once() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob, mut carol) =
        (sandbox.session("alice"), sandbox.session("bob"), sandbox.session("carol"));
    let sent = alice.ok("send_message", json!({"to": ["carol", "bob", "Carol", "ghost"], "body": "hello"}));
    assert_eq!(names(&sent["recipients"]), ["carol", "bob", "ghost"]);
    assert_eq!(sent["recipients"][2]["known"], false);
    let id = sent["id"].as_i64().unwrap();
    for shim in [&mut bob, &mut carol] {
        assert_eq!(shim.inbox_ids(json!({})), [id]);
    }
    alice.call("send_message", json!({"to": ["bob", "*"], "body": "x"})).err(InvalidArgument);
    assert_eq!(bob.inbox_ids(json!({})), [id]);
    // A reply to a message of several goes to its sender alone; the sender's own reply to all of them.
    bob.ok("send_message", json!({"reply_to": id, "body": "from bob"}));
    assert_eq!(alice.inbox_bodies(json!({})), ["from bob"]);
    assert_eq!(carol.inbox_ids(json!({})), [id]);
    let more = alice.ok("send_message", json!({"reply_to": id, "body": "one more thing"}));
    assert_eq!(names(&more["recipients"]), ["carol", "bob", "ghost"]);
}

#[test]
fn e6_many_waiting_sessions_all_wake() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    let mut others: Vec<Shim> = (0..12).map(|n| sandbox.session(&format!("w{n}"))).collect();
    let waits: Vec<_> = others
        .iter_mut()
        .map(|shim| shim.start_call("wait_for_message", json!({"timeout_s": 600})))
        .collect();
    sandbox.until_status("all wait", |status| status.waits == 12);
    let before = sandbox.status().unwrap().commits;
    let sent = to_all(&mut alice, "go");
    assert_eq!(sent["recipients"].as_array().unwrap().len(), 12);
    assert!(sent["recipients"].as_array().unwrap().iter().all(|one| one["waiting"] == true), "{sent}");
    for wait in &waits {
        assert_eq!(wait.ok()["messages"][0]["id"], sent["id"]);
    }
    // One commit for all deliveries, and few for the marks that they were shown.
    let commits = sandbox.status().unwrap().commits - before;
    assert!(commits <= 14, "{commits} commits for one broadcast");
}
