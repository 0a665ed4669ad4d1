//! The files of a store: whose they are, and what they never hold.

use c2c_harness::Sandbox;
use serde_json::json;
use std::fs;
use std::path::Path;

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
