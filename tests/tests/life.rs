//! The shim's end: it goes at once with its client, and never before.

use c2c_harness::{PATIENCE, Sandbox, Shim, Stdio, best_of};
use serde_json::json;
use std::time::{Duration, Instant};

const AT_ONCE: Duration = Duration::from_millis(200);

/// A session with a wait that would go on for long.
fn parked(sandbox: &Sandbox, stdio: Stdio) -> Shim {
    let mut shim = sandbox.shim().name("bob").stdio(stdio).session();
    shim.start_call("wait_for_message", json!({"timeout_s": 600}));
    sandbox.until_status("it waits", |status| status.waits == 1);
    shim
}

#[test]
fn a11_the_end_of_stdin_ends_a_parked_wait_and_the_shim() {
    for stdio in [Stdio::Pipes, Stdio::Socket] {
        let sandbox = Sandbox::new();
        best_of(3, "from the end of stdin to the end", AT_ONCE, || {
            let mut shim = parked(&sandbox, stdio);
            shim.close_stdin();
            let closed = Instant::now();
            let status = shim.wait_exit(PATIENCE).expect("it ends");
            let took = closed.elapsed();
            assert!(status.success(), "{status}");
            sandbox
                .until_status("the broker knows", |status| status.waits == 0 && status.sessions_online == 0);
            took
        });
    }
}

#[test]
fn a_wait_that_ends_with_stdin_is_not_answered() {
    // Nobody reads it, and a client that is closing its ends may fail on it (the Python SDK 1.x does).
    let sandbox = Sandbox::new();
    let mut shim = sandbox.session("bob");
    let wait = shim.start_call("wait_for_message", json!({"timeout_s": 600}));
    sandbox.until_status("it waits", |status| status.waits == 1);
    shim.close_stdin();
    shim.wait_exit(PATIENCE).expect("it ends");
    assert!(shim.wire().ended(PATIENCE));
    assert!(!wait.is_done(), "answered: {}", wait.response(PATIENCE));
}

#[test]
fn what_is_said_of_a_send_at_the_very_end_is_true() {
    let sandbox = Sandbox::new();
    let mut bob = sandbox.session("bob");
    let mut answered = 0;
    for round in 0..20 {
        let mut alice = sandbox.session("alice");
        let body = format!("round {round}");
        let send = alice.start_call("send_message", json!({"to": "bob", "body": body}));
        alice.close_stdin();
        alice.wait_exit(PATIENCE).expect("it ends");
        assert!(alice.wire().ended(PATIENCE));
        if !send.is_done() {
            continue;
        }
        answered += 1;
        let stored = bob.inbox_bodies(json!({"limit": 500})).contains(&body);
        let said = send.result(PATIENCE);
        assert_eq!(!said.is_error, stored, "stored: {stored}, said: {}", said.text);
    }
    assert!(answered > 0, "a send takes less time than the shim has left");
}

#[test]
fn a11_the_end_of_stdin_ends_it_also_before_and_between_the_handshake() {
    let sandbox = Sandbox::new();
    let mut silent = sandbox.shim().spawn();
    silent.close_stdin();
    silent.wait_exit(PATIENCE).expect("before initialize");
    let mut half = sandbox.shim().spawn();
    let params = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}});
    half.rpc("initialize", &params).unwrap();
    half.close_stdin();
    half.wait_exit(PATIENCE).expect("before initialized");
}

#[cfg(unix)]
#[test]
fn signals_end_it_within_200_ms() {
    use c2c_harness::{Signal, signal};
    for which in [Signal::TERM, Signal::INT] {
        let sandbox = Sandbox::new();
        best_of(3, "from the signal to the end", AT_ONCE, || {
            let mut shim = parked(&sandbox, Stdio::Socket);
            signal(shim.id(), which);
            let sent = Instant::now();
            shim.wait_exit(PATIENCE).expect("it ends");
            let took = sent.elapsed();
            sandbox
                .until_status("the broker knows", |status| status.waits == 0 && status.sessions_online == 0);
            took
        });
    }
}

