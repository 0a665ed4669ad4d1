//! A server without room.

use super::machine::{LONG, Machine};
use c2c_harness::{NatsServer, until};
use c2c_proto::ErrorCode::LinkDown;
use serde_json::{Value, json};

#[test]
fn a_full_server_keeps_nobody_from_making_room() {
    let Some(server) = NatsServer::of(&["laptop", "tower"]) else { return };
    let mut server = server.with_room(6_000_000);
    server.run();
    let (mut laptop, mut tower) = (Machine::start(&server, "laptop"), Machine::start(&server, "tower"));
    laptop.until_knows("tower");
    tower.until_knows("laptop");
    let (mut api, mut web) = (laptop.sandbox.session("api"), tower.sandbox.session("web"));
    tower.kill_link();
    let said: Vec<String> = (0..15).map(|number| format!("{number} {}", "x".repeat(700_000))).collect();
    for body in &said {
        api.say("web@tower", body);
    }
    let says_so = |machine: &Machine| {
        let state = machine.state();
        let error = state["last_error"]["error"].as_str().unwrap_or_default().to_owned();
        error.contains("no room") && state["report"].as_str().unwrap_or_default().starts_with("connected")
    };
    until("the laptop says that there is no room", LONG, || says_so(&laptop));
    let refused = api.call("set_state", json!({"key": "global:k", "value": "x".repeat(500_000)}));
    let refused = refused.err(LinkDown);
    assert!(refused["message"].as_str().unwrap().contains("no room"), "{refused}");
    api.ok("set_state", json!({"key": "k", "value": 1}));
    // A link that begins anew gets in all the same, since its name is its own already.
    laptop.kill_link();
    laptop.run();
    until("the laptop is back and says so again", LONG, || says_so(&laptop));
    tower.run();
    laptop.until_nothing_waits();
    let mut got: Vec<String> = Vec::new();
    let mut after = json!(0);
    while got.len() < said.len() {
        let page = web.ok("inbox", json!({"unread_only": false, "after_id": after}));
        let messages = page["messages"].as_array().unwrap();
        after = messages.last().expect("all of it is here")["id"].clone();
        let number = |one: &Value| one["body"].as_str().unwrap().split(' ').next().unwrap().to_owned();
        got.extend(messages.iter().map(number));
    }
    assert!(got.iter().zip(&said).all(|(got, said)| said.starts_with(&format!("{got} "))), "{got:?}");
    assert_eq!(got.len(), said.len(), "{got:?}");
    api.ok("set_state", json!({"key": "global:k", "value": 2}));
}
