//! The shared state: compare-and-swap, leases, watches, lists.

use c2c_harness::{PATIENCE, Sandbox, Shim};
use c2c_proto::ErrorCode::{Conflict, InvalidArgument};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn set(shim: &mut Shim, arguments: Value) -> i64 {
    shim.ok("set_state", arguments)["version"].as_i64().unwrap()
}

#[test]
fn a_value_comes_back_as_it_was_set() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    for value in [
        json!("abc123"),
        json!(12),
        json!(-0.5),
        json!(true),
        json!([1, "two", null]),
        json!({"z": 1, "a": {"b": []}}),
        json!("12"),
        json!(""),
        json!("\u{0}\u{7f}\u{202e}😀"),
        json!(9_007_199_254_740_993_i64),
    ] {
        let done = alice.ok("set_state", json!({"key": "k", "value": value}));
        assert_eq!((&done["key"], &done["updated_by"]), (&json!("k"), &json!("alice")));
        assert!(done["updated_at"].as_str().unwrap().ends_with('Z'));
        let entry = bob.ok("get_state", json!({"key": "k"}))["entry"].clone();
        assert_eq!((&entry["value"], &entry["version"]), (&value, &done["version"]));
        assert_eq!((&entry["key"], &entry["updated_by"]), (&json!("k"), &json!("alice")));
    }
    assert!(bob.ok("get_state", json!({"key": "absent"}))["entry"].is_null());
}

#[test]
fn null_is_a_value() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    let version = set(&mut alice, json!({"key": "k", "value": null}));
    let entry = alice.ok("get_state", json!({"key": "k"}))["entry"].clone();
    assert_eq!((&entry["version"], &entry["value"]), (&json!(version), &Value::Null));
    assert!(entry.is_object());
}

#[test]
fn compare_and_swap_lets_one_win() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let first = set(&mut alice, json!({"key": "k", "value": 1, "if_version": 0}));
    let lost = bob.call("set_state", json!({"key": "k", "value": 2, "if_version": 0}));
    let said = lost.text.clone();
    lost.err(Conflict);
    assert!(said.contains(&first.to_string()) && said.contains("alice"), "version and who: {said}");
    let second = set(&mut bob, json!({"key": "k", "value": 3, "if_version": first}));
    assert!(second > first);
    alice.call("set_state", json!({"key": "k", "value": 4, "if_version": first})).err(Conflict);
    alice.call("delete_state", json!({"key": "k", "if_version": first})).err(Conflict);
    assert_eq!(alice.ok("get_state", json!({"key": "k"}))["entry"]["value"], 3);
    assert_eq!(alice.ok("delete_state", json!({"key": "k", "if_version": second}))["deleted"], true);
    assert_eq!(alice.ok("delete_state", json!({"key": "k"}))["deleted"], false);
    alice.call("set_state", json!({"key": "k", "value": 5, "if_version": second})).err(Conflict);
}

#[test]
fn a_lease_expires_and_can_be_taken() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let lease = json!({"key": "lease", "value": "mine", "if_version": 0, "ttl_s": 1});
    let taken = Instant::now();
    let first = set(&mut alice, lease.clone());
    bob.call("set_state", lease.clone()).err(Conflict);
    let second = c2c_harness::until_some("the lease expires", PATIENCE, || {
        let attempt = bob.call("set_state", lease.clone());
        (!attempt.is_error).then(|| attempt.json["version"].as_i64().unwrap())
    });
    let held = taken.elapsed();
    assert!(held >= Duration::from_millis(990), "held for {held:?} only");
    assert!(second > first, "the version fences");
    // A set without ttl ends the expiry.
    let kept = set(&mut bob, json!({"key": "lease", "value": "kept", "if_version": second}));
    c2c_harness::pause(Duration::from_millis(1_300)); // longer than the lease was
    assert_eq!(bob.ok("get_state", json!({"key": "lease"}))["entry"]["version"], kept);
}

#[test]
fn an_expired_entry_is_absent_everywhere() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    set(&mut alice, json!({"key": "short", "value": 1, "ttl_s": 1}));
    c2c_harness::until("it expires", PATIENCE, || {
        alice.ok("get_state", json!({"key": "short"}))["entry"].is_null()
    });
    assert_eq!(alice.ok("get_state", json!({"prefix": "short"}))["entries"], json!([]));
    assert_eq!(alice.ok("delete_state", json!({"key": "short"}))["deleted"], false);
}

#[test]
fn versions_never_repeat_after_delete_and_restart() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    let mut last = 0;
    for round in 0..4 {
        let version = set(&mut alice, json!({"key": "k", "value": round}));
        assert!(version > last, "{version} after {last}");
        let other = set(&mut alice, json!({"key": "other", "value": round}));
        assert!(other > version, "one counter for the whole store");
        last = other;
        alice.ok("delete_state", json!({"key": "k"}));
        alice.ok("delete_state", json!({"key": "other"}));
        sandbox.kill_broker();
    }
}

