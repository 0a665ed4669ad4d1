//! An acknowledged message is on disk, once, in order, whatever happens to the broker right after.

use c2c_harness::{Sandbox, Seed, Shim, until};
use c2c_proto::ErrorCode::Conflict;
use serde_json::{Value, json};

const ROUNDS: usize = 100;

/// All that is in a mailbox, page by page: ids and bodies.
fn drained(shim: &mut Shim) -> Vec<(i64, String)> {
    let mut found = Vec::new();
    let mut after = 0;
    loop {
        let page = shim.ok("inbox", json!({"after_id": after, "limit": 500}));
        for message in page["messages"].as_array().unwrap() {
            found.push((message["id"].as_i64().unwrap(), message["body"].as_str().unwrap().to_owned()));
        }
        if page["more"] != true {
            return found;
        }
        after = page["next_after_id"].as_i64().unwrap();
    }
}

#[test]
fn a1_a_hundred_kills_lose_nothing_and_double_nothing() {
    let sandbox = Sandbox::new();
    let mut sent = Vec::new();
    for round in 0..ROUNDS {
        let body = format!("round {round}");
        // A sender of its own each time: one that saw many brokers die pauses before it tries again.
        let id = sandbox.session("alice").say("bob", &body);
        // Acknowledged: from here on it must be there.
        sandbox.kill_broker();
        sent.push((id, body));
    }
    let found = drained(&mut sandbox.session("bob"));
    assert_eq!(found, sent, "all, once, in the order in which they were sent");
}

#[test]
fn a1_a_send_on_its_way_while_the_broker_dies_is_stored_once() {
    let sandbox = Sandbox::new();
    let mut seed = Seed::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let mut sent = Vec::new();
    for round in 0..25 {
        let broker = sandbox.broker_id();
        let body = format!("round {round}");
        let pending = alice.start_call("send_message", json!({"to": "bob", "body": body}));
        // Anywhere between the call's first byte and its commit.
        for _ in 0..seed.below(4_000) {
            std::hint::spin_loop();
        }
        c2c_harness::stop(broker);
        sent.push((pending.ok()["id"].as_i64().unwrap(), body));
    }
    assert_eq!(drained(&mut bob), sent, "each once");
}

#[test]
fn a1_a_wait_in_progress_gets_what_was_acknowledged_before_the_kill() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    for round in 0..10 {
        let wait = bob.start_call("wait_for_message", json!({"timeout_s": 600}));
        alice.until_waiting("bob");
        let broker = sandbox.broker_id();
        let id = alice.say("bob", &format!("round {round}"));
        c2c_harness::stop(broker);
        let result = wait.ok();
        assert_eq!(result["messages"][0]["id"], id);
        assert_eq!(result["messages"].as_array().unwrap().len(), 1);
        bob.ok("mark_read", json!({"message_ids": [id]}));
    }
}

#[test]
fn read_marks_survive_too() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    for round in 0..10 {
        let id = alice.say("bob", &format!("round {round}"));
        assert_eq!(bob.ok("mark_read", json!({"message_ids": [id]}))["marked"], 1);
        sandbox.kill_broker();
        assert!(bob.inbox_ids(json!({})).is_empty(), "read stays read");
    }
}

#[test]
fn the_same_key_is_the_same_message() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let send = json!({"to": "bob", "body": "deploy", "tag": "handoff", "idempotency_key": "deploy-7"});
    let first = alice.ok("send_message", send.clone())["id"].clone();
    assert_eq!(alice.ok("send_message", send.clone())["id"], first);
    sandbox.kill_broker();
    assert_eq!(alice.ok("send_message", send.clone())["id"], first, "also after a restart");
    for (field, other) in [("body", "deploy now"), ("to", "alice"), ("tag", "status")] {
        let mut changed = send.clone();
        changed[field] = json!(other);
        alice.call("send_message", changed).err(Conflict);
    }
    // Keys belong to a session: another one may use the same word.
    let other = bob.ok("send_message", json!({"to": "alice", "body": "x", "idempotency_key": "deploy-7"}));
    assert_ne!(other["id"], first);
    assert_eq!(bob.inbox_ids(json!({})).len(), 1);
    bob.ok("mark_read", json!({"message_ids": [first]}));
    assert_eq!(alice.ok("send_message", send)["id"], first, "read or not");
}

