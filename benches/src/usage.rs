//! Linux: what processes take of the machine, as the kernel accounts for it in `/proc`.

use c2c_harness::{PATIENCE, pause, until};
use std::fs;
use std::ops::{AddAssign, Sub};
use std::time::Duration;

/// A process that was put to work at most once in this time is idle.
const STILL_FOR: Duration = Duration::from_millis(200);
const BYTES_PER_KB: f64 = 1_024.0;

/// Main memory, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    /// All pages that are in memory, whoever else has them (RSS).
    pub resident: f64,
    /// Pages that nobody else has.
    pub private: f64,
    /// Private pages, and of the shared ones its share (PSS).
    pub proportional: f64,
}

impl Memory {
    /// Of one process.
    ///
    /// # Panics
    /// If it does not run.
    #[must_use]
    pub fn of(id: u32) -> Self {
        let path = format!("/proc/{id}/smaps_rollup");
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        // The kernel's "kB" are 1,024 bytes.
        let of = |name: &str| number_after(&text, name) * BYTES_PER_KB;
        Self {
            resident: of("Rss:"),
            private: of("Private_Clean:") + of("Private_Dirty:"),
            proportional: of("Pss:"),
        }
    }

    /// Of several processes together. What they share among each other is only right in `proportional`.
    #[must_use]
    pub fn of_all(ids: impl IntoIterator<Item = u32>) -> Self {
        let mut all = Self::default();
        ids.into_iter().for_each(|id| all += Self::of(id));
        all
    }
}

impl AddAssign for Memory {
    fn add_assign(&mut self, other: Self) {
        self.resident += other.resident;
        self.private += other.private;
        self.proportional += other.proportional;
    }
}

/// What processes were put to work for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Work {
    /// How often a thread stopped running, which is how often one began to.
    pub wake_ups: f64,
    /// Time on a processor, in nanoseconds.
    pub busy_ns: f64,
}

impl Work {
    /// Of all threads of one process, since they began.
    ///
    /// # Panics
    /// If it does not run.
    #[must_use]
    pub fn of(id: u32) -> Self {
        let path = format!("/proc/{id}/task");
        let threads = fs::read_dir(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut work = Self::default();
        for thread in threads {
            let thread = thread.expect("a thread").path();
            // One that ends in this moment is no longer of interest.
            let Ok(status) = fs::read_to_string(thread.join("status")) else { continue };
            let Ok(schedule) = fs::read_to_string(thread.join("schedstat")) else { continue };
            work.wake_ups += number_after(&status, "\nvoluntary_ctxt_switches:");
            work.wake_ups += number_after(&status, "\nnonvoluntary_ctxt_switches:");
            work.busy_ns += number_after(&schedule, "");
        }
        work
    }
}

impl Sub for Work {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self { wake_ups: self.wake_ups - earlier.wake_ups, busy_ns: self.busy_ns - earlier.busy_ns }
    }
}

/// Waits until these processes have done what they were about to do.
///
/// # Panics
/// If they do not come to rest.
pub fn until_still(ids: &[u32]) {
    let wake_ups = || ids.iter().map(|id| Work::of(*id).wake_ups).sum::<f64>();
    until("the processes come to rest", PATIENCE, || {
        let before = wake_ups();
        // That time passes without work is what is looked for.
        pause(STILL_FOR);
        wake_ups() - before <= 1.0
    });
}

/// The first number after this word, which stands once in the text.
fn number_after(text: &str, word: &str) -> f64 {
    let (_, rest) = text.split_once(word).unwrap_or_else(|| panic!("no {word:?} in {text}"));
    let number = rest.split_whitespace().next().expect("a number follows");
    number.parse().unwrap_or_else(|error| panic!("{error}: {number} after {word:?}"))
}

#[cfg(test)]
mod tests {
    use super::{Memory, Work};

    #[test]
    fn what_this_process_takes_can_be_read() {
        let (memory, work) = (Memory::of(std::process::id()), Work::of(std::process::id()));
        assert!(memory.private > 0.0 && memory.private <= memory.proportional, "{memory:?}");
        assert!(memory.proportional <= memory.resident, "{memory:?}");
        assert!(work.wake_ups > 0.0 && work.busy_ns > 0.0, "{work:?}");
    }
}
