//! After a flush that failed: what the next broker does to the log, as the system sees it. The images of power cuts take
//! it to be so.
#![cfg(target_os = "linux")]

use c2c_harness::{PATIENCE, Sandbox, skipped, until};
use c2c_torture::trace::{Call, broker};
use serde_json::json;

/// Whether the call is one of SQLite's: it writes in places, and has files of its own.
fn is_sqlites(call: &Call) -> bool {
    call.name == "pwrite" || call.target.ends_with("-shm")
}

#[test]
fn the_log_is_written_and_flushed_before_sqlite_touches_anything() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    let sent: Vec<i64> = (0..20).map(|number| alice.say("bob", &number.to_string().repeat(4_000))).collect();
    let log = sandbox.store().with_file_name("c2c.db-wal");
    sandbox.kill_broker();
    drop(alice);
    until("no broker is left", PATIENCE, || c2c_harness::brokers(sandbox.store()).is_empty());
    let length = std::fs::metadata(&log).unwrap().len();
    assert!(length > 80_000, "the log holds what was sent: {length} bytes");
    std::fs::write(&sandbox.paths().flush_failed, "").unwrap();
    let calls = match broker::calls_of_a_life(&sandbox, sandbox.store()) {
        Ok(calls) => calls,
        Err(why) => return skipped(&why),
    };
    let at = |what: &str, holds: &dyn Fn(&Call) -> bool| {
        let found = calls.iter().position(holds);
        found.unwrap_or_else(|| panic!("{what}: not in\n{calls:#?}"))
    };
    let is_of_log = |call: &Call| call.target == "c2c.db-wal";
    let written = at("the log is written", &|call| call.name == "write" && is_of_log(call));
    let flushed =
        at("the log is flushed", &|call| matches!(call.name, "fsync" | "fdatasync") && is_of_log(call));
    let unmarked = at("the mark goes", &|call| {
        matches!(call.name, "unlink" | "rename") && call.target.starts_with("flush.failed")
    });
    let touched = at("SQLite begins", &is_sqlites);
    assert!(written < flushed && flushed < unmarked && unmarked < touched, "{calls:#?}");
    let mut bob = sandbox.session("bob");
    let page = bob.inbox_ids(json!({}));
    assert!(!page.is_empty() && sent.starts_with(&page), "{page:?}");
}
