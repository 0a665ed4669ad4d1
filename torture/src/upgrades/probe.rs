//! Asks the broker all the time who it is, over a connection of its own: when the old one last answered, and when the
//! new one first did.

use c2c_harness::{PATIENCE, Raw, Received, Sandbox, pause};
use c2c_proto::frame::ServerFrame;
use c2c_proto::hello::Role;
use c2c_proto::paths::StorePaths;
use c2c_proto::request::{self, Request};
use c2c_proto::response::Response;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Between two questions: short against the gaps that are measured, long enough to leave the machine to the others.
const EVERY: Duration = Duration::from_millis(3);

/// One answer.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// When it came.
    pub(crate) at: Instant,
    pub(crate) pid: u32,
    pub(crate) version: String,
}

#[derive(Default)]
struct State {
    /// The first and the last answer of each broker, in order.
    brokers: Vec<(Seen, Seen)>,
}

/// A thread that asks.
pub(crate) struct Probe {
    state: Arc<(Mutex<State>, Condvar)>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Probe {
    /// Asks until it is stopped.
    pub(crate) fn start(sandbox: &Sandbox) -> Self {
        let (state, stop) = (Arc::<(Mutex<State>, Condvar)>::default(), Arc::new(AtomicBool::new(false)));
        let (paths, into, ended) = (sandbox.paths().clone(), Arc::clone(&state), Arc::clone(&stop));
        let thread = std::thread::spawn(move || ask(&paths, &into, &ended));
        let probe = Self { state, stop, thread };
        probe.last();
        probe
    }

    /// The newest answer.
    pub(crate) fn last(&self) -> Seen {
        self.wait("a broker answers", PATIENCE, |state| state.brokers.last().map(|(_, last)| last.clone()))
    }

    /// The longest time without an answer between one broker and the next, since this one.
    pub(crate) fn gap_since(&self, pid: u32) -> Option<Duration> {
        let state = self.state.0.lock().expect("no asker panics");
        let old = state.brokers.iter().rposition(|(_, last)| last.pid == pid)?;
        let pairs = state.brokers[old..].windows(2);
        pairs.map(|pair| pair[1].0.at.duration_since(pair[0].1.at)).max()
    }

    fn wait<T>(&self, what: &str, within: Duration, found: impl Fn(&State) -> Option<T>) -> T {
        let end = Instant::now() + within;
        let mut state = self.state.0.lock().expect("no asker panics");
        loop {
            if let Some(found) = found(&state) {
                return found;
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{what}: not within {within:?}");
            state = self.state.1.wait_timeout(state, left).expect("no asker panics").0;
        }
    }

    pub(crate) fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        assert!(self.thread.join().is_ok(), "the probe panicked");
    }
}

fn ask(paths: &StorePaths, into: &(Mutex<State>, Condvar), stop: &AtomicBool) {
    let mut connection: Option<Raw> = None;
    while !stop.load(Ordering::Relaxed) {
        if connection.is_none() {
            connection = greeted(paths);
        }
        match connection.as_mut().and_then(seen) {
            Some(seen) => {
                let mut state = into.0.lock().expect("no asker panics");
                match state.brokers.last_mut() {
                    Some((_, last)) if last.pid == seen.pid => *last = seen,
                    _ => state.brokers.push((seen.clone(), seen)),
                }
                into.1.notify_all();
            }
            None => connection = None,
        }
        // It would take the machine from those who are measured.
        pause(EVERY);
    }
}

fn greeted(paths: &StorePaths) -> Option<Raw> {
    let mut raw = Raw::connect(paths)?;
    let Received::Frame(frame) = raw.greet(Raw::hello(Role::Control)) else { return None };
    matches!(*frame, ServerFrame::Welcome(_)).then_some(raw)
}

fn seen(raw: &mut Raw) -> Option<Seen> {
    match raw.call(Request::Status(request::Status {}))?.result {
        Ok(Response::Status(status)) => {
            Some(Seen { at: Instant::now(), pid: status.pid, version: status.version })
        }
        _ => None,
    }
}
