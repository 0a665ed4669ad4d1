//! Counters and durations that `c2c status` and `c2c metrics` show. In memory only: they begin anew with each broker.

mod durations;

use c2c_proto::response::{Metric, MetricValue};
use c2c_proto::time::Timestamp;
use durations::Durations;
use std::collections::{BTreeMap, VecDeque};
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
    commit_durations: Durations,
    latest_us: VecDeque<u32>,
    calls: BTreeMap<&'static str, u64>,
    call_durations: BTreeMap<&'static str, Durations>,
    call_errors: BTreeMap<(&'static str, &'static str), u64>,
    messages: u64,
    deliveries: u64,
    carried: Carried,
    errors: VecDeque<String>,
}

/// Parcels between this store and those of other machines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// Handed to what carries them.
    pub forwarded: u64,
    /// Taken by other brokers.
    pub accepted: u64,
    /// Of other nodes, and taken here.
    pub brought: u64,
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
        inner.commit_durations.add(took);
        if inner.latest_us.len() == COMMITS_KEPT {
            inner.latest_us.pop_front();
        }
        inner.latest_us.push_back(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
    }

    /// Counts an answered call: how long it took unless it waited for something, and what kept it from being done.
    pub fn called(&self, kind: &'static str, took: Option<Duration>, failed: Option<&'static str>) {
        let mut inner = self.lock();
        *inner.calls.entry(kind).or_default() += 1;
        if let Some(took) = took {
            inner.call_durations.entry(kind).or_default().add(took);
        }
        if let Some(code) = failed {
            *inner.call_errors.entry((kind, code)).or_default() += 1;
        }
    }

    /// Counts a message that is on disk, and its recipients.
    pub fn stored(&self, recipients: usize) {
        let mut inner = self.lock();
        inner.messages += 1;
        inner.deliveries += recipients as u64;
    }

    /// Counts parcels.
    pub fn carries(&self, count: impl FnOnce(&mut Carried)) {
        count(&mut self.lock().carried);
    }

    /// The parcels that were counted.
    #[must_use]
    pub fn carried(&self) -> Carried {
        self.lock().carried
    }

    /// Everything that was counted and measured.
    #[must_use]
    pub fn metrics(&self) -> Vec<Metric> {
        let inner = self.lock();
        let mut metrics = vec![
            Metric::new(
                "c2c_messages_stored",
                "Messages that were stored.",
                "",
                &[],
                MetricValue::Counter(inner.messages),
            ),
            Metric::new(
                "c2c_deliveries",
                "Mailboxes that they were put into.",
                "",
                &[],
                MetricValue::Counter(inner.deliveries),
            ),
            Metric::new(
                "c2c_commit_duration",
                "Time that commits took.",
                "seconds",
                &[],
                MetricValue::Histogram(inner.commit_durations.histogram()),
            ),
        ];
        metrics.extend(inner.calls.iter().map(|(kind, count)| {
            let help = "Calls that were answered.";
            Metric::new("c2c_calls", help, "", &[("call", kind)], MetricValue::Counter(*count))
        }));
        metrics.extend(inner.call_errors.iter().map(|((kind, code), count)| {
            let labels = [("call", *kind), ("code", *code)];
            Metric::new(
                "c2c_call_errors",
                "Calls that were answered with an error.",
                "",
                &labels,
                MetricValue::Counter(*count),
            )
        }));
        metrics.extend(inner.call_durations.iter().map(|(kind, durations)| {
            Metric::new(
                "c2c_call_duration",
                "Time that calls took which wait for nothing.",
                "seconds",
                &[("call", kind)],
                MetricValue::Histogram(durations.histogram()),
            )
        }));
        metrics
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
        CommitStats { count: inner.commit_durations.count(), p50_us: at(50), p99_us: at(99) }
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
