//! What a migration carried over, and what it could not carry over as it was. Counts only: the log holds no contents.

use std::collections::BTreeMap;
use std::path::Path;

/// Why something is not in the store as it was in the old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Odd {
    /// A table, view or trigger that no store has.
    NotOurs,
    /// A time that cannot be read, or lies in the future: the time of the migration stands in its place.
    Time,
    /// A text that is no text: its unreadable bytes were replaced.
    Bytes,
    /// A text that is too long: its beginning was kept.
    Long,
    /// A name or id that is missing.
    Missing,
    /// A session's id that another row has, or none: it got a new one.
    SessionId,
    /// A name that a newer row has: the older one became stale.
    Name,
    /// A message whose id cannot go on: it got a new one above all others.
    MessageId,
    /// A message to nobody: it was delivered to nobody.
    Nobody,
    /// A value that is no JSON: it became a string.
    NoJson,
    /// Metadata beyond the limit: left out.
    Metadata,
    /// An entry that no call could read: left out.
    Entry,
    /// A body that SQLite cannot hold as text: left out.
    Body,
}

impl Odd {
    const fn what(self) -> &'static str {
        match self {
            Self::NotOurs => "tables, views and triggers that are not of a store were left out",
            Self::Time => "times that cannot be read became the time of the migration",
            Self::Bytes => "texts with bytes that are no text: those were replaced",
            Self::Long => "texts that are too long were cut",
            Self::Missing => "names that are missing became empty",
            Self::SessionId => "sessions without an id of their own got one",
            Self::Name => "names that a newer session has: the older session became stale",
            Self::MessageId => "messages whose ids cannot be kept got new ones",
            Self::Nobody => "messages to nobody were delivered to nobody",
            Self::NoJson => "values that are no JSON became strings",
            Self::Metadata => "metadata beyond the limit was left out",
            Self::Entry => "entries that no call could read were left out",
            Self::Body => "bodies that cannot be kept as text were left out",
        }
    }
}

/// What was done.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) sessions: u64,
    pub(super) messages: u64,
    pub(super) deliveries: u64,
    pub(super) unread: u64,
    pub(super) entries: u64,
    odd: BTreeMap<Odd, u64>,
}

impl Report {
    /// Counts one.
    pub(super) fn odd(&mut self, odd: Odd) {
        *self.odd.entry(odd).or_default() += 1;
    }

    /// Tells the log.
    pub(super) fn log(&self, backup: &Path) {
        tracing::info!(
            backup = %backup.display(),
            sessions = self.sessions,
            messages = self.messages,
            deliveries = self.deliveries,
            unread = self.unread,
            entries = self.entries,
            "the store of claude-c2c 0.1.0 was migrated"
        );
        for (odd, count) in &self.odd {
            tracing::warn!(count, "{}; the backup has them as they were", odd.what());
        }
    }

    #[cfg(test)]
    pub(super) fn count(&self, odd: Odd) -> u64 {
        self.odd.get(&odd).copied().unwrap_or_default()
    }
}
