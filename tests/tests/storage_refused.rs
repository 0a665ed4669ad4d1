//! Files that are no store of ours, or no store any more: refused, told to the model, left untouched.

use c2c_harness::{Broker, PATIENCE, Sandbox, Shim, alive, until, until_some};
use c2c_proto::ErrorCode::StoreRefused;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What a session is told, and that the file is the same afterwards.
#[track_caller]
fn refused(sandbox: &Sandbox) -> Value {
    let before = files(sandbox);
    let mut shim = sandbox.shim().name("alice").start();
    let asked = Instant::now();
    let error = shim.call("send_message", json!({"to": "bob", "body": "x"})).err(StoreRefused);
    assert!(asked.elapsed() < Duration::from_secs(9), "not within seconds");
    let path = sandbox.store().to_str().unwrap();
    assert!(error["message"].as_str().unwrap().contains(path), "the path is named: {error}");
    assert_eq!(error["retry_safe"], false);
    assert!(files(sandbox) == before, "a file was touched");
    let mut by_hand = Broker::command(sandbox).spawn().expect("the broker starts");
    assert!(!by_hand.wait().unwrap().success(), "by hand it fails too");
    assert!(files(sandbox) == before, "a file was touched");
    error
}

/// What lies in the store's folder, but for what the programs say; and the id that the run folder keeps.
fn files(sandbox: &Sandbox) -> BTreeMap<PathBuf, Vec<u8>> {
    let said = |path: &PathBuf| path.extension().is_some_and(|ext| ext == "err");
    let entries = fs::read_dir(sandbox.dir()).unwrap().map(|entry| entry.unwrap().path());
    let mut found: BTreeMap<_, _> = entries
        .filter(|path| path.is_file() && !said(path))
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    let id = &sandbox.paths().store_id;
    found.extend(fs::read(id).ok().map(|content| (id.clone(), content)));
    found
}

/// A store with one message in it, and nobody who has it open.
fn used() -> Sandbox {
    let sandbox = Sandbox::new();
    {
        let mut alice = sandbox.session("alice");
        alice.say("bob", "hello");
    }
    end_broker(&sandbox);
    sandbox
}

fn end_broker(sandbox: &Sandbox) {
    let id = sandbox.broker_id();
    #[cfg(unix)]
    c2c_harness::signal(id, c2c_harness::Signal::TERM);
    #[cfg(not(unix))]
    c2c_harness::stop(id);
    until("the broker ends", PATIENCE, || !alive(id));
}

/// Header fields of an SQLite file, big-endian at these offsets.
const USER_VERSION: usize = 60;
const APPLICATION_ID: usize = 68;

fn edit(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

#[test]
fn d8_an_empty_file() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.store(), "").unwrap();
    refused(&sandbox);
}

#[test]
fn d14_a_file_of_another_kind() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.store(), "a text that is far from being an SQLite file\n".repeat(1_000)).unwrap();
    refused(&sandbox);
}

#[test]
fn d14_the_store_of_another_program() {
    let sandbox = used();
    edit(sandbox.store(), |bytes| bytes[APPLICATION_ID..APPLICATION_ID + 4].copy_from_slice(b"mine"));
    refused(&sandbox);
}

#[test]
fn d13_a_store_of_a_newer_version() {
    let sandbox = used();
    edit(sandbox.store(), |bytes| {
        bytes[USER_VERSION..USER_VERSION + 4].copy_from_slice(&9_999_u32.to_be_bytes());
    });
    refused(&sandbox);
}

#[test]
fn d7_a_truncated_store() {
    let sandbox = used();
    edit(sandbox.store(), |bytes| bytes.truncate(bytes.len() / 2 + 100));
    refused(&sandbox);
}

#[test]
fn d8_a_store_that_is_gone_though_the_run_folder_remembers_it() {
    let sandbox = used();
    fs::remove_file(sandbox.store()).unwrap();
    refused(&sandbox);
    assert!(!sandbox.store().exists(), "no empty store takes its place");
}

#[test]
fn d8_another_store_in_the_place_of_the_one_that_is_remembered_is_logged() {
    // A backup that was put back, for example: it is a whole store, so it is opened.
    let (sandbox, other) = (used(), used());
    fs::copy(other.store(), sandbox.store()).unwrap();
    let mut bob = sandbox.session("bob");
    assert_eq!(bob.inbox_bodies(json!({})), ["hello"]);
    let warned = sandbox.log().lines().any(|line| line.contains("WARN") && line.contains("another"));
    assert!(warned, "{}", sandbox.log());
}

/// From the first refusal on, nothing is acknowledged any more; the watch may take a moment.
#[cfg(unix)]
#[track_caller]
fn stops_acknowledging(alice: &mut Shim) {
    let send = json!({"to": "bob", "body": "two"});
    let began = Instant::now();
    until("it says so", PATIENCE, || alice.call("send_message", send.clone()).is_error);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    for _ in 0..3 {
        let result = alice.call("send_message", send.clone());
        assert!(result.is_error, "acknowledged into nothing: {}", result.text);
    }
}

#[cfg(unix)]
#[test]
fn d8_a_store_deleted_under_the_broker_stops_its_acknowledgements() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    alice.say("bob", "one");
    fs::remove_file(sandbox.store()).unwrap();
    stops_acknowledging(&mut alice);
    assert!(!sandbox.store().exists());
}

