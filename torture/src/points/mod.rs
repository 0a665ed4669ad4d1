//! A kill at every point: the real broker is ended right before each single call that changes a file, a folder or a
//! socket, one run for each.
//!
//! Owns what is asked for and the table. Which points there are is `enumerate.rs`'s business, what happens in a run
//! `scenarios.rs`'s, what must hold after it `after.rs`'s.

mod after;
mod dump;
mod enumerate;
mod fold;
mod full_log;
mod given;
mod handover;
mod old;
mod scenarios;
mod totals;
mod world;

use crate::report::Report;
use crate::trace::{Orders, Strike, Traced};
use c2c_harness::Seed;
use enumerate::{Found, enumerate, list};
use scenarios::{SCENARIOS, Scenario};
use std::collections::BTreeMap;
use std::time::Instant;
use totals::Totals;

/// What to kill and how often.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only scenarios whose name contains this
    #[arg(long)]
    scenario: Option<String>,
    /// Only points of calls whose name or target contains this, as "fsync" or "c2c.db-wal"
    #[arg(long)]
    call: Option<String>,
    /// Only every n-th point, beginning somewhere that the seed decides
    #[arg(long, default_value_t = 1)]
    every: u64,
    /// Where to begin with `--every` [default: chosen and printed]
    #[arg(long)]
    seed: Option<u64>,
    /// Instead of killing, let that one call fail with this error
    #[arg(long)]
    error: Option<Errno>,
    /// Show the calls of each scenario instead of killing
    #[arg(long)]
    list: bool,
}

/// An error of the disk's.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Errno {
    /// The disk fails
    Eio,
    /// The disk is full
    Enospc,
}

impl Args {
    /// Whether every point of every scenario is to be struck.
    fn is_full(&self) -> bool {
        self.scenario.is_none() && self.call.is_none() && self.every <= 1
    }

    fn strike(&self) -> Strike {
        match self.error {
            None => Strike::Kill,
            Some(Errno::Eio) => Strike::Error(nix::libc::EIO),
            Some(Errno::Enospc) => Strike::Error(nix::libc::ENOSPC),
        }
    }
}

/// Runs all scenarios that were asked for.
#[must_use]
pub fn run(args: &Args) -> Report {
    let what = if args.error.is_some() { "an error in place of" } else { "a kill at" };
    let mut report = Report::new(&format!("{what} every call that changes something"));
    let seed = args.seed.unwrap_or_else(|| Seed::new().number());
    report.row("seed", seed);
    if let Err(why) =
        Traced::start(std::path::Path::new("/bin/true"), &[], &BTreeMap::new(), Orders::default())
    {
        c2c_harness::skipped(&why);
        report.row("skipped", why);
        return report;
    }
    let began = Instant::now();
    let mut totals = Totals::default();
    for scenario in
        SCENARIOS.iter().filter(|one| args.scenario.as_ref().is_none_or(|name| one.name.contains(name)))
    {
        if args.list {
            list(scenario);
            continue;
        }
        let found = enumerate(scenario, args, seed);
        totals.add(&found);
        tell(&mut report, scenario, &found, args);
    }
    if !args.list {
        totals.tell(&mut report, args);
    }
    report.row("took", format!("{:.0} s", began.elapsed().as_secs_f64()));
    report
}

/// One row per scenario, and one for each kind of call in it.
fn tell(report: &mut Report, scenario: &Scenario, found: &Found, args: &Args) {
    let summary = format!(
        "{} points, {} not met again, {} broken, {} repeated for time, slowest next call {} ms, {:.0} s",
        found.all(),
        found.missed,
        found.broken.len(),
        found.repeated,
        found.slowest.as_millis(),
        found.took.as_secs_f64()
    );
    // A whole run takes minutes: what is done is said at once.
    eprintln!("{}: {summary}", scenario.name);
    report.promise(
        scenario.name,
        summary,
        found.broken.is_empty() && (found.all() > 0 || args.call.is_some()),
    );
    for ((name, target), number) in &found.points {
        report.row(&format!("  {name} {target}"), number);
    }
    for broken in &found.broken {
        report.row("  broken", broken);
    }
}
