//! The guard: how many instructions the hot paths take, compared with a committed baseline.
//!
//! Times are noise on a machine that does other things; instructions are not. The real programs run under
//! `valgrind --tool=callgrind`, and are asked for their counts before and after a number of repetitions, so that their
//! start does not count. What still differs from run to run is in what order the threads of the broker meet, and what else
//! comes due meanwhile: over five runs on a machine with five times more to do than it has processors, the greatest count
//! was above the least by 2 % (broker), 1.6 % (a shim that waits) and 0.9 % (the rest of the shim). Tolerances are more
//! than twice that.

mod baseline;
mod broker;
mod callgrind;
mod scenario;
mod shim;

use baseline::{Baseline, Environment};
use callgrind::Callgrind;
use scenario::Measured;
use std::path::Path;

/// Counts all scenarios and compares them with the baseline in this file, or writes it anew. Whether all is well.
///
/// Counts of another compiler or another valgrind are not comparable, and then nothing is counted. `keep` is a folder for
/// what callgrind writes.
///
/// # Panics
/// If a program does not do what it should, or the file cannot be read or written.
#[must_use]
pub fn run(file: &Path, renew: bool, keep: Option<&Path>) -> bool {
    let callgrind = match Callgrind::find(keep) {
        Ok(callgrind) => callgrind,
        Err(reason) => return skipped(&reason, renew),
    };
    if let Some(folder) = keep {
        std::fs::create_dir_all(folder)
            .unwrap_or_else(|error| panic!("{} cannot be made: {error}", folder.display()));
    }
    let here = Environment::here(&callgrind);
    if renew {
        let measured = count(&callgrind);
        Baseline::new(here, &measured).write(file);
        print!("{}", baseline::counts(&measured));
        println!("{} is written", file.display());
        return true;
    }
    let before = Baseline::read(file);
    if let Some(difference) = before.environment.difference(&here) {
        return skipped(&format!("the baseline is of {difference}"), false);
    }
    let measured = count(&callgrind);
    let comparison = before.compare(&measured);
    print!("{comparison}");
    if comparison.worse() {
        println!(
            "More instructions than the baseline allows. If that is the price of something that is worth it:"
        );
    } else if comparison.stale() {
        println!("The baseline no longer says how it is:");
    }
    if comparison.worse() || comparison.stale() {
        println!("  cargo build --release --workspace && target/release/c2c-benches guard --renew");
    }
    !comparison.worse()
}

/// Says why nothing is counted. That is no failure, unless a baseline was wanted.
fn skipped(reason: &str, wanted: bool) -> bool {
    println!("skipped: {reason}");
    !wanted
}

fn count(callgrind: &Callgrind) -> Vec<Measured> {
    let mut measured = shim::count(callgrind);
    measured.extend(broker::count(callgrind));
    measured
}
