//! The disk under test programs does what it is told: it records, it fails, it lies, it kills.
#![cfg(target_os = "linux")]

use c2c_harness::{Broker, Sandbox, alive, until};
use c2c_proto::ErrorCode;
use c2c_torture::vfs::rig::{broker, order, programs, record, recorded};
use c2c_torture::vfs::trace::Change;
use serde_json::json;

#[test]
fn every_change_of_a_store_is_recorded_also_of_one_that_a_shim_began() {
    let sandbox = Sandbox::new();
    record(sandbox.dir());
    let mut shim = sandbox.shim().program(&programs(&sandbox)).name("writer").session();
    let body = "found again in the log";
    shim.say("reader", body);
    let entries = recorded(sandbox.dir());
    let of = |name: &str| entries.iter().filter(move |entry| entry.name == name).collect::<Vec<_>>();
    let log = of("c2c.db-wal");
    assert!(matches!(log[0].change, Change::Opened { new: true, .. }), "{:?}", log[0]);
    assert!(log.windows(2).all(|pair| pair[0].ended <= pair[1].begun), "one change at a time");
    let written = log.iter().rposition(|entry| match &entry.change {
        Change::Written { data, .. } => data.windows(body.len()).any(|part| part == body.as_bytes()),
        _ => false,
    });
    let synced = log.iter().rposition(|entry| entry.change == Change::Synced);
    assert!(written.expect("the body is in the log") < synced.expect("the log is flushed"));
    assert!(matches!(&of("c2c.db")[0].change, Change::Opened { content, .. } if !content.is_empty()));
    assert!(entries.iter().any(|entry| entry.name.starts_with("c2c.db.new-")), "the making of the store");
    // What the trace says is what the file holds.
    let mut built = Vec::new();
    for entry in &log {
        if let Change::Written { offset, data } = &entry.change {
            let (from, to) =
                (usize::try_from(*offset).unwrap(), usize::try_from(*offset).unwrap() + data.len());
            built.resize(built.len().max(to), 0);
            built[from..to].copy_from_slice(data);
        }
    }
    let file = std::fs::read(sandbox.dir().join("c2c.db-wal")).unwrap();
    assert!(built == file, "the trace builds the log: {} and {} bytes", built.len(), file.len());
}

#[test]
fn a_full_disk_refuses_and_heals_without_a_restart() {
    let sandbox = Sandbox::new();
    let _broker = Broker::start_through(&sandbox, broker(&sandbox));
    let mut shim = sandbox.session("writer");
    shim.say("reader", "before");
    order(sandbox.dir(), "write enospc");
    shim.call("send_message", json!({"to": "reader", "body": "full"})).err(ErrorCode::StorageFull);
    order(sandbox.dir(), "");
    shim.say("reader", "after");
    let mut reader = sandbox.session("reader");
    assert_eq!(reader.inbox_bodies(json!({})), ["before", "after"]);
}

#[test]
fn a_disk_that_fails_while_a_broker_starts_is_no_reason_to_refuse_the_store() {
    let sandbox = Sandbox::new();
    let mut shim = sandbox.shim().program(&programs(&sandbox)).name("writer").session();
    shim.say("reader", "before");
    for orders in ["read eio", "write eio", "sync eio"] {
        let broker = sandbox.broker_id();
        order(sandbox.dir(), orders);
        c2c_harness::stop(broker);
        let error = shim.call("send_message", json!({"to": "reader", "body": orders}));
        if error.is_error {
            // It fails as long as the disk does, and never with the advice to begin with an empty store.
            let error = error.err(ErrorCode::BrokerUnreachable);
            assert!(error["message"].as_str().unwrap().contains("storage_failed"), "{error}");
        }
        order(sandbox.dir(), "");
        until("it goes on", c2c_harness::PATIENCE, || !shim.call("heartbeat", json!({})).is_error);
    }
    shim.say("reader", "after");
    let bodies = sandbox.session("reader").inbox_bodies(json!({}));
    assert_eq!((bodies.first().unwrap().as_str(), bodies.last().unwrap().as_str()), ("before", "after"));
}

/// One read that fails, whichever it is: the check of the store, the look at its schema, its opening, its migration.
#[test]
fn d4_a_read_that_fails_once_while_a_broker_starts_is_told_as_what_it_is_or_not_noticed() {
    let sandbox = Sandbox::new();
    let mut shim = sandbox.shim().program(&programs(&sandbox)).name("writer").session();
    for after in [0, 1, 2, 3, 5, 8] {
        let broker = sandbox.broker_id();
        order(sandbox.dir(), &format!("read eio after={after} times=1"));
        c2c_harness::stop(broker);
        let result = shim.call("send_message", json!({"to": "reader", "body": format!("{after}")}));
        if result.is_error {
            assert!(!result.text.contains("store_refused"), "after {after} reads: {}", result.text);
            assert!(result.text.contains("storage_failed"), "after {after} reads: {}", result.text);
        }
        order(sandbox.dir(), "");
        until("it goes on", c2c_harness::PATIENCE, || !shim.call("heartbeat", json!({})).is_error);
    }
}

#[test]
fn an_ordered_kill_ends_the_broker_before_the_operation() {
    let sandbox = Sandbox::new();
    record(sandbox.dir());
    let mut first = Broker::start_through(&sandbox, broker(&sandbox));
    let id = first.id();
    let mut shim = sandbox.session("writer");
    shim.say("reader", "before");
    let changes = recorded(sandbox.dir()).len();
    order(sandbox.dir(), "write kill after=1 file=wal times=1");
    let pending = shim.start_call("send_message", json!({"to": "reader", "body": "in between"}));
    until("the broker is gone", c2c_harness::PATIENCE, || first.exited().is_some());
    assert!(!alive(id));
    let written = recorded(sandbox.dir())[changes..]
        .iter()
        .filter(|entry| matches!(entry.change, Change::Written { .. }))
        .count();
    assert_eq!(written, 1, "one write passed, the second never came");
    order(sandbox.dir(), "");
    // The shim starts another broker and repeats the call, which then is stored once.
    pending.result(c2c_harness::PATIENCE).ok();
    assert_eq!(sandbox.session("reader").inbox_bodies(json!({})), ["before", "in between"]);
}
