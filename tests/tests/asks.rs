//! `ask`: a question and its answers in one call.

use c2c_harness::{PATIENCE, Pending, Sandbox, Shim, until};
use c2c_proto::ErrorCode::{InvalidArgument, NotFound, Superseded};
use serde_json::{Value, json};

/// Waits for the question as its recipient, and answers it.
fn answer(shim: &mut Shim, body: &str) -> i64 {
    let question = shim.ok("wait_for_message", json!({"timeout_s": 20}))["messages"][0]["id"].clone();
    shim.ok("send_message", json!({"reply_to": question, "body": body}))["id"].as_i64().unwrap()
}

fn bodies(result: &Value) -> Vec<&str> {
    result["replies"].as_array().unwrap().iter().map(|reply| reply["body"].as_str().unwrap()).collect()
}

fn three(sandbox: &Sandbox) -> (Shim, Shim, Shim) {
    (sandbox.session("alice"), sandbox.session("bob"), sandbox.session("carol"))
}

fn ask(shim: &mut Shim, arguments: Value) -> Pending {
    shim.start_call("ask", arguments)
}

#[test]
fn one_answer_from_one() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob, _carol) = three(&sandbox);
    let pending = ask(&mut alice, json!({"to": "bob", "body": "which port?", "tag": "question"}));
    let id = answer(&mut bob, "8080");
    let result = pending.ok();
    assert_eq!(bodies(&result), ["8080"]);
    assert_eq!((&result["timed_out"], &result["missing"]), (&json!(false), &json!([])));
    let reply = &result["replies"][0];
    assert_eq!((&reply["id"], &reply["from_name"]), (&json!(id), &json!("bob")));
    assert_eq!(reply["reply_to"], result["id"]);
    assert!(alice.inbox_ids(json!({})).is_empty(), "an answer within 50 s is read");
    assert_eq!(alice.inbox_ids(json!({"unread_only": false})), [id]);
    let page = bob.ok("inbox", json!({"sent": true}));
    assert_eq!(page["messages"][0]["receipts"][0]["state"], "read");
    assert!(bob.inbox_ids(json!({})).is_empty(), "answering marked the question read");
}

#[test]
fn who_looks_after_an_ask_finds_its_answer_read() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob, _carol) = three(&sandbox);
    for round in 0..40 {
        let pending = ask(&mut alice, json!({"to": "bob", "body": "ready?"}));
        let id = answer(&mut bob, "yes");
        let result = pending.ok();
        // The mark may be under way. It is not counted any more, neither here nor there.
        assert_eq!(result["unread"], 0, "round {round}: {result}");
        let answered = bob.ok("inbox", json!({"message_id": id}));
        assert_eq!(answered["messages"][0]["receipts"][0]["state"], "read", "round {round}: {answered}");
        assert_eq!(alice.ok("heartbeat", json!({}))["unread"], 0, "round {round}");
    }
}

#[test]
fn an_answer_is_read_although_the_broker_is_killed_when_it_is_there() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob, _carol) = three(&sandbox);
    for round in 0..8 {
        let pending = ask(&mut alice, json!({"to": "bob", "body": "ready?"}));
        let id = answer(&mut bob, "yes");
        let result = pending.ok();
        sandbox.kill_broker();
        assert_eq!(bodies(&result), ["yes"]);
        until("the next broker has marked it", PATIENCE, || {
            bob.ok("inbox", json!({"message_id": id}))["messages"][0]["receipts"][0]["state"] == "read"
        });
        assert!(alice.inbox_ids(json!({})).is_empty(), "round {round}");
    }
}

#[test]
fn all_of_a_list() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob, mut carol) = three(&sandbox);
    let pending = ask(&mut alice, json!({"to": ["bob", "carol"], "body": "ready?", "timeout_s": 600}));
    answer(&mut bob, "yes");
    assert!(!pending.is_done());
    answer(&mut carol, "no");
    let result = pending.ok();
    assert_eq!(bodies(&result), ["yes", "no"]);
    assert_eq!(result["missing"], json!([]));
}

