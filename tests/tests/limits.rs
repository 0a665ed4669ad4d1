//! Every limit at its edge, and one over it: the error names limit and value, and nothing is stored.

use c2c_harness::{Sandbox, Shim};
use c2c_proto::ErrorCode::{InvalidArgument, TooLarge};
use serde_json::{Value, json};

const BODY_BYTES: usize = 8 * 1024 * 1024;

/// `too_large`, naming the limit and the value, with or without separators.
#[track_caller]
fn too_large(shim: &mut Shim, tool: &str, arguments: Value, limit: usize, value: usize) {
    let error = shim.call(tool, arguments).err(TooLarge);
    let said = error["message"].as_str().unwrap().replace([',', '_'], "");
    assert!(said.contains(&limit.to_string()), "{tool} does not name the limit {limit}: {said}");
    assert!(said.contains(&value.to_string()), "{tool} does not name the value {value}: {said}");
}

#[test]
fn f2_a_body() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let over = "x".repeat(BODY_BYTES + 1);
    too_large(&mut alice, "send_message", json!({"to": "bob", "body": over}), BODY_BYTES, BODY_BYTES + 1);
    // Counted in bytes, not in characters.
    let wide = "é".repeat(BODY_BYTES / 2 + 1);
    too_large(&mut alice, "send_message", json!({"to": "bob", "body": wide}), BODY_BYTES, BODY_BYTES + 2);
    assert!(bob.inbox_ids(json!({})).is_empty());
    let edge = alice.say("bob", &"y".repeat(BODY_BYTES));
    let page = bob.ok("inbox", json!({}));
    assert_eq!(page["messages"][0]["id"], edge);
    assert_eq!(page["messages"][0]["body_truncated"], true);
    assert_eq!(page["messages"][0]["body_chars"], BODY_BYTES);
    assert_eq!(page["messages"][0]["body"].as_str().unwrap().len(), 8_000);
    let end = bob.ok("inbox", json!({"message_id": edge, "offset": BODY_BYTES - 3}));
    assert!(end.to_string().contains("\"yyy\""), "the last three characters: {end}");
}

#[test]
fn f2_a_body_of_the_greatest_size_escaped_to_the_full() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    // Every character takes six on the line: 48 MiB of JSON for 8 MiB of body.
    let line = format!(
        r#"{{"jsonrpc":"2.0","id":"big","method":"tools/call","params":{{"name":"send_message","arguments":{{"to":"bob","body":"{}"}}}}}}"#,
        r"\u0001".repeat(BODY_BYTES)
    );
    alice.send_raw(line.as_bytes());
    alice.send_raw(b"\n");
    let answer = alice.wire().response(&json!("big"), c2c_harness::PATIENCE).expect("an answer");
    assert_ne!(answer["result"]["isError"], true, "{answer}");
    let page = bob.ok("inbox", json!({}));
    assert_eq!(page["messages"][0]["body_chars"], BODY_BYTES);
}

#[test]
fn f10_a_tag_a_key_and_a_query() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    let tag = |length: usize| json!({"to": "alice", "body": "x", "tag": "é".repeat(length)});
    alice.ok("send_message", tag(64));
    too_large(&mut alice, "send_message", tag(65), 64, 65);
    let set = |key: String| json!({"key": key, "value": 1});
    alice.ok("set_state", set("k".repeat(512)));
    alice.ok("set_state", set("é".repeat(256)));
    too_large(&mut alice, "set_state", set("k".repeat(513)), 512, 513);
    too_large(&mut alice, "set_state", set(format!("{}k", "é".repeat(256))), 512, 513);
    assert_eq!(alice.ok("get_state", json!({}))["entries"].as_array().unwrap().len(), 2);
    alice.ok("inbox", json!({"query": "q".repeat(1_000)}));
    assert!(alice.call("inbox", json!({"query": "q".repeat(1_001)})).is_error);
}

#[test]
fn f10_a_state_value_and_metadata() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    let mebi = 1024 * 1024;
    // Two of the bytes are the quotes.
    alice.ok("set_state", json!({"key": "k", "value": "v".repeat(mebi - 2)}));
    too_large(&mut alice, "set_state", json!({"key": "k", "value": "w".repeat(mebi - 1)}), mebi, mebi + 1);
    let listed = alice.ok("get_state", json!({"prefix": "k"}));
    assert_eq!(listed["entries"][0]["value_chars"], mebi);
    let metadata = |length: usize| json!({"name": "alice", "metadata": {"m": "x".repeat(length)}});
    alice.ok("register_session", metadata(16 * 1024 - 8));
    too_large(&mut alice, "register_session", metadata(16 * 1024 - 7), 16 * 1024, 16 * 1024 + 1);
}

