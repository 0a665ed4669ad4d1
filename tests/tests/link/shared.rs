//! The state that all machines share.

use super::machine::{LONG, Machine, two};
use c2c_harness::{NatsServer as Server, PATIENCE, Shim, until};
use c2c_proto::ErrorCode::{Conflict, LinkDown, TooLarge};
use serde_json::{Value, json};

fn value(session: &mut Shim, key: &str) -> Value {
    session.ok("get_state", json!({"key": key}))["entry"]["value"].clone()
}

#[test]
fn what_one_machine_sets_all_have_and_only_one_is_first() {
    let Some(server) = Server::start(&["laptop", "tower"]) else { return };
    let (laptop, tower) = two(&server);
    let (mut api, mut web) = (laptop.sandbox.session("api"), tower.sandbox.session("web"));
    let key = "global:deploy/prod ü";
    until("the link takes changes", PATIENCE, || {
        api.call("set_state", json!({"key": key, "value": 12_345_678_901_234_567_890_u64})).is_ok()
    });
    assert_eq!(
        value(&mut api, key),
        json!(12_345_678_901_234_567_890_u64),
        "whoever set it reads it at once"
    );
    until("the other machine has it", PATIENCE, || value(&mut web, key) == 12_345_678_901_234_567_890_u64);
    let entry = web.ok("get_state", json!({"key": key}))["entry"].clone();
    assert_eq!(entry["updated_by"], "api@laptop");
    // Compare-and-swap across machines.
    let version = entry["version"].clone();
    let watched = api.start_call("get_state", json!({"key": key, "newer_than": version, "timeout_s": 30}));
    let set = web.ok("set_state", json!({"key": key, "value": {"by": "web"}, "if_version": version}));
    let seen = watched.result(PATIENCE).ok();
    assert_eq!((&seen["entry"]["version"], &seen["entry"]["value"]["by"]), (&set["version"], &json!("web")));
    let refused = api.call("set_state", json!({"key": key, "value": 1, "if_version": version}));
    let message = refused.err(Conflict)["message"].as_str().unwrap().to_owned();
    assert!(message.contains("web@tower") && message.contains(&set["version"].to_string()), "{message}");
    // The same call again is the same change again.
    let again = json!({"key": key, "value": 2, "idempotency_key": "once"});
    let first = web.ok("set_state", again.clone());
    assert_eq!(web.ok("set_state", again), first);
    let other = web.call("set_state", json!({"key": key, "value": 3, "idempotency_key": "once"}));
    other.err(Conflict);
    // Deleted, it is gone for all.
    assert_eq!(api.ok("delete_state", json!({"key": key}))["deleted"], true);
    assert_eq!(api.ok("delete_state", json!({"key": key}))["deleted"], false);
    until("it is gone there", PATIENCE, || value(&mut web, key).is_null());
    let long = api.call("set_state", json!({"key": key, "value": "x".repeat(1_048_000)}));
    assert!(long.err(TooLarge)["hint"].as_str().unwrap().contains("server"));
    // What is not for all stays here.
    api.ok("set_state", json!({"key": "local", "value": 1}));
    assert_eq!(value(&mut web, "local"), Value::Null);
}

#[test]
fn a_lease_is_held_by_one_machine_and_ends_by_itself() {
    let Some(server) = Server::start(&["laptop", "tower"]) else { return };
    let (laptop, tower) = two(&server);
    let (mut api, mut web) = (laptop.sandbox.session("api"), tower.sandbox.session("web"));
    let lease = |ttl: u32| json!({"key": "global:lease", "value": "held", "if_version": 0, "ttl_s": ttl});
    until("the link takes changes", PATIENCE, || api.call("set_state", lease(4)).is_ok());
    let entry = web.ok("get_state", json!({"key": "global:lease", "newer_than": 0, "timeout_s": 20}));
    let held = entry["entry"]["version"].clone();
    web.call("set_state", lease(60)).err(Conflict);
    // Whoever watches it is told that it has expired, and only one of two is the next.
    let gone = web.ok("get_state", json!({"key": "global:lease", "newer_than": held, "timeout_s": 30}));
    assert_eq!(gone["entry"], Value::Null);
    let (mine, yours) = (api.start_call("set_state", lease(60)), web.start_call("set_state", lease(60)));
    let (mine, yours) = (mine.result(PATIENCE), yours.result(PATIENCE));
    assert_ne!(mine.is_ok(), yours.is_ok(), "{mine:?} {yours:?}");
    let next = if mine.is_ok() { mine.ok() } else { yours.ok() };
    assert!(next["version"].as_i64() > held.as_i64(), "a fencing token only grows");
}

