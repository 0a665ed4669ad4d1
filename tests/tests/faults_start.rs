//! Starts that meet each other, or fail: one broker per store, whatever happens, and the reason where there is none.

use c2c_harness::{Broker, PATIENCE, Sandbox, Seed, Shim, alive, binary, scaled, until};
use c2c_proto::ErrorCode::{BrokerUnreachable, StoreRefused};
use c2c_proto::client::{BrokerCommand, Client, ClientConfig, Start};
use c2c_proto::hello::Role;
use c2c_proto::paths::StorePaths;
use c2c_proto::request::{Request, Status};
use serde_json::json;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Ends every broker of a sandbox that runs on its own, and waits until it is gone.
fn end_broker(sandbox: &Sandbox) {
    let id = sandbox.broker_id();
    c2c_harness::stop(id);
    until("the broker is gone", PATIENCE, || !alive(id));
}

#[cfg(unix)]
#[test]
fn b4_a_service_and_sessions_that_start_at_once_end_up_with_the_service() {
    let sandbox = Sandbox::new();
    let mut seed = Seed::new();
    for round in 0..scaled(10, "rounds of a service against four sessions") {
        let mut shims: Vec<Shim> = Vec::new();
        let early = seed.below(5);
        for _ in 0..early {
            shims.push(sandbox.shim().start());
        }
        let service = Broker::command(&sandbox).arg("--service").spawn().unwrap();
        let mut service = Broker::adopt(service);
        for _ in early..4 {
            shims.push(sandbox.shim().start());
        }
        for shim in &mut shims {
            shim.ok("heartbeat", json!({}));
        }
        let status = sandbox.until_status("the service serves", |status| status.service);
        assert_eq!(status.pid, service.id(), "round {round}: at its first start, without a restart");
        assert!(service.exited().is_none(), "round {round}");
        for shim in &mut shims {
            shim.ok("heartbeat", json!({}));
        }
        if cfg!(target_os = "linux") {
            let only = || c2c_harness::brokers(sandbox.store()) == [service.id()];
            until("only the service is left", PATIENCE, only);
        }
        // A second service finds a healthy one and leaves it to it, with an exit status that asks for no restart.
        let mut second = Broker::command(&sandbox).arg("--service").spawn().unwrap();
        assert!(second.wait().unwrap().success(), "round {round}: a second service");
        drop(shims);
        service.terminate();
        assert!(service.wait_exit(PATIENCE).success());
    }
}

/// A folder with the shim and, instead of the broker, a program of the test's that counts its starts.
#[cfg(unix)]
fn with_stub(sandbox: &Sandbox, script: &str) -> (PathBuf, PathBuf) {
    let folder = sandbox.folder("stub");
    let (shim, stub, starts) = (folder.join("c2c-shim"), folder.join("c2c-broker"), folder.join("starts"));
    let written = folder.join("stub.sh");
    fs::write(&written, format!("#!/bin/sh\necho start >> '{}'\n{script}\n", starts.display())).unwrap();
    c2c_harness::install(&binary("c2c-shim"), &shim);
    c2c_harness::install(&written, &stub);
    (shim, starts)
}

/// What a call is told when the broker is this script, and that it was told in time.
#[cfg(unix)]
fn told_of(script: &str, told: &str) {
    let sandbox = Sandbox::new();
    let (shim, starts) = with_stub(&sandbox, script);
    let mut shim = sandbox.shim().program(&shim).env("PATH", "/usr/bin:/bin").name("alice").start();
    let asked = Instant::now();
    let result = shim.call("send_message", json!({"to": "bob", "body": "x"}));
    let took = asked.elapsed();
    assert!(result.is_error && result.text.contains(told), "{script}: {}", result.text);
    assert!(took < Duration::from_secs(9), "{script}: 5 s are promised: {took:?}");
    let started = fs::read_to_string(&starts).unwrap().lines().count();
    println!("{script}: {started} starts within {took:?}");
    assert!((1..=12).contains(&started), "{script}: {started} starts within {took:?}");
}

#[cfg(unix)]
#[test]
fn b5_a_broker_that_fails_at_its_start_is_told_in_its_own_words_and_not_started_over_and_over() {
    let own_words = r#"echo '{"ready":false,"error":{"code":"storage_full","message":"the moon is full","hint":"wait","retry_safe":true}}'; exit 1"#;
    let cases = [
        ("exit 1", "exit status: 1"),
        ("echo no broker at all; exit 1", "did not speak as a broker"),
        (own_words, "the moon is full"),
        ("kill -9 $$", "signal: 9"),
        ("exec sleep 20", "did not say within"),
    ];
    // Each takes all of its 5 s, so they go side by side.
    std::thread::scope(|scope| {
        for (script, told) in cases {
            scope.spawn(move || told_of(script, told));
        }
    });
}

