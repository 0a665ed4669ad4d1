//! Many shims that start at the same moment while no broker runs: exactly one broker comes of it, nobody sees an error,
//! all are connected.

use crate::history::dice::Dice;
use crate::nemesis::target;
use crate::report::Report;
use c2c_harness::{Pending, Sandbox, Shim, Signal, alive, pause, signal, stop};
use clap::Args as ClapArgs;
use serde_json::json;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::os::unix::net::UnixListener;
use std::sync::Barrier;
use std::time::{Duration, Instant};

/// From the moment when all ask to the last answer: promised; and what a busy machine gets before it counts as never.
const CONNECTED_WITHIN: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(40);
/// A broker that lost the race has gone by then.
const GONE_WITHIN: Duration = Duration::from_secs(5);
/// Threads that drive the shims: more would only wait for each other.
const DRIVERS: usize = 10;

/// Many shims at once, with no broker there: never one, killed, ended, or with a socket file that nobody listens at.
#[derive(Clone, Debug, ClapArgs)]
pub struct Args {
    /// The seed of all choices; a new one if left out.
    #[arg(long)]
    seed: Option<u64>,
    /// How often.
    #[arg(long, default_value_t = 5)]
    rounds: u64,
    /// How many shims at once.
    #[arg(long, default_value_t = 100)]
    shims: usize,
}

/// What lies there before the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    /// Nothing at all: the store has to be made as well.
    Nothing,
    /// What a killed broker left.
    Killed,
    /// What a broker left that was asked to end.
    Ended,
    /// A socket file that nobody listens at.
    StaleSocket,
}

/// What came of one round.
#[derive(Debug, Default)]
struct Round {
    /// From the moment when all asked to each one's answer.
    answers: Vec<Duration>,
    errors: Vec<String>,
    brokers: usize,
    holders: usize,
    connected: u64,
}

/// Starts them as often as asked.
#[must_use]
pub fn run(args: &Args) -> Report {
    let seed = args.seed.unwrap_or_else(|| RandomState::new().build_hasher().finish() >> 16);
    println!("seed: {seed}");
    let mut dice = Dice::of(seed);
    let mut sandbox = Sandbox::new();
    let mut rounds = Vec::new();
    for number in 0..args.rounds {
        let befores = [Before::Nothing, Before::Killed, Before::Ended, Before::StaleSocket];
        let before = befores[dice.index(befores.len())];
        if before == Before::Nothing {
            sandbox = Sandbox::new();
        }
        prepare(&sandbox, before);
        let round = one(&sandbox, args.shims, number);
        if let Some(fault) = round.fault(args.shims) {
            println!("round {number} ({before:?}): {fault}\n{}", sandbox.log());
        }
        rounds.push((before, round));
    }
    report(seed, args.shims, &rounds)
}

/// Sees to it that no broker runs, and that it looks as wanted.
fn prepare(sandbox: &Sandbox, before: Before) {
    if let Some(pid) = target::broker(sandbox.paths()) {
        if before == Before::Ended {
            signal(pid, Signal::TERM);
        } else {
            stop(pid);
        }
        let end = Instant::now() + PATIENCE;
        while alive(pid) {
            assert!(Instant::now() < end, "broker {pid} does not end");
            // Nothing but the process itself tells that it ended.
            pause(Duration::from_millis(1));
        }
    }
    if before == Before::StaleSocket {
        let socket = sandbox.paths().address.to_string();
        let _none = std::fs::remove_file(&socket);
        c2c_proto::paths::ensure_private_dir(&sandbox.paths().run_dir).expect("a run folder");
        drop(UnixListener::bind(&socket).expect("a socket file"));
    }
}

/// All shims at once; counts while they are all connected.
fn one(sandbox: &Sandbox, shims: usize, number: u64) -> Round {
    let barrier = Barrier::new(DRIVERS.min(shims));
    let drivers = DRIVERS.min(shims);
    let mut round = Round::default();
    let mut connected: Vec<Shim> = Vec::with_capacity(shims);
    std::thread::scope(|threads| {
        let barrier = &barrier;
        let handles: Vec<_> = (0..drivers)
            .map(|driver| {
                let mine = (driver..shims).step_by(drivers);
                threads.spawn(move || drive(sandbox, mine.collect(), number, barrier))
            })
            .collect();
        for handle in handles {
            let (shims, answers, errors) = handle.join().expect("no driver panics");
            connected.extend(shims);
            round.answers.extend(answers);
            round.errors.extend(errors);
        }
    });
    round.brokers = brokers_that_stay(sandbox);
    round.holders = target::lock_holders(sandbox.paths());
    // Without the one that asks. Names of the round before may be held for their holders, and are no connections.
    round.connected = sandbox.status().map_or(0, |status| status.connections - 1);
    for shim in connected {
        round.errors.extend(shim.put_away());
    }
    round
}