/// A shim whose client is a shell. It reads from a pipe that somebody else still holds open, so that no end of stdin
/// can tell that the client is gone: only the parent's death does.
#[cfg(unix)]
struct Orphan {
    client: std::process::Child,
    output: std::io::BufReader<std::process::ChildStdout>,
    held: std::fs::File,
    shim: u32,
}

#[cfg(unix)]
impl Orphan {
    fn start(sandbox: &Sandbox) -> Self {
        use std::io::BufRead;
        use std::process::{Command, Stdio};
        let fifo = sandbox.dir().join("in");
        if !fifo.exists() {
            assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        }
        let shim = sandbox.shim().name("bob").command();
        let script = "\"$0\" < \"$1\" & echo $!; wait";
        let mut client = Command::new("/bin/sh")
            .args(["-c", script, shim.get_program().to_str().unwrap(), fifo.to_str().unwrap()])
            .env_clear()
            .envs(sandbox.env())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let held = std::fs::OpenOptions::new().write(true).open(&fifo).unwrap();
        let mut output = std::io::BufReader::new(client.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        Self { client, output, held, shim: line.trim().parse().unwrap() }
    }

    /// Says initialize and waits for its answer.
    fn initialize(&mut self) {
        use std::io::{BufRead, Write};
        let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}});
        writeln!(self.held, "{hello}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        assert!(line.contains("serverInfo"), "{line}");
    }

    /// Kills the client; how long the shim outlives it.
    #[track_caller]
    fn outlives(mut self) -> Duration {
        self.client.kill().unwrap();
        self.client.wait().unwrap();
        let killed = Instant::now();
        c2c_harness::until("the shim ends with its parent", PATIENCE, || !c2c_harness::alive(self.shim));
        killed.elapsed()
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a11_a_client_that_is_killed_takes_the_shim_along() {
    let sandbox = Sandbox::new();
    best_of(3, "from the client's death to the shim's", Duration::from_secs(1), || {
        let mut orphan = Orphan::start(&sandbox);
        orphan.initialize();
        orphan.outlives()
    });
    best_of(3, "before initialize", Duration::from_secs(1), || {
        let orphan = Orphan::start(&sandbox);
        // It has begun to listen for its parent's death, which comes as SIGUSR2.
        c2c_harness::until("the shim runs", PATIENCE, || {
            let status = std::fs::read_to_string(format!("/proc/{}/status", orphan.shim)).unwrap();
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
            u64::from_str_radix(caught.trim(), 16).unwrap() & (1 << (12 - 1)) != 0
        });
        orphan.outlives()
    });
}

#[test]
fn it_stays_while_its_client_lives_whatever_the_broker_does() {
    let sandbox = Sandbox::new();
    let mut shim = sandbox.session("alice");
    for _ in 0..5 {
        sandbox.kill_broker();
        assert!(shim.wait_exit(Duration::ZERO).is_none());
        shim.ok("heartbeat", json!({}));
    }
}

#[test]
fn e12_many_cancelled_waits_leave_nothing_behind() {
    let sandbox = Sandbox::new();
    let mut shim = sandbox.session("alice");
    for _ in 0..10 {
        let waits: Vec<_> =
            (0..20).map(|_| shim.start_call("wait_for_message", json!({"timeout_s": 600}))).collect();
        for wait in &waits {
            wait.cancel(&mut shim);
        }
    }
    sandbox.until_status("no wait is left", |status| status.waits == 0);
    let id = shim.say("alice", "to myself");
    assert_eq!(shim.ok("wait_for_message", json!({"timeout_s": 5}))["messages"][0]["id"], id);
}

#[test]
fn both_kinds_of_stdio_carry_large_results_both_ways() {
    for stdio in [Stdio::Pipes, Stdio::Socket] {
        let sandbox = Sandbox::new();
        let mut shim = sandbox.shim().name("alice").stdio(stdio).session();
        let body = "\"\\\u{1}😀".repeat(100_000);
        let id = shim.say("alice", &body);
        let pages: Vec<_> =
            (0..20).map(|_| shim.start_call("inbox", json!({"message_id": id, "offset": 7}))).collect();
        for page in &pages {
            page.ok();
        }
    }
}
