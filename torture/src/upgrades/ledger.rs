//! What was sent and what came, and what must not be: lost, twice, an error. Shared by all threads of a run.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// See the module's first lines.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// By body, which is unique: the id, and who is to get it.
    sent: BTreeMap<String, (i64, BTreeSet<String>)>,
    /// By body and recipient: the id it came under.
    came: BTreeMap<(String, String), i64>,
    /// By recipient and id.
    read: BTreeSet<(String, i64)>,
    /// When each call that does not wait ended, and how long it took.
    calls: Vec<(Instant, Duration)>,
    faults: Vec<String>,
}

/// What a run comes to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Totals {
    /// Messages whose sending was acknowledged.
    pub(crate) sent: usize,
    /// Deliveries that follow from them.
    pub(crate) due: usize,
    /// Deliveries that came.
    pub(crate) came: usize,
    /// Calls that do not wait.
    pub(crate) calls: usize,
}

impl Ledger {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("nobody panics over the ledger")
    }

    /// Something that must not be.
    pub(crate) fn fault(&self, what: String) {
        eprintln!("fault: {what}");
        self.lock().faults.push(what);
    }

    pub(crate) fn has_faults(&self) -> bool {
        !self.lock().faults.is_empty()
    }

    /// A call that does not wait was answered.
    pub(crate) fn call(&self, took: Duration) {
        self.lock().calls.push((Instant::now(), took));
    }

    /// The longest of the calls that ended since then.
    pub(crate) fn longest_call_since(&self, since: Instant) -> Duration {
        let inner = self.lock();
        let recent = inner.calls.iter().rev().take_while(|(ended, _)| *ended >= since);
        recent.map(|(_, took)| *took).max().unwrap_or_default()
    }

    /// A send was acknowledged.
    pub(crate) fn sent(&self, body: &str, id: i64, to: impl IntoIterator<Item = String>) {
        self.lock().sent.insert(body.to_owned(), (id, to.into_iter().collect()));
    }

    /// Mail came to this session; the ids of it.
    pub(crate) fn came(&self, to: &str, messages: &Value) -> Vec<i64> {
        let mut ids = Vec::new();
        let mut inner = self.lock();
        for message in messages.as_array().into_iter().flatten() {
            let (Some(id), Some(body)) = (message["id"].as_i64(), message["body"].as_str()) else {
                inner.faults.push(format!("{to} got what is no message: {message}"));
                continue;
            };
            ids.push(id);
            if inner.read.contains(&(to.to_owned(), id)) {
                inner.faults.push(format!("{to} got {id} ({body}) again after it was marked read"));
            }
            let before = inner.came.insert((body.to_owned(), to.to_owned()), id);
            if before.is_some_and(|before| before != id) {
                inner.faults.push(format!("{to} got {body:?} twice: {before:?} and {id}"));
            }
        }
        ids
    }

    /// These were marked read.
    pub(crate) fn read(&self, by: &str, ids: &[i64]) {
        self.lock().read.extend(ids.iter().map(|id| (by.to_owned(), *id)));
    }

    /// What is missing or came without being sent, and the faults on the way; and the numbers.
    pub(crate) fn close(&self) -> (Vec<String>, Vec<String>, Totals) {
        let inner = self.lock();
        let mut lost = Vec::new();
        let due = inner.sent.values().map(|(_, to)| to.len()).sum();
        for (body, (id, to)) in &inner.sent {
            for name in to {
                match inner.came.get(&(body.clone(), name.clone())) {
                    Some(came) if came == id => {}
                    came => lost.push(format!("{body:?} to {name}: sent as {id}, came as {came:?}")),
                }
            }
        }
        let mut faults = inner.faults.clone();
        for (body, name) in inner.came.keys() {
            if !inner.sent.get(body).is_some_and(|(_, to)| to.contains(name)) {
                faults.push(format!("{body:?} came to {name} and was never acknowledged to its sender"));
            }
        }
        let totals = Totals { sent: inner.sent.len(), due, came: inner.came.len(), calls: inner.calls.len() };
        (lost, faults, totals)
    }
}
