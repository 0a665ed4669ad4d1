//! `inbox`: filters, pages, full text, the sent view with its receipts.

use c2c_harness::{Sandbox, Shim};
use c2c_proto::ErrorCode::{InvalidArgument, NotFound};
use serde_json::{Value, json};

fn tagged(shim: &mut Shim, to: &str, body: &str, tag: &str) -> i64 {
    shim.ok("send_message", json!({"to": to, "body": body, "tag": tag}))["id"].as_i64().unwrap()
}

fn reply(shim: &mut Shim, to: i64, body: &str) -> i64 {
    shim.ok("send_message", json!({"reply_to": to, "body": body}))["id"].as_i64().unwrap()
}

#[test]
fn filters_narrow_the_list() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob, mut carol) =
        (sandbox.session("alice"), sandbox.session("bob"), sandbox.session("carol"));
    let question = tagged(&mut alice, "bob", "which port does the api use", "question");
    let status = tagged(&mut carol, "bob", "the api is up", "status");
    assert_eq!(bob.inbox_ids(json!({"tag": "question"})), [question]);
    assert_eq!(bob.inbox_ids(json!({"tag": "Question"})), [] as [i64; 0]);
    assert_eq!(bob.inbox_ids(json!({"from": "CAROL"})), [status]);
    assert_eq!(bob.inbox_ids(json!({"from": "carol", "tag": "question"})), [] as [i64; 0]);
    let answer = reply(&mut bob, question, "8080");
    assert_eq!(alice.inbox_ids(json!({"reply_to": question})), [answer]);
    assert_eq!(bob.inbox_ids(json!({})), [status], "the answered one is read");
    let more = reply(&mut alice, answer, "and tls");
    assert_eq!(bob.inbox_ids(json!({"thread": question})), [question, answer, more], "both directions");
    assert_eq!(alice.inbox_ids(json!({"thread": question})), [question, answer, more]);
    assert_eq!(carol.inbox_ids(json!({"thread": question})), [] as [i64; 0]);
}

#[test]
fn query_is_full_text_with_its_words_quoted_and_all_required() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let first = alice.say("bob", "the migration of table users failed");
    let second = alice.say("bob", "table orders is fine; NOT a word of OR");
    bob.ok("mark_read", json!({"message_ids": [first]}));
    assert_eq!(bob.inbox_ids(json!({"query": "table"})), [first, second], "read ones too");
    assert_eq!(bob.inbox_ids(json!({"query": "users table"})), [first]);
    assert_eq!(bob.inbox_ids(json!({"query": "table", "unread_only": true})), [second]);
    assert_eq!(bob.inbox_ids(json!({"query": "users OR orders"})), [] as [i64; 0], "`OR` is a word");
    for odd in ["table*)", "NEAR(", "a:b", "^x", "{x}", "'; drop table messages", "\"table", "table AND"] {
        bob.ok("inbox", json!({"query": odd}));
    }
    for wordless in ["\"", "(", "-", " "] {
        bob.call("inbox", json!({"query": wordless})).err(InvalidArgument);
    }
}

#[test]
fn pages_have_no_gap_and_no_repeat() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let sent: Vec<i64> = (0..25).map(|n| alice.say("bob", &format!("m{n}"))).collect();
    let first = bob.ok("inbox", json!({}));
    assert_eq!(first["messages"].as_array().unwrap().len(), 20, "20 by default");
    assert_eq!(first["more"], true);
    assert_eq!(first["next_after_id"], sent[19]);
    let rest = bob.ok("inbox", json!({"after_id": first["next_after_id"]}));
    assert_ne!(rest["more"], true);
    let mut seen: Vec<i64> = Vec::new();
    for page in [&first, &rest] {
        seen.extend(
            page["messages"].as_array().unwrap().iter().map(|message| message["id"].as_i64().unwrap()),
        );
    }
    assert_eq!(seen, sent);
    let below = bob.ok("inbox", json!({"before_id": sent[10], "limit": 4}));
    let ids: Vec<&Value> =
        below["messages"].as_array().unwrap().iter().map(|message| &message["id"]).collect();
    assert_eq!(ids, [sent[6], sent[7], sent[8], sent[9]].map(Value::from).iter().collect::<Vec<_>>());
    assert_eq!((&below["more"], &below["next_before_id"]), (&json!(true), &json!(sent[6])));
    assert_eq!(bob.inbox_ids(json!({"after_id": sent[2], "before_id": sent[5]})), [sent[3], sent[4]]);
}

