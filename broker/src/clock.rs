//! The one place where the wall clock is read. Durations are measured with the monotonic clock instead.

use c2c_proto::time::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};

/// Reads the wall clock.
#[derive(Clone, Debug)]
pub struct Clock {
    read: fn() -> SystemTime,
    /// How far a test has set the clock, in microseconds; shared by all clones.
    #[cfg(test)]
    set_by_us: std::sync::Arc<std::sync::atomic::AtomicI64>,
}

impl Clock {
    /// A clock that shows the machine's time.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub fn system() -> Self {
        Self::showing(SystemTime::now)
    }

    /// A clock that shows what `read` says, for a program that has to know how the broker takes one that jumps.
    #[must_use]
    pub fn showing(read: fn() -> SystemTime) -> Self {
        Self {
            read,
            #[cfg(test)]
            set_by_us: std::sync::Arc::default(),
        }
    }

    /// Now. A clock set before 1970 reads as 1970: order is by id, never by time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let since = (self.read)().duration_since(UNIX_EPOCH).unwrap_or_default();
        let us = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
        #[cfg(test)]
        let us = us.saturating_add(self.set_by_us.load(std::sync::atomic::Ordering::Relaxed)).max(0);
        Timestamp(us)
    }

    /// Sets the clock so many seconds ahead of the machine's, or behind it.
    #[cfg(test)]
    pub(crate) fn set_by_s(&self, seconds: i64) {
        self.set_by_us.store(seconds.saturating_mul(1_000_000), std::sync::atomic::Ordering::Relaxed);
    }
}