#[test]
fn k_of_n() {
    let sandbox = Sandbox::new();
    let (mut alice, _bob, mut carol) = three(&sandbox);
    let pending = ask(&mut alice, json!({"to": ["bob", "carol"], "body": "ready?", "replies": 1}));
    answer(&mut carol, "yes");
    let result = pending.ok();
    assert_eq!(bodies(&result), ["yes"]);
    assert_eq!(result["missing"], json!(["bob"]));
    assert_eq!(result["timed_out"], false);
}

#[test]
fn one_recipient_counts_once() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob, mut carol) = three(&sandbox);
    let pending =
        ask(&mut alice, json!({"to": ["bob", "carol"], "body": "ready?", "replies": 2, "timeout_s": 600}));
    let question = bob.ok("wait_for_message", json!({"timeout_s": 20}))["messages"][0]["id"].clone();
    for body in ["first", "second"] {
        bob.ok("send_message", json!({"reply_to": question, "body": body}));
    }
    assert!(!pending.is_done(), "two answers of one are one");
    answer(&mut carol, "third");
    let result = pending.ok();
    assert!(bodies(&result).contains(&"first") && bodies(&result).contains(&"third"), "{result}");
    assert_eq!(result["missing"], json!([]));
}

#[test]
fn the_online_ones_of_everyone() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob, carol) = three(&sandbox);
    drop(carol);
    until("carol is offline", PATIENCE, || alice.row_of("carol").unwrap()["online"] == false);
    let pending = ask(&mut alice, json!({"to": "*", "body": "who is up?", "timeout_s": 600}));
    answer(&mut bob, "me");
    let result = pending.ok();
    assert_eq!(bodies(&result), ["me"]);
    assert_eq!(result["timed_out"], false);
}

#[test]
fn after_a_time_out_a_wait_goes_on() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob, _carol) = three(&sandbox);
    let result = alice.ok("ask", json!({"to": "bob", "body": "how far?", "timeout_s": 1}));
    assert_eq!((&result["timed_out"], &result["missing"]), (&json!(true), &json!(["bob"])));
    assert_eq!(result["replies"], json!([]));
    let wait = alice.start_call("wait_for_message", json!({"reply_to": result["id"], "timeout_s": 600}));
    let id = answer(&mut bob, "half");
    let late = wait.ok();
    assert_eq!(late["messages"][0]["id"], id);
    assert_eq!(alice.inbox_ids(json!({})), [id], "a wait marks nothing");
}

#[test]
fn a_question_to_nobody_is_not_sent() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    alice.call("ask", json!({"to": "ghost", "body": "hello?", "timeout_s": 600})).err(NotFound);
    alice.call("ask", json!({"to": ["ghost", "spook"], "body": "hello?"})).err(NotFound);
    assert!(alice.inbox_ids(json!({"sent": true})).is_empty());
    assert!(sandbox.session("ghost").inbox_ids(json!({})).is_empty());
}

#[test]
fn a_misspelt_name_is_told_with_those_like_it() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    let _web = sandbox.session("web");
    let error = alice.call("ask", json!({"to": "wbe", "body": "hello?"})).err(NotFound);
    assert!(error["hint"].as_str().unwrap().contains("\"wbe\" may be \"web\""), "{error}");
    let error = alice.call("ask", json!({"to": ["zzz", "yyy"], "body": "hello?"})).err(NotFound);
    assert!(!error["hint"].as_str().unwrap().contains("may be"), "{error}");
}

#[test]
fn who_cannot_answer_is_told() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob, carol) = three(&sandbox);
    drop(carol);
    until("carol is offline", PATIENCE, || alice.row_of("carol").unwrap()["online"] == false);
    let to = json!(["bob", "carol", "ghost"]);
    let pending = ask(&mut alice, json!({"to": to, "body": "ready?", "replies": 1}));
    answer(&mut bob, "yes");
    let result = pending.ok();
    assert_eq!(result["missing"], json!(["carol", "ghost"]));
    assert_eq!((&result["offline"], &result["unknown"]), (&json!(["carol"]), &json!(["ghost"])));
}