/// Brokers that found another one there go by themselves; how many are left when they had the time to.
fn brokers_that_stay(sandbox: &Sandbox) -> usize {
    let end = Instant::now() + GONE_WITHIN;
    loop {
        let brokers = target::brokers(sandbox.paths()).len();
        if brokers <= 1 || Instant::now() >= end {
            return brokers;
        }
        // Nothing but the processes themselves tells that they ended.
        pause(Duration::from_millis(5));
    }
}

type Driven = (Vec<Shim>, Vec<Duration>, Vec<String>);

/// Starts some of the shims, and when all are there lets them connect.
fn drive(sandbox: &Sandbox, which: Vec<usize>, number: u64, barrier: &Barrier) -> Driven {
    let mut shims: Vec<Shim> =
        which.into_iter().map(|index| sandbox.shim().name(&format!("r{number}-{index}")).spawn()).collect();
    barrier.wait();
    let asked = Instant::now();
    let mut errors = Vec::new();
    let pendings: Vec<Option<Pending>> = shims
        .iter_mut()
        .map(|shim| {
            if !shim.try_initialize(PATIENCE) {
                errors.push("no answer to initialize".to_owned());
                return None;
            }
            shim.try_start_call("heartbeat", json!({}))
        })
        .collect();
    let mut answers = Vec::new();
    for pending in pendings.into_iter().flatten() {
        match pending.response_at(PATIENCE) {
            Some((came, response))
                if response["result"]["isError"] != true && response.get("result").is_some() =>
            {
                answers.push(came.saturating_duration_since(asked));
            }
            Some((_, response)) => errors.push(response.to_string()),
            None => errors.push("no answer to a call".to_owned()),
        }
    }
    (shims, answers, errors)
}

impl Round {
    fn fault(&self, shims: usize) -> Option<String> {
        let whole = self.errors.is_empty() && self.answers.len() == shims && self.connected == shims as u64;
        let alone = self.brokers == 1 && self.holders == 1;
        (!whole || !alone).then(|| {
            let Self { brokers, holders, connected, errors, .. } = self;
            format!("{brokers} brokers, {holders} locks, {connected} connected, errors {errors:?}")
        })
    }

    fn last(&self) -> Duration {
        self.answers.iter().max().copied().unwrap_or_default()
    }
}

fn report(seed: u64, shims: usize, rounds: &[(Before, Round)]) -> Report {
    let mut report = Report::new(&format!("{shims} shims at once, seed {seed}"));
    report.row("rounds", rounds.len());
    for before in [Before::Nothing, Before::Killed, Before::Ended, Before::StaleSocket] {
        report.row(&format!("  {before:?}"), rounds.iter().filter(|(kind, _)| *kind == before).count());
    }
    let rounds: Vec<&Round> = rounds.iter().map(|(_, round)| round).collect();
    let starts: usize = rounds.iter().map(|round| round.answers.len()).sum();
    report.row("shims connected", starts);
    let broken = |holds: fn(&Round) -> bool| rounds.iter().filter(|round| !holds(round)).count();
    let not_one = broken(|round| round.brokers == 1);
    report.promise("rounds without exactly one broker", not_one, not_one == 0);
    let not_held = broken(|round| round.holders == 1);
    report.promise("rounds without exactly one lock", not_held, not_held == 0);
    let errors: usize = rounds.iter().map(|round| round.errors.len()).sum();
    report.promise("errors that a client saw", errors, errors == 0);
    let missing = rounds.iter().filter(|round| round.connected != shims as u64).count();
    report.promise("rounds with a connection missing or too many", missing, missing == 0);
    let mut last: Vec<Duration> = rounds.iter().map(|round| round.last()).collect();
    last.sort_unstable();
    let at = |per_mille: usize| {
        let place = (last.len() * per_mille).div_ceil(1_000).saturating_sub(1);
        last.get(place).copied().unwrap_or_default()
    };
    report.row("all answered within, p50", format!("{:.0?}", at(500)));
    report.row("all answered within, p99", format!("{:.0?}", at(990)));
    report.promise("all answered within, most", format!("{:.0?}", at(1_000)), at(1_000) <= CONNECTED_WITHIN);
    report
}
