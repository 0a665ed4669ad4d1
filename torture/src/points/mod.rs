//! A kill at every point: the real broker is ended right before each single call that changes a file, a folder or a
//! socket, over and over, until a run of the scenario has no such call left.
//!
//! Owns the enumeration and the table. What happens in a run is `scenarios.rs`'s business, what must hold after it
//! `after.rs`'s. Two runs go on at a time, each in a folder of its own.

mod after;
mod dump;
mod old;
mod scenarios;
mod world;

use crate::report::Report;
use crate::trace::{Call, Orders, Strike, Traced};
use c2c_harness::Seed;
use scenarios::{SCENARIOS, Scenario};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use world::{Template, World};

/// Runs at the same time.
const WORKERS: usize = 2;
/// After this many numbers in a row that no run reached, there are no more: two runs need not be of the same length.
const BEYOND_THE_END: u64 = 2;
/// A call works again so soon after a fault.
const NEXT_CALL_WITHIN: Duration = Duration::from_secs(2);
/// A point whose next call came late is tried so often in all: the machine may have been busy, the product may not.
const TRIES: usize = 3;

/// How a broker ends that meets an error: it is asked to, it cannot begin, or its store failed. Never by a signal.
const ENDS_WITH: [Option<i32>; 3] = [Some(0), Some(1), Some(75)];

/// What to kill and how often.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only scenarios whose name contains this
    #[arg(long)]
    scenario: Option<String>,
    /// Only every n-th point, beginning somewhere that the seed decides
    #[arg(long, default_value_t = 1)]
    every: u64,
    /// Where to begin with `--every` [default: chosen and printed]
    #[arg(long)]
    seed: Option<u64>,
    /// Only this point of each scenario, to repeat a failure
    #[arg(long)]
    point: Option<u64>,
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
    fn strike(&self) -> Strike {
        match self.error {
            None => Strike::Kill,
            Some(Errno::Eio) => Strike::Error(nix::libc::EIO),
            Some(Errno::Enospc) => Strike::Error(nix::libc::ENOSPC),
        }
    }
}

