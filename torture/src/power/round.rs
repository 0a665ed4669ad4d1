//! One recorded run on a store of its own, new or of claude-c2c 0.1.0: clients at work, brokers that end and are killed in between, and the record.

use super::client::Run;
use super::disk::Disk;
use super::draw::replay;
use super::history::History;
use super::old::{self, Journal};
use super::workload::{self, Plan};
use crate::vfs::rig::{order, programs, record, recorded};
use crate::vfs::trace::Entry;
use c2c_harness::{Sandbox, Seed, Signal, alive, signal, stop, until};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A busy machine gets this long for a part of the work.
const PATIENCE: Duration = Duration::from_secs(120);
/// About so many images come of a call of each client.
const IMAGES_PER_CALL: usize = 160;

/// What kind of run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) seed: u64,
    pub(super) lie: bool,
    pub(super) normal: bool,
    pub(super) large: bool,
    /// On a store of claude-c2c 0.1.0.
    pub(super) old: bool,
    /// How many images are wanted of it.
    pub(super) images: usize,
}

/// What clients do, and what is done to the broker.
struct Work {
    /// Of each client.
    calls: usize,
    body_bytes: usize,
    restarts: usize,
}

impl Shape {
    /// A record has no more moments than the images that are wanted can cover.
    fn work(&self) -> Work {
        if self.large {
            // The log is folded once under work, and written from its beginning again.
            return Work { calls: 16, body_bytes: 60_000, restarts: 1 };
        }
        let calls = (self.images / IMAGES_PER_CALL).clamp(4, 24);
        Work { calls, body_bytes: 400, restarts: calls / 3 }
    }
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Round {
    /// What was there before it began.
    pub(super) before: Disk,
    pub(super) entries: Vec<Entry>,
    pub(super) history: History,
    pub(super) ended: usize,
    pub(super) killed: usize,
    /// Brokers that a failed flush has ended.
    pub(super) failed: usize,
}

impl Round {
    pub(super) fn record(shape: &Shape) -> Self {
        let sandbox =
            if shape.normal { Sandbox::with_config("durability = \"normal\"\n") } else { Sandbox::new() };
        let (clients, shims) = (4, 2);
        let mut before = Vec::new();
        if shape.old {
            let clients = (0..clients).map(|number| format!("c{number}"));
            let names: Vec<String> = clients.chain((0..shims).map(|number| format!("s{number}"))).collect();
            before = old::make(sandbox.store(), &names, Journal::of(shape.seed));
        }
        let found = Disk::holding(files_of(sandbox.store()));
        record(sandbox.dir());
        if shape.lie {
            order(sandbox.dir(), "sync lie");
        }
        let Work { calls, body_bytes, restarts } = shape.work();
        let shim = Some(programs(&sandbox));
        let paths = sandbox.paths().clone();
        let plan = Plan { seed: shape.seed, paths, clients, shims, shim, calls, body_bytes };
        let run = Run::default();
        let (mut ended, mut killed, mut failed) = (0, 0, 0);
        let mut history = workload::run(&sandbox, &plan, &run, || {
            let mut choose = Seed::of(shape.seed ^ 0x5eed);
            // A good part of the work is done between two restarts, whoever does it.
            let part = clients * calls / (restarts + 1) / 2;
            for number in 1..=restarts {
                until("the clients get on", PATIENCE, || {
                    run.acknowledged.load(Ordering::Acquire) >= number * part
                });
                match choose.below(3) {
                    0 => {
                        end(&sandbox);
                        ended += 1;
                    }
                    // A disk that lies does not say that it failed, and one that is never asked to flush cannot.
                    1 if !shape.lie && !shape.normal => {
                        fail_a_flush(&sandbox, choose.below(4));
                        failed += 1;
                    }
                    _ => {
                        sandbox.kill_broker();
                        killed += 1;
                    }
                }
            }
        });
        // The last one ends in peace: the log is folded into the store and removed.
        end(&sandbox);
        ended += 1;
        history = History::of(vec![before, history.calls]);
        let entries = recorded(sandbox.dir());
        if shape.old {
            check_backup(&found, &entries, sandbox.dir());
        }
        Self { before: found, entries, history, ended, killed, failed }
    }
}

/// The store's files, by name, as far as they are there.
fn files_of(store: &Path) -> Vec<(String, Vec<u8>)> {
    let name = store.file_name().expect("a file").to_string_lossy();
    let names = ["", "-wal"].map(|suffix| format!("{name}{suffix}"));
    let read = |name: String| std::fs::read(store.with_file_name(&name)).ok().map(|bytes| (name, bytes));
    names.into_iter().filter_map(read).collect()
}

/// What is taken for the copy of the old store is what lies there.
fn check_backup(before: &Disk, entries: &[Entry], folder: &Path) {
    let disk = replay(before.clone(), entries, |_, _, _| {});
    let (name, content) = disk.backup().expect("an old store is copied before it is changed");
    let there = std::fs::read(folder.join(name)).expect("the copy lies beside the store");
    assert!(there == content, "{name} is not what was recorded");
}

/// Lets one of the next flushes fail, which ends the broker.
fn fail_a_flush(sandbox: &Sandbox, after: usize) {
    let broker = sandbox.broker_id();
    order(sandbox.dir(), &format!("sync eio after={after} times=1"));
    until("a broker whose flush failed ends", PATIENCE, || !alive(broker));
    order(sandbox.dir(), "");
}

/// Asks the broker to end, and waits until it has.
fn end(sandbox: &Sandbox) {
    let id = sandbox.broker_id();
    signal(id, Signal::TERM);
    until("the broker ends", PATIENCE, || !alive(id));
    // It is gone already; this only reaps it where it is a child.
    stop(id);
}
