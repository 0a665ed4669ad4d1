//! No space left: told, nothing half stored, and all goes on when there is room again.
#![cfg(target_os = "linux")]

use c2c_harness::{Broker, PATIENCE, Sandbox, until};
use c2c_proto::ErrorCode::{StorageFailed, StorageFull};
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
fn a_full_disk_is_told_and_recovers() {
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
fn a_limit_on_the_size_of_files_is_an_error_and_not_the_end() {
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
    let result = alice.call("send_message", big.clone());
    // To SQLite this limit looks like a failing disk: the broker either says full, or starts anew from what is there.
    if result.is_error {
        let code = result.json["code"].clone();
        assert!(code == StorageFull.as_str() || code == StorageFailed.as_str(), "{}", result.text);
    }
    if let Some(status) = broker.exited() {
        assert!(status.code().is_some(), "it died of a signal: {status}");
    } else {
        let pid = broker.id().to_string();
        Command::new("/usr/bin/prlimit").args(["--fsize=unlimited", "--pid", &pid]).status().unwrap();
    }
    // With room again the same call goes through, once.
    let id = alice.ok("send_message", big)["id"].as_i64().unwrap();
    assert_eq!(bob.inbox_ids(json!({})), [small, id]);
}