/// What came of one scenario.
#[derive(Debug, Default)]
struct Found {
    points: BTreeMap<(&'static str, String), u64>,
    distinct: BTreeSet<(Call, u64)>,
    slowest: Duration,
    took: Duration,
    broken: Vec<String>,
}

/// What came of one run.
struct Run {
    struck: Option<Call>,
    /// Which of the calls that look the same it was.
    nth: u64,
    next_call: Duration,
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
    let (mut points, mut distinct) = (0, 0);
    for scenario in
        SCENARIOS.iter().filter(|one| args.scenario.as_ref().is_none_or(|name| one.name.contains(name)))
    {
        let found = enumerate(scenario, args, seed);
        points += found.points.values().sum::<u64>();
        distinct += found.distinct.len();
        tell(&mut report, scenario, &found);
    }
    report.promise("points", points, points > 0 || args.list);
    report.row("of them distinct", distinct);
    report.row("took", format!("{:.0} s", began.elapsed().as_secs_f64()));
    report
}

/// One row per scenario, and one for each kind of call in it.
fn tell(report: &mut Report, scenario: &Scenario, found: &Found) {
    let points: u64 = found.points.values().sum();
    let summary = format!(
        "{points} points, {} distinct, {} broken, slowest next call {} ms, {:.0} s",
        found.distinct.len(),
        found.broken.len(),
        found.slowest.as_millis(),
        found.took.as_secs_f64()
    );
    report.promise(scenario.name, summary, found.broken.is_empty());
    for ((name, target), number) in &found.points {
        report.row(&format!("  {name} {target}"), number);
    }
    for broken in &found.broken {
        report.row("  broken", broken);
    }
}

fn enumerate(scenario: &Scenario, args: &Args, seed: u64) -> Found {
    let began = Instant::now();
    let template = Template::of(scenario);
    if args.list {
        list(scenario, &template);
        return Found::default();
    }
    let every = args.every.max(1);
    let next = AtomicU64::new(args.point.unwrap_or(1 + seed % every));
    let beyond = AtomicU64::new(0);
    let found = Mutex::new(Found::default());
    let work = || {
        while beyond.load(Ordering::SeqCst) < BEYOND_THE_END {
            let point = next.fetch_add(every, Ordering::SeqCst);
            if args.point.is_some_and(|only| only != point) {
                return;
            }
            match tried(scenario, &template, (point, args.strike())) {
                Ok(run) if run.struck.is_none() => drop(beyond.fetch_add(1, Ordering::SeqCst)),
                Ok(run) => found.lock().expect("no worker panics").add(run),
                Err(why) => {
                    eprintln!("{} at point {point}: {why}", scenario.name);
                    let mut found = found.lock().expect("no worker panics");
                    found.broken.push(format!("point {point}: {why}"));
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(work);
        }
    });
    let mut found = found.into_inner().expect("no worker panics");
    found.took = began.elapsed();
    found
}

impl Found {
    fn add(&mut self, run: Run) {
        let Some(call) = run.struck else { return };
        *self.points.entry((call.name, call.target.clone())).or_default() += 1;
        self.distinct.insert((call, run.nth));
        self.slowest = self.slowest.max(run.next_call);
    }
}

/// One point, once more where only the time was not kept.
fn tried(scenario: &Scenario, template: &Template, strike: (u64, Strike)) -> Result<Run, String> {
    let mut took = Vec::new();
    for _ in 0..TRIES {
        let run = catch_unwind(AssertUnwindSafe(|| one(scenario, template, strike)))
            .map_err(|panic| what_panicked(panic.as_ref()))??;
        if run.next_call <= NEXT_CALL_WITHIN {
            return Ok(run);
        }
        took.push(run.next_call);
    }
    Err(format!("the next call took {took:?}, promised within {NEXT_CALL_WITHIN:?}"))
}

fn what_panicked(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

/// The scenario with a kill at this point, and all that must hold after it.
fn one(scenario: &Scenario, template: &Template, strike: (u64, Strike)) -> Result<Run, String> {
    let mut world = World::on(template);
    let traced = begin(scenario, &mut world, Some(strike))?;
    let _gone = (scenario.drive)(&mut world, &traced);
    traced.stop_counting();
    if strike.1 != Strike::Kill && traced.over().is_some_and(|status| !ENDS_WITH.contains(&status)) {
        return Err(format!("it ended with {:?}", traced.over()));
    }
    traced.kill();
    let struck = traced.struck();
    let nth = struck.as_ref().map_or(0, |call| {
        u64::try_from(traced.log().iter().filter(|one| *one == call).count()).expect("not that many")
    });
    let next_call = after::check(&mut world)?;
    Ok(Run { struck, nth, next_call })
}

/// A traced broker, ready unless its start is what is looked at.
fn begin(scenario: &Scenario, world: &mut World, strike: Option<(u64, Strike)>) -> Result<Traced, String> {
    (scenario.before)(world);
    let mut arguments = vec!["--store", world.sandbox.store().to_str().expect("a plain path")];
    arguments.extend(scenario.arguments);
    let orders = Orders { strike, from_start: scenario.start, log: true, opens: false };
    let traced = Traced::start(&c2c_harness::binary("c2c-broker"), &arguments, &world.sandbox.env(), orders)?;
    if !scenario.start {
        world.until_serving(&traced).map_err(|_| "the broker did not start".to_owned())?;
        world.connect_all().map_err(|_| "the broker did not answer".to_owned())?;
        traced.count();
    }
    Ok(traced)
}

/// Says which calls a scenario has.
fn list(scenario: &Scenario, template: &Template) {
    let mut world = World::on(template);
    let traced = begin(scenario, &mut world, None).expect("a broker");
    let began = Instant::now();
    let _gone = (scenario.drive)(&mut world, &traced);
    traced.stop_counting();
    println!("{}: {} calls, {:?}", scenario.name, traced.seen(), began.elapsed());
    for call in traced.log() {
        println!("  {} {} ({})", call.name, call.target, call.thread);
    }
}
