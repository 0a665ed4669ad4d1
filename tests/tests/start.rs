//! One broker per store, however many start it.

use c2c_harness::{Broker, PATIENCE, Sandbox, Shim, alive, best_of, brokers, under_wine, until};
use serde_json::json;
use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

#[track_caller]
fn one_broker(sandbox: &Sandbox) {
    let id = sandbox.broker_id();
    if cfg!(target_os = "linux") {
        until("only one broker is left", Duration::from_secs(5), || brokers(sandbox.store()) == [id]);
    }
}

fn hundred_at_once(sandbox: &Sandbox) {
    let begun = Instant::now();
    let mut shims: Vec<Shim> = (0..100).map(|_| sandbox.shim().cwd(&sandbox.folder("api")).spawn()).collect();
    for shim in &mut shims {
        shim.initialize();
    }
    let calls: Vec<_> = shims.iter_mut().map(|shim| shim.start_call("heartbeat", json!({}))).collect();
    for call in &calls {
        call.ok();
    }
    println!("a hundred sessions after {:?}", begun.elapsed());
    one_broker(sandbox);
    let mut names: Vec<String> = shims.iter_mut().map(Shim::own_name).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 100, "each has a name of its own");
}

#[test]
fn b1_a_hundred_shims_at_once_start_one_broker() {
    hundred_at_once(&Sandbox::new());
}

#[cfg(unix)]
#[test]
fn b2_a_hundred_shims_at_once_over_what_a_crash_left() {
    let sandbox = Sandbox::new();
    drop(sandbox.session("alice"));
    sandbox.kill_broker();
    until("the broker is gone", PATIENCE, || sandbox.status().is_none());
    assert!(sandbox.paths().run_dir.join("broker.sock").exists(), "a leftover socket file");
    // The lock file names a process that lives and is no broker: nothing may rest on that.
    let holder = json!({"pid": std::process::id(), "version": "0.0.1", "mode": "service"});
    fs::write(&sandbox.paths().lock, format!("{holder}\n")).unwrap();
    hundred_at_once(&sandbox);
}

#[test]
fn b3_a_second_broker_by_hand_says_so_and_ends() {
    let sandbox = Sandbox::new();
    let first = Broker::start(&sandbox);
    let socket = sandbox.paths().run_dir.join("broker.sock");
    let before = identity(&socket);
    let output = Broker::command(&sandbox).stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("already running") && said.contains(&first.id().to_string()), "{said}");
    assert_eq!(identity(&socket), before, "the socket was not touched");
    assert_eq!(sandbox.broker_id(), first.id());
}

#[cfg(unix)]
fn identity(path: &std::path::Path) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    let metadata = fs::symlink_metadata(path).unwrap();
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn identity(_path: &std::path::Path) {}

#[cfg(unix)]
#[test]
fn b6_a_deleted_socket_file_comes_back() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    let id = sandbox.broker_id();
    fs::remove_file(sandbox.paths().run_dir.join("broker.sock")).unwrap();
    let deleted = Instant::now();
    alice.say("bob", "connections that are open stay so");
    let mut bob = sandbox.session("bob");
    assert_eq!(bob.inbox_ids(json!({})).len(), 1);
    println!("reached after {:?}", deleted.elapsed());
    assert_eq!(sandbox.broker_id(), id, "the same broker bound it again");
    one_broker(&sandbox);
}

// Under an imitation of Windows it takes longer than that to start any process.
#[cfg(unix)]
#[test]
fn initialize_does_not_wait_for_a_broker() {
    best_of(5, "initialize and tools/list without a broker", Duration::from_millis(200), || {
        let sandbox = Sandbox::new();
        let started = Instant::now();
        let mut shim = sandbox.shim().name("alice").spawn();
        shim.initialize();
        shim.rpc("tools/list", &json!({})).unwrap();
        let took = started.elapsed();
        shim.ok("heartbeat", json!({}));
        took
    });
}

#[test]
fn a_started_broker_keeps_nothing_of_its_starter() {
    let sandbox = Sandbox::new();
    let mut shim = sandbox.shim().name("alice").env("ANTHROPIC_API_KEY", "secret-0815").session();
    let id = sandbox.broker_id();
    shim.close_stdin();
    shim.wait_exit(PATIENCE).expect("the shim ends");
    assert!(shim.wire().ended(Duration::from_secs(2)), "the broker holds the client's stdout");
    assert!(alive(id));
    if cfg!(target_os = "linux") {
        let environment = fs::read_to_string(format!("/proc/{id}/environ")).unwrap();
        assert!(!environment.contains("secret-0815"), "the broker has the client's API key");
        assert_eq!(fs::read_link(format!("/proc/{id}/cwd")).unwrap().to_str(), Some("/"));
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
        let session: u32 = stat.rsplit_once(") ").unwrap().1.split(' ').nth(3).unwrap().parse().unwrap();
        assert_eq!(session, id, "a session of its own");
    }
}