#[test]
fn a_prefix_is_a_prefix() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    for key in ["a%b", "a_b", "aXb", "a", "b", "A", "é1", "é2"] {
        set(&mut alice, json!({"key": key, "value": key}));
    }
    let keys = |shim: &mut Shim, arguments: Value| -> Vec<String> {
        let page = shim.ok("get_state", arguments);
        page["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["key"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(keys(&mut alice, json!({"prefix": "a%"})), ["a%b"]);
    assert_eq!(keys(&mut alice, json!({"prefix": "a_"})), ["a_b"]);
    assert_eq!(keys(&mut alice, json!({"prefix": "é"})), ["é1", "é2"]);
    assert_eq!(keys(&mut alice, json!({"prefix": "zz"})), [] as [&str; 0]);
    assert_eq!(keys(&mut alice, json!({})).len(), 8);
    let long = "x".repeat(2_100);
    set(&mut alice, json!({"key": "long", "value": long}));
    let listed = alice.ok("get_state", json!({"prefix": "long"}))["entries"][0].clone();
    assert!(listed.get("value").is_none(), "left out: {listed}");
    assert_eq!(listed["value_chars"], 2_102, "with its quotes");
    assert_eq!(alice.ok("get_state", json!({"key": "long"}))["entry"]["value"], long);
}

#[test]
fn a_watch_wakes_on_the_next_version() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let creation = bob.start_call("get_state", json!({"key": "k", "newer_than": 0, "timeout_s": 60}));
    sandbox.until_status("bob watches", |status| status.waits == 1);
    assert!(!creation.is_done());
    set(&mut alice, json!({"key": "unrelated", "value": 0}));
    let first = set(&mut alice, json!({"key": "k", "value": 1}));
    assert_eq!(creation.ok()["entry"]["version"], first);
    let change = bob.start_call("get_state", json!({"key": "k", "newer_than": first}));
    sandbox.until_status("bob watches", |status| status.waits == 1);
    let second = set(&mut alice, json!({"key": "k", "value": 2}));
    assert_eq!(change.ok()["entry"]["version"], second);
    // Already newer: at once.
    assert_eq!(bob.ok("get_state", json!({"key": "k", "newer_than": first}))["entry"]["version"], second);
    let gone = bob.start_call("get_state", json!({"key": "k", "newer_than": second, "timeout_s": 60}));
    sandbox.until_status("bob watches", |status| status.waits == 1);
    alice.ok("delete_state", json!({"key": "k"}));
    assert!(gone.ok()["entry"].is_null(), "null at once when the key becomes absent");
    assert!(bob.ok("get_state", json!({"key": "k", "newer_than": 5}))["entry"].is_null(), "and when it is");
    let started = Instant::now();
    let timed_out = bob.ok("get_state", json!({"key": "k", "newer_than": 0, "timeout_s": 1}));
    assert!(timed_out["entry"].is_null() && started.elapsed() >= Duration::from_millis(990));
}

#[test]
fn a_watch_and_a_change_outlive_the_broker() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let version = set(&mut alice, json!({"key": "k", "value": 1}));
    let watch = bob.start_call("get_state", json!({"key": "k", "newer_than": version, "timeout_s": 60}));
    sandbox.until_status("bob watches", |status| status.waits == 1);
    for round in 2..8 {
        // The call is on its way while the broker dies: it must be answered as if nothing had been, also where the
        // first attempt was committed and only its answer was lost.
        let swap = json!({"key": "own", "value": round, "if_version": alice.ok("get_state", json!({"key": "own"}))["entry"]["version"].as_i64().unwrap_or(0)});
        let id = sandbox.broker_id();
        let pending = alice.start_call("set_state", swap);
        c2c_harness::stop(id);
        let answer = pending.ok();
        let entry = alice.ok("get_state", json!({"key": "own"}))["entry"].clone();
        assert_eq!((&entry["version"], &entry["value"]), (&answer["version"], &json!(round)));
    }
    let next = set(&mut alice, json!({"key": "k", "value": 2}));
    assert_eq!(watch.ok()["entry"]["version"], next);
}

#[test]
fn bad_input_is_refused() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    for bad in [
        json!({"value": 1}),
        json!({"key": "k"}),
        json!({"key": "", "value": 1}),
        json!({"key": "k", "value": 1, "ttl_s": 0}),
        json!({"key": "k", "value": 1, "ttl_s": -1}),
        json!({"key": "k", "value": 1, "if_version": "first"}),
        json!({"key": "k", "value": 1, "if_version": -1}),
    ] {
        alice.call("set_state", bad).err(InvalidArgument);
    }
    alice.call("delete_state", json!({})).err(InvalidArgument);
    alice.call("get_state", json!({"newer_than": 1})).err(InvalidArgument);
    assert_eq!(alice.ok("get_state", json!({}))["entries"], json!([]));
}
