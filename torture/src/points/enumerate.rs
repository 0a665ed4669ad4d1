//! Which points a scenario has, and one run for each of them. Two runs go on at a time, each in a folder of its own.
//!
//! A point is the n-th call of its kind on its target. Undisturbed runs say which there are; a run that shows one that
//! none had shown before adds it. A point that does not come again in several tries is counted as such.

use super::scenarios::Scenario;
use super::world::{Template, World};
use super::{Args, after};
use crate::trace::{Orders, Point, Strike, Traced};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// Runs at the same time.
const WORKERS: usize = 2;
/// Undisturbed runs that say which points there are.
const DRY_RUNS: usize = 2;
/// Runs for one point until it is met.
const MEETINGS: usize = 3;
/// A call works again so soon after a fault.
const NEXT_CALL_WITHIN: Duration = Duration::from_secs(2);
/// A point whose next call came late is tried so often in all: the machine may have been busy, the product may not.
const TRIES: usize = 3;
/// How a broker ends that meets an error: it is asked to, it cannot begin, or its store failed. Never by a signal.
const ENDS_WITH: [Option<i32>; 3] = [Some(0), Some(1), Some(75)];

/// What came of one scenario.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// How many points of each call on each target.
    pub(super) points: BTreeMap<(&'static str, String), u64>,
    /// Points that no run met again.
    pub(super) missed: u64,
    pub(super) slowest: Duration,
    pub(super) took: Duration,
    pub(super) broken: Vec<String>,
}

impl Found {
    /// How many points.
    pub(super) fn all(&self) -> u64 {
        self.points.values().sum()
    }
}

/// What came of one run.
struct Run {
    struck: bool,
    seen: Vec<Point>,
    next_call: Duration,
}

/// The points that are still to be struck.
#[derive(Default)]
struct Queue {
    known: BTreeSet<Point>,
    waiting: Vec<Point>,
}

impl Queue {
    fn add(&mut self, seen: Vec<Point>, args: &Args) {
        let wanted = |point: &Point| {
            args.call.as_ref().is_none_or(|call| point.name.contains(call) || point.target.contains(call))
        };
        for point in seen.into_iter().filter(wanted) {
            if self.known.insert(point.clone()) {
                self.waiting.push(point);
            }
        }
    }
}

/// One run for each point.
pub(super) fn enumerate(scenario: &Scenario, args: &Args, seed: u64) -> Found {
    let began = Instant::now();
    let template = Template::of(scenario);
    let (queue, found) = (Mutex::new(Queue::default()), Mutex::new(Found::default()));
    for _ in 0..DRY_RUNS {
        match tried(scenario, &template, None) {
            Ok(run) => lock(&queue).add(run.seen, args),
            Err(why) => lock(&found).broken.push(format!("without a fault: {why}")),
        }
    }
    let every = args.every.max(1);
    let chosen = lock(&queue).waiting.drain(..).zip(0_u64..).collect::<Vec<_>>();
    let chosen = chosen.into_iter().filter(|(_, at)| at % every == seed % every).map(|(point, _)| point);
    lock(&queue).waiting = chosen.rev().collect();
    let work = || {
        while let Some(point) = { lock(&queue).waiting.pop() } {
            let seen = strike(scenario, &template, (&point, args.strike()), &found);
            // Of a sample it is known that it is not all.
            if every == 1 {
                lock(&queue).add(seen, args);
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no worker panics")
}

/// Strikes at one point, as soon as a run meets it; what the runs have shown.
fn strike(
    scenario: &Scenario,
    template: &Template,
    (point, strike): (&Point, Strike),
    found: &Mutex<Found>,
) -> Vec<Point> {
    let mut seen = Vec::new();
    for _ in 0..MEETINGS {
        match tried(scenario, template, Some((point, strike))) {
            Ok(run) => {
                seen.extend(run.seen);
                if run.struck {
                    let mut found = lock(found);
                    *found.points.entry((point.name, point.target.clone())).or_default() += 1;
                    found.slowest = found.slowest.max(run.next_call);
                    return seen;
                }
            }
            Err(why) => {
                let why = format!("{} {}, number {}: {why}", point.name, point.target, point.nth);
                eprintln!("{}: {why}", scenario.name);
                lock(found).broken.push(why);
                return seen;
            }
        }
    }
    lock(found).missed += 1;
    seen
}

/// One run, once more where only the time was not kept.
fn tried(scenario: &Scenario, template: &Template, strike: Option<(&Point, Strike)>) -> Result<Run, String> {
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

/// The scenario, struck at this point, and all that must hold after it.
fn one(scenario: &Scenario, template: &Template, strike: Option<(&Point, Strike)>) -> Result<Run, String> {
    let mut world = World::on(template);
    let strike = strike.map(|(point, strike)| (point.clone(), strike));
    let fails = strike.as_ref().is_some_and(|(_, strike)| *strike != Strike::Kill);
    let traced = begin(scenario, &mut world, Orders { strike, ..Orders::default() })?;
    let _gone = (scenario.drive)(&mut world, &traced);
    traced.stop_counting();
    if fails && traced.over().is_some_and(|status| !ENDS_WITH.contains(&status)) {
        return Err(format!("it ended with {:?}", traced.over()));
    }
    traced.kill();
    let (struck, seen) = (traced.struck(), traced.points());
    let next_call = after::check(&mut world)?;
    Ok(Run { struck, seen, next_call })
}

/// A traced broker, ready unless its start is what is looked at.
fn begin(scenario: &Scenario, world: &mut World, orders: Orders) -> Result<Traced, String> {
    (scenario.before)(world);
    let mut arguments = vec!["--store", world.sandbox.store().to_str().expect("a plain path")];
    arguments.extend(scenario.arguments);
    let orders = Orders { from_start: scenario.start, log: true, ..orders };
    let traced = Traced::start(&c2c_harness::binary("c2c-broker"), &arguments, &world.sandbox.env(), orders)?;
    if !scenario.start {
        world.until_serving(&traced).map_err(|_| "the broker did not start".to_owned())?;
        world.connect_all().map_err(|_| "the broker did not answer".to_owned())?;
        traced.count();
    }
    Ok(traced)
}

/// Says which calls a scenario has, in their order.
pub(super) fn list(scenario: &Scenario) {
    let mut world = World::on(&Template::of(scenario));
    let traced = begin(scenario, &mut world, Orders::default()).expect("a broker");
    let _gone = (scenario.drive)(&mut world, &traced);
    traced.stop_counting();
    println!("{}: {} calls", scenario.name, traced.seen());
    for call in traced.log() {
        println!("  {} {} ({})", call.name, call.target, call.thread);
    }
}