#[test]
fn showing_never_marks_read() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let id = alice.say("bob", "hello");
    for _ in 0..3 {
        assert_eq!(bob.inbox_ids(json!({})), [id]);
        bob.ok("inbox", json!({"message_id": id}));
    }
    bob.ok("mark_read", json!({"message_ids": [id]}));
    assert_eq!(bob.inbox_ids(json!({})), [] as [i64; 0]);
    assert_eq!(bob.inbox_ids(json!({"unread_only": false})), [id]);
}

#[test]
fn the_sent_view_tells_queued_shown_and_read_apart() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let id =
        alice.ok("send_message", json!({"to": ["bob", "carol"], "body": "hello"}))["id"].as_i64().unwrap();
    let receipts = |alice: &mut Shim| {
        let page = alice.ok("inbox", json!({"sent": true}));
        assert_eq!(page["messages"][0]["id"], id);
        page["messages"][0]["receipts"].clone()
    };
    let first = receipts(&mut alice);
    assert_eq!((&first[0]["name"], &first[0]["state"]), (&json!("bob"), &json!("queued")));
    assert_eq!((&first[1]["name"], &first[1]["state"]), (&json!("carol"), &json!("queued")));
    assert!(first[0]["shown_at"].is_null() && first[0]["read_at"].is_null());
    bob.ok("inbox", json!({}));
    c2c_harness::until("it is shown", c2c_harness::PATIENCE, || receipts(&mut alice)[0]["state"] == "shown");
    assert!(receipts(&mut alice)[0]["shown_at"].is_string());
    bob.ok("mark_read", json!({"message_ids": [id]}));
    let read = receipts(&mut alice);
    assert_eq!((&read[0]["state"], &read[0]["read_by"]), (&json!("read"), &json!("bob")));
    assert!(read[0]["read_at"].is_string());
    assert_eq!(read[1]["state"], "queued");
}

#[test]
fn the_sent_view_follows_the_row_through_its_names() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    let first = alice.say("bob", "as alice");
    alice.ok("register_session", json!({"name": "api"}));
    let second = alice.say("bob", "as api");
    assert_eq!(alice.inbox_ids(json!({"sent": true})), [first, second]);
    let page = alice.ok("inbox", json!({"sent": true}));
    assert_eq!(page["messages"][0]["from_name"], "alice");
    assert_eq!(page["messages"][1]["from_name"], "api");
}

#[test]
fn a_message_is_visible_to_its_ends_only() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob, mut carol) =
        (sandbox.session("alice"), sandbox.session("bob"), sandbox.session("carol"));
    let id = alice.say("bob", "between us");
    for shim in [&mut alice, &mut bob] {
        let one = shim.ok("inbox", json!({"message_id": id}));
        assert!(one.to_string().contains("between us"), "{one}");
    }
    carol.call("inbox", json!({"message_id": id})).err(NotFound);
    carol.call("send_message", json!({"reply_to": id, "body": "me too"})).err(NotFound);
    assert!(carol.inbox_ids(json!({"query": "between", "unread_only": false})).is_empty());
    carol.call("inbox", json!({"message_id": id + 1})).err(NotFound);
}

#[test]
fn bad_input_is_refused() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    for bad in [
        json!({"limit": 0}),
        json!({"limit": 501}),
        json!({"limit": -1}),
        json!({"limit": 1.5}),
        json!({"limit": "many"}),
        json!({"unread_only": "perhaps"}),
        json!({"after_id": "x"}),
        json!({"tag": 5.5}),
    ] {
        alice.call("inbox", bad).err(InvalidArgument);
    }
    alice.ok("inbox", json!({"limit": 500}));
    alice.ok("inbox", json!({"limit": 1}));
}

#[test]
fn a_reply_finds_the_sender_under_its_present_name() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let question = alice.say("bob", "how far?");
    alice.ok("register_session", json!({"name": "alice-2"}));
    let to_sender = bob.ok("send_message", json!({"reply_to": question, "body": "half"}));
    assert_eq!(to_sender["to"], "alice-2");
    let to_old_name = bob.ok("send_message", json!({"reply_to": question, "to": "alice", "body": "done"}));
    assert_eq!(to_old_name["to"], "alice-2");
    assert_eq!(alice.inbox_bodies(json!({})), ["half", "done"]);
    // To one's own message: to its recipients.
    let own = alice.ok("send_message", json!({"reply_to": question, "body": "one more thing"}));
    assert_eq!(own["recipients"][0]["name"], "bob");
    assert_eq!(bob.inbox_bodies(json!({})), ["one more thing"]);
}
