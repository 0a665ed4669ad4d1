//! One cell of an old table: whatever stands in it, as a text, a time, a number or JSON.

use super::report::{Odd, Report};
use c2c_proto::time::Timestamp;
use serde_json::Value;

/// A cell as bytes; `None` if it is NULL or its column is missing.
pub(super) type Cell = Option<Vec<u8>>;

/// A text; bytes that are no UTF-8 are replaced.
pub(super) fn text(cell: Cell, report: &mut Report) -> Option<String> {
    let text = String::from_utf8(cell?).unwrap_or_else(|error| {
        report.odd(Odd::Bytes);
        String::from_utf8_lossy(error.as_bytes()).into_owned()
    });
    Some(text)
}

/// A text of at most so many bytes; what is longer is cut between two characters.
pub(super) fn short_text(cell: Cell, max_bytes: usize, report: &mut Report) -> Option<String> {
    let mut text = text(cell, report)?;
    if text.len() > max_bytes {
        report.odd(Odd::Long);
        text.truncate(text.floor_char_boundary(max_bytes));
    }
    Some(text)
}

/// A name; a missing one is empty.
pub(super) fn name(cell: Cell, report: &mut Report) -> String {
    short_text(cell, super::NAME_MAX_BYTES, report).unwrap_or_else(|| {
        report.odd(Odd::Missing);
        String::new()
    })
}

/// A point in time up to now; `None` if it cannot be read.
pub(super) fn time(cell: Option<&[u8]>, now: Timestamp) -> Option<Timestamp> {
    let text = std::str::from_utf8(cell?).ok()?;
    let at = match text.parse::<jiff::Timestamp>() {
        Ok(at) => at,
        // Without an offset it is UTC, as everything that the old server wrote.
        Err(_) => {
            let civil: jiff::civil::DateTime = text.parse().ok()?;
            civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp()
        }
    };
    let at = Timestamp(at.as_microsecond());
    (at <= now).then_some(at)
}

/// A point in time up to now; now if it cannot be read.
pub(super) fn time_or_now(cell: Option<&[u8]>, now: Timestamp, report: &mut Report) -> Timestamp {
    time(cell, now).unwrap_or_else(|| {
        report.odd(Odd::Time);
        now
    })
}

/// A number of which ids are made: positive, and far enough from the end for others to follow.
pub(super) fn id(cell: Option<&[u8]>) -> Option<i64> {
    let id = std::str::from_utf8(cell?).ok()?.parse().ok()?;
    is_id(id).then_some(id)
}

/// Whether ids can go on from this one: clients in JavaScript know whole numbers up to 2^53.
pub(super) fn is_id(id: i64) -> bool {
    (1..1 << 52).contains(&id)
}

/// JSON as it stands; a text that is none as a JSON string.
pub(super) fn json(text: String, report: &mut Report) -> String {
    if serde_json::from_str::<Value>(&text).is_ok() {
        return text;
    }
    report.odd(Odd::NoJson);
    Value::String(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::{id, json, name, short_text, text, time};
    use crate::store::seed::report::{Odd, Report};
    use c2c_proto::time::Timestamp;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

    #[test]
    fn times_as_python_writes_them() {
        for (given, micros) in [
            ("2026-11-22T13:50:01.234567+00:00", 1_795_355_401_234_567),
            ("2026-11-22T13:50:01+00:00", 1_795_355_401_000_000),
            ("2026-11-22T15:50:01+02:00", 1_795_355_401_000_000),
            ("2026-11-22T13:50:01Z", 1_795_355_401_000_000),
            ("2026-11-22 13:50:01", 1_795_355_401_000_000),
        ] {
            assert_eq!(time(Some(given.as_bytes()), NOW), Some(Timestamp(micros)), "{given}");
        }
        for given in
            ["", "now", "12:00", "2459000.5", "yesterday", "9999-01-01T00:00:00Z", "2026-13-01T00:00:00Z"]
        {
            assert_eq!(time(Some(given.as_bytes()), NOW), None, "{given}");
        }
    }

    #[test]
    fn what_is_no_json_becomes_a_string() {
        let mut report = Report::default();
        for kept in ["{}", " [1, 2] ", "\"a\"", "null", "123456789012345678901234567890.5"] {
            assert_eq!(json(kept.into(), &mut report), kept);
        }
        assert_eq!(report.count(Odd::NoJson), 0);
        for (given, kept) in [("NaN", "\"NaN\""), ("{", "\"{\""), ("", "\"\""), ("it's", "\"it's\"")] {
            assert_eq!(json(given.into(), &mut report), kept);
        }
        let deep = "[".repeat(200) + &"]".repeat(200);
        assert_eq!(json(deep.clone(), &mut report), format!("\"{deep}\""));
        assert_eq!(report.count(Odd::NoJson), 5);
    }

    #[test]
    fn ids_leave_room_above() {
        assert_eq!(id(Some(b"7")), Some(7));
        for none in [&b"0"[..], b"-1", b"9223372036854775807", b"1.5", b"x", b"", b"\xff"] {
            assert_eq!(id(Some(none)), None);
        }
        assert_eq!(id(None), None);
    }

    proptest! {
        #[test]
        fn any_bytes_become_a_text_within_its_bound(bytes in prop::collection::vec(any::<u8>(), 0..90), max in 0_usize..80) {
            let mut report = Report::default();
            let short = short_text(Some(bytes.clone()), max, &mut report).unwrap();
            prop_assert!(short.len() <= max);
            prop_assert!(text(Some(bytes.clone()), &mut report).unwrap().starts_with(&short));
            name(Some(bytes.clone()), &mut report);
            time(Some(&bytes), NOW);
        }

        #[test]
        fn any_text_becomes_json(given in any::<String>()) {
            let kept = json(given, &mut Report::default());
            prop_assert!(serde_json::from_str::<serde_json::Value>(&kept).is_ok());
        }
    }
}
