//! A disk that fails, once or for a while: nothing is acknowledged that is not on it, and nothing false is said of it.
#![cfg(target_os = "linux")]

use c2c_harness::{PATIENCE, Raw, Received, Sandbox, make_sqlite_with_log, until};
use c2c_proto::ErrorCode::{StorageFailed, StorageFull};
use c2c_proto::frame::ServerFrame;
use c2c_proto::hello::{Identity, Role};
use c2c_proto::id::new_call_key;
use c2c_proto::message::{Priority, To};
use c2c_proto::request::{Request, Send};
use c2c_proto::response::Response;
use c2c_torture::trace::{Fault, Orders, Point, Strike, Traced, broker};
use serde_json::json;
use std::time::{Duration, Instant};

const EIO: i32 = 5;
const ENOSPC: i32 = 28;
/// The exit status of a broker whose store failed.
const STORE_FAILED: i32 = 75;
const SYNC: &[&str] = &["fsync", "fdatasync"];
const READ: &[&str] = &["pread", "read"];
const WRITE: &[&str] = &["pwrite", "write", "truncate", "allocate"];

fn fault(calls: &'static [&'static str], file: &str, errno: i32, times: u64) -> Fault {
    Fault { calls, file: file.to_owned(), errno, times }
}

/// The broker under trace, if that is possible here.
fn serving(sandbox: &Sandbox) -> Option<Traced> {
    if !cfg!(target_arch = "x86_64") {
        c2c_harness::skipped("calls can be made to fail on x86_64 only");
        return None;
    }
    broker::serving(sandbox, Orders::default())
}

fn greet(sandbox: &Sandbox, identity: &Identity) -> Raw {
    let mut raw = sandbox.raw();
    let Received::Frame(frame) = raw.greet(Raw::hello(Role::Session(Box::new(identity.clone())))) else {
        panic!("no welcome")
    };
    assert!(matches!(*frame, ServerFrame::Welcome(_)), "{frame:?}");
    raw
}

fn message(body: &str) -> Request {
    let (to, key) = (Some(To::One("bob".to_owned())), new_call_key());
    Request::Send(Send {
        to,
        body: body.to_owned(),
        tag: None,
        reply_to: None,
        priority: Priority::Normal,
        key,
    })
}

#[test]
fn d3_one_flush_that_fails_stops_all_acknowledgements_and_the_key_settles_the_call() {
    let sandbox = Sandbox::new();
    let Some(traced) = serving(&sandbox) else { return };
    let identity = Identity { client_session: Some("c".to_owned()), ..Raw::identity("alice") };
    let (mut alice, mut carol) = (greet(&sandbox, &identity), greet(&sandbox, &Raw::identity("carol")));
    assert!(alice.call(message("before")).expect("an answer").result.is_ok());
    traced.fail(fault(SYNC, "c2c.db-wal", EIO, 1));
    let unknown = message("unknown");
    if let Some(reply) = alice.call(unknown.clone()) {
        assert_eq!(reply.result.unwrap_err().code, StorageFailed);
    }
    // SQLite itself would go on as if nothing had been.
    for raw in [&mut alice, &mut carol] {
        for _ in 0..3 {
            let acknowledged = raw.call(message("into nothing")).is_some_and(|reply| reply.result.is_ok());
            assert!(!acknowledged, "acknowledged after a failed flush");
        }
    }
    assert_eq!(traced.wait(PATIENCE), Some(Some(STORE_FAILED)));
    assert_eq!(traced.heal(), 1, "one flush failed");
    // A shim starts the next broker, which reads what is there.
    let mut bob = sandbox.session("bob");
    let mut alice = greet(&sandbox, &identity);
    let Ok(Response::Sent(sent)) = alice.call(unknown.clone()).expect("an answer").result else {
        panic!("not settled")
    };
    let Ok(Response::Sent(again)) = alice.call(unknown).expect("an answer").result else {
        panic!("not settled")
    };
    assert_eq!(sent.id, again.id);
    assert_eq!(bob.inbox_bodies(json!({})), ["before", "unknown"]);
}

