//! Power cuts at every write and every flush: real clients work on a real broker whose disk writes down what is done to
//! it; then every disk that a cut could have left is opened by the broker's own code and held against what had been
//! acknowledged by then.
//!
//! Killing processes cannot show what this shows: a killed process leaves all that it ever wrote. What is not seen is
//! what the broker does to its folder without SQLite (see [`crate::vfs`]); the cuts of a real file system in
//! [`crate::shutdowns`] cover that.

pub mod check;
pub mod client;
pub mod disk;
pub mod history;
pub mod image;
pub mod opened;
mod round;
mod sift;
#[cfg(test)]
mod tests;
pub mod workload;

use crate::report::Report;
use crate::vfs::trace::Change;
use c2c_harness::Seed;
use image::Kind;
use round::{Round, Shape};
use sift::Sifted;
use std::time::Instant;

/// A round's store stays small, so that thousands of images of it are opened in a minute.
const IMAGES_PER_ROUND: usize = 6_000;
/// Every so many rounds, messages are large, so that the log is folded under work and written from its beginning again.
const LARGE_EVERY: usize = 5;
/// Opening an image of a large store takes as much longer.
const LARGE_COSTS: usize = 10;

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
    let rounds = args.images.div_ceil(IMAGES_PER_ROUND);
    for number in 0..rounds {
        let shape = Shape {
            seed: choose.number(),
            lie: args.lie,
            normal: args.normal,
            large: args.large || is_large(number),
        };
        let left = args.images.saturating_sub(total.sifted.opened);
        let images = match is_large(number) {
            true => (left / (rounds - number) / LARGE_COSTS).max(1),
            false => left / (1..=rounds - number).filter(|left| !is_large(rounds - left)).count().max(1),
        };
        let round = Round::record(&shape);
        let sifted = sift::sift(&round, images, shape.seed);
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
    total.tell(&mut report, began);
    report
}

const fn is_large(round: usize) -> bool {
    round % LARGE_EVERY == LARGE_EVERY - 1
}

#[derive(Default)]
struct Total {
    rounds: usize,
    ended: usize,
    killed: usize,
    calls: usize,
    messages: usize,
    adopted: usize,
    folded: usize,
    changes: [usize; 4],
    sifted: Sifted,
}

impl Total {
    fn add(&mut self, round: &Round, sifted: Sifted) {
        self.rounds += 1;
        self.ended += round.ended;
        self.killed += round.killed;
        self.calls += round.history.acknowledged();
        self.messages += round.history.sent();
        for entry in &round.entries {
            let at = match entry.change {
                Change::Written { .. } => 0,
                Change::Truncated { .. } => 1,
                Change::Synced | Change::SyncLied => 2,
                Change::Deleted => 3,
                Change::Opened { .. } => continue,
            };
            self.changes[at] += 1;
            let flush = matches!(entry.change, Change::Synced | Change::SyncLied);
            self.folded += usize::from(flush && entry.name == "c2c.db");
        }
        self.adopted += sifted.adopted;
        self.sifted.add(sifted);
    }

    fn tell(&self, report: &mut Report, began: Instant) {
        let Self { sifted, changes, .. } = self;
        report.row("rounds, each on a new store", self.rounds);
        report.row("brokers ended / killed in between", format!("{} / {}", self.ended, self.killed));
        report.row("calls acknowledged", self.calls);
        report.row("messages acknowledged", self.messages);
        let [writes, cuts, flushes, removals] = changes;
        report.row(
            "changes recorded",
            format!("{writes} writes, {flushes} flushes, {cuts} cuts, {removals} removals"),
        );
        report.row("times the log was folded into the store", self.folded);
        report.row("files that a kill left unlike the record", self.adopted);
        report.row("moments of a cut", sifted.moments);
        report.row("images built", sifted.built);
        for kind in Kind::ALL {
            report.row(&format!("  {}", kind.name()), sifted.by_kind.get(&kind).copied().unwrap_or(0));
        }
        report.row("different images opened", sifted.opened);
        report.row("different contents found", sifted.contents);
        let minutes = began.elapsed().as_secs_f64() / 60.0;
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        report.row("time", format!("{minutes:.1} min ({:.0} images/min)", sifted.opened as f64 / minutes));
        for kind in [
            "refused or damaged",
            "lost",
            "unread again",
            "phantom",
            "duplicated",
            "reordered",
            "read unasked",
            "state",
        ] {
            let number = sifted.violations.get(kind).copied().unwrap_or(0);
            report.promise(&format!("images with: {kind}"), number, number == 0);
        }
        let examples = sifted.examples.iter().enumerate();
        examples.for_each(|(at, example)| report.row(&format!("example {}", at + 1), example));
        report.promise("something was acknowledged", self.messages, self.messages > 0);
        report.promise("images opened", sifted.opened, sifted.opened > 0);
    }
}
