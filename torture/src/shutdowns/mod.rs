//! Power cuts of a real file system: a broker and its clients work on an ext4 of their own, which is shut down under
//! them at a random moment without writing anything back; then it is mounted again, the broker is started on it again,
//! and what it holds is checked against all that had been acknowledged.
//!
//! The file system takes milliseconds to go down, and answers a flush that is under way meanwhile as done whether it is
//! or not; a machine without power answers nothing. So what counts is what was acknowledged before the cut began.
//!
//! This covers what the recorded disk of [`crate::power`] cannot see: folders, links, and the making of the store.

mod cut;
mod disk;
mod round;
mod running;

use crate::power::check::Violation;
use crate::report::Report;
use c2c_harness::Seed;
use disk::Disk;
use round::{Phase, Round, Told};
use std::collections::BTreeMap;
use std::time::Instant;

/// How the file system treats data that is not flushed.
const OPTIONS: [&str; 3] = ["data=ordered", "data=writeback", "data=ordered,nodelalloc"];
const EXAMPLES: usize = 10;

/// What to do.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// How many cuts.
    #[arg(long, default_value_t = 10)]
    pub rounds: usize,

    /// Repeats the choices of an earlier run; the moments depend on the machine as well.
    #[arg(long)]
    pub seed: Option<u64>,

    /// The broker's disk says that it flushed, and does not: then losses must be found.
    #[arg(long)]
    pub lie: bool,

    /// With the setting that does not flush each commit: then losses must be found.
    #[arg(long)]
    pub normal: bool,
}

/// Why this cannot be done here, if so.
#[must_use]
pub fn impossible() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("only root may mount and shut down a file system".to_owned());
    }
    let tried = Disk::new(OPTIONS[0]).and_then(|mut disk| {
        disk.cut()?;
        disk.mount_again()
    });
    tried.err()
}

/// Does it, or says why not.
#[must_use]
pub fn run(args: &Args) -> Report {
    let seed = args.seed.unwrap_or_else(|| Seed::new().number());
    println!("shutdowns --rounds {} --seed {seed}", args.rounds);
    let mut report = Report::new("Power cuts of a real ext4 under load");
    report.row("seed", seed);
    if let Some(why) = impossible() {
        c2c_harness::skipped(&why);
        report.row("skipped", why);
        return report;
    }
    let (mut choose, mut total, began) = (Seed::of(seed), Total::default(), Instant::now());
    for number in 0..args.rounds {
        let phase = Phase::ALL[number % Phase::ALL.len()];
        let options = OPTIONS[choose.below(OPTIONS.len())];
        let round = Round { seed: choose.number(), phase, options, lie: args.lie, normal: args.normal };
        total.add(phase, round.run());
    }
    total.tell(&mut report);
    report.row("time", format!("{:.1} s", began.elapsed().as_secs_f64()));
    report
}

#[derive(Default)]
struct Total {
    rounds: BTreeMap<Phase, usize>,
    calls: usize,
    messages: usize,
    late: usize,
    unmade: usize,
    failed: Vec<String>,
    violations: Vec<(Phase, Violation)>,
    broken_rounds: usize,
}

impl Total {
    fn add(&mut self, phase: Phase, told: Result<Told, String>) {
        *self.rounds.entry(phase).or_default() += 1;
        match told {
            Err(error) => self.failed.push(format!("{}: {error}", phase.name())),
            Ok(told) => {
                self.calls += told.calls;
                self.messages += told.messages;
                self.late += told.late;
                self.unmade += usize::from(!told.store_was_there);
                self.broken_rounds += usize::from(!told.violations.is_empty());
                self.violations.extend(told.violations.into_iter().map(|violation| (phase, violation)));
            }
        }
    }

    fn tell(&self, report: &mut Report) {
        report.row("cuts", self.rounds.values().sum::<usize>());
        for (phase, number) in &self.rounds {
            report.row(&format!("  {}", phase.name()), number);
        }
        report.row("cuts that came before there was a store", self.unmade);
        report.row("calls acknowledged before the cut", self.calls);
        report.row("messages acknowledged before the cut", self.messages);
        report.row("calls acknowledged while the file system went down, not judged", self.late);
        report.promise("rounds that could not be carried out", self.failed.len(), self.failed.is_empty());
        let number = self.violations.len();
        report.promise("acknowledged and not there, or otherwise wrong", number, number == 0);
        report.row("rounds with any of that", self.broken_rounds);
        for (at, (phase, violation)) in self.violations.iter().take(EXAMPLES).enumerate() {
            let Violation { kind, what } = violation;
            report.row(&format!("example {}", at + 1), format!("{}: {kind}: {what}", phase.name()));
        }
        self.failed.iter().take(EXAMPLES).for_each(|why| report.row("not carried out", why));
        report.promise("something was acknowledged", self.messages, self.messages > 0);
    }
}
