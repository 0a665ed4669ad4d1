//! No space left: told, nothing half stored, and all goes on when there is room again.
#![cfg(target_os = "linux")]

use c2c_harness::{Broker, PATIENCE, Sandbox, until};
use c2c_proto::ErrorCode::StorageFull;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A small file system at a path, gone when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None`, with the reason printed, where this user may not mount.
    fn mount(at: &Path, size: &str) -> Option<Self> {
        let options = format!("size={size},mode=700");
        let tried = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "c2c-test"]).arg(at).output();
        match tried {
            Ok(done) if done.status.success() => Some(Self(at.to_owned())),
            Ok(done) => {
                c2c_harness::skipped(&format!(
                    "cannot mount: {}",
                    String::from_utf8_lossy(&done.stderr).trim()
                ));
                None
            }
            Err(error) => {
                c2c_harness::skipped(&format!("cannot mount: {error}"));
                None
            }
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: whoever still has files open on it ends with the sandbox.
        let _told = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn d1_a_full_disk_during_sends_is_told_and_recovers() {
    let sandbox = Sandbox::new();
    let Some(_disk) = SmallDisk::mount(sandbox.dir(), "6m") else { return };
    // Somebody else's file, which will make room later.
    let ballast = sandbox.dir().join("ballast");
    fs::write(&ballast, vec![1; 2 * 1024 * 1024]).unwrap();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let broker = sandbox.broker_id();
    let small = alice.say("bob", "small");
    let big = json!({"to": "bob", "body": "x".repeat(7_000_000)});
    for _ in 0..3 {
        let error = alice.call("send_message", big.clone()).err(StorageFull);
        assert_eq!(error["retry_safe"], true);
        assert_eq!(
            bob.inbox_ids(json!({})),
            [small],
            "what is stored can be read, the refused one is not there"
        );
        // What was refused does not keep the room that it took while it was tried.
        let log = sandbox.store().with_file_name("c2c.db-wal");
        until("the log is short", PATIENCE, || fs::metadata(&log).is_ok_and(|log| log.len() < 1_000_000));
    }
    // A refused one takes none of its neighbours along.
    let second = alice.say("bob", "still small");
    // Now nothing goes any more, until there is room again.
    let fill = json!({"to": "bob", "body": "y".repeat(100_000)});
    until("the disk is full", PATIENCE, || alice.call("send_message", fill.clone()).is_error);
    alice.call("send_message", fill.clone()).err(StorageFull);
    alice.call("set_state", json!({"key": "k", "value": "v".repeat(200_000)})).err(StorageFull);
    assert!(bob.inbox_ids(json!({})).contains(&second));
    fs::remove_file(&ballast).unwrap();
    let third = alice.ok("send_message", fill)["id"].as_i64().unwrap();
    assert!(bob.inbox_ids(json!({"after_id": third - 1})).contains(&third));
    assert_eq!(sandbox.broker_id(), broker, "without a restart");
}

#[test]
fn d2_a_limit_on_the_size_of_files_is_a_full_disk_and_not_the_end() {
    if !Path::new("/usr/bin/prlimit").exists() {
        c2c_harness::skipped("there is no prlimit");
        return;
    }
    let sandbox = Sandbox::new();
    let plain = Broker::command(&sandbox);
    let mut limited = Command::new("/usr/bin/prlimit");
    limited.arg("--fsize=3145728:unlimited").arg(plain.get_program()).args(plain.get_args());
    limited.env_clear().envs(sandbox.env()).current_dir(sandbox.dir());
    limited.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut broker = Broker::start_through(&sandbox, limited);
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let small = alice.say("bob", "small");
    let big = json!({"to": "bob", "body": "x".repeat(5_000_000), "idempotency_key": "big"});
    for _ in 0..3 {
        alice.call("send_message", big.clone()).err(StorageFull);
        assert_eq!(bob.inbox_ids(json!({})), [small]);
    }
    let second = alice.say("bob", "still small");
    assert_eq!(broker.exited(), None, "without a restart");
    let pid = broker.id().to_string();
    Command::new("/usr/bin/prlimit").args(["--fsize=unlimited", "--pid", &pid]).status().unwrap();
    // With room again the same call goes through, once.
    let id = alice.ok("send_message", big)["id"].as_i64().unwrap();
    assert_eq!(bob.inbox_ids(json!({})), [small, second, id]);
    assert_eq!(broker.exited(), None, "without a restart");
}

#[test]
fn d1_a_store_on_a_full_disk_loses_nothing_at_the_start() {
    let sandbox = Sandbox::new();
    let Some(_disk) = SmallDisk::mount(sandbox.dir(), "6m") else { return };
    let id = sandbox.session("alice").say("bob", "before");
    sandbox.kill_broker();
    let ballast = sandbox.dir().join("ballast");
    fill_up(&ballast);
    let mut bob = sandbox.shim().name("bob").start();
    // The log may have room left for the little that a start writes.
    let result = bob.call("inbox", json!({}));
    if result.is_error {
        assert_eq!(result.err(StorageFull)["retry_safe"], true);
    } else {
        assert_eq!(result.json["messages"][0]["id"], id);
    }
    let big = json!({"to": "alice", "body": "x".repeat(100_000)});
    bob.call("send_message", big.clone()).err(StorageFull);
    fs::remove_file(&ballast).unwrap();
    until("there is room", PATIENCE, || !bob.call("send_message", big.clone()).is_error);
    assert_eq!(bob.inbox_ids(json!({})), [id]);
}

#[test]
fn d1_a_session_whose_stderr_is_on_a_full_disk_works_all_the_same() {
    let sandbox = Sandbox::new();
    std::os::unix::fs::symlink("/dev/full", sandbox.dir().join("shim-0.err")).unwrap();
    let mut alice = sandbox.shim().name("alice").env("C2C_LOG", "trace").session();
    alice.say("bob", "hello");
}

#[test]
fn d1_no_store_is_made_on_a_full_disk_and_later_it_is() {
    let sandbox = Sandbox::new();
    let Some(_disk) = SmallDisk::mount(sandbox.dir(), "1m") else { return };
    let ballast = sandbox.dir().join("ballast");
    fill_up(&ballast);
    let mut alice = sandbox.shim().name("alice").start();
    alice.call("heartbeat", json!({})).err(StorageFull);
    assert!(!sandbox.store().exists(), "no half of a store");
    fs::remove_file(&ballast).unwrap();
    until("there is room", PATIENCE, || !alice.call("heartbeat", json!({})).is_error);
    alice.say("bob", "after");
}

/// Takes all the room there is.
fn fill_up(ballast: &Path) {
    use std::io::Write;
    let mut file = fs::File::create(ballast).unwrap();
    while file.write_all(&[1; 4_096]).is_ok() {}
    while file.write_all(&[1]).is_ok() {}
}
