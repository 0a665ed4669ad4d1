//! Processes that die or stand still at a bad moment: the broker's, a shim's. What was acknowledged stays, once, and
//! nobody else notices.
#![cfg(target_os = "linux")]

use c2c_harness::{
    Broker, PATIENCE, Raw, Received, Sandbox, Shim, Signal, brokers, memory_kib, scaled, signal,
};
use c2c_proto::ErrorCode::BrokerUnreachable;
use c2c_proto::frame::ServerFrame;
use c2c_proto::hello::{Identity, Role};
use c2c_proto::message::{Priority, To};
use c2c_proto::request::{self, Request};
use c2c_proto::response::Response;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn send(to: &str, body: &str, key: &str) -> Request {
    Request::Send(request::Send {
        to: Some(To::One(to.to_owned())),
        body: body.to_owned(),
        tag: None,
        reply_to: None,
        priority: Priority::Normal,
        key: key.to_owned(),
    })
}

/// A broker that is killed at the `when`-th call of this kind, under strace.
fn doomed(sandbox: &Sandbox, syscall: &str, when: usize) -> Broker {
    let plain = Broker::command(sandbox);
    let mut command = Command::new("/usr/bin/strace");
    command.args(["-f", "-o", "/dev/null", "-e"]).arg(format!("trace={syscall}"));
    command.arg("-e").arg(format!("inject={syscall}:signal=SIGKILL:when={when}"));
    command.arg(plain.get_program()).args(plain.get_args());
    command.env_clear().envs(sandbox.env()).current_dir(sandbox.dir());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Broker::adopt(command.spawn().expect("strace starts"))
}

/// Three messages, one read mark, with a broker that is killed on the way; true if it was.
fn killed_on_the_way(syscall: &str, when: usize) -> bool {
    let sandbox = Sandbox::new();
    let mut broker = doomed(&sandbox, syscall, when);
    // Either it is there, or it died in its start and a shim has to start the next one.
    c2c_harness::until("it runs or is gone", PATIENCE, || {
        broker.exited().is_some() || sandbox.status().is_some()
    });
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let sent: Vec<i64> = (0..3).map(|number| alice.say("bob", &format!("{syscall} {number}"))).collect();
    assert_eq!(bob.inbox_ids(json!({})), sent, "{syscall} {when}: all, once, in order");
    bob.ok("mark_read", json!({"message_ids": [sent[0]]}));
    assert_eq!(bob.inbox_ids(json!({})), sent[1..], "{syscall} {when}: the mark holds");
    let killed = broker.exited().is_some();
    // Also in the eyes of the next broker. Not by ending strace, which would let it go on.
    sandbox.kill_broker();
    assert_eq!(bob.inbox_ids(json!({})), sent[1..], "{syscall} {when}: after the next start");
    killed
}

#[test]
fn a2_killed_at_a_write_a_sync_a_link_or_an_accept_nothing_acknowledged_is_lost() {
    if !Path::new("/usr/bin/strace").exists() {
        c2c_harness::skipped("there is no strace");
        return;
    }
    let mut killed = BTreeSet::new();
    let points = scaled(3, "places for each kind of system call");
    for syscall in ["pwrite64", "fsync,fdatasync", "unlink,unlinkat", "link,linkat", "ftruncate", "accept4"] {
        for point in 0..points {
            // Close together at first, where a start does most; then further apart.
            let when = 1 + point * (point + 3) / 2;
            if killed_on_the_way(syscall, when) {
                killed.insert((syscall, when));
            }
        }
    }
    println!("killed at {killed:?}");
    for syscall in ["pwrite64", "fsync,fdatasync", "unlink,unlinkat", "ftruncate"] {
        assert!(killed.iter().any(|(at, _)| *at == syscall), "never killed at {syscall}: {killed:?}");
    }
}

fn greet(sandbox: &Sandbox, identity: &Identity) -> (Raw, String) {
    let mut raw = sandbox.raw();
    let Received::Frame(frame) = raw.greet(Raw::hello(Role::Session(Box::new(identity.clone())))) else {
        panic!("no answer to the hello")
    };
    let ServerFrame::Welcome(welcome) = *frame else { panic!("refused: {frame:?}") };
    (raw, welcome.session.expect("a session").session_id)
}

