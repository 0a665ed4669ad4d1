//! `wait_for_message`: what ends it, what it returns, and that it consumes nothing.

use c2c_harness::{PATIENCE, Sandbox, Shim, best_of};
use c2c_proto::ErrorCode::InvalidArgument;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn pair(sandbox: &Sandbox) -> (Shim, Shim) {
    (sandbox.session("alice"), sandbox.session("bob"))
}

fn ids(result: &Value) -> Vec<i64> {
    result["messages"].as_array().unwrap().iter().map(|message| message["id"].as_i64().unwrap()).collect()
}

#[test]
fn a_message_ends_the_wait_within_100_ms() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = pair(&sandbox);
    best_of(5, "from the send's answer to the wait's result", Duration::from_millis(100), || {
        let wait = bob.start_call("wait_for_message", json!({"timeout_s": 600}));
        alice.until_waiting("bob");
        let id = alice.say("bob", "hello");
        let sent = Instant::now();
        let result = wait.ok();
        let took = sent.elapsed();
        assert_eq!((ids(&result), &result["timed_out"]), (vec![id], &json!(false)));
        assert_eq!(result["messages"][0]["body"], "hello");
        bob.ok("mark_read", json!({"message_ids": [id]}));
        took
    });
}

#[test]
fn mail_that_is_there_already_ends_it_at_once() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = pair(&sandbox);
    let first = alice.say("bob", "one");
    let second = alice.say("bob", "two");
    assert_eq!(ids(&bob.ok("wait_for_message", json!({"timeout_s": 600}))), [first, second]);
}

#[test]
fn only_what_matches_the_filter_ends_it() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = pair(&sandbox);
    let mut carol = sandbox.session("carol");
    let question = bob.say("alice", "ready?");
    let cases = [
        json!({"from": "CAROL"}),
        json!({"tag": "go"}),
        json!({"reply_to": question}),
        json!({"thread": question}),
    ];
    let waits: Vec<_> = cases.into_iter().map(|filter| bob.start_call("wait_for_message", filter)).collect();
    sandbox.until_status("all wait", |status| status.waits == 4);
    let noise = alice.say("bob", "by the way");
    bob.ok("mark_read", json!({"message_ids": [noise]}));
    assert!(waits.iter().all(|wait| !wait.is_done()));
    let from_carol = carol.say("bob", "me");
    assert_eq!(ids(&waits[0].ok()), [from_carol]);
    let tagged =
        alice.ok("send_message", json!({"to": "bob", "body": "x", "tag": "go"}))["id"].as_i64().unwrap();
    assert_eq!(ids(&waits[1].ok()), [tagged]);
    assert!(!waits[2].is_done() && !waits[3].is_done());
    let answer =
        alice.ok("send_message", json!({"reply_to": question, "body": "yes"}))["id"].as_i64().unwrap();
    assert_eq!(ids(&waits[2].ok()), [answer]);
    assert_eq!(ids(&waits[3].ok()), [answer]);
}

#[test]
fn the_time_out_is_kept_and_told() {
    let sandbox = Sandbox::new();
    let mut bob = sandbox.session("bob");
    for (asked, at_least) in [(json!(0), 0), (json!(1), 990), (json!("1"), 990)] {
        let started = Instant::now();
        let result = bob.ok("wait_for_message", json!({"timeout_s": asked}));
        let took = started.elapsed();
        assert_eq!((&result["messages"], &result["timed_out"]), (&json!([]), &json!(true)), "{result}");
        assert!(took >= Duration::from_millis(at_least), "asked {asked}, took {took:?}");
        assert!(took < Duration::from_millis(at_least + 5_000), "asked {asked}, took {took:?}");
        assert!(result.to_string().contains("again"), "the advice: {result}");
    }
    for bad in [json!(-1), json!(86_401), json!("soon"), json!([])] {
        bob.call("wait_for_message", json!({"timeout_s": bad})).err(InvalidArgument);
    }
    let longest = bob.start_call("wait_for_message", json!({"timeout_s": 86_400}));
    sandbox.until_status("bob waits", |status| status.waits == 1);
    longest.cancel(&mut bob);
}

#[test]
fn a_cancelled_wait_is_gone_and_consumed_nothing() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = pair(&sandbox);
    let wait = bob.start_call("wait_for_message", json!({"timeout_s": 600, "tag": "go"}));
    sandbox.until_status("bob waits", |status| status.waits == 1);
    let before = alice.say("bob", "not what it waits for");
    wait.cancel(&mut bob);
    sandbox.until_status("the wait is gone", |status| status.waits == 0);
    let after = alice.say("bob", "hello");
    assert!(!wait.is_done(), "a cancelled call is not answered");
    assert_eq!(bob.inbox_ids(json!({})), [before, after]);
    bob.ok("mark_read", json!({"message_ids": [before]}));
    assert_eq!(bob.inbox_ids(json!({})), [after]);
    assert_eq!(
        ids(&bob.ok("wait_for_message", json!({}))),
        [after],
        "shown in a list, it comes as a reminder"
    );
}

#[test]
fn a5_a_shim_killed_in_a_wait_frees_it_within_a_second_and_leaves_the_mail_unread() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    best_of(3, "from the kill to the end of the wait", Duration::from_secs(1), || {
        let mut bob = sandbox.session("bob");
        let _lost = bob.start_call("wait_for_message", json!({"timeout_s": 600}));
        alice.until_waiting("bob");
        bob.kill();
        let killed = Instant::now();
        sandbox.until_status("the wait is gone", |status| status.waits == 0);
        let took = killed.elapsed();
        let id = alice.say("bob", "hello");
        let mut again = sandbox.session("bob");
        assert_eq!(again.own_name(), "bob");
        assert_eq!(ids(&again.ok("wait_for_message", json!({"timeout_s": 5}))), [id]);
        again.ok("mark_read", json!({"message_ids": [id]}));
        drop(again);
        sandbox.until_status("only alice is there", |status| status.sessions_online == 1);
        took
    });
}

