//! Where the waiting sessions note for which round they wait, and when they were woken in it.

use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

/// One place for each session that waits through every round.
#[derive(Debug)]
pub(crate) struct Board {
    places: Mutex<Vec<Place>>,
    changed: Condvar,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    /// The round that it waits for.
    waits_for: u64,
    /// The last round that woke it, and when.
    woken: (u64, Instant),
}

impl Board {
    pub(crate) fn new(places: usize) -> Self {
        let empty = Place { waits_for: 0, woken: (0, Instant::now()) };
        Self { places: Mutex::new(vec![empty; places]), changed: Condvar::new() }
    }

    /// The session has sent its wait.
    pub(crate) fn waits(&self, place: usize, round: u64) {
        self.places.lock().expect("nobody panics over the board")[place].waits_for = round;
        self.changed.notify_all();
    }

    /// The session's wait ended with what it waited for.
    pub(crate) fn woken(&self, place: usize, round: u64) {
        self.places.lock().expect("nobody panics over the board")[place].woken = (round, Instant::now());
        self.changed.notify_all();
    }

    /// Waits until every session has sent its wait for the round; whether they did.
    pub(crate) fn until_all_wait(&self, round: u64, within: Duration) -> bool {
        self.wait(within, |place| place.waits_for == round)
    }

    /// Waits until the round woke every session: when it did; `None` if it did not.
    pub(crate) fn until_all_woken(&self, round: u64, within: Duration) -> Option<Vec<Instant>> {
        self.wait(within, |place| place.woken.0 == round).then(|| {
            let places = self.places.lock().expect("nobody panics over the board");
            places.iter().map(|place| place.woken.1).collect()
        })
    }

    /// The places that the round has not woken.
    pub(crate) fn not_woken(&self, round: u64) -> Vec<usize> {
        let places = self.places.lock().expect("nobody panics over the board");
        (0..places.len()).filter(|at| places[*at].woken.0 != round).collect()
    }

    fn wait(&self, within: Duration, holds: impl Fn(&Place) -> bool) -> bool {
        let places = self.places.lock().expect("nobody panics over the board");
        let waited = self.changed.wait_timeout_while(places, within, |places| !places.iter().all(&holds));
        !waited.expect("nobody panics over the board").1.timed_out()
    }
}
