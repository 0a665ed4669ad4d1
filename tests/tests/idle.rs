//! Waiting costs nothing: no polling anywhere.
#![cfg(target_os = "linux")]

use c2c_harness::{Sandbox, pause};
use serde_json::json;
use std::fs;
use std::time::{Duration, Instant};

/// How often the threads of a process were put to work, so far.
fn wake_ups(id: u32) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{id}/task")).expect("the process lives");
    tasks
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("status")).ok())
        .map(|status| {
            let count = |name: &str| {
                let line = status.lines().find(|line| line.starts_with(name)).expect("a counter");
                line.split_whitespace().nth(1).expect("a value").parse::<u64>().expect("a number")
            };
            count("voluntary_ctxt_switches") + count("nonvoluntary_ctxt_switches")
        })
        .sum()
}

#[test]
fn two_waiting_clients_and_their_broker_sleep() {
    let sandbox = Sandbox::new();
    let mut clients = [sandbox.session("alice"), sandbox.session("bob")];
    let waits =
        clients.each_mut().map(|client| client.start_call("wait_for_message", json!({"timeout_s": 600})));
    let status = sandbox.until_status("both wait", |status| status.waits == 2);
    let processes = [clients[0].id(), clients[1].id(), status.pid];
    let counts = || processes.map(wake_ups);
    // What the start left to do is done.
    pause(Duration::from_secs(2));
    let (before, begun) = (counts(), Instant::now());
    // The time itself is what is measured.
    pause(Duration::from_secs(10));
    let (after, seconds) = (counts(), begun.elapsed().as_secs_f64());
    let each: Vec<u64> = after.iter().zip(before).map(|(after, before)| after - before).collect();
    let total: u64 = each.iter().sum();
    println!("wake-ups in {seconds:.1} s: {each:?} (two shims, broker)");
    #[expect(clippy::cast_precision_loss, reason = "a small count")]
    let rate = total as f64 / seconds;
    assert!(rate < 1.0, "{rate:.2} wake-ups a second: {each:?} (two shims, broker)");
    assert!(waits.iter().all(|wait| !wait.is_done()));
}