#[test]
fn every_changing_tool_takes_a_key() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let lease = json!({"key": "k", "value": 1, "if_version": 0, "idempotency_key": "lease"});
    let first = alice.ok("set_state", lease.clone())["version"].clone();
    assert_eq!(alice.ok("set_state", lease)["version"], first, "its own answer, not a conflict with itself");
    let delete = json!({"key": "k", "idempotency_key": "delete"});
    assert_eq!(alice.ok("delete_state", delete.clone())["deleted"], true);
    assert_eq!(alice.ok("delete_state", delete)["deleted"], true);
    let id = alice.say("bob", "x");
    let mark = json!({"message_ids": [id], "idempotency_key": "mark"});
    assert_eq!(bob.ok("mark_read", mark.clone())["marked"], 1);
    assert_eq!(bob.ok("mark_read", mark)["marked"], 1);
    let prune = json!({"older_than_days": 0, "idempotency_key": "prune"});
    let pruned = bob.ok("prune", prune.clone());
    assert_eq!(bob.ok("prune", prune)["messages_deleted"], pruned["messages_deleted"]);
    let name = json!({"name": "bobby", "idempotency_key": "name"});
    let named = bob.ok("register_session", name.clone());
    assert_eq!(bob.ok("register_session", name)["session_id"], named["session_id"]);
}

#[test]
fn ids_are_in_the_order_of_the_sends() {
    let sandbox = Sandbox::new();
    let mut shims: Vec<_> = ["a", "b", "c"].into_iter().map(|name| sandbox.session(name)).collect();
    let mut last = 0;
    for round in 0..30 {
        let id = shims[round % 3].say("sink", &format!("{round}"));
        assert!(id > last, "{id} after {last}");
        last = id;
    }
}

#[test]
fn ids_of_deleted_messages_are_never_given_again() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let last = alice.say("bob", "the newest of all");
    bob.ok("mark_read", json!({"message_ids": [last]}));
    assert_eq!(bob.ok("prune", json!({"older_than_days": 0}))["messages_deleted"], 1);
    sandbox.kill_broker();
    assert!(alice.say("bob", "the next") > last, "an answer or a cursor could mean either of them");
}

#[test]
fn a10_sigterm_finishes_what_was_begun() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let wait = bob.start_call("wait_for_message", json!({"tag": "last", "timeout_s": 600}));
    alice.until_waiting("bob");
    let broker = sandbox.broker_id();
    let pending: Vec<_> = (0..50)
        .map(|n| alice.start_call("send_message", json!({"to": "bob", "body": format!("m{n}")})))
        .collect();
    #[cfg(unix)]
    c2c_harness::signal(broker, c2c_harness::Signal::TERM);
    #[cfg(not(unix))]
    c2c_harness::stop(broker);
    let mut ids: Vec<Value> = pending.iter().map(|call| call.ok()["id"].clone()).collect();
    until("the old broker ends", std::time::Duration::from_secs(4), || !c2c_harness::alive(broker));
    let found = bob.ok("inbox", json!({"limit": 500}));
    let mut seen: Vec<Value> =
        found["messages"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
    ids.sort_by_key(Value::as_i64);
    seen.sort_by_key(Value::as_i64);
    assert_eq!(seen, ids);
    alice.ok("send_message", json!({"to": "bob", "body": "end", "tag": "last"}));
    assert_eq!(wait.ok()["messages"][0]["body"], "end", "the wait went on with the next broker");
}

/// The broker stops dead with a call in it, and no other one can be started: nobody knows whether it was done.
#[cfg(unix)]
#[test]
fn a3_an_unknown_outcome_comes_with_the_key_that_settles_it() {
    use c2c_harness::{Broker, Signal, signal};
    let sandbox = Sandbox::new();
    let alone = sandbox.folder("alone").join("c2c-shim");
    c2c_harness::install(&c2c_harness::binary("c2c-shim"), &alone);
    let mut broker = Broker::start(&sandbox);
    let mut alice = sandbox.shim().program(&alone).env("PATH", "").name("alice").session();
    signal(broker.id(), Signal::STOP);
    let own = alice.start_call("send_message", json!({"to": "bob", "body": "with the shim's key"}));
    let given = json!({"to": "bob", "body": "with the model's key", "idempotency_key": "deploy-7"});
    let given = alice.start_call("send_message", given);
    assert!(own.stays_open(std::time::Duration::from_millis(300)), "it is on its way");
    broker.kill();
    let keys = [own, given].map(|call| {
        let error = call.result(c2c_harness::PATIENCE).err(c2c_proto::ErrorCode::BrokerUnreachable);
        error["idempotency_key"].as_str().unwrap_or_else(|| panic!("no key: {error}")).to_owned()
    });
    assert_eq!(keys[1], "deploy-7", "the model's key is told as the model gave it");
    let _next = Broker::start(&sandbox);
    until("the shim is back", c2c_harness::PATIENCE, || !alice.call("heartbeat", json!({})).is_error);
    let retries = [("with the shim's key", &keys[0]), ("with the model's key", &keys[1])];
    for (body, key) in retries {
        let retry = json!({"to": "bob", "body": body, "idempotency_key": key});
        let first = alice.ok("send_message", retry.clone())["id"].clone();
        assert_eq!(alice.ok("send_message", retry)["id"], first, "{body}");
    }
    let found = drained(&mut sandbox.shim().program(&alone).env("PATH", "").name("bob").session());
    let bodies: Vec<&str> = found.iter().map(|(_, body)| body.as_str()).collect();
    assert_eq!(bodies, ["with the shim's key", "with the model's key"], "each once");
}
