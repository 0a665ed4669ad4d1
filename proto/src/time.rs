//! Points in time as they travel and are stored. Reading the clock is the broker's business (`clock.rs`).

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Microseconds since 1970-01-01T00:00:00Z; shown as ISO 8601 in UTC with milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This point moved by whole seconds, saturating.
    #[must_use]
    pub const fn plus_s(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// This point moved by whole milliseconds, saturating.
    #[must_use]
    pub fn plus_ms(self, milliseconds: u64) -> Self {
        Self(self.0.saturating_add(i64::try_from(milliseconds.saturating_mul(1_000)).unwrap_or(i64::MAX)))
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub const fn unix_s(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }
}

impl FromStr for Timestamp {
    type Err = jiff::Error;

    /// Reads what is shown, and any other ISO 8601 with an offset.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(|at: jiff::Timestamp| Self(at.as_microsecond()))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0.div_euclid(1_000)) {
            Ok(at) => write!(out, "{at:.3}"),
            Err(_) => write!(out, "{} µs", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn shows_iso_8601_in_utc_with_milliseconds() {
        assert_eq!(Timestamp(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Timestamp(1_795_355_401_234_567).to_string(), "2026-11-22T13:50:01.234Z");
        assert_eq!(Timestamp(-1).to_string(), "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn reads_what_it_shows() {
        assert_eq!(
            "2026-11-22T13:50:01.234Z".parse::<Timestamp>().unwrap(),
            Timestamp(1_795_355_401_234_000)
        );
        assert!("yesterday".parse::<Timestamp>().is_err());
    }

    #[test]
    fn a_value_outside_the_calendar_is_still_shown() {
        assert_eq!(Timestamp(i64::MAX).to_string(), format!("{} µs", i64::MAX));
    }
}
