//! Waiting for what no event announces: conditions in other processes, looked at again until a deadline.

use std::time::{Duration, Instant};

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// Looks until `found` gives something, or the time is over.
pub fn look<T>(within: Duration, mut found: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + within;
    loop {
        if let Some(value) = found() {
            return Some(value);
        }
        if Instant::now() >= end {
            return None;
        }
        pause(LOOK_EVERY);
    }
}

/// Looks until `found` gives something.
///
/// # Panics
/// If the deadline passes first.
#[track_caller]
pub fn until_some<T>(what: &str, within: Duration, found: impl FnMut() -> Option<T>) -> T {
    let Some(value) = look(within, found) else { panic!("{what}: not within {within:?}") };
    value
}

/// Looks until `holds` says yes.
///
/// # Panics
/// If the deadline passes first.
#[track_caller]
pub fn until(what: &str, within: Duration, mut holds: impl FnMut() -> bool) {
    until_some(what, within, || holds().then_some(()));
}

/// For promises of a time: tries until one run keeps to it, so that a busy machine does not fail a test, and a
/// product that never keeps to it does.
///
/// # Panics
/// If no run kept to the time.
#[track_caller]
pub fn best_of(runs: usize, what: &str, promised: Duration, mut run: impl FnMut() -> Duration) -> Duration {
    let mut took = Vec::new();
    for _ in 0..runs {
        let one = run();
        if one <= promised {
            return one;
        }
        took.push(one);
    }
    panic!("{what}: promised within {promised:?}, took {took:?}");
}

/// Lets real time pass, where passing time is what is tested (idleness, an expiry) or a condition is looked at again.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the tests let time pass; each caller says why"
)]
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}
