//! The one place where the wall clock is read. Durations are measured with the monotonic clock instead.

use c2c_proto::time::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};

/// Reads the wall clock.
#[derive(Clone, Debug, Default)]
pub struct Clock {}

impl Clock {
    /// A clock that shows the machine's time.
    #[must_use]
    pub const fn system() -> Self {
        Self {}
    }

    /// Now. A clock set before 1970 reads as 1970: order is by id, never by time.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}
