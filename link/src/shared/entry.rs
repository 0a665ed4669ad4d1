//! What stands in the bucket under a key.

use super::key;
use crate::nats::Found;
use async_nats::jetstream::kv::{self, Operation};
use c2c_proto::id::Version;
use c2c_proto::request::{SharedEntry, SharedSet};
use c2c_proto::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A value, and what is said with it. As it stands in the bucket, so that every link reads the same.
#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    value: Box<RawValue>,
    by: String,
    /// In microseconds since 1970, by the clock of the machine on which it was set.
    at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ttl_ms: Option<u64>,
    /// What recognises the change that set it.
    call: String,
}

/// As the server takes it.
///
/// # Errors
/// When the value is no JSON.
pub(super) fn encoded(set: &SharedSet, call: &str) -> anyhow::Result<Vec<u8>> {
    let stored = Stored {
        value: RawValue::from_string(set.value.clone())?,
        by: set.updated_by.clone(),
        at: set.updated_at.0,
        ttl_ms: set.ttl_ms,
        call: call.to_owned(),
    };
    Ok(serde_json::to_vec(&stored)?)
}

/// The version that the server gives with a revision of the bucket.
pub(super) fn version_of(revision: u64) -> Version {
    Version::try_from(revision).unwrap_or(Version::MAX)
}

/// What the server has under a key, and which change set it. `None` for what no link has written.
pub(super) fn read(entry: &kv::Entry) -> Option<(SharedEntry, String)> {
    let found = Found {
        version: entry.revision,
        deleted: entry.operation != Operation::Put,
        value: entry.value.clone(),
    };
    decoded(&entry.key, &found)
}

/// The same, of what was asked for by itself. A deletion says which change it was, and nothing else.
pub(super) fn decoded(key: &str, Found { version, deleted, value }: &Found) -> Option<(SharedEntry, String)> {
    let state_key = key::decoded(key)?;
    let version = i64::try_from(*version).ok()?;
    if *deleted {
        let (updated_at, updated_by) = (Timestamp(0), String::new());
        let gone = SharedEntry { state_key, value: None, version, updated_at, updated_by, ttl_ms: None };
        return Some((gone, String::from_utf8_lossy(value).into_owned()));
    }
    let stored: Stored = serde_json::from_slice(value).ok()?;
    let there = SharedEntry {
        state_key,
        value: Some(stored.value.get().to_owned()),
        version,
        updated_at: Timestamp(stored.at),
        updated_by: stored.by,
        ttl_ms: stored.ttl_ms,
    };
    Some((there, stored.call))
}

#[cfg(test)]
mod tests {
    use super::{Found, decoded, encoded};
    use c2c_proto::request::SharedSet;
    use c2c_proto::time::Timestamp;

    #[test]
    fn a_value_keeps_every_digit() {
        let value = "{\"n\": 12345678901234567890.10}";
        let set = SharedSet {
            value: value.to_owned(),
            updated_at: Timestamp(7),
            updated_by: "api@laptop".to_owned(),
            ttl_ms: Some(5),
        };
        let stored = encoded(&set, "c").unwrap();
        let found = |deleted, value: &[u8]| Found { version: 9, deleted, value: value.to_vec().into() };
        let (there, call) = decoded("global=3aa", &found(false, &stored)).unwrap();
        assert_eq!((there.value.as_deref(), there.version, call.as_str()), (Some(value), 9, "c"));
        assert_eq!((there.state_key.as_str(), there.ttl_ms), ("global:a", Some(5)));
        let (gone, call) = decoded("global=3aa", &found(true, b"d")).unwrap();
        assert_eq!((gone.value, gone.version, call.as_str()), (None, 9, "d"));
        assert!(decoded("global=3aa", &found(false, b"{}")).is_none());
    }
}
