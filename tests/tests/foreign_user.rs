//! Another user's connection is refused before a byte of it is read, even where the folders stand open.
//! Needs root, to become somebody else; says so and skips where it is not.
#![cfg(unix)]

use c2c_harness::{Broker, Raw, Sandbox, until};
use c2c_proto::frame::ClientFrame;
use c2c_proto::hello::Role;
use serde_json::json;
use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const NOBODY: u32 = 65_534;
const SOCKET: &str = "C2C_TEST_FOREIGN_SOCKET";

/// Whether this process may become another user; prints why not.
fn can_change_user() -> bool {
    let root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    let tool = Path::new("/usr/bin/setpriv").exists();
    if !(root && tool) {
        c2c_harness::skipped(&format!("needs root and setpriv (root: {root}, setpriv: {tool})"));
    }
    root && tool
}

fn as_nobody(program: &Path) -> Command {
    let mut command = Command::new("/usr/bin/setpriv");
    let uid = NOBODY.to_string();
    command.args(["--reuid", &uid, "--regid", &uid, "--clear-groups", "--"]).arg(program);
    command
}

/// Says hello on a socket; what the other side says before it closes.
fn greet(socket: &Path) -> Vec<u8> {
    let mut stream = UnixStream::connect(socket).expect("the socket file can be reached");
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    // The other side may have closed already.
    let _refused = stream.write_all(&Raw::encode(&ClientFrame::Hello(Raw::hello(Role::Control))));
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) => {}
        Err(error) => {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "neither answered nor closed");
        }
    }
    answer
}

#[test]
fn g1_another_user_is_refused() {
    if !can_change_user() {
        return;
    }
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let socket = sandbox.paths().run_dir.join("broker.sock");
    // As if someone had opened all doors.
    let exe = sandbox.dir().join("client");
    c2c_harness::install(&std::env::current_exe().unwrap(), &exe);
    for (path, mode) in [(sandbox.dir(), 0o755), (&sandbox.paths().run_dir, 0o755), (&socket, 0o666)] {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }
    let output = as_nobody(&exe)
        .args(["--exact", "as_another_user", "--ignored", "--nocapture"])
        .env(SOCKET, &socket)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("answer: []"), "the other user was answered: {said}");
    fs::set_permissions(&sandbox.paths().run_dir, Permissions::from_mode(0o700)).unwrap();
    until("it is logged", Duration::from_secs(10), || sandbox.log().contains(&NOBODY.to_string()));
    let id = alice.say("bob", "undisturbed");
    assert_eq!(bob.ok("wait_for_message", json!({"timeout_s": 20}))["messages"][0]["id"], id);
}

#[test]
#[ignore = "started by the test above, as another user"]
fn as_another_user() {
    let socket = std::env::var_os(SOCKET).expect("started by another test");
    println!("answer: {:?}", greet(Path::new(&socket)));
}

#[test]
fn g2_root_is_refused_by_the_broker_of_another() {
    if !can_change_user() {
        return;
    }
    let sandbox = Sandbox::new();
    let theirs = sandbox.folder("theirs");
    let broker_exe = theirs.join("c2c-broker");
    c2c_harness::install(&c2c_harness::binary("c2c-broker"), &broker_exe);
    fs::set_permissions(sandbox.dir(), Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&theirs, Permissions::from_mode(0o700)).unwrap();
    chown(&theirs, Some(NOBODY), Some(NOBODY)).unwrap();
    chown(&broker_exe, Some(NOBODY), Some(NOBODY)).unwrap();
    let store = theirs.join("c2c.db");
    let plain = Broker::command(&sandbox);
    let mut command = as_nobody(&broker_exe);
    command.arg("--store").arg(&store).env_clear().envs(sandbox.env()).env("CLAUDE_C2C_DB", &store);
    command.current_dir(plain.get_current_dir().unwrap());
    let mut child = command.spawn().unwrap();
    let socket = theirs.join("c2c.run/broker.sock");
    until("it listens", c2c_harness::PATIENCE, || {
        assert!(child.try_wait().unwrap().is_none(), "the broker ended");
        UnixStream::connect(&socket).is_ok()
    });
    let answer = greet(&socket);
    let paths = c2c_proto::paths::StorePaths::of_store(&store).unwrap();
    let reached = Raw::connect(&paths).is_some();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(answer, [] as [u8; 0], "root was answered");
    assert!(!reached, "our own client connects to the broker of another user");
}
