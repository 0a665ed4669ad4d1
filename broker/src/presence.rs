//! Which sessions are connected: a count per session row, and guards that keep it. Also which are held: they were online
//! when the last broker stopped, and count as online for a moment, so that nobody takes their names meanwhile.
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
    rows: Arc<Mutex<HashMap<Row, Standing>>>,
    /// Told when a row is no longer online.
    left: Arc<dyn Fn(Row, Left) + Send + Sync>,
}

/// How a row is online.
#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    connections: usize,
    /// How many of them are a person's, who acts under the row's name for a moment.
    persons: usize,
    /// Guards that only hold its place.
    holds: usize,
    /// Whether it has come back, or come: a connection of it is written down.
    came: bool,
}

/// How a row ceased to be online.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Its last connection went: it was seen until now.
    Now,
    /// It was held and did not come back: nothing was seen of it.
    NeverCame,
}

/// One connection of a session, or a hold on its place. While any exists, the session counts as online.
#[derive(Debug)]
pub struct OnlineGuard {
    row: Row,
    kind: Kind,
    presence: Presence,
}

/// What keeps a row online.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Session,
    Person,
    Hold,
}

impl Presence {
    /// Nobody is connected. `left` is called, without a lock held, for each session that is no longer online.
    #[must_use]
    pub fn new(left: impl Fn(Row, Left) + Send + Sync + 'static) -> Self {
        Self { rows: Arc::default(), left: Arc::new(left) }
    }

    /// A connection of this row came. Until that is written down ([`OnlineGuard::confirm`]) what is held stays held: a
    /// transaction that fails must not free a name.
    #[must_use]
    pub fn enter(&self, row: Row) -> OnlineGuard {
        self.lock().entry(row).or_default().connections += 1;
        OnlineGuard { row, kind: Kind::Session, presence: self.clone() }
    }

    /// A person acts under the name of this row. That keeps it online, but not from its session, if that comes back.
    #[must_use]
    pub fn enter_as_person(&self, row: Row) -> OnlineGuard {
        let mut rows = self.lock();
        let standing = rows.entry(row).or_default();
        standing.connections += 1;
        standing.persons += 1;
        OnlineGuard { row, kind: Kind::Person, presence: self.clone() }
    }

    /// This row was online when the last broker stopped.
    #[must_use]
    pub fn hold(&self, row: Row) -> OnlineGuard {
        self.lock().entry(row).or_default().holds += 1;
        OnlineGuard { row, kind: Kind::Hold, presence: self.clone() }
    }

    /// Whether the row counts as online: connected or held.
    #[must_use]
    pub fn is_online(&self, row: Row) -> bool {
        self.lock().contains_key(&row)
    }

    /// Whether the row has a connection of its session.
    #[must_use]
    pub fn is_connected(&self, row: Row) -> bool {
        self.lock().get(&row).is_some_and(|standing| standing.connections > standing.persons)
    }

    /// Whether the row is its session's at this moment: connected, or held for it.
    #[must_use]
    pub fn is_in_use(&self, row: Row) -> bool {
        self.lock()
            .get(&row)
            .is_some_and(|standing| standing.connections > standing.persons || standing.holds > 0)
    }

    /// How many rows count as online.
    #[must_use]
    pub fn online_count(&self) -> usize {
        self.lock().len()
    }

    fn leave(&self, row: Row, kind: Kind) {
        let mut rows = self.lock();
        let Some(standing) = rows.get_mut(&row) else { return };
        match kind {
            Kind::Session => standing.connections -= 1,
            Kind::Person => {
                standing.connections -= 1;
                standing.persons -= 1;
            }
            // Nothing is held any more of one that came back.
            Kind::Hold => standing.holds = standing.holds.saturating_sub(1),
        }
        if standing.connections + standing.holds > 0 {
            return;
        }
        let left = if standing.came { Left::Now } else { Left::NeverCame };
        rows.remove(&row);
        drop(rows);
        (self.left)(row, left);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Row, Standing>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Presence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Presence").field("online", &self.online_count()).finish_non_exhaustive()
    }
}

impl OnlineGuard {
    /// The session's coming is committed: from now on its connections alone keep it online, not what was held of it.
    pub fn confirm(&self) {
        if let Some(standing) = self.presence.lock().get_mut(&self.row) {
            standing.came = true;
            standing.holds = 0;
        }
    }

    /// The guard of a further connection of the same row.
    #[must_use]
    pub fn another(&self) -> Self {
        match self.kind {
            Kind::Person => self.presence.enter_as_person(self.row),
            Kind::Session | Kind::Hold => self.presence.enter(self.row),
        }
    }
}

impl Drop for OnlineGuard {
    fn drop(&mut self) {
        self.presence.leave(self.row, self.kind);
    }
}

#[cfg(test)]
mod tests {
    use super::{Left, Presence};
    use std::sync::{Arc, Mutex};

    type Log = Arc<Mutex<Vec<(i64, Left)>>>;

    fn presence() -> (Presence, Log) {
        let log = Log::default();
        let kept = Arc::clone(&log);
        (Presence::new(move |row, left| kept.lock().unwrap().push((row, left))), log)
    }

    #[test]
    fn the_last_guard_of_a_session_takes_it_offline() {
        let (presence, log) = presence();
        let first = presence.enter(7);
        first.confirm();
        let second = first.another();
        drop(first);
        assert!(presence.is_online(7) && log.lock().unwrap().is_empty());
        drop(second);
        assert!(!presence.is_online(7));
        assert_eq!(*log.lock().unwrap(), [(7, Left::Now)]);
    }

    #[test]
    fn one_that_came_back_and_left_is_offline_whatever_is_still_held() {
        let (presence, log) = presence();
        let held = presence.hold(1);
        drop(presence.enter(1));
        assert!(presence.is_online(1), "its coming was not written down");
        let back = presence.enter(1);
        back.confirm();
        drop(back);
        assert!(!presence.is_online(1));
        let again = presence.enter(1);
        again.confirm();
        drop(held);
        assert!(presence.is_connected(1));
        drop(again);
        assert_eq!(*log.lock().unwrap(), [(1, Left::Now), (1, Left::Now)]);
    }

    #[test]
    fn a_person_keeps_a_row_online_and_free_for_its_session() {
        let (presence, log) = presence();
        let person = presence.enter_as_person(7);
        person.confirm();
        let second = person.another();
        drop(person);
        assert!(presence.is_online(7) && !presence.is_connected(7) && !presence.is_in_use(7));
        let session = presence.enter(7);
        assert!(presence.is_connected(7) && presence.is_in_use(7));
        drop((second, session));
        assert_eq!(*log.lock().unwrap(), [(7, Left::Now)]);
        let held = presence.hold(8);
        assert!(presence.is_in_use(8));
        drop(held);
    }

    #[test]
    fn a_hold_is_online_but_not_connected_and_was_not_seen() {
        let (presence, log) = presence();
        let (one, other) = (presence.hold(1), presence.hold(2));
        assert!(presence.is_online(1) && !presence.is_connected(1));
        let back = presence.enter(2);
        back.confirm();
        drop((one, other));
        assert_eq!(*log.lock().unwrap(), [(1, Left::NeverCame)]);
        assert!(presence.is_connected(2));
        drop(back);
        assert_eq!(log.lock().unwrap().last(), Some(&(2, Left::Now)));
    }
}
