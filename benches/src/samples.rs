//! What repeated measurements come to: quantiles, and how far the rounds lie apart.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How many points of a distribution are kept for plots, from the least to the greatest.
const QUANTILES: usize = 101;

/// Measurements of one thing in one unit, by the round in which they were taken.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    rounds: Vec<Vec<f64>>,
}

/// What is kept of [`Samples`].
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Summary {
    /// How many.
    pub n: usize,
    /// The median of all.
    pub p50: f64,
    /// 99 of 100 are not above it.
    pub p99: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// The medians of the rounds, in their order: how far they lie apart is the spread.
    pub rounds: Vec<f64>,
    /// The distribution: the quantiles 0, 1, …, 100 %.
    pub quantiles: Vec<f64>,
}

impl Samples {
    /// Begins another round.
    pub fn round(&mut self) {
        self.rounds.push(Vec::new());
    }

    /// Notes a measurement in the present round.
    pub fn add(&mut self, value: f64) {
        if self.rounds.is_empty() {
            self.round();
        }
        if let Some(round) = self.rounds.last_mut() {
            round.push(value);
        }
    }

    /// Notes a duration in microseconds.
    pub fn add_us(&mut self, duration: Duration) {
        self.add(duration.as_secs_f64() * 1e6);
    }

    /// Notes a duration in milliseconds.
    pub fn add_ms(&mut self, duration: Duration) {
        self.add(duration.as_secs_f64() * 1e3);
    }

    /// Whether nothing was measured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rounds.iter().all(Vec::is_empty)
    }

    /// What they come to.
    ///
    /// # Panics
    /// If nothing was measured.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let mut all: Vec<f64> = self.rounds.iter().flatten().copied().collect();
        assert!(!all.is_empty(), "something was measured");
        all.sort_by(f64::total_cmp);
        let rounds = self.rounds.iter().filter(|round| !round.is_empty()).map(|round| {
            let mut round = round.clone();
            round.sort_by(f64::total_cmp);
            quantile(&round, 50, 100)
        });
        Summary {
            n: all.len(),
            p50: quantile(&all, 50, 100),
            p99: quantile(&all, 99, 100),
            min: all[0],
            max: all[all.len() - 1],
            rounds: rounds.collect(),
            quantiles: (0..QUANTILES).map(|at| quantile(&all, at, QUANTILES - 1)).collect(),
        }
    }
}

/// The least of the sorted values that `part / whole` of them are not above.
fn quantile(sorted: &[f64], part: usize, whole: usize) -> f64 {
    let rank = (sorted.len() * part).div_ceil(whole);
    sorted[rank.saturating_sub(1).min(sorted.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::Samples;

    #[test]
    fn quantiles_are_values_that_were_measured() {
        let mut samples = Samples::default();
        for value in (1..=100).rev() {
            samples.add(f64::from(value));
        }
        let summary = samples.summary();
        assert_eq!((summary.n, summary.p50, summary.p99), (100, 50.0, 99.0));
        assert_eq!((summary.min, summary.max), (1.0, 100.0));
        assert_eq!((summary.quantiles[0], summary.quantiles[100]), (1.0, 100.0));
    }

    #[test]
    fn each_round_has_its_own_median() {
        let mut samples = Samples::default();
        for round in [[1.0, 2.0, 3.0], [7.0, 8.0, 9.0]] {
            samples.round();
            round.into_iter().for_each(|value| samples.add(value));
        }
        assert_eq!(samples.summary().rounds, [2.0, 8.0]);
    }
}
