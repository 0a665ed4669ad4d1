//! Which session rows are connected. The store's column `online` follows it, so that a broker that starts again knows
//! who was there; decisions about names are made by the writer from both.

use super::jobs::Job;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc;

/// A session's row number in the store.
pub type Row = i64;

/// Counts the connections of each row.
#[derive(Clone, Debug)]
pub(crate) struct Presence {
    connections: Arc<Mutex<HashMap<Row, usize>>>,
    writer: mpsc::UnboundedSender<Job>,
}

/// One connection of a session. While any exists, the session is online; when the last one goes, that is written down.
#[derive(Debug)]
pub struct OnlineGuard {
    row: Row,
    presence: Presence,
}

impl Presence {
    pub(crate) fn new(writer: mpsc::UnboundedSender<Job>) -> Self {
        Self { connections: Arc::default(), writer }
    }

    /// A connection of this row came.
    pub(crate) fn enter(&self, row: Row) -> OnlineGuard {
        *self.lock().entry(row).or_default() += 1;
        OnlineGuard { row, presence: self.clone() }
    }

    /// Whether the row has a connection.
    pub(crate) fn is_online(&self, row: Row) -> bool {
        self.lock().contains_key(&row)
    }

    /// How many rows have one.
    pub(crate) fn online_count(&self) -> usize {
        self.lock().len()
    }

    fn leave(&self, row: Row) {
        let mut connections = self.lock();
        let Some(count) = connections.get_mut(&row) else { return };
        *count -= 1;
        if *count == 0 {
            connections.remove(&row);
            drop(connections);
            // A closed channel means that the broker is going down: the next one finds out by itself.
            let _ = self.writer.send(Job::Presence(row));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Row, usize>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OnlineGuard {
    /// Which row.
    #[must_use]
    pub const fn row(&self) -> Row {
        self.row
    }

    /// The guard of a further connection of the same row.
    #[must_use]
    pub fn another(&self) -> Self {
        self.presence.enter(self.row)
    }
}

impl Drop for OnlineGuard {
    fn drop(&mut self) {
        self.presence.leave(self.row);
    }
}