#[test]
fn recipients_and_ids() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    let names = |count: usize| (0..count).map(|n| format!("r{n}")).collect::<Vec<_>>();
    let sent = alice.ok("send_message", json!({"to": names(256), "body": "x"}));
    assert_eq!(sent["recipients"].as_array().unwrap().len(), 256);
    too_large(&mut alice, "send_message", json!({"to": names(257), "body": "x"}), 256, 257);
    assert_eq!(alice.inbox_ids(json!({"sent": true})).len(), 1);
    let ids = |count: i64| json!({"message_ids": (1..=count).collect::<Vec<_>>()});
    alice.ok("mark_read", ids(500));
    assert!(alice.call("mark_read", ids(501)).is_error);
}

#[test]
fn the_number_of_messages_in_a_list() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    for good in [1, 500] {
        alice.ok("inbox", json!({"limit": good}));
    }
    for bad in [0, 501] {
        alice.call("inbox", json!({"limit": bad})).err(InvalidArgument);
    }
}

/// Bodies whose JSON is much longer than they are, or whose characters are more than bytes or units.
fn hostile() -> Vec<(&'static str, String)> {
    vec![
        ("quotes", "\"".repeat(60_000)),
        ("backslashes", "\\".repeat(60_000)),
        ("control characters", "\u{1}".repeat(60_000)),
        ("line ends", "\r\n".repeat(30_000)),
        ("emoji", "👩‍👩‍👧‍👦".repeat(9_000)),
        ("combining marks", "e\u{301}\u{327}".repeat(20_000)),
        ("bidi", "\u{202e}abc\u{2066}".repeat(12_000)),
        ("plain", "x".repeat(60_000)),
    ]
}

#[test]
fn results_stay_small_whatever_the_bodies_are() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let mut sent = Vec::new();
    for (_, body) in hostile() {
        for _ in 0..3 {
            sent.push(alice.say("bob", &body));
        }
    }
    // `call` itself asserts that each result is under 40,000 characters.
    let mut seen = Vec::new();
    let mut after = 0;
    loop {
        let page = bob.ok("inbox", json!({"after_id": after, "limit": 500}));
        let messages = page["messages"].as_array().unwrap();
        assert!(!messages.is_empty(), "a page is never empty while there is more");
        seen.extend(messages.iter().map(|message| message["id"].as_i64().unwrap()));
        assert!(messages.iter().all(|one| one["body_truncated"] == true && one["body_chars"].is_number()));
        if page["more"] != true {
            break;
        }
        after = page["next_after_id"].as_i64().unwrap();
        assert_eq!(after, *seen.last().unwrap());
    }
    assert_eq!(seen, sent, "no gap, no repeat");
    bob.ok("wait_for_message", json!({}));
    bob.ok("inbox", json!({"sent": true}));
    alice.ok("inbox", json!({"sent": true}));
    for _ in 0..3 {
        bob.ok("wait_for_message", json!({}));
    }
}

#[test]
fn pages_of_one_body_make_up_the_whole() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    for (kind, body) in hostile() {
        let id = alice.say("bob", &body);
        let mut whole = String::new();
        let mut pages = 0;
        loop {
            let offset = whole.chars().count();
            let page = bob.ok("inbox", json!({"message_id": id, "offset": offset}));
            let message = &page["messages"][0];
            let part = message["body"].as_str().unwrap();
            assert!(!part.is_empty(), "{kind}: an empty page at {offset}");
            assert_eq!(message["body_chars"], body.chars().count(), "{kind}");
            whole.push_str(part);
            pages += 1;
            if page["more"] != true && message["body_truncated"] != true {
                break;
            }
            if whole.chars().count() >= body.chars().count() {
                break;
            }
        }
        assert_eq!(whole, body, "{kind}");
        println!("{kind}: {pages} pages");
        bob.ok("mark_read", json!({"message_ids": [id]}));
    }
}

#[test]
fn a_long_list_of_sessions_and_of_state_ends_early() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    for n in 0..60 {
        alice.ok("set_state", json!({"key": format!("k{n:02}"), "value": "\"".repeat(900)}));
    }
    let page = alice.ok("get_state", json!({}));
    assert_eq!(page["more"], true, "60 entries of about 1,900 characters do not fit");
    let shown = page["entries"].as_array().unwrap();
    assert!(!shown.is_empty() && shown[0]["key"] == "k00");
    let metadata = json!({"m": "\"".repeat(7_000)});
    let mut shims: Vec<Shim> = (0..5).map(|n| sandbox.session(&format!("s{n}"))).collect();
    for (n, shim) in shims.iter_mut().enumerate() {
        shim.ok("register_session", json!({"name": format!("s{n}"), "metadata": metadata}));
    }
    alice.ok("list_sessions", json!({}));
}
