//! Breaks one thing after the other, by the seed: kills, freezes, takes away files, fills the disk.
//!
//! Owns the choice and the moment of each fault, and writes each into the history with the time that it lasted. Harms
//! only processes of its own sandbox, each by its id.

mod disk;
mod faults;
pub mod target;

use crate::history::dice::Dice;
use crate::history::{Fault, Op, Outcome};
use crate::workload::World;
use c2c_harness::pause;
use std::time::{Duration, Instant};

/// How much is broken.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// So many kills of the broker; then it is over.
    pub kills: Option<u64>,
    /// Not longer than this.
    pub time: Duration,
    /// Between two faults, on average.
    pub mean: Duration,
    /// Whether the broker obeys the orders for a faulty disk and a clock that jumps.
    pub disk: bool,
}

/// Breaks things in one world.
#[derive(Debug)]
pub struct Nemesis<'a> {
    world: &'a World<'a>,
    plan: Plan,
    dice: Dice,
    kills: u64,
}

impl<'a> Nemesis<'a> {
    /// Nothing is broken yet.
    #[must_use]
    pub const fn new(world: &'a World<'a>, plan: Plan) -> Self {
        Self { world, plan, dice: Dice::for_one(world.seed, 2), kills: 0 }
    }

    /// Breaks things until the plan is fulfilled. Afterwards nothing is broken any more. How often the broker was killed.
    pub fn run(mut self) -> u64 {
        let end = Instant::now() + self.plan.time;
        while Instant::now() < end && self.plan.kills.is_none_or(|kills| self.kills < kills) {
            // The time between two faults is what the plan is about.
            pause(self.dice.exponential(self.plan.mean).min(end.saturating_duration_since(Instant::now())));
            self.one();
        }
        self.heal();
        self.kills
    }

    /// Nothing is broken any more.
    pub fn heal(&self) {
        disk::heal(self.world);
    }

    /// How often the broker was killed so far.
    #[must_use]
    pub const fn kills(&self) -> u64 {
        self.kills
    }

    /// Breaks one thing.
    pub fn one(&mut self) {
        match self.dice.below(100) {
            0..64 => self.kill_broker(),
            64..72 => self.kill_shim(),
            72..76 => self.freeze_broker(),
            76..82 => self.freeze_shim(),
            82..86 => self.remove_socket(),
            86..89 => self.second_broker(),
            89..93 => self.end_broker(),
            93..96 if self.plan.disk => self.disk(Fault::DiskFull),
            96..98 if self.plan.disk => self.disk(Fault::DiskFails),
            98.. if self.plan.disk => self.clock(),
            _ => self.kill_broker(),
        }
    }

    /// Writes down what was done since then.
    fn note(&self, began: u64, kind: Fault, outcome: Outcome, detail: String) {
        self.note_until(began, self.world.recorder.now(), kind, outcome, detail);
    }

    fn note_until(&self, began: u64, ended: u64, kind: Fault, outcome: Outcome, detail: String) {
        self.world.recorder.add(Op::fault(began, ended, kind, outcome, detail));
    }
}
