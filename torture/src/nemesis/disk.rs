//! Orders to a broker whose disk can be made to fail and whose clock can be set: lines in files beside the store.

use super::Nemesis;
use crate::history::{Fault, Outcome};
use crate::workload::World;
use c2c_harness::pause;
use std::time::Duration;

/// The file with the orders for the disk, and the one for the clock: those of [`crate::vfs`], which is there on Linux only.
const ORDERS: &str = "vfs.faults";
const CLOCK_FILE: &str = "vfs.clock";

/// Where the broker's clock is set to, in seconds from the machine's: within the week for which an offline session's name
/// is kept and a broadcast finds it.
const JUMPS_S: [i64; 5] = [-86_400, -3_600, 0, 3_600, 86_400];

/// The disk works again.
pub(super) fn heal(world: &World<'_>) {
    // Where no order was given there is no file.
    let _none = std::fs::remove_file(world.sandbox.dir().join(ORDERS));
}

/// Puts an order beside the store, whole at once: the broker may look at any moment.
fn order(world: &World<'_>, file: &str, orders: &str) -> bool {
    let file = world.sandbox.dir().join(file);
    let new = file.with_extension("new");
    std::fs::write(&new, orders).and_then(|()| std::fs::rename(&new, &file)).is_ok()
}

impl Nemesis<'_> {
    /// The disk is full, or fails, for a while.
    pub(super) fn disk(&mut self, kind: Fault) {
        let began = self.world.recorder.now();
        let after = self.dice.below(40);
        let orders = match (kind, self.dice.below(3)) {
            (Fault::DiskFull, _) => format!("write enospc after={after}\n"),
            (_, 0) => format!("sync eio after={after} times=1\n"),
            (_, 1) => format!("write eio after={after} times=3\n"),
            _ => format!("read eio after={after} times=2\n"),
        };
        let ordered = order(self.world, ORDERS, &orders);
        if ordered {
            // The window itself.
            pause(Duration::from_millis(100 + self.dice.below(900)));
        }
        heal(self.world);
        let outcome = if ordered { Outcome::Ok } else { Outcome::Fail };
        self.note(began, kind, outcome, orders.trim().to_owned());
    }

    /// The broker's clock shows another time from now on.
    pub(super) fn clock(&mut self) {
        let began = self.world.recorder.now();
        let seconds = self.dice.pick(&JUMPS_S).copied().unwrap_or_default();
        let ordered = order(self.world, CLOCK_FILE, &seconds.to_string());
        let outcome = if ordered { Outcome::Ok } else { Outcome::Fail };
        self.note(began, Fault::ClockJump, outcome, format!("{seconds} s from the machine's"));
    }
}
