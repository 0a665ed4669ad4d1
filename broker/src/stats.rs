//! Counters that `c2c status` shows. In memory only: they begin anew with each broker.

use c2c_proto::time::Timestamp;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How many commits the percentiles look back on.
const COMMITS_KEPT: usize = 1_024;
/// How many errors are kept to be shown.
const ERRORS_KEPT: usize = 10;

/// What has happened since the broker started.
#[derive(Debug)]
pub struct Stats {
    started: Instant,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    commits: u64,
    latest_us: VecDeque<u32>,
    errors: VecDeque<String>,
}

/// How commits went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommitStats {
    /// How many there were.
    pub count: u64,
    /// Median of the latest ones, in microseconds.
    pub p50_us: u64,
    /// 99th percentile of the latest ones, in microseconds.
    pub p99_us: u64,
}

impl Default for Stats {
    fn default() -> Self {
        Self { started: Instant::now(), inner: Mutex::default() }
    }
}

impl Stats {
    /// Time since the broker started.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// Counts a commit.
    pub fn committed(&self, took: Duration) {
        let mut inner = self.lock();
        inner.commits += 1;
        if inner.latest_us.len() == COMMITS_KEPT {
            inner.latest_us.pop_front();
        }
        inner.latest_us.push_back(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
    }

    /// Keeps an error for `c2c status`.
    pub fn failed(&self, at: Timestamp, what: &str) {
        let mut inner = self.lock();
        if inner.errors.len() == ERRORS_KEPT {
            inner.errors.pop_front();
        }
        inner.errors.push_back(format!("{at} {what}"));
    }

    /// How commits went.
    #[must_use]
    pub fn commits(&self) -> CommitStats {
        let inner = self.lock();
        let mut sorted: Vec<u32> = inner.latest_us.iter().copied().collect();
        sorted.sort_unstable();
        let at = |percent: usize| {
            let index = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
            sorted.get(index).copied().map_or(0, u64::from)
        };
        CommitStats { count: inner.commits, p50_us: at(50), p99_us: at(99) }
    }

    /// The latest errors, newest last.
    #[must_use]
    pub fn errors(&self) -> Vec<String> {
        self.lock().errors.iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