#[test]
fn a_session_does_not_wait_for_itself() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob, _carol) = three(&sandbox);
    alice.call("ask", json!({"to": "alice", "body": "who am I?", "timeout_s": 600})).err(InvalidArgument);
    assert!(alice.inbox_ids(json!({"sent": true})).is_empty());
    let pending = ask(&mut alice, json!({"to": ["alice", "bob"], "body": "ready?", "timeout_s": 600}));
    answer(&mut bob, "yes");
    let result = pending.ok();
    assert_eq!((bodies(&result), &result["missing"]), (vec!["yes"], &json!([])));
}

#[test]
fn bad_input_is_refused() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob, _carol) = three(&sandbox);
    for bad in [
        json!({"to": "bob"}),
        json!({"body": "x"}),
        json!({"to": "bob", "body": ""}),
        json!({"to": "bob", "body": "x", "replies": 0}),
        json!({"to": "bob", "body": "x", "timeout_s": -1}),
        json!({"to": "bob", "body": "x", "timeout_s": 86_401}),
        json!({"to": "bob", "body": "x", "tag": "y".repeat(65)}),
    ] {
        assert!(alice.call("ask", bad.clone()).is_error, "{bad}");
    }
    alice.call("ask", json!({"to": "bob", "body": "x", "timeout_s": 86_401})).err(InvalidArgument);
    assert!(bob.inbox_ids(json!({})).is_empty());
}

#[test]
fn a_cancelled_question_was_sent_and_can_be_waited_for() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob, _carol) = three(&sandbox);
    let pending = ask(&mut alice, json!({"to": "bob", "body": "how far?", "timeout_s": 600}));
    let question = bob.ok("wait_for_message", json!({"timeout_s": 20}))["messages"][0]["id"].clone();
    pending.cancel(&mut alice);
    sandbox.until_status("nothing waits", |status| status.waits == 0);
    bob.ok("send_message", json!({"reply_to": question, "body": "half"}));
    let late = alice.ok("wait_for_message", json!({"reply_to": question, "timeout_s": 20}));
    assert_eq!(late["messages"][0]["body"], "half");
}

#[test]
fn a_question_outlives_the_broker() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob, mut carol) = three(&sandbox);
    let pending = ask(&mut alice, json!({"to": ["bob", "carol"], "body": "ready?", "timeout_s": 600}));
    answer(&mut bob, "before the crash");
    sandbox.kill_broker();
    let question = carol.ok("wait_for_message", json!({"timeout_s": 20}));
    assert_eq!(question["messages"].as_array().unwrap().len(), 1, "asked once: {question}");
    answer_to(&mut carol, &question, "after it");
    assert_eq!(bodies(&pending.ok()), ["before the crash", "after it"]);
}

/// Its session lost the name while it waited: the error must not read as if nothing had been sent.
#[test]
fn a_question_whose_wait_is_ended_was_sent_and_the_error_says_so() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob, mut carol) = three(&sandbox);
    let pending = ask(&mut alice, json!({"to": "bob", "body": "which port?", "timeout_s": 600}));
    let question = bob.ok("wait_for_message", json!({"timeout_s": 20}))["messages"][0]["id"].clone();
    carol.until_waiting("alice");
    carol.ok("register_session", json!({"name": "alice"}));
    let error = pending.result(PATIENCE).err(Superseded);
    assert!(error["message"].as_str().unwrap().ends_with(&format!("as message {question}")), "{error}");
    assert!(
        error["idempotency_key"].is_string(),
        "without a key it would say that nothing was done: {error}"
    );
    assert!(error["hint"].as_str().unwrap().contains("find out"), "{error}");
}

fn answer_to(shim: &mut Shim, question: &Value, body: &str) {
    shim.ok("send_message", json!({"reply_to": question["messages"][0]["id"], "body": body}));
}
