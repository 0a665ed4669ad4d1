//! The whole: many sessions at work while everything is broken again and again, then the verdict.

mod one;
mod totals;

pub(crate) use one::{end_broker, programs};

use crate::history::dice::Dice;
use crate::report::Report;
use clap::Args as ClapArgs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::PathBuf;
use std::time::Duration;
use totals::Totals;

/// How long a run may take that is bounded by its kills.
const LONGEST: Duration = Duration::from_secs(3 * 3_600);

/// Real sessions at work while brokers and shims are killed, frozen and cut off at random, by a seed.
#[derive(Clone, Debug, ClapArgs)]
pub struct Args {
    /// The seed of all choices; a new one if left out.
    #[arg(long)]
    seed: Option<u64>,
    /// How long things are broken, in seconds.
    #[arg(long, conflicts_with = "kills", default_value_t = 30)]
    seconds: u64,
    /// Ends after so many kills of the broker instead.
    #[arg(long)]
    kills: Option<u64>,
    /// How many shims; by the seed between 8 and 50 if left out.
    #[arg(long)]
    shims: Option<usize>,
    /// So many runs, each with the next seed, summed up in one table.
    #[arg(long, default_value_t = 1)]
    repeat: u64,
    /// Between two faults, on average, in milliseconds.
    #[arg(long, default_value_t = 500)]
    mean_ms: u64,
    /// At most so many messages of one client at once, without waiting for the answers between them.
    #[arg(long, default_value_t = 10)]
    burst: u64,
    /// Leaves the disk alone.
    #[arg(long)]
    good_disk: bool,
    /// Holds the times of recovery to 10 s only, not to what is promised: for machines that do other work.
    #[arg(long)]
    slow_is_fine: bool,
    /// Takes the programs from this folder instead of the one of this program.
    #[arg(long)]
    programs: Option<PathBuf>,
    /// Writes every call and fault to this file, as JSON lines (with a number behind it, if there are several runs).
    #[arg(long)]
    history: Option<PathBuf>,
}

/// Runs as often as asked, and says what came of it.
#[must_use]
pub fn run(args: &Args) -> Report {
    let first = args.seed.unwrap_or_else(|| RandomState::new().build_hasher().finish() >> 16);
    println!("seed: {first}");
    let mut totals = Totals::default();
    for round in 0..args.repeat {
        let seed = first.wrapping_add(round);
        let history = args.history.as_ref().map(|file| match round {
            0 => file.clone(),
            _ => PathBuf::from(format!("{}.{round}", file.display())),
        });
        let plan = one::Plan {
            seed,
            shims: args.shims.unwrap_or_else(|| 8 + Dice::for_one(seed, 0).index(43)),
            kills: args.kills,
            time: if args.kills.is_some() { LONGEST } else { Duration::from_secs(args.seconds) },
            mean: Duration::from_millis(args.mean_ms),
            disk: !args.good_disk,
            burst: args.burst.max(1),
            programs: args.programs.clone(),
            history,
        };
        let outcome = one::run(&plan);
        if args.repeat > 1 {
            println!("{}", outcome.line());
        }
        totals.add(&outcome);
    }
    totals.report(first, !args.slow_is_fine)
}
