//! When a link has to look: told after the commit that gives it something to do, and asked without a trip to the store.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
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

/// What there may be for a link, as far as it did not look.
#[derive(Debug)]
pub(crate) struct Wake {
    changed: Arc<Notify>,
    marks: AtomicBool,
    expiring: AtomicBool,
    /// How many transactions had parcels.
    parcels: AtomicU64,
    /// Behind which parcel there was none when so many had some.
    none_behind: Mutex<Option<(u64, u64)>>,
}

impl Default for Wake {
    /// Nobody has looked yet.
    fn default() -> Self {
        Self {
            changed: Arc::default(),
            marks: AtomicBool::new(true),
            expiring: AtomicBool::new(true),
            parcels: AtomicU64::default(),
            none_behind: Mutex::default(),
        }
    }
}

impl Wake {
    /// Notified when there is something to look at.
    pub(crate) fn changed(&self) -> Arc<Notify> {
        Arc::clone(&self.changed)
    }

    /// A transaction is committed.
    pub(crate) fn committed(&self, what: ForLink) {
        let first_marks = what.marks && !self.marks.swap(true, Ordering::AcqRel);
        let first_expiring = what.expiring && !self.expiring.swap(true, Ordering::AcqRel);
        if what.parcels {
            self.parcels.fetch_add(1, Ordering::AcqRel);
        }
        if what.parcels || first_marks || first_expiring {
            self.changed.notify_waiters();
        }
    }

    /// Whether something may have come of messages of other nodes that was not looked at.
    pub(crate) fn marks(&self) -> bool {
        self.marks.load(Ordering::Acquire)
    }

    /// Whether there may be messages that are sent only for some time.
    pub(crate) fn expiring(&self) -> bool {
        self.expiring.load(Ordering::Acquire)
    }

    /// How many transactions had parcels, before it is looked for them.
    pub(crate) fn parcels(&self) -> u64 {
        self.parcels.load(Ordering::Acquire)
    }

    /// There is no parcel behind this one, unless more than so many transactions had some.
    pub(crate) fn note_none_behind(&self, number: u64, parcels: u64) {
        *self.none_behind() = Some((number, parcels));
    }

    /// Whether there still is none.
    pub(crate) fn is_none_behind(&self, number: u64) -> bool {
        *self.none_behind() == Some((number, self.parcels()))
    }

    fn none_behind(&self) -> MutexGuard<'_, Option<(u64, u64)>> {
        self.none_behind.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It is about to be looked: what is committed from now on is not seen by that.
    pub(super) fn look(&self) -> Look<'_> {
        self.marks.store(false, Ordering::Release);
        self.expiring.store(false, Ordering::Release);
        Look { wake: self, left: ForLink { parcels: false, marks: true, expiring: true } }
    }
}

/// A look for what there is. One that is given up has seen nothing.
#[derive(Debug)]
pub(super) struct Look<'a> {
    wake: &'a Wake,
    left: ForLink,
}

impl Look<'_> {
    /// What there is, as long as nothing is done about it.
    pub(super) fn saw(mut self, what: ForLink) {
        self.left = what;
    }
}

impl Drop for Look<'_> {
    fn drop(&mut self) {
        self.wake.marks.fetch_or(self.left.marks, Ordering::AcqRel);
        self.wake.expiring.fetch_or(self.left.expiring, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::{ForLink, Wake};

    #[test]
    fn what_is_committed_after_a_look_began_is_looked_at_again() {
        let wake = Wake::default();
        assert!(wake.marks() && wake.expiring(), "nobody has looked yet");
        drop(wake.look());
        assert!(wake.marks() && wake.expiring(), "the look was given up");
        let look = wake.look();
        wake.committed(ForLink { marks: true, ..ForLink::default() });
        look.saw(ForLink::default());
        assert!(wake.marks() && !wake.expiring());
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
        let (wake, marks) = (Wake::default(), ForLink { marks: true, ..ForLink::default() });
        wake.look().saw(ForLink::default());
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
