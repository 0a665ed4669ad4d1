//! Other programs at the broker's files: one that locks the store, one that reads for long, a disk that may not be
//! written; and that the broker itself opens its store through SQLite alone.
#![cfg(target_os = "linux")]

use c2c_harness::{Broker, PATIENCE, Sandbox, Signal, alive, signal, skipped, until};
use c2c_proto::ErrorCode::{BrokerBusy, StorageFailed, StorageFull, StoreRefused};
use c2c_torture::trace::{Orders, broker};
use serde_json::{Value, json};
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// Another program with the store open.
struct Outsider {
    connection: SqliteConnection,
    runtime: Runtime,
}

impl Outsider {
    fn open(sandbox: &Sandbox) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let options = SqliteConnectOptions::new().filename(sandbox.store()).create_if_missing(false);
        let connection = runtime.block_on(SqliteConnection::connect_with(&options)).unwrap();
        Self { connection, runtime }
    }

    fn sees_all_folded(&mut self) -> bool {
        let ask = sqlx::query_as("PRAGMA wal_checkpoint(NOOP)").fetch_one(&mut self.connection);
        let (_, all, folded): (i64, i64, i64) = self.runtime.block_on(ask).unwrap();
        all == folded
    }

    fn run(&mut self, statement: &'static str) {
        self.runtime.block_on(sqlx::query(statement).execute(&mut self.connection)).unwrap();
    }
}

fn log_bytes(sandbox: &Sandbox) -> u64 {
    fs::metadata(sandbox.dir().join("c2c.db-wal")).map_or(0, |metadata| metadata.len())
}

#[test]
fn d15_while_another_program_holds_a_lock_the_store_is_busy_and_can_be_read() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let before = alice.say("bob", "before");
    let broker = sandbox.broker_id();
    let mut outsider = Outsider::open(&sandbox);
    outsider.run("BEGIN IMMEDIATE");
    let began = Instant::now();
    let call = json!({"to": "bob", "body": "during"});
    let error = alice.call("send_message", call.clone()).err(BrokerBusy);
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    assert_eq!((&error["retry_safe"], &error["idempotency_key"]), (&json!(true), &json!(null)));
    // Under a key of its own the call may have been made before, and nobody has looked for that.
    let keyed = json!({"to": "bob", "body": "during", "idempotency_key": "during"});
    let error = alice.call("send_message", keyed).err(BrokerBusy);
    assert_eq!((&error["retry_safe"], &error["idempotency_key"]), (&json!(false), &json!("during")));
    assert_eq!(bob.inbox_ids(json!({})), [before]);
    outsider.run("ROLLBACK");
    let during = alice.ok("send_message", call)["id"].as_i64().unwrap();
    assert_eq!(bob.inbox_ids(json!({})), [before, during]);
    assert_eq!(sandbox.broker_id(), broker, "without a restart");
}

#[test]
fn d15_a_store_that_another_program_has_locked_cannot_be_opened_yet() {
    let sandbox = Sandbox::new();
    let before = sandbox.session("alice").say("bob", "before");
    sandbox.kill_broker();
    let mut outsider = Outsider::open(&sandbox);
    outsider.run("BEGIN IMMEDIATE");
    let mut bob = sandbox.shim().name("bob").start();
    bob.call("inbox", json!({})).err(BrokerBusy);
    outsider.run("ROLLBACK");
    until("it is free again", PATIENCE, || !bob.call("heartbeat", json!({})).is_error);
    assert_eq!(bob.inbox_ids(json!({})), [before]);
}

#[test]
fn d16_nothing_but_sqlite_opens_the_store_while_it_is_open() {
    let sandbox = Sandbox::new();
    let Some(traced) = broker::serving(&sandbox, Orders { log: true, opens: true, ..Orders::default() })
    else {
        return;
    };
    traced.count();
    {
        let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
        for _ in 0..4 {
            alice.say("bob", &"x".repeat(2_000_000));
        }
        bob.inbox_ids(json!({}));
        alice.ok("prune", json!({"older_than_days": 1}));
        until("the log is folded", PATIENCE, || {
            traced
                .log()
                .iter()
                .any(|call| matches!(call.name, "fsync" | "fdatasync") && call.target == "c2c.db")
        });
        // What looks after the files comes by.
        fs::remove_file(sandbox.paths().address.as_path()).unwrap();
        until("the socket is back", PATIENCE, || {
            sandbox.status().is_some_and(|status| status.store_bytes > 0)
        });
    }
    signal(traced.id(), Signal::TERM);
    assert_eq!(traced.wait(PATIENCE), Some(Some(0)));
    let opens = |call: &&c2c_torture::trace::Call| matches!(call.name, "open" | "create");
    let log = traced.log();
    assert!(log.iter().any(|call| opens(&call)), "nothing was opened at all");
    let store = ["c2c.db", "c2c.db-wal", "c2c.db-shm"];
    let strays: Vec<_> = log
        .iter()
        .filter(opens)
        .filter(|call| store.contains(&call.target.as_str()) && !call.thread.starts_with("sqlx-sqlite"))
        .collect();
    assert!(strays.is_empty(), "closing these would drop SQLite's locks: {strays:?}");
}

