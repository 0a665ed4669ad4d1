//! When a link has to look: told after the commit that gives it something to do, and asked without a trip to the store.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// What one transaction has for a link.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ForLink {
    /// Parcels wait.
    pub(crate) parcels: bool,
    /// Something may have come of messages of other nodes.
    pub(crate) marks: bool,
    /// Messages are sent only for some time.
    pub(crate) expiring: bool,
}

/// What there may be for a link.
#[derive(Debug, Default)]
pub(crate) struct Wake {
    changed: Arc<Notify>,
    /// Something came of messages of other nodes.
    pub(super) marks: Having,
    /// Messages are sent only for some time.
    pub(super) expiring: Having,
    /// How many transactions had parcels.
    parcels: AtomicU64,
    /// Behind which parcel there was none when so many had some.
    none_behind: Mutex<Option<(u64, u64)>>,
}

/// How many transactions had some of a kind, and how many had when a look found none. A look changes nothing until it is over, so
/// one that is given up, and two at once, hide nothing.
#[derive(Debug)]
pub(super) struct Having {
    transactions: AtomicU64,
    none_at: AtomicU64,
}

impl Default for Having {
    /// Nobody has looked yet.
    fn default() -> Self {
        Self { transactions: AtomicU64::new(1), none_at: AtomicU64::new(0) }
    }
}

impl Having {
    /// One more; whether there was nothing to look at before.
    fn one_more(&self) -> bool {
        let before = self.transactions.fetch_add(1, Ordering::AcqRel);
        before == self.none_at.load(Ordering::Acquire)
    }

    /// How many, before a look.
    pub(super) fn count(&self) -> u64 {
        self.transactions.load(Ordering::Acquire)
    }

    /// A look that began when there were so many found none.
    pub(super) fn found_none(&self, count: u64) {
        self.none_at.fetch_max(count, Ordering::AcqRel);
    }

    fn may_be(&self) -> bool {
        self.count() != self.none_at.load(Ordering::Acquire)
    }
}

impl Wake {
    /// Notified when there is something to look at.
    pub(crate) fn changed(&self) -> Arc<Notify> {
        Arc::clone(&self.changed)
    }

    /// A transaction is committed.
    pub(crate) fn committed(&self, what: ForLink) {
        let first_marks = what.marks && self.marks.one_more();
        if what.expiring {
            // The messages themselves are parcels.
            self.expiring.one_more();
        }
        if what.parcels {
            self.parcels.fetch_add(1, Ordering::AcqRel);
        }
        if what.parcels || first_marks {
            self.changed.notify_waiters();
        }
    }

    /// Whether something may have come of messages of other nodes.
    pub(crate) fn marks(&self) -> bool {
        self.marks.may_be()
    }

    /// Whether there may be messages that are sent only for some time.
    pub(crate) fn expiring(&self) -> bool {
        self.expiring.may_be()
    }

    /// How many transactions had parcels, before it is looked for them.
    pub(super) fn parcels(&self) -> u64 {
        self.parcels.load(Ordering::Acquire)
    }

    /// There is no parcel behind this one, unless more than so many transactions had some.
    pub(super) fn note_none_behind(&self, number: u64, parcels: u64) {
        *self.none_behind() = Some((number, parcels));
    }

    /// Whether there still is none.
    pub(super) fn is_none_behind(&self, number: u64) -> bool {
        *self.none_behind() == Some((number, self.parcels()))
    }

    fn none_behind(&self) -> MutexGuard<'_, Option<(u64, u64)>> {
        self.none_behind.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{ForLink, Wake};

    fn looked() -> Wake {
        let wake = Wake::default();
        wake.marks.found_none(wake.marks.count());
        wake.expiring.found_none(wake.expiring.count());
        wake
    }

    #[test]
    fn what_is_committed_after_a_look_began_is_looked_at_again() {
        let wake = Wake::default();
        assert!(wake.marks() && wake.expiring(), "nobody has looked yet");
        let (first, second) = (wake.marks.count(), wake.expiring.count());
        assert!(wake.marks() && wake.expiring(), "nor seen anything");
        wake.committed(ForLink { marks: true, ..ForLink::default() });
        wake.marks.found_none(first);
        wake.expiring.found_none(second);
        assert!(wake.marks() && !wake.expiring());
        wake.marks.found_none(wake.marks.count());
        wake.marks.found_none(first);
        assert!(!wake.marks(), "a look that began earlier knows less");
    }

    #[test]
    fn there_is_none_behind_a_parcel_until_more_are_committed() {
        let wake = Wake::default();
        assert!(!wake.is_none_behind(0), "nobody has looked yet");
        let before = wake.parcels();
        wake.note_none_behind(3, before);
        assert!(wake.is_none_behind(3) && !wake.is_none_behind(2));
        wake.committed(ForLink { marks: true, ..ForLink::default() });
        assert!(wake.is_none_behind(3));
        wake.committed(ForLink { parcels: true, ..ForLink::default() });
        assert!(!wake.is_none_behind(3));
        wake.note_none_behind(4, before);
        assert!(!wake.is_none_behind(4), "they may have come during the look");
    }

    #[tokio::test]
    async fn marks_wake_once_until_they_were_looked_at_and_parcels_always() {
        let (wake, marks) = (looked(), ForLink { marks: true, ..ForLink::default() });
        let changed = wake.changed();
        for (what, wakes) in [
            (marks, true),
            (marks, false),
            (ForLink { parcels: true, ..marks }, true),
            (ForLink::default(), false),
        ] {
            let woken = changed.notified();
            tokio::pin!(woken);
            woken.as_mut().enable();
            wake.committed(what);
            let is_woken = tokio::select! {
                biased;
                () = &mut woken => true,
                () = std::future::ready(()) => false,
            };
            assert_eq!(is_woken, wakes, "{what:?}");
        }
    }
}
