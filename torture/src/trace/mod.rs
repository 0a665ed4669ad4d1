//! A process whose system calls are looked at one by one: ended exactly before the n-th one that matters, or given an
//! error of the disk's in its place. Linux only.
//!
//! Owns the thread that traces. All threads of the process share the counts. Which calls matter is `calls.rs`'s business; only `broker.rs` knows what is
//! traced.

pub mod broker;
mod calls;
mod follow;

pub use calls::{CHANGES, Call, Point};

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// An error that a call gives instead of doing anything.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Names of system calls.
    pub calls: &'static [&'static str],
    /// How the file's path ends.
    pub file: String,
    /// The error's number, as `EIO` is 5.
    pub errno: i32,
    /// How many such calls still fail; they work again after that.
    pub times: u64,
}

/// What is asked of the tracer, and what it saw.
#[derive(Debug, Default)]
struct State {
    counting: bool,
    seen: u64,
    counts: HashMap<(&'static str, String), u64>,
    strike: Option<(Point, Strike)>,
    struck: bool,
    opens: bool,
    log: Option<Vec<Call>>,
    faults: Vec<Fault>,
    given: u64,
    over: Option<Option<i32>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A traced process. Ended when dropped.
#[derive(Debug)]
pub struct Traced {
    id: u32,
    shared: Arc<Shared>,
    tracer: Option<JoinHandle<()>>,
}

/// What happens at the call that was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strike {
    /// The process ends before it.
    Kill,
    /// It gives this error and does nothing.
    Error(i32),
}

/// What is asked from the start.
#[derive(Clone, Debug, Default)]
pub struct Orders {
    /// Strike at this call.
    pub strike: Option<(Point, Strike)>,
    /// Count from its first call on; else from [`Traced::count`] on.
    pub from_start: bool,
    /// Keep every call that was counted.
    pub log: bool,
    /// Count the opening of files as well, also of such that exist.
    pub opens: bool,
}

impl Traced {
    /// Starts a program under trace, with this environment and no other.
    ///
    /// # Errors
    /// Where this user may not trace processes.
    ///
    /// # Panics
    /// If there is no shell to start it.
    pub fn start(
        program: &Path,
        arguments: &[&str],
        env: &BTreeMap<String, String>,
        orders: Orders,
    ) -> Result<Self, String> {
        // The shell stops itself, so that the tracer is there before the program's first call.
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "kill -STOP $$; exec \"$0\" \"$@\""]).arg(program).args(arguments);
        command.env_clear().envs(env).current_dir("/");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let shared = Arc::new(Shared::default());
        {
            let mut state = shared.lock();
            state.strike = orders.strike;
            state.counting = orders.from_start;
            state.opens = orders.opens;
            state.log = orders.log.then(Vec::new);
        }
        let (began, id) = channel();
        let tracer = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || follow::follow(command, &shared, &began)
        });
        let id = id.recv().unwrap_or_else(|_| Err("the tracer ended".to_owned()))?;
        Ok(Self { id, shared, tracer: Some(tracer) })
    }

    /// The process.
    #[must_use]
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// Begins to count.
    pub fn count(&self) {
        self.shared.lock().counting = true;
    }

    /// Stops counting: from now on it is left alone.
    pub fn stop_counting(&self) {
        self.shared.lock().counting = false;
    }

    /// How many calls were counted.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.shared.lock().seen
    }

    /// Every counted call, each as the point that it is.
    #[must_use]
    pub fn points(&self) -> Vec<Point> {
        let state = self.shared.lock();
        let number = |((name, target), all): (&(&'static str, String), &u64)| {
            let point = |nth| Point { name, target: target.clone(), nth };
            (1..=*all).map(point).collect::<Vec<_>>()
        };
        let mut points: Vec<Point> = state.counts.iter().flat_map(number).collect();
        points.sort();
        points
    }

    /// Every counted call, if that was asked for.
    #[must_use]
    pub fn log(&self) -> Vec<Call> {
        self.shared.lock().log.clone().unwrap_or_default()
    }

    /// Whether the call came that was to be struck.
    #[must_use]
    pub fn struck(&self) -> bool {
        self.shared.lock().struck
    }

    /// Whether it has ended, and with which status (`None`: by a signal).
    #[must_use]
    pub fn over(&self) -> Option<Option<i32>> {
        self.shared.lock().over
    }

    /// Waits until it has ended; `None` if it has not by then.
    #[must_use]
    pub fn wait(&self, within: Duration) -> Option<Option<i32>> {
        let end = Instant::now() + within;
        let mut state = self.shared.lock();
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if state.over.is_some() || left.is_zero() {
                return state.over;
            }
            let waited = self.shared.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// From now on such calls fail.
    pub fn fail(&self, fault: Fault) {
        self.shared.lock().faults.push(fault);
    }

    /// All calls work again; how many had failed.
    pub fn heal(&self) -> u64 {
        let mut state = self.shared.lock();
        state.faults.clear();
        state.given
    }

    /// Ends it at once and waits until it is gone.
    pub fn kill(&self) {
        if self.over().is_none() {
            c2c_harness::stop(self.id);
        }
        let _gone = self.wait(c2c_harness::PATIENCE);
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        self.kill();
        if let Some(tracer) = self.tracer.take() {
            let _ended = tracer.join();
        }
    }
}
