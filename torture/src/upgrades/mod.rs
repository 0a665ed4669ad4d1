//! A broker is replaced by another version of itself, again and again, back and forth, while sessions wait for it and
//! others go on sending: nobody notices anything.
//!
//! Owns the course of a run and what is promised of it. `replace` ends one broker and brings up the next, `clients` are
//! the sessions, `probe` asks the broker all the time who it is, `ledger` keeps what was sent and what came.

mod board;
mod clients;
mod ledger;
mod probe;
mod replace;
mod result;
mod session;
mod working;

use crate::report::Report;
use crate::versions;
use crate::versions::build::Version;
use c2c_harness::{Sandbox, Seed};
use clients::{Clients, Crowd};
use ledger::Ledger;
use probe::Probe;
use replace::Replacement;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use result::Figures;

/// Longer than anything takes that works.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// What is promised of a replacement.
pub(crate) const GAP_MAX: Duration = Duration::from_secs(3);

/// What to run.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How often the broker is replaced
    #[arg(long, default_value_t = 100)]
    rounds: u32,
    /// How many sessions wait
    #[arg(long, default_value_t = 50)]
    clients: usize,
    /// What the run follows from; printed
    #[arg(long)]
    seed: Option<u64>,
}

/// Runs all rounds.
#[must_use]
pub fn run(args: &Args) -> Report {
    let number = args.seed.unwrap_or_else(|| Seed::new().number());
    println!("seed: --seed {number}");
    let mut seed = Seed::of(number);
    let next = versions::next();
    let previous = versions::previous();
    let versions: Vec<Version> =
        previous.clone().into_iter().chain([Version::current(), next.clone()]).collect();
    let sandbox = Sandbox::new();
    let ledger = Arc::new(Ledger::default());
    let mut replacement = Replacement::new(&sandbox, versions);
    let crowd = Crowd::of(args.clients);
    let mut clients = Clients::start(&sandbox, &shims(&replacement, &next), crowd, &ledger);
    let probe = Probe::start(&sandbox);
    let mut figures = Figures::new(crowd, args.rounds);
    for round in 1..=u64::from(args.rounds) {
        clients.until_all_wait(&sandbox, round);
        let kind = replacement.choose(&mut seed);
        let before = probe.last().pid;
        let begun = Instant::now();
        replacement.replace(kind, before);
        // In every other round the mail is sent into the gap.
        let early = round.is_multiple_of(2).then(|| clients.release(round));
        let gap = replacement.until_settled(&probe, before);
        let released = early.unwrap_or_else(|| clients.release(round));
        let wait = clients.until_all_woken(round, &released);
        figures.round(kind, gap, wait, ledger.longest_call_since(begun));
        if ledger.has_faults() {
            break;
        }
    }
    probe.stop();
    clients.finish();
    replacement.finish();
    let mut report = Report::new("upgrades");
    if let Err(reason) = previous {
        report.row("without the previous version", reason);
    }
    figures.write(&mut report, &ledger);
    report
}

/// The shims that sessions run: half of them of the version today, half of the next one, in the folder of the broker that
/// is installed.
fn shims(replacement: &Replacement, next: &Version) -> [PathBuf; 2] {
    let places = ["c2c-shim", "c2c-shim-next"].map(|name| replacement.folder().join(name));
    put(&Version::current().program("c2c-shim"), &places[0]);
    put(&next.program("c2c-shim"), &places[1]);
    places
}

/// Puts a program at a place, in one step, as an installer does: whoever starts it meanwhile gets the old or the new.
///
/// # Panics
/// If it cannot be put there.
pub fn put(program: &Path, place: &Path) {
    let draft = place.with_extension("new");
    let _absent = fs::remove_file(&draft);
    if fs::hard_link(program, &draft).is_err() {
        // Another file system.
        fs::copy(program, &draft).expect("the program can be copied");
    }
    fs::rename(&draft, place).expect("the program can be put in its place");
    // Still there if both were names of one file already.
    let _renamed = fs::remove_file(&draft);
}
