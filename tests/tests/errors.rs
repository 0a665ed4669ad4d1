//! Every error that can be provoked on real processes: its code, whether a retry is safe, and what to do.

use c2c_harness::{Broker, PATIENCE, Sandbox, Shim};
use c2c_proto::ErrorCode::{self, BrokerUnreachable, Conflict, MailboxFull, NotFound, RateLimited, TooLarge};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The error, held to what its code promises about a retry.
#[track_caller]
fn fails(shim: &mut Shim, tool: &str, arguments: Value, code: ErrorCode) -> Value {
    let error = shim.call(tool, arguments).err(code);
    assert_eq!(error["retry_safe"], code.retry_safe(), "{error}");
    error
}

#[test]
fn codes_that_arguments_provoke() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    fails(&mut alice, "send_message", json!({"to": "x", "body": ""}), ErrorCode::InvalidArgument);
    fails(&mut alice, "send_message", json!({"to": "x", "body": "y", "tag": "t".repeat(65)}), TooLarge);
    fails(&mut alice, "inbox", json!({"message_id": 4711}), NotFound);
    alice.ok("set_state", json!({"key": "k", "value": 1}));
    fails(&mut alice, "set_state", json!({"key": "k", "value": 2, "if_version": 0}), Conflict);
}

#[test]
fn e9_a_full_mailbox_is_told_to_the_sender() {
    let sandbox = Sandbox::with_config("[limits]\nunread_per_mailbox = 3\n");
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let ids: Vec<i64> = (0..3).map(|n| alice.say("bob", &n.to_string())).collect();
    let error = fails(&mut alice, "send_message", json!({"to": "bob", "body": "x"}), MailboxFull);
    let said = error["message"].as_str().unwrap();
    assert!(said.contains("bob") && said.contains('3'), "mailbox and limit: {said}");
    assert_eq!(bob.inbox_ids(json!({})), ids);
    // A list is all or nothing.
    fails(&mut alice, "send_message", json!({"to": ["carol", "bob"], "body": "x"}), MailboxFull);
    assert!(sandbox.session("carol").inbox_ids(json!({})).is_empty());
    bob.ok("mark_read", json!({"message_ids": [ids[0]]}));
    alice.say("bob", "room again");
}

#[test]
fn e10_a_thread_that_never_ends_is_slowed_down() {
    let sandbox = Sandbox::with_config("[limits]\nthread_messages_per_hour = 5\n");
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let mut last = alice.say("bob", "0");
    for n in 1..5 {
        let shim = if n % 2 == 0 { &mut alice } else { &mut bob };
        last =
            shim.ok("send_message", json!({"reply_to": last, "body": n.to_string()}))["id"].as_i64().unwrap();
    }
    let error = fails(&mut bob, "send_message", json!({"reply_to": last, "body": "once more"}), RateLimited);
    let seconds = error
        .to_string()
        .split(|char: char| !char.is_ascii_digit())
        .any(|number| number.parse::<u32>().is_ok_and(|number| (3_500..=3_600).contains(&number)));
    assert!(seconds, "the seconds to wait: {error}");
    alice.say("bob", "another thread");
    assert_eq!(alice.inbox_ids(json!({"thread": last})).len(), 0, "a thread is its first message's id");
}

#[test]
fn without_a_broker_a_call_fails_within_seconds() {
    let sandbox = Sandbox::new();
    // A copy of the shim alone: no broker beside it, and none on PATH.
    let alone = sandbox.folder("alone").join(format!("c2c-shim{}", std::env::consts::EXE_SUFFIX));
    c2c_harness::install(&c2c_harness::binary("c2c-shim"), &alone);
    let mut shim = sandbox.shim().program(&alone).env("PATH", "").name("alice").start();
    let asked = Instant::now();
    let error = fails(&mut shim, "send_message", json!({"to": "bob", "body": "x"}), BrokerUnreachable);
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(9), "5 s are promised: {took:?}");
    assert!(error.to_string().contains("c2c-broker"), "what is missing: {error}");
    // A broker that comes later is found without the client doing anything.
    let _broker = Broker::start(&sandbox);
    c2c_harness::until("the shim found it", PATIENCE, || !shim.call("heartbeat", json!({})).is_error);
    shim.say("bob", "now");
}

#[cfg(unix)]
#[test]
fn a6_a_broker_that_stands_still_is_waited_for() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let broker = sandbox.broker_id();
    c2c_harness::signal(broker, c2c_harness::Signal::STOP);
    let pending = alice.start_call("send_message", json!({"to": "bob", "body": "patience"}));
    assert!(pending.stays_open(Duration::from_secs(1)));
    let locked = Broker::command(&sandbox).stdout(std::process::Stdio::null()).spawn();
    c2c_harness::signal(broker, c2c_harness::Signal::CONT);
    pending.ok();
    assert_eq!(bob.inbox_bodies(json!({})), ["patience"]);
    let mut second = locked.unwrap();
    assert!(second.wait().unwrap().success(), "a second broker finds the first one alive");
    assert_eq!(sandbox.broker_id(), broker);
}

#[test]
fn a_storm_of_calls_on_one_connection_is_bounded() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    let waits: Vec<_> =
        (0..300).map(|_| alice.start_call("wait_for_message", json!({"timeout_s": 600}))).collect();
    // 256 are in flight; the others are told so at once, and not left in a queue.
    let refused = c2c_harness::until_some("some are refused", PATIENCE, || {
        let done = waits.iter().filter(|wait| wait.is_done()).count();
        (done >= 300 - 256).then_some(done)
    });
    assert_eq!(refused, 300 - 256);
    for wait in waits.iter().filter(|wait| wait.is_done()) {
        wait.result(PATIENCE).err(ErrorCode::BrokerBusy);
    }
    for wait in &waits {
        wait.cancel(&mut alice);
    }
    c2c_harness::until("calls are served again", PATIENCE, || !alice.call("heartbeat", json!({})).is_error);
}