#[test]
fn a3_a_retry_after_a_commit_whose_answer_never_came_gets_the_same_id() {
    let sandbox = Sandbox::new();
    let mut bob = sandbox.session("bob");
    for round in 0..scaled(5, "rounds") {
        let identity = Raw::identity("alice");
        let key = c2c_proto::id::new_call_key();
        let body = format!("round {round}");
        let (mut raw, row) = greet(&sandbox, &identity);
        raw.start_call(send("bob", &body, &key));
        // On disk, and its answer is never read.
        c2c_harness::until("it is stored", PATIENCE, || !bob.inbox_ids(json!({})).is_empty());
        sandbox.kill_broker();
        let stored = bob.inbox_ids(json!({}));
        let (mut raw, same_row) = greet(&sandbox, &identity);
        assert_eq!(same_row, row, "the retry comes from the same session");
        let reply = raw.call(send("bob", &body, &key)).expect("a reply");
        let Ok(Response::Sent(sent)) = reply.result else { panic!("{:?}", reply.result) };
        assert_eq!(stored, [sent.id]);
        assert_eq!(bob.inbox_ids(json!({})), [sent.id], "once");
        bob.ok("mark_read", json!({"message_ids": [sent.id]}));
    }
}

#[test]
fn a6_a_broker_stopped_for_longer_than_the_deadline_is_told_and_not_doubled() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let broker = sandbox.broker_id();
    let socket = sandbox.paths().address.as_path().to_owned();
    let inode = || std::os::unix::fs::MetadataExt::ino(&std::fs::symlink_metadata(&socket).unwrap());
    let before = inode();
    signal(broker, Signal::STOP);
    let stopped = Instant::now();
    let on_its_way = alice.start_call("send_message", json!({"to": "bob", "body": "on its way"}));
    let mut carol = sandbox.shim().name("carol").start();
    let error = carol.call("heartbeat", json!({})).err(BrokerUnreachable);
    let took = stopped.elapsed();
    assert!(took > Duration::from_secs(3) && took < Duration::from_secs(10), "5 s are promised: {took:?}");
    assert!(error["message"].as_str().unwrap().contains("did not answer"), "{error}");
    if c2c_harness::scale() > 1 {
        // Whoever was connected has more patience, and is told as well, with the key that settles it.
        let error = on_its_way.result(Duration::from_secs(40)).err(BrokerUnreachable);
        assert!(error["idempotency_key"].is_string(), "{error}");
    }
    c2c_harness::until("no second broker stays", PATIENCE, || brokers(sandbox.store()) == [broker]);
    signal(broker, Signal::CONT);
    if c2c_harness::scale() == 1 {
        on_its_way.ok();
    }
    c2c_harness::until("carol is served", PATIENCE, || !carol.call("heartbeat", json!({})).is_error);
    assert_eq!(sandbox.broker_id(), broker);
    assert_eq!(inode(), before, "the socket is the same");
    c2c_harness::until("it arrives", PATIENCE, || !bob.inbox_ids(json!({})).is_empty());
    alice.say("bob", "and on");
    assert_eq!(bob.inbox_bodies(json!({})), ["on its way", "and on"], "each once");
}