#[cfg(unix)]
#[test]
fn d8_a_store_replaced_under_the_broker_is_not_written_to() {
    let (sandbox, junk) = (Sandbox::new(), b"not a store".repeat(1_000));
    let mut alice = sandbox.session("alice");
    alice.say("bob", "one");
    fs::write(sandbox.dir().join("new"), &junk).unwrap();
    fs::rename(sandbox.dir().join("new"), sandbox.store()).unwrap();
    stops_acknowledging(&mut alice);
    assert_eq!(fs::read(sandbox.store()).unwrap(), junk);
}

#[cfg(unix)]
#[test]
fn d8_a_store_replaced_by_another_store_is_not_written_to() {
    // Somebody puts a backup back while the broker runs.
    let (sandbox, other) = (Sandbox::new(), used());
    let mut broker = Broker::start(&sandbox);
    sandbox.session("alice").say("bob", "one");
    let before = fs::read(other.store()).unwrap();
    fs::copy(other.store(), sandbox.dir().join("new")).unwrap();
    fs::rename(sandbox.dir().join("new"), sandbox.store()).unwrap();
    let began = Instant::now();
    let status = broker.wait_exit(PATIENCE);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(status.code(), Some(75));
    assert!(sandbox.log().contains("replaced under the broker"));
    assert!(fs::read(sandbox.store()).unwrap() == before, "the other store was touched");
}

#[cfg(unix)]
#[test]
fn d8_a_log_deleted_under_the_broker_stops_its_acknowledgements_and_loses_nothing() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    let one = alice.say("bob", "one");
    fs::remove_file(format!("{}-wal", sandbox.store().display())).unwrap();
    // Acknowledged by the next broker at the latest; the one that lost its log says that it did.
    let send = json!({"to": "bob", "body": "two", "idempotency_key": "two"});
    let answered = || Some(alice.call("send_message", send.clone())).filter(|result| !result.is_error);
    let two = until_some("it is acknowledged", PATIENCE, answered).ok()["id"].as_i64().unwrap();
    assert!(sandbox.log().contains("-wal was deleted or moved away under the broker"), "{}", sandbox.log());
    assert_eq!(sandbox.session("bob").inbox_ids(json!({})), [one, two]);
}

#[cfg(unix)]
#[test]
fn d8_a_store_moved_away_from_the_broker_holds_all_that_was_acknowledged() {
    let (sandbox, elsewhere) = (Sandbox::new(), Sandbox::new());
    let mut broker = Broker::start(&sandbox);
    let mut alice = sandbox.session("alice");
    for number in 0..20 {
        alice.say("bob", &format!("{number}"));
    }
    fs::rename(sandbox.store(), elsewhere.store()).unwrap();
    let result = alice.call("send_message", json!({"to": "bob", "body": "into nothing"}));
    assert!(result.is_error, "acknowledged into nothing: {}", result.text);
    assert_eq!(broker.wait_exit(PATIENCE).code(), Some(75));
    // Without its log, which nobody thought of.
    let mut bodies = elsewhere.session("bob").inbox_bodies(json!({}));
    bodies.truncate(20);
    assert_eq!(bodies, (0..20).map(|number| number.to_string()).collect::<Vec<_>>());
    // What it had of the log does not get into another store that takes its place.
    fs::copy(used().store(), sandbox.store()).unwrap();
    assert_eq!(sandbox.session("bob").inbox_bodies(json!({})), ["hello"]);
}

#[test]
fn d8_a_store_that_is_gone_though_only_an_empty_note_is_left_of_it() {
    let sandbox = used();
    fs::remove_file(sandbox.store()).unwrap();
    fs::write(&sandbox.paths().store_id, "").unwrap();
    refused(&sandbox);
    assert!(!sandbox.store().exists(), "no empty store takes its place");
}

#[test]
fn d8_a_log_without_its_store() {
    let sandbox = used();
    fs::remove_file(sandbox.store()).unwrap();
    fs::remove_file(&sandbox.paths().store_id).unwrap();
    fs::write(sandbox.dir().join("c2c.db-wal"), [7; 5_000]).unwrap();
    refused(&sandbox);
}

#[test]
fn d8_an_empty_file_where_a_store_was() {
    let sandbox = used();
    fs::write(sandbox.store(), "").unwrap();
    refused(&sandbox);
}

/// Damage anywhere in the header is told and left alone, or does no harm: the mail is there, whole.
#[cfg(unix)]
#[test]
fn d7_any_byte_of_the_header_that_is_not_what_it_was() {
    let sandbox = used();
    let whole = fs::read(sandbox.store()).unwrap();
    let mut refusals = 0;
    for at in 0..100 {
        edit(sandbox.store(), |bytes| bytes[at] = !bytes[at]);
        let damaged = files(&sandbox);
        let mut broker = Broker::command(&sandbox).spawn().unwrap();
        let ended = || {
            let status = broker.try_wait().unwrap();
            (status.is_some() || sandbox.status().is_some()).then_some(status)
        };
        if let Some(status) = until_some("it runs or not", PATIENCE, ended) {
            assert_eq!(status.code(), Some(1), "byte {at}");
            assert!(files(&sandbox) == damaged, "byte {at}: a file was touched");
            refusals += 1;
        } else {
            assert_eq!(sandbox.session("bob").inbox_bodies(json!({})), ["hello"], "byte {at}");
            c2c_harness::signal(broker.id(), c2c_harness::Signal::TERM);
            assert!(broker.wait().unwrap().success(), "byte {at}");
        }
        for suffix in ["-wal", "-shm"] {
            let _none = fs::remove_file(format!("{}{suffix}", sandbox.store().display()));
        }
        fs::write(sandbox.store(), &whole).unwrap();
    }
    println!("{refusals} of 100 are refused");
    assert!(refusals > 20, "{refusals}");
}
