//! What the person's questions are answered with.

use serde::{Deserialize, Serialize};

/// What the broker counts and measures, since it started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metrics {
    /// Those of one name stand together; more are added over time.
    pub metrics: Vec<Metric>,
}

/// One figure, or one distribution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metric {
    /// Its name, without a unit or suffix: `c2c_commit_duration`.
    pub name: String,
    /// What it says, in one sentence.
    pub help: String,
    /// `seconds`, `bytes`, or nothing for plain counts.
    pub unit: String,
    /// What tells it from others of the same name.
    pub labels: Vec<(String, String)>,
    /// The figure. Where the unit is seconds it is given in microseconds.
    pub value: MetricValue,
}

impl Metric {
    /// With labels that are told as pairs.
    #[must_use]
    pub fn new(name: &str, help: &str, unit: &str, labels: &[(&str, &str)], value: MetricValue) -> Self {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        Self {
            name: name.to_owned(),
            help: help.to_owned(),
            unit: unit.to_owned(),
            labels: labels.iter().map(owned).collect(),
            value,
        }
    }
}

/// What kind of figure it is. Append only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MetricValue {
    /// It only grows.
    Counter(u64),
    /// It goes up and down.
    Gauge(u64),
    /// How often something took how long.
    Histogram(Histogram),
}

/// A distribution of durations, in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram {
    /// Upper bounds, ascending, each with how many were not longer.
    pub buckets: Vec<(u64, u64)>,
    /// How many there were.
    pub count: u64,
    /// Their sum.
    pub sum: u64,
}

/// A backup is complete and on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackedUp {
    /// Where it is.
    pub path: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// Messages in it.
    pub messages: u64,
}

/// The store was read through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// What is wrong with it; nothing if it is sound.
    pub problems: Vec<String>,
    /// The version of its schema.
    pub schema: u32,
}

/// Messages are on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// How many are new.
    pub imported: u64,
    /// How many were imported before, and are as they were.
    pub known: u64,
}