#[test]
fn two_waits_at_once_both_return_the_same_mail() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = pair(&sandbox);
    let waits = [json!({"timeout_s": 600}), json!({"timeout_s": 600, "from": "alice"})]
        .map(|arguments| bob.start_call("wait_for_message", arguments));
    sandbox.until_status("both wait", |status| status.waits == 2);
    let id = alice.say("bob", "hello");
    for wait in &waits {
        let result = wait.ok();
        assert_eq!(ids(&result), [id]);
        assert_eq!(result["messages"][0]["body"], "hello");
        assert_ne!(result["repeated"], true);
    }
}

#[test]
fn what_was_shown_before_comes_again_as_a_reminder() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = pair(&sandbox);
    let body = "x".repeat(500);
    let first = alice.say("bob", &body);
    let shown = bob.ok("wait_for_message", json!({}));
    assert_eq!(shown["messages"][0]["body"], body);
    let again = bob.ok("wait_for_message", json!({"timeout_s": 600}));
    assert_eq!((ids(&again), &again["repeated"]), (vec![first], &json!(true)));
    assert_eq!(again["messages"][0]["body"], "x".repeat(200));
    assert!(again.to_string().contains("mark_read"), "it says what to do: {again}");
    // Unshown mail comes first, and alone.
    let second = alice.say("bob", "new");
    let fresh = bob.ok("wait_for_message", json!({"timeout_s": 600}));
    assert_eq!(ids(&fresh), [second]);
    assert_ne!(fresh["repeated"], true);
    bob.ok("mark_read", json!({"message_ids": [first, second]}));
    assert_eq!(bob.ok("wait_for_message", json!({"timeout_s": 0}))["timed_out"], true);
}

#[test]
fn one_wait_returns_at_most_twenty() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = pair(&sandbox);
    let sent: Vec<i64> = (0..25).map(|n| alice.say("bob", &format!("m{n}"))).collect();
    let first = bob.ok("wait_for_message", json!({}));
    assert_eq!(ids(&first), sent[..20]);
    let second = bob.ok("wait_for_message", json!({}));
    assert_eq!(ids(&second), sent[20..]);
}

#[test]
fn a1_a_wait_outlives_the_broker() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = pair(&sandbox);
    best_of(3, "from the kill to the wait's result", Duration::from_secs(3), || {
        let wait = bob.start_call("wait_for_message", json!({"timeout_s": 600}));
        alice.until_waiting("bob");
        let before = sandbox.kill_broker();
        let killed = Instant::now();
        let id = alice.say("bob", "after the crash");
        let result = wait.ok();
        let took = killed.elapsed();
        assert_eq!(ids(&result), [id]);
        assert_ne!(sandbox.broker_id(), before);
        assert_eq!((alice.own_name(), bob.own_name()), ("alice".to_owned(), "bob".to_owned()));
        bob.ok("mark_read", json!({"message_ids": [id]}));
        took
    });
}

#[test]
fn a_time_out_runs_on_across_a_restart() {
    let sandbox = Sandbox::new();
    let mut bob = sandbox.session("bob");
    let started = Instant::now();
    let wait = bob.start_call("wait_for_message", json!({"timeout_s": 3}));
    sandbox.until_status("bob waits", |status| status.waits == 1);
    sandbox.kill_broker();
    let result = wait.ok();
    let took = started.elapsed();
    assert_eq!(result["timed_out"], true);
    assert!(took >= Duration::from_millis(2_900) && took < Duration::from_secs(8), "{took:?}");
}

#[test]
fn e16_a_client_that_gave_a_token_sees_progress() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = pair(&sandbox);
    let params = json!({
        "name": "wait_for_message", "arguments": {"timeout_s": 600}, "_meta": {"progressToken": "token-7"},
    });
    let asked = Instant::now();
    let wait = bob.request("tools/call", &params);
    let note = bob.wire().notification("notifications/progress", PATIENCE).expect("progress");
    let after = asked.elapsed();
    assert!(after > Duration::from_secs(8) && after < Duration::from_secs(15), "every 10 s: {after:?}");
    assert_eq!(note["params"]["progressToken"], "token-7");
    assert!(note["params"]["message"].as_str().is_some_and(|text| text.len() > 5), "{note}");
    assert!(note["params"]["progress"].is_number(), "{note}");
    alice.say("bob", "done");
    wait.ok();
    assert!(bob.wire().notification("notifications/progress", Duration::ZERO).is_none());
}

#[test]
fn e16_the_default_time_out_depends_on_the_client() {
    let sandbox = Sandbox::new();
    let mut bob = sandbox.shim().name("bob").client("claude-code").session();
    let mut eve = sandbox.shim().name("eve").client("other").session();
    let patient = bob.start_call("wait_for_message", json!({}));
    let brief = eve.start_call("wait_for_message", json!({}));
    // 50 s for the other client is the longest thing that this suite waits for, so it is not awaited here: that
    // neither returns early is.
    assert!(patient.stays_open(Duration::from_millis(1_500)));
    assert!(brief.stays_open(Duration::from_millis(100)));
    sandbox.until_status("both wait", |status| status.waits == 2);
}