#[test]
fn d3_a_session_does_not_notice_a_flush_that_fails_but_for_the_answer_that_is_true() {
    let sandbox = Sandbox::new();
    let Some(traced) = serving(&sandbox) else { return };
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let mut sent = vec![alice.say("bob", "before")];
    traced.fail(fault(SYNC, "c2c.db-wal", EIO, 1));
    let call = json!({"to": "bob", "body": "during", "idempotency_key": "during"});
    let began = Instant::now();
    let first = alice.call("send_message", call.clone());
    if first.is_error {
        first.err(StorageFailed);
    }
    let answered = || Some(alice.call("send_message", call.clone())).filter(|result| !result.is_error);
    let id = c2c_harness::until_some("it is settled", PATIENCE, answered).ok()["id"].as_i64().unwrap();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    sent.push(id);
    sent.push(alice.say("bob", "after"));
    assert_eq!(traced.over(), Some(Some(STORE_FAILED)));
    assert_eq!(bob.inbox_ids(json!({})), sent, "each once");
}

/// A flush that fails while the log is folded: the next fold would take those pages for done.
#[test]
fn d3_a_fold_of_the_log_that_the_disk_ends_stops_all_acknowledgements_too() {
    let sandbox = Sandbox::new();
    let Some(traced) = serving(&sandbox) else { return };
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    traced.fail(fault(SYNC, "c2c.db", EIO, 1));
    // More than what makes an idle broker fold its log.
    let mut sent = vec![alice.say("bob", &"x".repeat(5_000_000))];
    assert_eq!(traced.wait(PATIENCE), Some(Some(STORE_FAILED)));
    assert_eq!(traced.heal(), 1, "one flush failed");
    assert!(sandbox.paths().flush_failed.exists(), "the next broker is told");
    sent.push(alice.say("bob", "after"));
    assert!(!sandbox.paths().flush_failed.exists(), "it has made good what was not flushed");
    assert!(sandbox.log().contains("the log was written and flushed again"), "{}", sandbox.log());
    assert_eq!(bob.inbox_ids(json!({})), sent, "each once");
}

/// The old server did not flush each of its commits. So what stands in its log may not be on the disk, and nothing of it
/// may be folded once a flush has failed.
#[test]
fn d3_a_flush_that_fails_while_an_old_store_is_taken_over_leaves_store_and_log_as_they_are() {
    const SEED: &str = include_str!("../../broker/src/store/tests/fixtures/seed-0.1.0.sql");
    let sandbox = Sandbox::new();
    let in_the_log = "INSERT INTO messages (from_session, from_name, to_name, body, created_at)
         VALUES ('s-local', 'local', 'bob', 'in the log', '2026-11-01T13:07:00.000001+00:00')";
    make_sqlite_with_log(sandbox.store(), &format!("PRAGMA journal_mode = WAL; {SEED}"), in_the_log);
    let log = sandbox.store().with_file_name("c2c.db-wal");
    let files = || (std::fs::read(sandbox.store()).unwrap(), std::fs::read(&log).unwrap());
    let (store, before) = files();
    let commit = Point { name: "fdatasync", target: "c2c.db-wal".to_owned(), nth: 1 };
    let strike = Some((commit, Strike::Error(EIO)));
    let orders = Orders { strike, from_start: true, ..Orders::default() };
    let arguments = ["--store", sandbox.store().to_str().unwrap()];
    let traced = match Traced::start(&c2c_harness::binary("c2c-broker"), &arguments, &sandbox.env(), orders) {
        Ok(traced) => traced,
        Err(why) => return c2c_harness::skipped(&why),
    };
    assert!(traced.wait(PATIENCE).is_some(), "it ends");
    assert!(traced.struck(), "one flush failed");
    let (left, after) = files();
    assert!(left == store, "the store was written to");
    assert!(after.starts_with(&before), "what stood in the log stands there");
    assert!(sandbox.paths().flush_failed.exists(), "the next broker is told");
    let mut bob = sandbox.session("bob");
    assert_eq!(bob.inbox_bodies(json!({})), ["in the log"]);
}