#[test]
fn b5_what_the_broker_refuses_is_told_at_once() {
    for (file, content, code) in [
        ("c2c.db", "not a store at all, whatever it is ".repeat(200), StoreRefused),
        ("c2c.toml", "durability = \"sometimes\"\n".to_owned(), BrokerUnreachable),
    ] {
        let sandbox = Sandbox::new();
        fs::write(sandbox.dir().join(file), &content).unwrap();
        let mut shim = sandbox.shim().name("alice").start();
        let asked = Instant::now();
        let error = shim.call("heartbeat", json!({})).err(code);
        assert!(asked.elapsed() < Duration::from_secs(8), "5 s are promised: {:?}", asked.elapsed());
        assert!(error["message"].as_str().unwrap().contains(file), "{error}");
        assert_eq!(fs::read_to_string(sandbox.dir().join(file)).unwrap(), content, "it was touched");
        // Put right, it goes on without anybody restarting anything.
        fs::remove_file(sandbox.dir().join(file)).unwrap();
        until("the session is served", PATIENCE, || !shim.call("heartbeat", json!({})).is_error);
    }
}

#[cfg(unix)]
#[test]
fn b6_a_run_folder_that_is_deleted_under_the_broker_comes_back_with_one_broker() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    for round in 0..scaled(3, "rounds") {
        let before = alice.say("bob", "before");
        fs::remove_dir_all(&sandbox.paths().run_dir).unwrap();
        let deleted = Instant::now();
        // Some come at once, and find nobody; whoever was connected stays so.
        let mut comers: Vec<Shim> =
            (0..3).map(|n| sandbox.shim().name(&format!("c{round}-{n}")).start()).collect();
        let meanwhile = alice.say("bob", "meanwhile");
        for comer in &mut comers {
            until("the new session is served", PATIENCE, || !comer.call("heartbeat", json!({})).is_error);
        }
        println!("reached after {:?}", deleted.elapsed());
        let from_new = comers[0].say("bob", "from a new one");
        assert_eq!(bob.inbox_ids(json!({})), [before, meanwhile, from_new], "round {round}");
        bob.ok("mark_read", json!({"message_ids": [before, meanwhile, from_new]}));
        if cfg!(target_os = "linux") {
            until("one broker is left", PATIENCE, || c2c_harness::brokers(sandbox.store()).len() == 1);
        }
        assert!(sandbox.paths().lock.exists() && sandbox.paths().store_id.exists());
    }
}

/// One client that connects, asks once, and leaves; how long it took.
async fn ask_once(paths: StorePaths) -> Duration {
    let start = Start::IfAbsent(BrokerCommand::at(binary("c2c-broker")));
    let config =
        ClientConfig { paths, role: Role::Control, start, build: "harness".to_owned(), extra: Vec::new() };
    let began = Instant::now();
    let (client, _events) = Client::open(config);
    if let Err(error) = client.call(Request::Status(Status {})).await {
        panic!("a call failed: {:?}", error.error);
    }
    began.elapsed()
}

#[test]
fn b16_a_client_that_comes_while_an_idle_broker_leaves_is_served() {
    let sandbox = Sandbox::with_config("idle_exit = \"1ms\"\n");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut seed = Seed::new();
    let (mut longest, mut clients, mut brokers) = (Duration::ZERO, 0, BTreeSet::new());
    for _ in 0..scaled(60, "rounds of clients that come as the broker leaves") {
        let mut together: Vec<_> =
            (0..=seed.below(3)).map(|_| runtime.spawn(ask_once(sandbox.paths().clone()))).collect();
        for one in together.drain(..) {
            longest = longest.max(runtime.block_on(one).unwrap());
            clients += 1;
        }
        if let Some(holder) = fs::read_to_string(&sandbox.paths().lock).ok().filter(|_| cfg!(unix)) {
            brokers.insert(holder);
        }
        // The time between the last one's leaving and the next one's coming is what is varied.
        c2c_harness::pause(Duration::from_micros(seed.number() % 4_000));
    }
    println!("{clients} clients of {} brokers, none refused; the longest waited {longest:?}", brokers.len());
    assert!(longest < Duration::from_secs(5));
    assert!(brokers.len() > 1 || cfg!(not(unix)), "no broker ever left");
    until("the last broker left by itself", PATIENCE, || {
        cfg!(not(target_os = "linux")) || c2c_harness::brokers(sandbox.store()).is_empty()
    });
    end_leftover(&sandbox);
}

/// Where processes cannot be listed, the last broker is ended by hand.
fn end_leftover(sandbox: &Sandbox) {
    if sandbox.status().is_some() {
        end_broker(sandbox);
    }
}

#[test]
fn b3_a_broker_by_hand_and_sessions_that_start_at_once_end_up_with_one() {
    let sandbox = Sandbox::new();
    for round in 0..scaled(8, "rounds of brokers by hand against sessions") {
        let mut by_hand: Vec<Broker> = (0..3)
            .map(|_| Broker::adopt(Broker::command(&sandbox).stdout(Stdio::null()).spawn().unwrap()))
            .collect();
        let mut shim = sandbox.session(&format!("s{round}"));
        let id = sandbox.broker_id();
        until("the others gave up", PATIENCE, || {
            by_hand.iter_mut().filter(|broker| broker.id() != id).all(|broker| broker.exited().is_some())
        });
        for broker in by_hand.iter_mut().filter(|broker| broker.id() != id) {
            assert!(
                broker.exited().unwrap().success(),
                "round {round}: it says that one runs, and ends well"
            );
        }
        shim.ok("heartbeat", json!({}));
        end_broker(&sandbox);
    }
}
