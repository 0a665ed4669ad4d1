//! What the broker knows of the shared state before the server has told of it: what this link itself has changed.

use c2c_proto::id::Version;
use c2c_proto::request::SharedEntry;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// By key: the version that the broker was told.
#[derive(Debug, Default)]
pub(super) struct Ahead(Mutex<HashMap<String, Version>>);

impl Ahead {
    /// The broker is told of this one now.
    pub(super) fn note(&self, entry: &SharedEntry) {
        let mut ahead = self.lock();
        let version = ahead.entry(entry.state_key.clone()).or_default();
        *version = entry.version.max(*version);
    }

    /// Whether what the server tells, in the order of the versions, is not behind what the broker knows.
    pub(super) fn is_news(&self, entry: &SharedEntry) -> bool {
        let mut ahead = self.lock();
        let Some(version) = ahead.get(&entry.state_key) else { return true };
        if entry.version < *version {
            return false;
        }
        ahead.remove(&entry.state_key);
        true
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Version>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Ahead, SharedEntry};
    use c2c_proto::time::Timestamp;

    #[test]
    fn what_was_before_an_own_change_is_no_news() {
        let entry = |key: &str, version| SharedEntry {
            state_key: key.to_owned(),
            value: None,
            version,
            updated_at: Timestamp(0),
            updated_by: String::new(),
            ttl_ms: None,
        };
        let ahead = Ahead::default();
        assert!(ahead.is_news(&entry("global:a", 1)));
        ahead.note(&entry("global:a", 6));
        ahead.note(&entry("global:a", 4));
        assert!(!ahead.is_news(&entry("global:a", 5)), "it would bring back what is deleted");
        assert!(ahead.is_news(&entry("global:b", 5)) && ahead.is_news(&entry("global:a", 6)));
        assert!(ahead.lock().is_empty(), "nothing is kept for good");
    }
}
