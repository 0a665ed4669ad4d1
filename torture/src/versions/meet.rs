//! Each pair of versions on a store of its own, and what must come of it.

use super::build::Version;
use crate::report::Report;
use c2c_harness::{Sandbox, Shim, alive, until};
use c2c_proto::ErrorCode;
use serde_json::{Value, json};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// Longer than anything takes that works.
const PATIENCE: Duration = Duration::from_secs(20);

/// All meetings; each that fails is a broken promise with its reason.
pub(super) fn all(report: &mut Report, next: &Version, next_only: &Version, previous: Option<&Version>) {
    let current = Version::current();
    let mut meeting = |name: &str, run: &dyn Fn()| {
        let failed = catch_unwind(AssertUnwindSafe(run)).err().map(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
        });
        report.promise(name, failed.as_deref().unwrap_or("as promised"), failed.is_none());
    };
    meeting("next shim on next broker: protocol 2", &|| served(next, next, Some(2)));
    meeting("current shim on next broker: protocol 1", &|| served(&current, next, None));
    meeting("next shim on current broker: falls back", &|| served(next, &current, None));
    meeting("next-only shim on next broker: protocol 2", &|| served(next_only, next, Some(2)));
    meeting("next-only shim on current broker: told what to run, and it helps", &|| {
        broker_too_old(next_only, &current);
    });
    meeting("current shim on next-only broker: told to start again", &|| client_too_old(&current, next_only));
    meeting("next-only service finds current broker: gives up and says so", &|| {
        service_gives_up(next_only, &current);
    });
    if let Some(previous) = previous {
        meeting("current shim on previous broker", &|| served(&current, previous, None));
        meeting("previous shim on current broker", &|| served(previous, &current, None));
        meeting("next shim on previous broker: falls back", &|| served(next, previous, None));
    }
}

/// A sandbox whose programs are those of two versions: the shim of one beside the broker of the other.
struct Mixed {
    sandbox: Sandbox,
    shim: PathBuf,
}

impl Mixed {
    fn new(shim: &Version, broker: &Version) -> Self {
        let sandbox = Sandbox::new();
        let folder = sandbox.folder("bin");
        let own = folder.join("c2c-shim");
        crate::upgrades::put(&shim.program("c2c-shim"), &own);
        crate::upgrades::put(&broker.program("c2c-broker"), &folder.join("c2c-broker"));
        Self { sandbox, shim: own }
    }

    fn session(&self, name: &str) -> Shim {
        self.sandbox.shim().program(&self.shim).name(name).start()
    }
}

/// Mail, an answered question, shared state and a wait work between the two.
fn served(shim: &Version, broker: &Version, protocol: Option<u64>) {
    let mixed = Mixed::new(shim, broker);
    let (mut alice, mut bob) = (mixed.session("alice"), mixed.session("bob"));
    for session in [&mut alice, &mut bob] {
        assert_eq!(session.ok("heartbeat", json!({}))["protocol"].as_u64(), protocol);
    }
    assert_eq!(mixed.sandbox.status().expect("a broker").version, broker.number());
    let waiting = bob.start_call("wait_for_message", json!({"timeout_s": 60}));
    alice.until_waiting("bob");
    let id = alice.say("bob", "across versions");
    let got = waiting.ok();
    assert_eq!(got["messages"][0]["id"], id);
    assert_eq!(got["messages"][0]["body"], "across versions");
    bob.ok("mark_read", json!({"message_ids": [id]}));
    let asked = alice.start_call("ask", json!({"to": "bob", "body": "and you?", "timeout_s": 60}));
    let question = bob.ok("wait_for_message", json!({"timeout_s": 60}))["messages"][0]["id"].clone();
    bob.ok("send_message", json!({"reply_to": question, "body": "me too"}));
    assert_eq!(asked.ok()["replies"][0]["body"], "me too");
    let version = alice.ok("set_state", json!({"key": "k", "value": {"a": 1}}))["version"].clone();
    assert_eq!(bob.ok("get_state", json!({"key": "k"}))["entry"]["version"], version);
    assert!(bob.inbox_ids(json!({"unread_only": true})).is_empty());
}

/// The text of an error as a model reads it, with the process id made the same for all runs.
fn told(error: &Value, pid: u32) -> String {
    let end = format!("`kill {pid}`");
    let text = |field: &str| error[field].as_str().expect("a text").replace(&end, "`kill PID`");
    assert_eq!(error["retry_safe"], false);
    format!("{}\n{}", text("message"), text("hint"))
}