#[test]
fn without_a_link_nothing_is_changed_and_what_is_read_has_its_date() {
    let Some(mut server) = Server::start(&["laptop", "tower"]) else { return };
    let (laptop, mut tower) = two(&server);
    let (mut api, mut web) = (laptop.sandbox.session("api"), tower.sandbox.session("web"));
    let set = json!({"key": "global:k", "value": 1});
    until("the link takes changes", PATIENCE, || api.call("set_state", set.clone()).is_ok());
    until("the other machine has it", PATIENCE, || value(&mut web, "global:k") == 1);
    assert!(web.ok("get_state", json!({"key": "global:k"})).get("as_of").is_none());
    server.kill();
    until("it is known to be old", PATIENCE, || {
        web.ok("get_state", json!({"key": "global:k"}))["as_of"].is_string()
    });
    let listed = web.ok("get_state", json!({"prefix": "global:"}));
    assert!(listed["as_of"].is_string() && listed["entries"][0]["value"] == 1, "{listed}");
    web.call("set_state", json!({"key": "global:k", "value": 2})).err(LinkDown);
    web.call("delete_state", json!({"key": "global:k"})).err(LinkDown);
    assert_eq!(value(&mut web, "global:k"), 1);
    web.ok("set_state", json!({"key": "k", "value": 1}));
    let person = tower.sandbox.c2c(&["state", "get", "global:k", "--json"]);
    assert!(person.json()["as_of"].is_string(), "{person:?}");
    // A broker without a link knows how old its copy is, too.
    tower.kill_link();
    tower.sandbox.kill_broker();
    assert!(web.ok("get_state", json!({"key": "global:k"}))["as_of"].is_string());
    web.call("set_state", json!({"key": "global:k", "value": 2})).err(LinkDown);
    // What was changed meanwhile comes when it is back.
    server.run();
    until("the laptop is back", PATIENCE, || {
        api.call("set_state", json!({"key": "global:k", "value": 3})).is_ok()
    });
    api.ok("delete_state", json!({"key": "global:k"}));
    api.ok("set_state", json!({"key": "global:other", "value": 4}));
    tower.run();
    until("it has what there is", PATIENCE, || {
        let listed = web.ok("get_state", json!({"prefix": "global:"}));
        listed.get("as_of").is_none() && listed["entries"][0]["key"] == "global:other"
    });
    assert_eq!(value(&mut web, "global:k"), Value::Null);
    // A machine of its own has no such state, and says what to do.
    let alone = c2c_harness::Sandbox::new();
    let mut own = alone.session("own");
    for (tool, arguments) in [
        ("set_state", json!({"key": "global:k", "value": 1})),
        ("get_state", json!({"key": "global:k"})),
        ("get_state", json!({"key": "global:k", "newer_than": 0, "timeout_s": 60})),
        ("get_state", json!({"prefix": "global:"})),
    ] {
        let refused = own.call(tool, arguments);
        assert!(refused.err(LinkDown)["hint"].as_str().unwrap().contains("link"));
    }
    assert_eq!(own.ok("get_state", json!({}))["entries"], json!([]));
}

#[test]
fn much_of_it_is_had_by_all_and_by_a_link_that_begins() {
    let Some(server) = Server::start(&["laptop", "tower"]) else { return };
    let (laptop, mut tower) = two(&server);
    let (mut api, mut web) = (laptop.sandbox.session("api"), tower.sandbox.session("web"));
    until("the link takes changes", PATIENCE, || {
        api.call("set_state", json!({"key": "global:0", "value": "small"})).is_ok()
    });
    // More than the server sends ahead of what is taken.
    for number in 1..=8 {
        let value = format!("{number}{}", "x".repeat(700_000));
        api.ok("set_state", json!({"key": format!("global:{number}"), "value": value}));
    }
    let all = |session: &mut Shim| {
        let listed = session.ok("get_state", json!({"prefix": "global:"}));
        listed.get("as_of").is_none() && listed["entries"].as_array().is_some_and(|all| all.len() == 9)
    };
    until("the other machine has all of it", PATIENCE, || all(&mut web));
    tower.kill_link();
    api.ok("delete_state", json!({"key": "global:0"}));
    api.ok("set_state", json!({"key": "global:9", "value": 9}));
    tower.run();
    until("a link that begins has all of it", PATIENCE, || {
        all(&mut web) && value(&mut web, "global:0").is_null() && value(&mut web, "global:9") == 9
    });
}

#[test]
fn whoever_is_told_that_a_change_is_done_reads_it_also_when_the_server_has_just_come_back() {
    let Some(mut server) = Server::start(&["laptop"]) else { return };
    let laptop = Machine::start(&server, "laptop");
    let mut api = laptop.sandbox.session("api");
    until("the link takes changes", PATIENCE, || {
        api.call("set_state", json!({"key": "global:k", "value": 0})).is_ok()
    });
    for round in 1..4 {
        server.kill();
        server.run();
        until("the link takes changes again", LONG, || {
            api.call("set_state", json!({"key": "global:k", "value": round})).is_ok()
        });
        assert_eq!(value(&mut api, "global:k"), round);
        until("and deletes", LONG, || api.call("delete_state", json!({"key": "global:k"})).is_ok());
        assert_eq!(value(&mut api, "global:k"), Value::Null);
    }
}
