//! Orders to a broker whose disk can be made to fail: lines in a file beside the store.

use super::Nemesis;
use crate::history::{Fault, Outcome};
use crate::workload::World;
use c2c_harness::pause;
use std::time::Duration;

/// The file with the orders.
const ORDERS: &str = "vfs.faults";

/// The disk works again.
pub(super) fn heal(world: &World<'_>) {
    // Where no order was given there is no file.
    let _none = std::fs::remove_file(world.sandbox.dir().join(ORDERS));
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
        let file = self.world.sandbox.dir().join(ORDERS);
        // Whole at once: the broker may look at any moment.
        let written = std::fs::write(file.with_extension("new"), &orders)
            .and_then(|()| std::fs::rename(file.with_extension("new"), &file));
        if written.is_ok() {
            // The window itself.
            pause(Duration::from_millis(100 + self.dice.below(900)));
        }
        heal(self.world);
        let outcome = if written.is_ok() { Outcome::Ok } else { Outcome::Fail };
        self.note(began, kind, outcome, orders.trim().to_owned());
    }
}