/// Who holds the broker's lock, as it wrote itself.
fn holder(sandbox: &Sandbox) -> Value {
    let line = std::fs::read_to_string(&sandbox.paths().lock).expect("a lock file");
    serde_json::from_str(&line).expect("an object")
}

fn broker_too_old(shim: &Version, broker: &Version) {
    let mixed = Mixed::new(shim, shim);
    // A session that the old broker serves started it.
    let mut old = mixed.sandbox.session("old");
    old.say("old", "kept");
    let pid = mixed.sandbox.broker_id();
    let mut newer = mixed.session("newer");
    let error = newer.call("heartbeat", json!({})).err(ErrorCode::VersionMismatch);
    let (mine, yours) = (shim.number(), broker.number());
    assert_eq!(
        told(&error, pid),
        format!(
            "client {mine} speaks protocol 2, broker {yours} speaks protocol 1: the broker is too old\n\
             run `kill PID` to end the old broker: the next call starts the c2c-broker that was installed with the \
             client, and nothing is lost"
        )
    );
    let status =
        Command::new(shim.program("c2c")).arg("status").envs(mixed.sandbox.env()).output().expect("it runs");
    assert_eq!(status.status.code(), Some(1));
    let text = String::from_utf8_lossy(&status.stderr).into_owned();
    assert!(
        text.starts_with("c2c: version_mismatch: client") && text.contains(&format!("`kill {pid}`")),
        "{text}"
    );
    // Nobody ends anybody unasked.
    assert!(alive(pid));
    drop(old);
    // What the hint says to do helps.
    let hint = error["hint"].as_str().expect("a hint");
    let command = hint.split('`').nth(1).expect("a command");
    assert!(Command::new("sh").args(["-c", command]).status().expect("a shell").success());
    until("the newer broker serves", PATIENCE, || !newer.call("heartbeat", json!({})).is_error);
    assert_eq!(holder(&mixed.sandbox)["version"], mine);
}

fn client_too_old(shim: &Version, broker: &Version) {
    let mixed = Mixed::new(shim, broker);
    let mut older = mixed.session("older");
    let error =
        older.call("send_message", json!({"to": "older", "body": "x"})).err(ErrorCode::VersionMismatch);
    let (mine, yours) = (shim.number(), broker.number());
    assert_eq!(
        told(&error, 0),
        format!(
            "client {mine} speaks protocol 1, broker {yours} speaks protocol 2: the client is too old\n\
             end this session and start it again, so that it runs the c2c-shim that was installed with the broker: \
             `c2c-shim --version` must say {yours} or newer"
        )
    );
    let status =
        Command::new(shim.program("c2c")).arg("status").envs(mixed.sandbox.env()).output().expect("it runs");
    assert_eq!(status.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&status.stderr),
        format!(
            "c2c: version_mismatch: client {mine} speaks protocol 1, broker {yours} speaks protocol 2: the client is \
             too old\n     run the c2c that was installed with the broker: `c2c --version` must say {yours} or newer\n"
        )
    );
    // The session is started again with the newer shim, and finds the broker that is there.
    let before = holder(&mixed.sandbox);
    let mut again = mixed.sandbox.shim().program(&broker.program("c2c-shim")).name("older").start();
    again.ok("heartbeat", json!({}));
    assert_eq!(holder(&mixed.sandbox), before, "no broker was ended or started for it");
}

fn service_gives_up(service: &Version, incumbent: &Version) {
    let mixed = Mixed::new(incumbent, incumbent);
    let mut session = mixed.session("alice");
    session.ok("heartbeat", json!({}));
    let pid = mixed.sandbox.broker_id();
    let tried = Command::new(service.program("c2c-broker"))
        .arg("--service")
        .arg("--store")
        .arg(mixed.sandbox.store())
        .env_clear()
        .envs(mixed.sandbox.env())
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&tried.stderr).into_owned();
    assert_eq!(tried.status.code(), Some(1), "{text}");
    for part in ["broker_busy", &format!("pid {pid}"), "the broker is too old", "end that process"] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    session.ok("heartbeat", json!({}));
    assert_eq!(mixed.sandbox.broker_id(), pid, "undisturbed");
}
