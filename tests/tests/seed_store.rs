//! A store of claude-c2c 0.1.0 and its servers, with real processes. Those with the real server need a folder that
//! `tests/tests/interop/install.sh DIR` filled, named by `C2C_INTEROP_DIR`; without it they say so and skip.

use c2c_harness::{Broker, PATIENCE, Sandbox, Seed, Shim, count_rows, make_sqlite, pause, until};
use c2c_proto::ErrorCode::InvalidArgument;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const SEED: &str = include_str!("../../broker/src/store/tests/fixtures/seed-0.1.0.sql");
const MANY: &str = include_str!("fixtures/seed-many.sql");
const TABLES: [&str; 3] = ["sessions", "messages", "state"];

/// A sandbox with an old store in it.
fn old_store() -> Sandbox {
    let sandbox = Sandbox::new();
    make_sqlite(sandbox.store(), SEED);
    sandbox
}

fn backups(sandbox: &Sandbox) -> Vec<String> {
    let entries = std::fs::read_dir(sandbox.dir()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let mut found: Vec<String> = names.filter(|name| name.contains("backup")).collect();
    found.sort();
    found
}

#[test]
fn the_mail_of_an_old_store_is_there() {
    let sandbox = old_store();
    let mut online = sandbox.session("online");
    let unread = online.ok("inbox", json!({}));
    assert_eq!(unread["messages"][0]["body"], "not read yet", "{unread}");
    assert_eq!(unread["messages"][0]["from_name"], "local");
    assert_eq!(unread["messages"][0]["created_at"], "2026-11-01T13:01:00.654Z");
    assert_eq!(unread["messages"].as_array().map(Vec::len), Some(1));
    assert_eq!(online.inbox_ids(json!({"unread_only": false})), [1, 2]);
    assert_eq!(online.inbox_ids(json!({"query": "long ago"})), [1]);
    let mut local = sandbox.session("local");
    assert_eq!(local.inbox_bodies(json!({})), ["to all, not read"]);
    assert_eq!(local.inbox_ids(json!({"unread_only": false})), [3, 4], "read by one, so read for all");
    local.ok("send_message", json!({"reply_to": 3, "body": "an answer"}));
    assert_eq!(online.inbox_bodies(json!({})), ["not read yet", "an answer"]);
    assert_eq!(online.ok("get_state", json!({"key": "last_run_id"}))["entry"]["value"], "abc123");
    assert_eq!(online.ok("get_state", json!({"key": "prose"}))["entry"]["value"], "it's no JSON");
    assert_eq!(backups(&sandbox), ["c2c.db.claude-c2c-0.1.0.backup"]);
    assert!(sandbox.log().contains("messages=6 deliveries=8 unread=5 entries=3"), "{}", sandbox.log());
    for word in ["not read yet", "abc123", "it's no JSON"] {
        assert!(!sandbox.log().contains(word), "the log holds contents");
    }
}

#[test]
fn ids_go_on_above_the_highest_that_was_ever_used() {
    let sandbox = old_store();
    let mut a = sandbox.session("a");
    assert_eq!(a.say("online", "new"), 10);
    sandbox.kill_broker();
    assert_eq!(a.say("online", "newer"), 11);
}

#[test]
fn names_from_before_the_rule_are_addressed_and_registered() {
    let sandbox = old_store();
    let mut a = sandbox.session("a");
    let sent = a.ok("send_message", json!({"to": "The Other One", "body": "hello"}));
    assert_eq!(sent["recipients"][0]["known"], true, "{sent}");
    let listed = a.row_of("the other one").expect("it is listed");
    assert_eq!((&listed["online"], &listed["cwd"]), (&json!(false), &json!("/p/other")));
    let mut other = sandbox.session("b");
    let taken = other.ok("register_session", json!({"name": "the other one"}));
    assert_eq!(taken["name"], "the other one");
    assert_eq!(other.inbox_ids(json!({})), [3, 5, 10]);
    a.call("register_session", json!({"name": "another name with spaces"})).err(InvalidArgument);
    a.call("send_message", json!({"to": "another name", "body": "x"})).err(InvalidArgument);
}

/// What everybody must find in the store with much mail: unread of some names, all of one, and the newest id.
fn nothing_is_missing(sandbox: &Sandbox) {
    let mut session = sandbox.session("reader");
    for (name, unread) in [("the other one", 1_502), ("name 7", 60), ("local", 1), ("online", 751)] {
        session = if name == "local" { sandbox.session("reader") } else { session };
        session.ok("register_session", json!({"name": name}));
        let beat = session.ok("heartbeat", json!({}));
        assert_eq!(beat["unread"], unread, "{name}: {beat}");
    }
    assert_eq!(all(&mut session, false).len(), 1_502);
    let mut a = sandbox.session("a");
    assert_eq!(a.say("online", "new"), 6_100);
}

/// The bodies of all the mail of a session.
fn all(session: &mut Shim, unread_only: bool) -> Vec<String> {
    let (mut found, mut after) = (Vec::new(), 0);
    loop {
        let ask = json!({"unread_only": unread_only, "limit": 500, "after_id": after});
        let page = session.ok("inbox", ask);
        let messages = page["messages"].as_array().expect("messages");
        found.extend(messages.iter().map(|message| message["body"].as_str().expect("a body").to_owned()));
        let Some(next) = page["next_after_id"].as_i64() else { return found };
        after = next;
    }
}

/// How many kills; more with `C2C_KILLS`.
fn kills() -> usize {
    std::env::var("C2C_KILLS").map_or(8, |given| given.parse().expect("C2C_KILLS is a number"))
}

#[test]
fn kills_at_random_moments_of_the_migration_lose_nothing() {
    let mut seed = Seed::new();
    let pristine = old_store();
    make_sqlite(pristine.store(), MANY);
    let fresh = || {
        let sandbox = Sandbox::new();
        std::fs::copy(pristine.store(), sandbox.store()).unwrap();
        sandbox
    };
    let had = count_rows(pristine.store(), &TABLES);
    let unhurt = fresh();
    let began = Instant::now();
    let broker = Broker::start(&unhurt);
    let takes = began.elapsed();
    nothing_is_missing(&unhurt);
    drop(broker);
    let (mut before, mut after) = (0, 0);
    for _ in 0..kills() {
        let sandbox = fresh();
        // Some stores have to bear more than one.
        for _ in 0..=seed.below(3) {
            let mut child = Broker::command(&sandbox).spawn().unwrap();
            let within = u64::try_from(takes.as_micros()).unwrap();
            // The moment is the test: anywhere from the start of the process to a little after the migration.
            pause(Duration::from_micros(seed.number() % (within + within / 8)));
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let migrated = sandbox.log().contains("was migrated");
        *(if migrated { &mut after } else { &mut before }) += 1;
        // By hand: on a busy machine it may take longer than a session waits for a broker that it starts.
        let _broker = Broker::start(&sandbox);
        nothing_is_missing(&sandbox);
        assert_eq!(backups(&sandbox), ["c2c.db.claude-c2c-0.1.0.backup"], "one, and nothing unfinished");
        assert_eq!(count_rows(&sandbox.dir().join("c2c.db.claude-c2c-0.1.0.backup"), &TABLES), had, "whole");
        // None if the kill came between the commit and the log.
        assert!(sandbox.log().matches("was migrated").count() <= 1, "twice: {}", sandbox.log());
    }
    println!(
        "a migration takes {takes:?}; stores whose last kill came before its end: {before}, after it: {after}"
    );
}

/// A real server of claude-c2c 0.1.0 on a store.
struct OldServer {
    process: Shim,
}

/// The real server, if it is installed; prints why not.
fn old_server() -> Option<PathBuf> {
    let program = std::env::var_os("C2C_INTEROP_DIR")
        .filter(|dir| !dir.is_empty())
        .map(|dir| std::path::absolute(dir).expect("a path").join("seed/bin/claude-c2c"));
    let found = program.filter(|program| program.exists());
    if found.is_none() {
        c2c_harness::skipped(
            "claude-c2c 0.1.0 is not installed below C2C_INTEROP_DIR; see tests/tests/interop/install.sh",
        );
    }
    found
}

impl OldServer {
    fn start(sandbox: &Sandbox, program: &PathBuf) -> Self {
        let mut process = sandbox.shim().spawn_through(Command::new(program));
        process.initialize();
        Self { process }
    }

    /// What a tool says; the error's text if it fails.
    #[expect(clippy::needless_pass_by_value, reason = "calls read best with json!({…}) in place")]
    fn call(&mut self, tool: &str, arguments: Value) -> Result<Value, String> {
        let params = json!({"name": tool, "arguments": arguments});
        let result = self.process.rpc("tools/call", &params).expect("a tool result");
        let text = result["content"][0]["text"].as_str().unwrap_or_default().to_owned();
        if result["isError"] == true {
            Err(text)
        } else {
            Ok(serde_json::from_str(&text).unwrap_or_default())
        }
    }
}

const EVERY_TOOL: [&str; 9] = [
    "register_session",
    "heartbeat",
    "list_sessions",
    "send_message",
    "inbox",
    "mark_read",
    "set_state",
    "get_state",
    "prune",
];

fn arguments(tool: &str) -> Value {
    match tool {
        "register_session" => json!({"name": "local"}),
        "send_message" => json!({"to": "online", "body": "into nothing"}),
        "mark_read" => json!({"message_ids": [1, 2]}),
        "set_state" => json!({"key": "last_run_id", "value": "into nothing"}),
        "get_state" => json!({"key": "last_run_id"}),
        _ => json!({}),
    }
}

#[test]
fn a_real_server_of_0_1_0_that_still_runs_gets_an_error_from_every_tool() {
    let Some(program) = old_server() else { return };
    let sandbox = Sandbox::new();
    let mut old = OldServer::start(&sandbox, &program);
    let mut nameless = OldServer::start(&sandbox, &program);
    old.call("register_session", json!({"name": "local"})).unwrap();
    let sent = old.call("send_message", json!({"to": "online", "body": "before"})).unwrap();
    old.call("send_message", json!({"to": "*", "body": "to all"})).unwrap();
    for tool in &EVERY_TOOL[1..7] {
        old.call(tool, arguments(tool)).unwrap_or_else(|error| panic!("{tool} before: {error}"));
    }
    let mut online = sandbox.session("online");
    assert_eq!(sent["id"], 1);
    // The old server has marked the first two read itself; what it sent of every tool is there.
    assert_eq!(online.inbox_bodies(json!({})), ["into nothing"]);
    assert_eq!(online.inbox_bodies(json!({"unread_only": false})), ["before", "into nothing"]);
    for _ in 0..2 {
        for tool in EVERY_TOOL {
            let error = old.call(tool, arguments(tool)).expect_err(tool);
            assert!(error.contains("no such column") || error.contains("has no column"), "{tool}: {error}");
            nameless.call(tool, arguments(tool)).expect_err(tool);
        }
    }
    assert_eq!(online.inbox_bodies(json!({})), ["into nothing"], "nothing was written by it");
    assert_eq!(online.ok("get_state", json!({"key": "last_run_id"}))["entry"]["value"], "into nothing");
    let mut late = Command::new(&program);
    late.env_clear().envs(sandbox.env()).stdin(std::process::Stdio::null());
    let output = late.output().unwrap();
    assert!(!output.status.success(), "a new one does not even start");
    assert!(String::from_utf8_lossy(&output.stderr).contains("no such column"), "{output:?}");
    // Nor does anything of that harm the store.
    sandbox.kill_broker();
    assert_eq!(online.inbox_bodies(json!({})), ["into nothing"]);
}

#[test]
fn what_real_servers_acknowledge_while_the_store_is_migrated_is_in_it() {
    let Some(program) = old_server() else { return };
    let sandbox = Sandbox::new();
    make_sqlite(sandbox.store(), &format!("{SEED}\n{MANY}"));
    let mut writers: Vec<OldServer> = (0..3).map(|_| OldServer::start(&sandbox, &program)).collect();
    for (number, writer) in writers.iter_mut().enumerate() {
        writer.call("register_session", json!({"name": format!("writer-{number}")})).unwrap();
    }
    let count_of_all = &AtomicUsize::new(0);
    let acknowledged: Vec<String> = std::thread::scope(|scope| {
        let running: Vec<_> = writers
            .iter_mut()
            .enumerate()
            .map(|(number, writer)| {
                scope.spawn(move || {
                    let mut acknowledged = Vec::new();
                    // Until it is refused; a lock that is held for too long is an answer as well.
                    for count in 0.. {
                        let body = format!("{number}/{count}");
                        match writer.call("send_message", json!({"to": "target", "body": &body})) {
                            Ok(_) => {
                                acknowledged.push(body);
                                count_of_all.fetch_add(1, Ordering::Relaxed);
                            }
                            Err(error) if error.contains("locked") => {}
                            Err(error) => {
                                assert!(error.contains("no such column"), "{error}");
                                break;
                            }
                        }
                    }
                    acknowledged
                })
            })
            .collect();
        until("they are at it", PATIENCE, || count_of_all.load(Ordering::Relaxed) >= 30);
        let _broker = Broker::start(&sandbox);
        running.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    });
    println!("{} messages were acknowledged by servers of 0.1.0", acknowledged.len());
    let mut target = sandbox.session("target");
    let mut found = all(&mut target, true);
    let missing: Vec<&String> = acknowledged.iter().filter(|body| !found.contains(body)).collect();
    assert!(missing.is_empty(), "acknowledged and lost: {missing:?}");
    found.sort();
    let all = found.len();
    found.dedup();
    assert_eq!(found.len(), all, "twice");
    until("nobody is left who could write", PATIENCE, || {
        writers.iter_mut().all(|old| old.call("heartbeat", json!({})).is_err())
    });
}
