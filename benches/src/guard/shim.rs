//! The shim's scenarios: the shim is counted, the broker is not.

use super::callgrind::{Callgrind, Counter};
use super::scenario::{Measured, Scenario, Scene, middle};
use crate::mcp::Mcp;
use crate::world::World;
use serde_json::json;

/// How often a shim is started.
const STARTS: usize = 5;
const BODY_BYTES: usize = 200;
const PAGE: u32 = 20;

/// A shim that is counted, and a peer that is not.
struct Sessions {
    counted: Mcp,
    peer: Mcp,
    counter: Counter,
    _world: World,
    body: String,
}

const SCENARIOS: &[Scenario<Sessions>] = &[
    Scenario {
        name: "shim: ping",
        tolerance: 0.03,
        repeats: 200,
        operations: 1,
        prepare: None,
        once: |scene| drop(scene.counted.request("ping", &json!({}))),
    },
    Scenario {
        name: "shim: send_message",
        tolerance: 0.03,
        repeats: 100,
        operations: 1,
        prepare: None,
        once: |scene| {
            let mail = json!({"to": "peer", "body": scene.body});
            scene.counted.call("send_message", &mail);
        },
    },
    Scenario {
        name: "shim: wait_for_message with mail, mark_read",
        tolerance: 0.04,
        repeats: 50,
        operations: 1,
        prepare: None,
        once: wait,
    },
    Scenario {
        name: "shim: inbox of 20",
        tolerance: 0.03,
        repeats: 50,
        operations: 1,
        prepare: Some(fill),
        once: |scene| drop(scene.counted.call("inbox", &json!({"limit": PAGE}))),
    },
];

impl Scene for Sessions {
    fn counter(&self) -> &Counter {
        &self.counter
    }

    fn process(&self) -> u32 {
        self.counted.id()
    }
}

pub(super) fn count(callgrind: &Callgrind) -> Vec<Measured> {
    let world = World::new();
    let mut measured = starts(callgrind, &world);
    let counter = callgrind.counter();
    let mut counted = Mcp::start(counter.under(&world.shim("counted").command()));
    counted.call("heartbeat", &json!({}));
    let peer = world.session("peer");
    let mut scene = Sessions { counted, peer, counter, _world: world, body: "x".repeat(BODY_BYTES) };
    measured.extend(SCENARIOS.iter().map(|scenario| scenario.count(&mut scene)));
    measured
}

/// From the process's start until it has answered, and until its session is registered.
fn starts(callgrind: &Callgrind, world: &World) -> Vec<Measured> {
    let (mut answered, mut registered) = (Vec::new(), Vec::new());
    for number in 0..STARTS {
        let counter = callgrind.counter();
        let mut counted = Mcp::start(counter.under(&world.shim(&format!("start-{number}")).command()));
        let until_answered = counter.mark(counted.id());
        counter.keep("shim: start to initialize");
        counted.call("heartbeat", &json!({}));
        answered.push(until_answered);
        registered.push(until_answered + counter.mark(counted.id()));
    }
    vec![
        Measured { name: "shim: start to initialize", tolerance: 0.04, instructions: middle(answered) },
        Measured { name: "shim: start to the first call", tolerance: 0.04, instructions: middle(registered) },
    ]
}

fn wait(scene: &mut Sessions) {
    let mail = json!({"to": "counted", "body": scene.body});
    scene.peer.call("send_message", &mail);
    let heard = scene.counted.call("wait_for_message", &json!({}));
    let id = heard["messages"][0]["id"].as_i64().expect("a message");
    scene.counted.call("mark_read", &json!({"message_ids": [id]}));
}

/// Leaves a page of mail, once.
fn fill(scene: &mut Sessions, _: u32) {
    let there = scene.counted.call("inbox", &json!({}))["messages"].as_array().map_or(0, Vec::len);
    let mail = json!({"to": "counted", "body": scene.body});
    for _ in there..PAGE as usize {
        scene.peer.call("send_message", &mail);
    }
}
