//! Files that are no store of ours: refused, told to the model, left untouched.

use c2c_harness::{Broker, PATIENCE, Sandbox, Shim, alive, until};
use c2c_proto::ErrorCode::StoreRefused;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// What a session is told, and that the file is the same afterwards.
#[track_caller]
fn refused(sandbox: &Sandbox) -> Value {
    let before = fs::read(sandbox.store()).ok();
    let mut shim = sandbox.shim().name("alice").start();
    let asked = std::time::Instant::now();
    let error = shim.call("send_message", json!({"to": "bob", "body": "x"})).err(StoreRefused);
    assert!(asked.elapsed() < std::time::Duration::from_secs(9), "not within seconds");
    let path = sandbox.store().to_str().unwrap();
    assert!(error.to_string().contains(path), "the path is named: {error}");
    assert_eq!(error["retry_safe"], false);
    assert_eq!(fs::read(sandbox.store()).ok(), before, "the file was touched");
    let mut by_hand = Broker::command(sandbox).spawn().expect("the broker starts");
    assert!(!by_hand.wait().unwrap().success(), "by hand it fails too");
    assert_eq!(fs::read(sandbox.store()).ok(), before, "the file was touched");
    error
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
fn an_empty_file() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.store(), "").unwrap();
    refused(&sandbox);
}

#[test]
fn a_file_of_another_kind() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.store(), "a text that is far from being an SQLite file\n".repeat(1_000)).unwrap();
    refused(&sandbox);
}

#[test]
fn the_store_of_another_program() {
    let sandbox = used();
    edit(sandbox.store(), |bytes| bytes[APPLICATION_ID..APPLICATION_ID + 4].copy_from_slice(b"mine"));
    refused(&sandbox);
}

#[test]
fn a_store_of_a_newer_version() {
    let sandbox = used();
    edit(sandbox.store(), |bytes| {
        bytes[USER_VERSION..USER_VERSION + 4].copy_from_slice(&9_999_u32.to_be_bytes());
    });
    refused(&sandbox);
}

#[test]
fn a_truncated_store() {
    let sandbox = used();
    edit(sandbox.store(), |bytes| bytes.truncate(bytes.len() / 2 + 100));
    refused(&sandbox);
}

#[test]
fn a_store_that_is_gone_though_the_run_folder_remembers_it() {
    let sandbox = used();
    fs::remove_file(sandbox.store()).unwrap();
    refused(&sandbox);
    assert!(!sandbox.store().exists(), "no empty store takes its place");
}

#[test]
fn another_store_in_the_place_of_the_one_that_is_remembered_is_logged() {
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
    until("it says so", PATIENCE, || alice.call("send_message", send.clone()).is_error);
    for _ in 0..3 {
        let result = alice.call("send_message", send.clone());
        assert!(result.is_error, "acknowledged into nothing: {}", result.text);
    }
}

#[cfg(unix)]
#[test]
fn a_store_deleted_under_the_broker_stops_its_acknowledgements() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    alice.say("bob", "one");
    fs::remove_file(sandbox.store()).unwrap();
    stops_acknowledging(&mut alice);
    assert!(!sandbox.store().exists());
}

#[cfg(unix)]
#[test]
fn a_store_replaced_under_the_broker_is_not_written_to() {
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
fn g18_folders_and_files_are_private() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    alice.say("bob", "hello");
    let mode = |path: &Path| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&sandbox.paths().run_dir), 0o700);
    let mut files = vec![sandbox.store().to_owned()];
    files.extend(fs::read_dir(&sandbox.paths().run_dir).unwrap().map(|entry| entry.unwrap().path()));
    files.extend(["-wal", "-shm"].map(|suffix| format!("{}{suffix}", sandbox.store().display()).into()));
    for file in files.iter().filter(|file| file.exists()) {
        assert_eq!(mode(file) & 0o077, 0, "{} is {:o}", file.display(), mode(file));
    }
    let run = fs::symlink_metadata(&sandbox.paths().run_dir).unwrap();
    assert_eq!(run.uid(), fs::symlink_metadata(sandbox.dir()).unwrap().uid());
}

#[cfg(unix)]
#[test]
fn b11_an_unsafe_run_folder_is_refused_and_not_repaired() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new();
    let run = &sandbox.paths().run_dir;
    fs::create_dir(run).unwrap();
    fs::set_permissions(run, fs::Permissions::from_mode(0o755)).unwrap();
    let mut shim = sandbox.shim().name("alice").start();
    let result = shim.call("heartbeat", json!({}));
    assert!(result.is_error, "{}", result.text);
    assert!(result.text.contains(run.to_str().unwrap()), "the folder is named: {}", result.text);
    assert!(result.text.contains("755"), "its mode is named: {}", result.text);
    assert_eq!(fs::metadata(run).unwrap().permissions().mode() & 0o777, 0o755, "not changed by c2c");
}

#[test]
fn g18_no_body_reaches_a_log() {
    let sandbox = Sandbox::new();
    let canary = "canary-5f1d0a";
    let mut alice = sandbox.shim().name("alice").env("C2C_LOG", "debug").session();
    let mut bob = sandbox.shim().name("bob").env("C2C_LOG", "debug").session();
    alice.say("bob", canary);
    alice.ok("set_state", json!({"key": "k", "value": canary}));
    bob.ok("wait_for_message", json!({"timeout_s": 5}));
    bob.ok("ask", json!({"to": "alice", "body": canary, "timeout_s": 0}));
    alice
        .call("send_message", json!({"to": "bob", "body": canary, "tag": "x".repeat(99)}))
        .err(c2c_proto::ErrorCode::TooLarge);
    sandbox.kill_broker();
    for entry in fs::read_dir(sandbox.dir()).unwrap().chain(fs::read_dir(&sandbox.paths().run_dir).unwrap()) {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ext| ext == "log" || ext == "err") {
            let log = fs::read_to_string(&path).unwrap();
            assert!(!log.contains(canary), "{} holds a body", path.display());
        }
    }
}
