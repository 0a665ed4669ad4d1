//! How long something took, as a distribution of fixed size.

use c2c_proto::response::Histogram;
use std::time::Duration;

/// Upper bounds of the buckets, in microseconds: from what memory takes to what a broken disk takes.
const BOUNDS_US: [u64; 16] = [
    50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000,
    2_000_000, 5_000_000,
];

/// Durations that were counted.
#[derive(Debug, Default)]
pub(super) struct Durations {
    /// How many fell between each bound and the one before it; the last ones are in no bucket.
    counts: [u64; BOUNDS_US.len()],
    count: u64,
    sum_us: u64,
}

impl Durations {
    pub(super) fn add(&mut self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        if let Some(bucket) = self.counts.get_mut(BOUNDS_US.partition_point(|bound| *bound < us)) {
            *bucket += 1;
        }
        self.count += 1;
        self.sum_us = self.sum_us.saturating_add(us);
    }

    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// With how many were not longer than each bound.
    pub(super) fn histogram(&self) -> Histogram {
        let mut below = 0;
        let buckets = BOUNDS_US.iter().zip(&self.counts).map(|(bound, count)| {
            below += count;
            (*bound, below)
        });
        Histogram { buckets: buckets.collect(), count: self.count, sum: self.sum_us }
    }
}

#[cfg(test)]
mod tests {
    use super::Durations;
    use std::time::Duration;

    #[test]
    fn each_duration_counts_in_its_bucket_and_all_above_it() {
        let mut durations = Durations::default();
        for us in [50, 51, 3_000_000, 60_000_000] {
            durations.add(Duration::from_micros(us));
        }
        let histogram = durations.histogram();
        assert_eq!(histogram.buckets.first(), Some(&(50, 1)));
        assert_eq!(histogram.buckets.get(1), Some(&(100, 2)));
        assert_eq!(histogram.buckets.last(), Some(&(5_000_000, 3)));
        assert_eq!((histogram.count, histogram.sum), (4, 63_000_101));
    }
}
