//! A number that two machines raise, each as fast as it can, while links, brokers and the server are killed: each success counts once.

use super::machine::{LONG, Machine, two};
use c2c_harness::{NatsServer, Shim, until};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::scope;

const KEY: &str = "global:counter";
const KILLS: usize = 9;
/// Successes between two kills.
const RAISED: usize = 10;

/// What one of them was told.
#[derive(Default)]
struct Told {
    /// The numbers that it has set.
    set: Vec<u64>,
    /// How often it was told of a conflict after it had not been told for sure: it may have been its own.
    unsure: u64,
}

fn entry(session: &mut Shim) -> (u64, Value) {
    let got = session.ok("get_state", json!({"key": KEY}));
    let version = got["entry"]["version"].as_i64().unwrap_or(0);
    (got["entry"]["value"].as_u64().unwrap_or(0), json!(version))
}

fn raise(session: &mut Shim, name: &str, over: &AtomicBool, raised: &AtomicUsize) -> Told {
    let mut told = Told::default();
    for number in 0.. {
        if over.load(Ordering::Relaxed) {
            return told;
        }
        let (value, version) = entry(session);
        let next = value + 1;
        let call = json!({
            "key": KEY, "value": next, "if_version": version, "idempotency_key": format!("{name} {number}"),
        });
        let mut sure = true;
        loop {
            let answer = session.call("set_state", call.clone());
            if answer.is_ok() {
                told.set.push(next);
                raised.fetch_add(1, Ordering::Relaxed);
                break;
            }
            let code = answer.json["code"].clone();
            if code == "conflict" {
                told.unsure += u64::from(!sure);
                break;
            }
            assert_eq!(code, "link_down", "{answer:?}");
            sure = false;
            if over.load(Ordering::Relaxed) {
                told.unsure += 1;
                return told;
            }
        }
    }
    told
}

fn harm(kind: usize, server: &mut NatsServer, laptop: &mut Machine, tower: &mut Machine) {
    match kind {
        0 => {
            laptop.kill_link();
            laptop.run();
        }
        1 => {
            server.kill();
            server.run();
        }
        _ => {
            let _killed = tower.sandbox.kill_broker();
        }
    }
}

#[test]
fn each_success_counts_once_whatever_is_killed() {
    let Some(mut server) = NatsServer::start(&["laptop", "tower"]) else { return };
    let (mut laptop, mut tower) = two(&server);
    let (mut api, mut web) = (laptop.sandbox.session("api"), tower.sandbox.session("web"));
    let (over, raised) = (AtomicBool::new(false), AtomicUsize::new(0));
    let told: Vec<Told> = scope(|scope| {
        let one = scope.spawn(|| raise(&mut api, "api", &over, &raised));
        let other = scope.spawn(|| raise(&mut web, "web", &over, &raised));
        for number in 0..KILLS {
            let before = raised.load(Ordering::Relaxed);
            until("the number is raised", LONG, || raised.load(Ordering::Relaxed) >= before + RAISED);
            harm(number % 3, &mut server, &mut laptop, &mut tower);
        }
        let before = raised.load(Ordering::Relaxed);
        until("the number is raised", LONG, || raised.load(Ordering::Relaxed) >= before + RAISED);
        over.store(true, Ordering::Relaxed);
        vec![one.join().unwrap(), other.join().unwrap()]
    });
    until("both have the same", LONG, || entry(&mut api) == entry(&mut web));
    let (last, _) = entry(&mut api);
    let set: Vec<u64> = told.iter().flat_map(|told| told.set.clone()).collect();
    let different: BTreeSet<u64> = set.iter().copied().collect();
    assert_eq!(different.len(), set.len(), "two were told that they had set the same number: {set:?}");
    let unsure: u64 = told.iter().map(|told| told.unsure).sum();
    let successes = set.len() as u64;
    assert!((successes..=successes + unsure).contains(&last), "{last} of {successes} and {unsure} unsure");
}
