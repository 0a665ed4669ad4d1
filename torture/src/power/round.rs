//! One recorded run on a new store: clients at work, brokers that end and are killed in between, and the record.

use super::client::Run;
use super::history::History;
use super::workload::{self, Plan};
use crate::vfs::rig::{order, programs, record, recorded};
use crate::vfs::trace::Entry;
use c2c_harness::{Sandbox, Seed, Signal, alive, signal, stop, until};
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
            return Work { calls: 24, body_bytes: 60_000, restarts: 1 };
        }
        let calls = (self.images / IMAGES_PER_CALL).clamp(4, 24);
        Work { calls, body_bytes: 400, restarts: calls / 3 }
    }
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Round {
    pub(super) entries: Vec<Entry>,
    pub(super) history: History,
    pub(super) ended: usize,
    pub(super) killed: usize,
}

impl Round {
    pub(super) fn record(shape: &Shape) -> Self {
        let sandbox =
            if shape.normal { Sandbox::with_config("durability = \"normal\"\n") } else { Sandbox::new() };
        record(sandbox.dir());
        if shape.lie {
            order(sandbox.dir(), "sync lie");
        }
        let (clients, shims) = (4, 2);
        let Work { calls, body_bytes, restarts } = shape.work();
        let shim = Some(programs(&sandbox));
        let paths = sandbox.paths().clone();
        let plan = Plan { seed: shape.seed, paths, clients, shims, shim, calls, body_bytes };
        let run = Run::default();
        let (mut ended, mut killed) = (0, 0);
        let history = workload::run(&sandbox, &plan, &run, || {
            let mut choose = Seed::of(shape.seed ^ 0x5eed);
            // A good part of the work is done between two restarts, whoever does it.
            let part = clients * calls / (restarts + 1) / 2;
            for number in 1..=restarts {
                until("the clients get on", PATIENCE, || {
                    run.acknowledged.load(Ordering::Acquire) >= number * part
                });
                if choose.below(2) == 0 {
                    end(&sandbox);
                    ended += 1;
                } else {
                    sandbox.kill_broker();
                    killed += 1;
                }
            }
        });
        // The last one ends in peace: the log is folded into the store and removed.
        end(&sandbox);
        ended += 1;
        Self { entries: recorded(sandbox.dir()), history, ended, killed }
    }
}

/// Asks the broker to end, and waits until it has.
fn end(sandbox: &Sandbox) {
    let id = sandbox.broker_id();
    signal(id, Signal::TERM);
    until("the broker ends", PATIENCE, || !alive(id));
    // It is gone already; this only reaps it where it is a child.
    stop(id);
}
