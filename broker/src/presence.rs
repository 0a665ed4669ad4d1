//! Which sessions are connected: a count per session row, and guards that keep it.
//!
//! Neither the store nor the hub owns it. The hub holds a guard for each connection; the store is told when the last
//! one of a session goes, writes that down, and decides about names from both.

use crate::session::Row;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts the connections of each row.
#[derive(Clone)]
pub struct Presence {
    connections: Arc<Mutex<HashMap<Row, usize>>>,
    /// Told when the last connection of a row went.
    left: Arc<dyn Fn(Row) + Send + Sync>,
}

/// One connection of a session. While any exists, the session is online.
#[derive(Debug)]
pub struct OnlineGuard {
    row: Row,
    presence: Presence,
}

impl Presence {
    /// Nobody is connected. `left` is called, without a lock held, for each session whose last connection went.
    #[must_use]
    pub fn new(left: impl Fn(Row) + Send + Sync + 'static) -> Self {
        Self { connections: Arc::default(), left: Arc::new(left) }
    }

    /// A connection of this row came.
    #[must_use]
    pub fn enter(&self, row: Row) -> OnlineGuard {
        *self.lock().entry(row).or_default() += 1;
        OnlineGuard { row, presence: self.clone() }
    }

    /// Whether the row has a connection.
    #[must_use]
    pub fn is_online(&self, row: Row) -> bool {
        self.lock().contains_key(&row)
    }

    /// How many rows have one.
    #[must_use]
    pub fn online_count(&self) -> usize {
        self.lock().len()
    }

    fn leave(&self, row: Row) {
        let mut connections = self.lock();
        let Some(count) = connections.get_mut(&row) else { return };
        *count -= 1;
        if *count == 0 {
            connections.remove(&row);
            drop(connections);
            (self.left)(row);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Row, usize>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Presence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Presence").field("online", &self.online_count()).finish()
    }
}

impl OnlineGuard {
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

#[cfg(test)]
mod tests {
    use super::Presence;
    use std::sync::{Arc, Mutex};

    #[test]
    fn the_last_guard_of_a_session_takes_it_offline() {
        let left = Arc::new(Mutex::new(Vec::new()));
        let presence = Presence::new({
            let left = Arc::clone(&left);
            move |row| left.lock().unwrap().push(row)
        });
        let first = presence.enter(7);
        let second = first.another();
        drop(first);
        assert!(presence.is_online(7) && left.lock().unwrap().is_empty());
        drop(second);
        assert!(!presence.is_online(7));
        assert_eq!(*left.lock().unwrap(), [7]);
    }
}
