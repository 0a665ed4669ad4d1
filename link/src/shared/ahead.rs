//! What the broker knows of the shared state before the server has told of it: what this link itself has changed.

use c2c_proto::id::Version;
use c2c_proto::request::SharedEntry;
use std::collections::HashMap;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;

/// Changes that wait to be told.
const WAITING_MAX: usize = 64;

/// A change that this link has made, and where it is said that the broker has it.
pub(super) struct Own {
    pub(super) entry: SharedEntry,
    pub(super) told: oneshot::Sender<()>,
}

/// From who decides to who tells the broker.
pub(super) fn own() -> (Sender<Own>, Receiver<Own>) {
    channel(WAITING_MAX)
}

/// By key: the version that the broker was told, as long as the server has not told of it.
#[derive(Debug, Default)]
pub(super) struct Ahead(HashMap<String, Version>);

impl Ahead {
    /// The broker is told of this one now, which is behind nothing that the server has told of.
    pub(super) fn note(&mut self, entry: &SharedEntry) {
        let version = self.0.entry(entry.state_key.clone()).or_default();
        *version = entry.version.max(*version);
    }

    /// Whether what the server tells is not behind what the broker knows.
    pub(super) fn is_news(&self, entry: &SharedEntry) -> bool {
        self.0.get(&entry.state_key).is_none_or(|version| entry.version >= *version)
    }

    /// The server has told of everything up to this version.
    pub(super) fn reached(&mut self, last: Version) {
        self.0.retain(|_, version| *version > last);
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
        let mut ahead = Ahead::default();
        assert!(ahead.is_news(&entry("global:a", 1)));
        ahead.note(&entry("global:a", 6));
        ahead.note(&entry("global:a", 4));
        assert!(!ahead.is_news(&entry("global:a", 5)), "it would bring back what is deleted");
        assert!(ahead.is_news(&entry("global:b", 5)) && ahead.is_news(&entry("global:a", 6)));
        ahead.reached(5);
        assert!(!ahead.is_news(&entry("global:a", 5)));
        ahead.reached(6);
        assert!(ahead.0.is_empty(), "nothing is kept for good");
    }
}