/// A file system of its own at a path, gone when dropped.
struct Disk(PathBuf);

impl Disk {
    fn mount(at: &Path) -> Option<Self> {
        let done = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=32m,mode=700", "c2c-test"])
            .arg(at)
            .output();
        if done.as_ref().is_ok_and(|done| done.status.success()) {
            return Some(Self(at.to_owned()));
        }
        skipped(&format!("cannot mount: {done:?}"));
        None
    }

    fn remount(&self, how: &str) {
        let options = format!("remount,{how}");
        assert!(Command::new("mount").args(["-o", &options]).arg(&self.0).status().unwrap().success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _told = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn d17_a_disk_that_may_not_be_written_is_told_and_later_the_mail_is_there() {
    let sandbox = Sandbox::new();
    let Some(disk) = Disk::mount(sandbox.dir()) else { return };
    fs::create_dir(sandbox.dir().join("home")).unwrap();
    fs::create_dir(sandbox.dir().join("tmp")).unwrap();
    let before = sandbox.session("alice").say("bob", "before");
    sandbox.kill_broker();
    disk.remount("ro");
    let mut command = Broker::command(&sandbox);
    let output = command.arg("--ready-stdout").stdout(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let word: Value = serde_json::from_slice(&output.stdout).unwrap();
    let codes = [StoreRefused, StorageFailed, StorageFull].map(|code| json!(code.as_str()));
    assert!(codes.contains(&word["error"]["code"]), "{word}");
    assert!(word.to_string().contains("ead-only"), "why: {word}");
    disk.remount("rw");
    assert_eq!(sandbox.session("bob").inbox_ids(json!({})), [before]);
}

#[test]
fn d17_a_store_that_its_owner_may_not_write_is_refused_and_left_alone() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new();
    sandbox.session("alice").say("bob", "before");
    let id = sandbox.broker_id();
    signal(id, Signal::TERM);
    until("the broker ends", PATIENCE, || !alive(id));
    let read = fs::read(sandbox.store()).unwrap();
    fs::set_permissions(sandbox.store(), PermissionsExt::from_mode(0o400)).unwrap();
    if fs::OpenOptions::new().write(true).open(sandbox.store()).is_ok() {
        return skipped("this user may write everything");
    }
    let mut command = Broker::command(&sandbox);
    assert_eq!(command.status().unwrap().code(), Some(1));
    assert!(fs::read(sandbox.store()).unwrap() == read);
    sandbox.shim().name("bob").start().call("inbox", json!({})).err(StoreRefused);
    fs::set_permissions(sandbox.store(), PermissionsExt::from_mode(0o600)).unwrap();
    assert_eq!(sandbox.session("bob").inbox_bodies(json!({})), ["before"]);
}

/// What the broker lets the log grow to, with room for one batch on top.
const LOG_MAX_BYTES: u64 = 64 * 1024 * 1024 + 16 * 1024 * 1024;
/// Together more than that.
const ROUNDS: usize = 16;

#[test]
fn d18_the_log_stays_bounded_under_load_with_readers_that_never_rest() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let value = "x".repeat(1_000_000);
    let mut longest = 0;
    for _ in 0..ROUNDS {
        let writes: Vec<_> = (0..8)
            .map(|number| alice.start_call("set_state", json!({"key": number.to_string(), "value": value})))
            .collect();
        let reads: Vec<_> = (0..8).map(|_| bob.start_call("get_state", json!({}))).collect();
        for call in writes.iter().chain(&reads) {
            call.ok();
        }
        longest = longest.max(log_bytes(&sandbox));
    }
    println!("{ROUNDS} times 8 MB written, the log was at most {longest} bytes");
    assert!(longest <= LOG_MAX_BYTES, "{longest}");
}

#[test]
fn d18_the_log_is_folded_as_soon_as_another_programs_long_read_ends() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    alice.say("bob", "before");
    let mut outsider = Outsider::open(&sandbox);
    outsider.run("BEGIN");
    outsider.run("SELECT COUNT(*) FROM messages");
    let sent: Vec<i64> = (0..6).map(|_| alice.say("bob", &"x".repeat(4_000_000))).collect();
    assert!(log_bytes(&sandbox) > 24_000_000, "the reader holds the log");
    outsider.run("COMMIT");
    // It is folded as soon as nobody waits; from then on the log is used again from its beginning.
    alice.say("bob", &"y".repeat(5_000_000));
    until("the log is folded", PATIENCE, || outsider.sees_all_folded());
    alice.say("bob", "so that the log begins anew");
    let held = log_bytes(&sandbox);
    for _ in 0..6 {
        alice.say("bob", &"z".repeat(4_000_000));
    }
    assert!(log_bytes(&sandbox) <= held + 8_000_000, "{held}, then {}", log_bytes(&sandbox));
    assert!(bob.inbox_ids(json!({})).contains(&sent[0]));
}
