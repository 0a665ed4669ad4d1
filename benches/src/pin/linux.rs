//! Linux: the thread's set of processors, which what it starts inherits.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

pub(super) const CAN_PIN: bool = true;

/// As long as it lives, this thread and what it starts run on one processor.
#[derive(Debug)]
pub struct Pinned {
    before: CpuSet,
}

impl Pinned {
    /// To the last processor that this thread may use: the first ones handle most interrupts.
    ///
    /// # Panics
    /// If the system does not allow it.
    #[must_use]
    pub fn to_one() -> Self {
        let before = sched_getaffinity(None).expect("the set of processors can be read");
        let last = (0..CpuSet::MAX_CPU).rev().find(|cpu| before.is_set(*cpu)).expect("there is a processor");
        let mut one = CpuSet::new();
        one.set(last);
        sched_setaffinity(None, &one).expect("a thread may use fewer processors");
        Self { before }
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        sched_setaffinity(None, &self.before).expect("a thread may use its processors again");
    }
}