#[test]
fn a7_a_stopped_shim_with_unread_output_costs_the_others_nothing() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let mut carol = sandbox.session("carol");
    let broker = sandbox.broker_id();
    alice.say("bob", "before");
    let before = memory_kib(broker, "VmRSS").unwrap();
    signal(bob.id(), Signal::STOP);
    let rounds = scaled(2_000, "messages past a stopped shim");
    let began = Instant::now();
    let mut ids = Vec::new();
    for chunk in (0..rounds).collect::<Vec<_>>().chunks(100) {
        // Each is also an announcement that the stopped one does not read.
        let calls: Vec<_> = chunk
            .iter()
            .map(|number| {
                let to = if number % 2 == 0 { "bob" } else { "carol" };
                let message = json!({"to": to, "body": format!("{number}"), "tag": "x".repeat(64)});
                (number % 2 == 0, alice.start_call("send_message", message))
            })
            .collect();
        ids.extend(calls.into_iter().filter_map(|(to_bob, call)| to_bob.then(|| call.ok()["id"].clone())));
    }
    let each = began.elapsed() / u32::try_from(rounds).unwrap();
    let page = carol.ok("wait_for_message", json!({"timeout_s": 20}));
    assert_eq!(page["messages"].as_array().unwrap().len(), 20, "carol is served");
    let grown = memory_kib(broker, "VmRSS").unwrap().saturating_sub(before);
    println!("{each:?} a message, the broker grew by {grown} KiB");
    assert!(grown < 64 * 1024, "the broker grew by {grown} KiB for one that does not read");
    if c2c_harness::scale() > 1 {
        sandbox.until_status("the stopped one is cut", |status| status.sessions_online == 2);
    }
    signal(bob.id(), Signal::CONT);
    // Cut or not: it comes back by itself, and all of its mail is there.
    let mut found = Vec::new();
    let mut after = json!(0);
    while found.len() < ids.len() {
        let page = bob.ok("inbox", json!({"limit": 500, "after_id": after}));
        found.extend(page["messages"].as_array().unwrap().iter().map(|message| message["id"].clone()));
        if page["more"] != true {
            break;
        }
        after = page["next_after_id"].clone();
    }
    ids.sort_by_key(serde_json::Value::as_i64);
    assert_eq!(found[1..], ids, "all of it, in order");
}

/// Large messages at once.
const LARGE: usize = 6;

/// Sets how much more memory than now a process may take; `None`: as much as there is.
fn limit_memory(process: u32, more_kib: Option<u64>) {
    let limit = more_kib.map_or_else(
        || "--as=unlimited:unlimited".to_owned(),
        |more| format!("--as={}:unlimited", (memory_kib(process, "VmSize").unwrap() + more) * 1024),
    );
    let limited = Command::new("/usr/bin/prlimit").args([&limit, "--pid", &process.to_string()]).status();
    assert!(limited.unwrap().success());
}

/// Large messages for a broker that may take only so much more memory; whether it died of it.
fn short_of_memory(sandbox: &Sandbox, alice: &mut Shim, sent: &mut Vec<i64>, more_kib: u64) -> bool {
    let broker = sandbox.broker_id();
    limit_memory(broker, Some(more_kib));
    let mut refused = 0;
    // At once, so that all of them are in the broker's memory.
    let calls: Vec<_> = (0..LARGE)
        .map(|number| {
            let body = format!("{number} {}", "m".repeat(4_000_000));
            alice.start_call("send_message", json!({"to": "bob", "body": body}))
        })
        .collect();
    for call in calls {
        let result = call.result(Duration::from_secs(60));
        if result.is_error {
            println!("with {more_kib} KiB more: {}", result.text);
            refused += 1;
        } else {
            sent.push(result.json["id"].as_i64().unwrap());
        }
    }
    let died = !c2c_harness::alive(broker);
    println!("with {more_kib} KiB more: died: {died}, refused: {refused} of {LARGE}");
    assert!(died || refused > 0, "the limit had no effect");
    if !died {
        limit_memory(broker, None);
    }
    c2c_harness::until("calls are served", PATIENCE, || !alice.call("heartbeat", json!({})).is_error);
    sent.push(alice.say("bob", "and on"));
    died
}

#[test]
fn a9_a_broker_that_runs_out_of_memory_loses_nothing() {
    if !Path::new("/usr/bin/prlimit").exists() {
        c2c_harness::skipped("there is no prlimit");
        return;
    }
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let mut sent = vec![alice.say("bob", "small")];
    // Which allocation fails first, one of the store's (it says no) or one of its own (it dies), is for the allocator.
    let more_kib = [256, 6 * 1024];
    println!("{:?}", more_kib.map(|more| short_of_memory(&sandbox, &mut alice, &mut sent, more)));
    // What was refused may still have been stored, but then once; what was acknowledged is there.
    let mut found = Vec::new();
    loop {
        // A page ends early when its bodies are long.
        let page = bob.inbox_ids(json!({"limit": 500, "after_id": found.last().copied().unwrap_or(0)}));
        if page.is_empty() {
            break;
        }
        found.extend(page);
    }
    let known: BTreeSet<i64> = found.iter().copied().collect();
    assert_eq!(known.len(), found.len(), "each once");
    assert!(sent.iter().all(|id| known.contains(id)), "lost: {sent:?} {found:?}");
    assert!(found.len() <= 3 + 2 * LARGE, "more than was ever sent");
}