#[test]
fn a_broker_with_nobody_left_ends() {
    if under_wine() {
        c2c_harness::skipped("Wine does not always tell a broker that the other end of a pipe is gone");
        return;
    }
    let sandbox = Sandbox::with_config("idle_exit = 1\n");
    let shim = sandbox.session("alice");
    let id = sandbox.broker_id();
    drop(shim);
    // Asking for its status would be a connection, so only its process is looked at.
    until("it ends by itself", PATIENCE, || !alive(id));
    let mut again = sandbox.session("alice");
    assert_eq!(again.own_name(), "alice");
    assert_ne!(sandbox.broker_id(), id);
}

#[cfg(unix)]
#[test]
fn b4_a_service_takes_over_and_nobody_notices() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let wait = bob.start_call("wait_for_message", json!({"timeout_s": 600}));
    alice.until_waiting("bob");
    let before = sandbox.broker_id();
    let mut service = Broker::command(&sandbox);
    service.arg("--service");
    let mut service = service.spawn().unwrap();
    until("the old broker made room", PATIENCE, || !alive(before));
    let id = alice.say("bob", "to the new one");
    assert_eq!(wait.ok()["messages"][0]["id"], id);
    let status = sandbox.status().unwrap();
    assert!(status.service && status.pid == service.id(), "{status:?}");
    c2c_harness::signal(service.id(), c2c_harness::Signal::TERM);
    let asked = Instant::now();
    assert!(service.wait().unwrap().success());
    assert!(asked.elapsed() < Duration::from_secs(4), "2 s are promised: {:?}", asked.elapsed());
    alice.say("bob", "and on with one that a shim starts");
}

#[test]
fn b4_a_broker_that_a_person_started_does_not_make_room_for_a_service() {
    let sandbox = Sandbox::new();
    let mut by_hand = Broker::start(&sandbox);
    let mut alice = sandbox.session("alice");
    let mut service = Broker::command(&sandbox);
    service.arg("--service").stderr(Stdio::piped());
    let service = service.output().unwrap();
    assert_eq!(service.status.code(), Some(1));
    let said = String::from_utf8_lossy(&service.stderr);
    for part in ["terminal", &by_hand.id().to_string(), "end it first"] {
        assert!(said.contains(part), "`{part}` is missing: {said}");
    }
    assert!(by_hand.exited().is_none());
    assert_eq!(sandbox.broker_id(), by_hand.id());
    alice.ok("heartbeat", json!({}));
}

#[cfg(unix)]
#[test]
fn b10_a_store_path_that_is_too_long_for_a_socket_works() {
    let sandbox = Sandbox::new();
    let deep = sandbox.folder(&format!("{}/{}", "d".repeat(60), "e".repeat(60)));
    let store = deep.join("c2c.db");
    let shim = |name: &str| sandbox.shim().name(name).env("CLAUDE_C2C_DB", store.to_str().unwrap()).session();
    let (mut alice, mut bob) = (shim("alice"), shim("bob"));
    let id = alice.say("bob", "hello");
    assert_eq!(bob.inbox_ids(json!({})), [id]);
    assert!(store.exists() && deep.join("c2c.run/broker.lock").exists());
    let paths = c2c_proto::paths::StorePaths::of_store(&store).unwrap();
    let mut raw = c2c_harness::Raw::connect(&paths).expect("the broker is reachable");
    let c2c_harness::Received::Frame(frame) =
        raw.greet(c2c_harness::Raw::hello(c2c_proto::hello::Role::Control))
    else {
        panic!("no welcome")
    };
    let c2c_proto::frame::ServerFrame::Welcome(welcome) = *frame else { panic!("{frame:?}") };
    drop((alice, bob));
    c2c_harness::signal(welcome.pid, c2c_harness::Signal::TERM);
    until("it ends", PATIENCE, || !alive(welcome.pid));
}

#[test]
fn b5_a_configuration_error_names_file_and_line() {
    let sandbox = Sandbox::with_config("durability = \"full\"\nidel_exit = 5\n");
    let mut shim = sandbox.shim().name("alice").start();
    let result = shim.call("heartbeat", json!({}));
    assert!(result.is_error, "{}", result.text);
    for part in ["c2c.toml", "idel_exit", "2"] {
        assert!(result.text.contains(part), "`{part}` is missing: {}", result.text);
    }
}
