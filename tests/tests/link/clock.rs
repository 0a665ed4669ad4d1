//! A machine whose clock is wrong: what crosses does not depend on it.

use super::machine::{LONG, Machine, bodies};
use c2c_harness::{NatsServer, Sandbox, Shim, binary, install, until};
use serde_json::json;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

/// The programs of a machine whose clock the test sets: by as many seconds as stand in `vfs.clock` beside the store.
fn programs(sandbox: &Sandbox) -> PathBuf {
    let folder = sandbox.folder("bin");
    for (from, to) in
        [("c2c-shim", "c2c-shim"), ("c2c-link", "c2c-link"), ("c2c-torture-broker", "c2c-broker")]
    {
        install(&binary(from), &folder.join(to));
    }
    folder
}

fn set(machine: &Machine, seconds: i64) {
    fs::write(machine.sandbox.dir().join("vfs.clock"), seconds.to_string()).unwrap();
}

fn came_at(session: &mut Shim) -> String {
    let got = session.ok("inbox", json!({"unread_only": false, "limit": 500}));
    got["messages"].as_array().unwrap().last().unwrap()["created_at"].as_str().unwrap().to_owned()
}

#[test]
fn a_clock_that_is_an_hour_ahead_changes_nothing_but_the_dates_there() {
    let Some(server) = NatsServer::start(&["laptop", "tower"]) else { return };
    let laptop = Machine::start(&server, "laptop");
    let tower = Machine::of_programs(programs, &server.settings("tower"), |tower| set(tower, 3_600));
    laptop.until_knows("tower");
    tower.until_knows("laptop");
    let shim = tower.sandbox.dir().join("bin/c2c-shim");
    let (mut api, mut web) =
        (laptop.sandbox.session("api"), tower.sandbox.shim().program(&shim).name("web").session());
    let mut said = Vec::new();
    for seconds in [3_600, 0, -3_600, 3_600] {
        set(&tower, seconds);
        // A wait ends with what comes, and not before its time.
        let began = Instant::now();
        let waited = web.ok("wait_for_message", json!({"timeout_s": 1}));
        assert!(waited["timed_out"] == true && began.elapsed().as_millis() >= 900, "{waited}");
        let waiting = web.start_call("wait_for_message", json!({"timeout_s": 60}));
        for number in 0..5 {
            let body = format!("{seconds} {number}");
            api.say("web@tower", &body);
            said.push(body);
        }
        let woken = waiting.result(LONG).ok();
        assert_eq!(woken["messages"][0]["body"], said[said.len() - 5]);
        assert_eq!(bodies(&mut web, said.len()), said);
        // An answer, and what is known here of what was read there.
        let last = web.ok("inbox", json!({"limit": 500}));
        let last = last["messages"].as_array().unwrap().last().unwrap()["id"].clone();
        let all: Vec<_> = web.ok("inbox", json!({"limit": 500}))["messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["id"].clone())
            .collect();
        let _answered = web.ok("send_message", json!({"reply_to": last, "body": "got it"}));
        let _marked = web.ok("mark_read", json!({"message_ids": all}));
        until("the receipts say so", LONG, || {
            let sent = api.ok("inbox", json!({"sent": true, "unread_only": false, "limit": 500}));
            sent["messages"].as_array().unwrap().iter().all(|one| one["receipts"][0]["state"] == "read")
        });
    }
    // The last ones came when it was an hour later there.
    let here = api.ok("inbox", json!({"sent": true, "unread_only": false, "limit": 500}));
    let here =
        here["messages"].as_array().unwrap().last().unwrap()["created_at"].as_str().unwrap().to_owned();
    let there = came_at(&mut web);
    assert!(there > here && there[..15] != here[..15], "sent at {here}, came at {there}");
    assert_eq!(bodies(&mut api, 4), ["got it"; 4]);
    laptop.until_nothing_waits();
    tower.until_nothing_waits();
}
