//! What the two charts show: messages that came in each of the last seconds, and how long commits took.

use std::collections::VecDeque;

/// So far back the charts reach, in seconds.
pub(super) const SECONDS: usize = 60;

/// See the module's first lines.
#[derive(Clone, Debug, Default)]
pub(super) struct Charts {
    messages: VecDeque<u64>,
    commits: VecDeque<u64>,
    slowest_us: u64,
}

impl Charts {
    /// Messages came.
    pub(super) fn came(&mut self, count: usize) {
        if self.messages.is_empty() {
            self.messages.push_back(0);
        }
        if let Some(now) = self.messages.back_mut() {
            *now += count as u64;
        }
    }

    /// A second is over.
    pub(super) fn second(&mut self) {
        push(&mut self.messages, 0);
    }

    /// The latest commits took so long: median and 99th percentile, in microseconds.
    pub(super) fn commits(&mut self, median_us: u64, slowest_us: u64) {
        push(&mut self.commits, median_us);
        self.slowest_us = slowest_us;
    }

    /// Messages in each second, the present one last.
    pub(super) fn message_rates(&self) -> impl DoubleEndedIterator<Item = u64> + ExactSizeIterator {
        self.messages.iter().copied()
    }

    /// The median of the latest commits at each sample, in microseconds, the newest last.
    pub(super) fn commit_medians(&self) -> impl DoubleEndedIterator<Item = u64> + ExactSizeIterator {
        self.commits.iter().copied()
    }

    /// The 99th percentile of the latest commits, in microseconds.
    pub(super) const fn slowest_us(&self) -> u64 {
        self.slowest_us
    }
}

fn push(values: &mut VecDeque<u64>, value: u64) {
    values.push_back(value);
    while values.len() > SECONDS {
        values.pop_front();
    }
}
