//! Many at once: whatever the order, memory and store agree afterwards, and no wake-up is lost.

use c2c_harness::{PATIENCE, Sandbox, Shim};
use serde_json::json;

#[test]
fn of_many_that_register_one_name_at_once_one_holds_it() {
    let sandbox = Sandbox::new();
    let mut shims: Vec<Shim> = (0..6).map(|number| sandbox.session(&format!("first{number}"))).collect();
    for round in 0..40 {
        let calls: Vec<_> = shims
            .iter_mut()
            .map(|shim| shim.start_call("register_session", json!({"name": format!("x{round}")})))
            .collect();
        for call in calls {
            call.ok();
        }
        let working = shims.iter_mut().filter_map(|shim| {
            let result = shim.call("heartbeat", json!({}));
            (!result.is_error).then_some(())
        });
        assert_eq!(working.count(), 1, "round {round}");
        for (number, shim) in shims.iter_mut().enumerate() {
            shim.ok("register_session", json!({"name": format!("again{round}-{number}")}));
        }
    }
}

#[test]
fn a_session_that_takes_two_names_at_once_reads_the_mailbox_that_it_ends_up_with() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    for round in 0..60 {
        let calls = ["a", "b"]
            .map(|which| alice.start_call("register_session", json!({"name": format!("p{round}{which}")})));
        for call in calls {
            call.ok();
        }
        let name = alice.own_name();
        let id = bob.say(&name, "to whoever it is");
        assert!(alice.inbox_ids(json!({"limit": 500})).contains(&id), "round {round}: {name}");
    }
}

#[test]
fn e12_a_question_that_is_cancelled_at_any_moment_is_never_asleep_in_a_mailbox() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let mut came = 0;
    for round in 0..120 {
        let waiting = bob.start_call("wait_for_message", json!({"timeout_s": 600}));
        let ask = alice.start_call("ask", json!({"to": "bob", "body": "ready?", "timeout_s": 600}));
        // A few calls of another kind let the question get further from round to round.
        for _ in 0..round % 4 {
            alice.ok("heartbeat", json!({}));
        }
        ask.cancel(&mut alice);
        // Behind it in the same queue: when this is on disk, so is the question if it got that far.
        alice.say("carol", "behind it");
        if alice.row_of("bob").unwrap()["unread"] == 0 {
            alice.say("bob", "nothing came");
        } else {
            came += 1;
        }
        let result = waiting.result(PATIENCE);
        assert!(!result.is_error, "{}", result.text);
        let ids = bob.inbox_ids(json!({}));
        bob.ok("mark_read", json!({"message_ids": ids}));
    }
    println!("{came} of 120 questions were stored");
}

#[test]
fn a_blocked_watch_ends_when_its_session_loses_its_name() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let watch = alice.start_call("get_state", json!({"key": "k", "newer_than": 0, "timeout_s": 600}));
    sandbox.until_status("it watches", |status| status.waits == 1);
    bob.ok("register_session", json!({"name": "alice"}));
    watch.result(PATIENCE).err(c2c_proto::ErrorCode::Superseded);
    alice.call("list_sessions", json!({})).err(c2c_proto::ErrorCode::Superseded);
    assert_eq!(sandbox.status().unwrap().sessions_online, 1);
}
