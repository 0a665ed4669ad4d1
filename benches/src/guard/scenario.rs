//! How one scenario is counted: blocks of repetitions in one process, of which the middle one is the figure.

use super::callgrind::Counter;

/// So many blocks count. One before them does not: after it everything has been used.
pub(super) const BLOCKS: u32 = 5;

/// The processes of some scenarios, of which one is counted.
pub(super) trait Scene {
    /// What counts it.
    fn counter(&self) -> &Counter;
    /// The one that is counted.
    fn process(&self) -> u32;
}

/// One operation, in a scene that has the processes for it.
pub(super) struct Scenario<S> {
    /// As in the baseline and the table.
    pub(super) name: &'static str,
    /// By what part of the baseline the count may grow. More than noise, which is written beside it.
    pub(super) tolerance: f64,
    /// How many repetitions make a block.
    pub(super) repeats: u32,
    /// How many operations one repetition is.
    pub(super) operations: u32,
    /// Makes what a block of so many repetitions needs to find; not counted.
    pub(super) prepare: Option<fn(&mut S, u32)>,
    /// One repetition.
    pub(super) once: fn(&mut S),
}

/// What came of it.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    /// The scenario.
    pub(super) name: &'static str,
    /// The scenario's.
    pub(super) tolerance: f64,
    /// Instructions per operation.
    pub(super) instructions: u64,
}

impl<S: Scene> Scenario<S> {
    /// Counts it.
    pub(super) fn count(&self, scene: &mut S) -> Measured {
        let mark = |scene: &S| scene.counter().mark(scene.process());
        let mut blocks: Vec<u64> = Vec::new();
        for block in 0..=BLOCKS {
            if let Some(prepare) = self.prepare {
                prepare(scene, self.repeats);
                mark(scene);
            }
            (0..self.repeats).for_each(|_| (self.once)(scene));
            let instructions = mark(scene) / u64::from(self.repeats * self.operations);
            if block > 0 {
                blocks.push(instructions);
            }
        }
        scene.counter().keep(self.name);
        Measured { name: self.name, tolerance: self.tolerance, instructions: middle(blocks) }
    }
}

/// The middle one: a block in which something else happened, such as a checkpoint, does not count.
pub(super) fn middle(mut counts: Vec<u64>) -> u64 {
    counts.sort_unstable();
    counts[counts.len() / 2]
}
