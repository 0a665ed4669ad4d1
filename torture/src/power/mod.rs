//! Power cuts at every write and every flush: real clients work on a real broker whose disk writes down what is done to
//! it; then every disk that a cut could have left is opened by the broker's own code and held against what had been
//! acknowledged by then.
//!
//! Killing processes cannot show what this shows: a killed process leaves all that it ever wrote. What is not seen is
//! what the broker does to its folder without SQLite (see [`crate::vfs`]); the cuts of a real file system in
//! [`crate::shutdowns`] cover that for a new store. For the copy beside an old one nothing does: that it is flushed and
//! linked before the store changes is taken as it stands in the broker's code (see [`disk`]).

pub mod check;
pub mod client;
pub mod disk;
mod draw;
pub mod history;
pub mod image;
mod old;
pub mod opened;
pub mod prunes;
mod round;
mod sift;
#[cfg(test)]
mod tests;
mod total;
pub mod workload;

use crate::report::Report;
use c2c_harness::Seed;
use round::{Round, Shape};
use std::time::Instant;
use total::Total;

/// A round's store stays small, so that thousands of images of it are opened in a minute.
const IMAGES_PER_ROUND: usize = 6_000;
/// Every so many rounds, messages are large, so that the log is folded under work and written from its beginning again.
const LARGE_EVERY: usize = 5;
/// Every so many rounds, the store is one of claude-c2c 0.1.0.
const OLD_EVERY: usize = 3;
/// Rounds whose moments allow too few different images are followed by others, up to so many times the number planned.
const ROUNDS_MOST: usize = 3;

/// What to do.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// How many different images to open.
    #[arg(long, default_value_t = 2_000)]
    pub images: usize,

    /// Repeats the choices of an earlier run.
    #[arg(long)]
    pub seed: Option<u64>,

    /// The disk says that it flushed, and does not: then losses must be found.
    #[arg(long)]
    pub lie: bool,

    /// With the setting that does not flush each commit: then losses must be found.
    #[arg(long)]
    pub normal: bool,

    /// Large messages in every round: the log is folded under work, and written from its beginning again.
    #[arg(long)]
    pub large: bool,

    /// Every round begins with a store of claude-c2c 0.1.0: cuts while it is copied and taken over. Else every third.
    #[arg(long)]
    pub old: bool,
}

/// Does it.
#[must_use]
pub fn run(args: &Args) -> Report {
    let seed = args.seed.unwrap_or_else(|| Seed::new().number());
    println!("power --images {} --seed {seed}", args.images);
    let mut report = Report::new("Power cuts at every write and every flush of a recorded run");
    report.row("seed", seed);
    let mut choose = Seed::of(seed);
    let mut total = Total::default();
    let began = Instant::now();
    let planned = args.images.div_ceil(IMAGES_PER_ROUND);
    for number in 0.. {
        let left = args.images.saturating_sub(total.sifted.opened);
        // The images that no moment goes without may be more than were planned for a round, or all that there are fewer.
        if left == 0 || number == planned * ROUNDS_MOST {
            break;
        }
        let images = left / planned.saturating_sub(number).max(1);
        let shape = Shape {
            seed: choose.number(),
            lie: args.lie,
            normal: args.normal,
            large: args.large || number % LARGE_EVERY == LARGE_EVERY - 1,
            old: args.old || number % OLD_EVERY == OLD_EVERY - 1,
            images,
        };
        let round = Round::record(&shape);
        let sifted = sift::sift(&round, if shape.large { 0 } else { images }, shape.seed, number);
        println!(
            "  round {number}: {} calls acknowledged, {} changes recorded, {} images opened, {} bad, {:.0?} so far",
            round.history.acknowledged(),
            round.entries.len(),
            sifted.opened,
            sifted.violations.values().sum::<usize>(),
            began.elapsed()
        );
        total.add(&round, sifted);
    }
    total.tell(args.images, &mut report, began);
    report
}
