//! Which points a scenario has, and one run for each of them. Two runs go on at a time, each in a folder of its own.
//!
//! A point is the n-th call of its kind on its target. Undisturbed runs say which there are; a run that shows one that
//! none had shown before adds it. A point that does not come again in several tries is counted as such.

use super::scenarios::Scenario;
use super::world::{Answer, Template, World};
use super::{Args, after};
use crate::trace::{Orders, Point, Strike, Traced};
use c2c_proto::ErrorCode;
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
    /// The next call that came last, also where it came too late and the run was repeated for it.
    pub(super) slowest: Duration,
    /// Runs that were repeated because the next call came too late.
    pub(super) repeated: u64,
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
        match tried(scenario, &template, None, &found) {
            Ok(run) => lock(&queue).add(run.seen, args),
            Err(why) => lock(&found).broken.push(format!("without a fault: {why}")),
        }
    }
    let all = std::mem::take(&mut lock(&queue).waiting);
    lock(&queue).waiting = sample(all, args.every, seed);
    let work = || {
        while let Some(point) = { lock(&queue).waiting.pop() } {
            let seen = strike(scenario, &template, (&point, args.strike()), &found);
            // Of a sample it is known that it is not all.
            if args.every <= 1 {
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

/// Every so many-th, beginning somewhere, in reverse; of a short list at least one.
fn sample(all: Vec<Point>, every: u64, begin: u64) -> Vec<Point> {
    let every = every.clamp(1, all.len().max(1) as u64);
    let chosen = all.into_iter().zip(0..).filter(|(_, at)| at % every == begin % every);
    let mut chosen: Vec<Point> = chosen.map(|(point, _)| point).collect();
    chosen.reverse();
    chosen
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
        match tried(scenario, template, Some((point, strike)), found) {
            Ok(run) => {
                seen.extend(run.seen);
                if run.struck {
                    let mut found = lock(found);
                    *found.points.entry((point.name, point.target.clone())).or_default() += 1;
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
fn tried(
    scenario: &Scenario,
    template: &Template,
    strike: Option<(&Point, Strike)>,
    found: &Mutex<Found>,
) -> Result<Run, String> {
    let mut took = Vec::new();
    for again in 0..TRIES {
        lock(found).repeated += u64::from(again > 0);
        let run = catch_unwind(AssertUnwindSafe(|| one(scenario, template, strike)))
            .map_err(|panic| what_panicked(panic.as_ref()))??;
        {
            let mut found = lock(found);
            found.slowest = found.slowest.max(run.next_call);
        }
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
    let driven = (scenario.drive)(&mut world, &traced);
    traced.stop_counting();
    if !traced.struck() {
        // Else it would seem to have fewer points than it has.
        driven.map_err(|_gone| "nobody struck, and the scenario came to no end".to_owned())?;
        all_done(&world)?;
    }
    if fails && traced.over().is_some_and(|status| !ENDS_WITH.contains(&status)) {
        return Err(format!("it ended with {:?}", traced.over()));
    }
    traced.kill();
    let (struck, seen) = (traced.struck(), traced.points());
    let next_call = after::check(&mut world)?;
    Ok(Run { struck, seen, next_call })
}

/// Nothing but the end of the broker is a reason to refuse what the scenarios ask for.
fn all_done(world: &World) -> Result<(), String> {
    let refused = world.history.iter().find_map(|op| match &op.answer {
        Answer::Refused(error) if error.code != ErrorCode::ShuttingDown => Some((op, error)),
        _ => None,
    });
    refused.map_or(Ok(()), |(op, error)| {
        Err(format!("nobody struck, and {} by {} was refused: {error}", op.request.kind(), op.who))
    })
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
    (scenario.drive)(&mut world, &traced).expect("it comes to its end");
    traced.stop_counting();
    println!("{}: {} calls", scenario.name, traced.seen());
    for call in traced.log() {
        println!("  {} {} ({})", call.name, call.target, call.thread);
    }
}

#[cfg(test)]
mod tests {
    use super::{Point, sample};

    #[test]
    fn a_sample_of_a_short_list_is_not_empty() {
        let points =
            |all| (1..=all).map(|nth| Point { name: "write", target: "a file".to_owned(), nth }).collect();
        let numbers = |all, every, begin| {
            sample(points(all), every, begin).into_iter().map(|point| point.nth).collect::<Vec<_>>()
        };
        assert_eq!(numbers(10, 4, 1), [10, 6, 2]);
        assert_eq!(numbers(3, 1, 7), [3, 2, 1]);
        for begin in 0..16 {
            assert_eq!(numbers(3, 16, begin).len(), 1, "from {begin}");
        }
        assert!(numbers(0, 16, 5).is_empty());
    }
}