#[test]
fn d4_a_disk_that_cannot_be_read_is_an_error_and_never_an_empty_inbox() {
    let sandbox = Sandbox::new();
    let mut sent = Vec::new();
    {
        let mut alice = sandbox.session("alice");
        for number in 0..60 {
            sent.push(alice.say("bob", &format!("{number} {}", "x".repeat(3_000))));
        }
    }
    let id = sandbox.broker_id();
    c2c_harness::signal(id, c2c_harness::Signal::TERM);
    until("the broker ends", PATIENCE, || !c2c_harness::alive(id));
    let Some(traced) = serving(&sandbox) else { return };
    let mut bob = sandbox.session("bob");
    for file in ["c2c.db", "c2c.db-wal"] {
        traced.fail(fault(READ, file, EIO, u64::MAX));
    }
    let mut errors = 0;
    for (tool, arguments) in [
        ("inbox", json!({"limit": 20})),
        ("inbox", json!({"after_id": sent[30], "limit": 20})),
        ("wait_for_message", json!({"timeout_s": 0})),
        ("inbox", json!({"message_id": sent[30]})),
    ] {
        let result = bob.call(tool, arguments);
        if result.is_error {
            errors += 1;
            result.err(StorageFailed);
        } else {
            // By the next broker, if this one gave the file up as broken.
            assert!(traced.over().is_some(), "{tool} was answered without the disk");
            assert!(result.text.contains("xxx"), "{tool} gives nothing: {}", result.text);
        }
    }
    assert!(errors > 0, "no call failed");
    assert!(traced.heal() > 0, "no read failed");
    let ids = || Some(bob.call("inbox", json!({"limit": 8}))).filter(|result| !result.is_error);
    let page = c2c_harness::until_some("it can be read again", PATIENCE, ids).ok();
    assert_eq!(page["messages"][0]["id"].as_i64(), Some(sent[0]));
    assert_eq!(page["unread"].as_u64(), Some(60));
}

#[test]
fn d1_a_disk_without_room_for_folding_the_log_is_no_reason_to_refuse_mail() {
    let sandbox = Sandbox::new();
    let Some(traced) = serving(&sandbox) else { return };
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    traced.fail(fault(WRITE, "c2c.db", ENOSPC, u64::MAX));
    // More than what makes an idle broker fold its log.
    let sent: Vec<i64> = (0..4).map(|_| alice.say("bob", &"x".repeat(2_000_000))).collect();
    until("it was tried", PATIENCE, || sandbox.log().contains("could not be folded"));
    assert_eq!(bob.inbox_ids(json!({})), sent);
    let failed = traced.heal();
    assert!(failed > 0, "no write failed");
    let last = alice.say("bob", &"y".repeat(5_000_000));
    assert_eq!(bob.inbox_ids(json!({"after_id": sent[3]})), [last]);
    assert_eq!(traced.over(), None, "without a restart");
}

#[test]
fn d1_a_log_without_room_refuses_what_is_not_stored_and_goes_on_later() {
    let sandbox = Sandbox::new();
    let Some(traced) = serving(&sandbox) else { return };
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let first = alice.say("bob", "before");
    traced.fail(fault(WRITE, "c2c.db-wal", ENOSPC, u64::MAX));
    for _ in 0..3 {
        let error = alice.call("send_message", json!({"to": "bob", "body": "during"})).err(StorageFull);
        assert_eq!(error["retry_safe"], true);
        assert_eq!(bob.inbox_ids(json!({})), [first], "what is there can be read, and nothing else is there");
    }
    traced.heal();
    let after = alice.say("bob", "after");
    assert_eq!(bob.inbox_ids(json!({})), [first, after]);
    assert_eq!(traced.over(), None, "without a restart");
}
