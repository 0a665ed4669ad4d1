//! What many sessions do at once: every choice follows from the seed, every call goes into the history.
//!
//! Each client is a thread with a real shim of its own. Two kinds: those that keep one name for ever, so that the
//! checker knows of each moment what their mailboxes hold, and a few that take names from each other. Knows nothing
//! of what is being broken meanwhile, but that shims may die at any moment.

mod abuse;
mod agent;
mod answers;
mod arguments;
mod choices;
mod flight;
mod memory;
mod settle;

pub use abuse::abuse;
pub use agent::Agent;

use crate::history::Recorder;
use crate::history::bodies::Bodies;
use c2c_harness::{Sandbox, pause};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Entries of the shared state that clients write over each other, and those that they lease.
pub const ENTRIES: [&str; 5] = ["state/a", "state/b", "state/c", "state/%_", "state/\u{e9}"];
/// See [`ENTRIES`].
pub const LEASES: [&str; 2] = ["lease/a", "lease/b"];

/// What all clients of one run share.
#[derive(Debug)]
pub struct World<'a> {
    /// Where they live.
    pub sandbox: &'a Sandbox,
    /// Where their calls are written down.
    pub recorder: Recorder,
    /// What their messages say.
    pub bodies: Bodies,
    /// The run's seed.
    pub seed: u64,
    /// Names that their holders keep.
    pub steady: Vec<String>,
    /// Names that are taken by one from another.
    pub contested: Vec<String>,
    /// At most so many messages are sent without waiting for the answers between them.
    pub burst: u64,
    /// Between two things that a client does, on average.
    pub pace: Duration,
    /// The shim's program.
    pub program: PathBuf,
    /// The process of each client's shim, while it runs and is not waited for.
    pub processes: Vec<Mutex<Option<u32>>>,
    /// What was wrong with the output of shims.
    pub output_faults: Mutex<Vec<String>>,
    /// Addresses at other nodes.
    pub elsewhere: Vec<String>,
    /// Clients that have settled what was open, and whether those of all nodes have got what was sent to them.
    settled: AtomicUsize,
    quiet: AtomicBool,
    numbers: AtomicU64,
    acknowledged: AtomicU64,
    over: AtomicBool,
}

impl<'a> World<'a> {
    /// A world of so many clients.
    #[must_use]
    pub fn new(
        sandbox: &'a Sandbox,
        recorder: Recorder,
        seed: u64,
        clients: usize,
        program: PathBuf,
        burst: u64,
    ) -> Self {
        let fickle = (clients / 7).max(2).min(clients);
        Self {
            sandbox,
            recorder,
            bodies: Bodies::of(seed),
            seed,
            steady: (0..clients - fickle).map(|index| format!("steady-{index}")).collect(),
            contested: (0..fickle + 1).map(|index| format!("contested-{index}")).collect(),
            burst,
            pace: Duration::ZERO,
            program,
            processes: (0..clients).map(|_| Mutex::new(None)).collect(),
            output_faults: Mutex::default(),
            elsewhere: Vec::new(),
            settled: AtomicUsize::new(0),
            quiet: AtomicBool::new(false),
            numbers: AtomicU64::new(1),
            acknowledged: AtomicU64::new(0),
            over: AtomicBool::new(false),
        }
    }

    /// The world of one node of several: its messages are numbered from there on, and some go to these addresses.
    #[must_use]
    pub fn among_nodes(self, numbers_from: u64, elsewhere: Vec<String>, pace: Duration) -> Self {
        Self { numbers: AtomicU64::new(numbers_from), elsewhere, pace, ..self }
    }

    /// How many clients there are.
    #[must_use]
    pub const fn clients(&self) -> usize {
        self.processes.len()
    }

    /// Messages that were acknowledged so far.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// Nobody begins anything new from now on.
    pub fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    /// Whether it ends.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// Whether all clients have settled what was open.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.settled.load(Ordering::SeqCst) == self.clients()
    }

    /// Everything has arrived: the clients look once more.
    pub fn be_quiet(&self) {
        self.quiet.store(true, Ordering::SeqCst);
    }

    /// A client has settled what was open; back when the others have, and everything has arrived.
    fn until_quiet(&self) {
        self.settled.fetch_add(1, Ordering::SeqCst);
        while !self.quiet.load(Ordering::SeqCst) {
            // Whoever says so looks at several machines.
            pause(Duration::from_millis(20));
        }
    }

    /// A number for what is written next.
    fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    fn note_output(&self, faults: Vec<String>) {
        self.output_faults.lock().unwrap_or_else(PoisonError::into_inner).extend(faults);
    }
}
