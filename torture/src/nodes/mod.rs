//! Several nodes that exchange mail while everything on and between them is broken again and again, then the verdict on
//! all that their sessions were told.
//!
//! Each node is a store with its broker, a link and sessions at work as in `run`; a real server lies between them, and
//! before each link something that cuts its connection. Ends by itself: after the last fault everything has to arrive.

mod nemesis;
mod one;
mod proxy;

use crate::checker::{self, Anomaly};
use crate::history::{Call, Fault, Op, Outcome};
use crate::report::Report;
use c2c_harness::NatsServer;
use clap::Args as ClapArgs;
use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::PathBuf;
use std::time::Duration;

/// However short a run is, there was something of each of these for the checker to judge.
const ALWAYS_JUDGED: [&str; 3] = ["acknowledged messages", "messages that crossed", "mail due on a page"];

/// Nodes that exchange mail while brokers, links and the server are killed, frozen and cut off at random, by a seed.
#[derive(Clone, Debug, ClapArgs)]
pub struct Args {
    /// The seed of all choices; a new one if left out.
    #[arg(long)]
    seed: Option<u64>,
    /// Ends after so many cuts and kills.
    #[arg(long, default_value_t = 200)]
    cuts: u64,
    /// How many nodes.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(2..=3))]
    nodes: u8,
    /// How many sessions at each node.
    #[arg(long, default_value_t = 6)]
    clients: usize,
    /// So many runs, each with the next seed, summed up in one table.
    #[arg(long, default_value_t = 1)]
    repeat: u64,
    /// Between two faults, on average, in milliseconds.
    #[arg(long, default_value_t = 400)]
    mean_ms: u64,
    /// Between two things that a client does, on average, in milliseconds.
    #[arg(long, default_value_t = 200)]
    pace_ms: u64,
    /// At most so many messages of one client at once, without waiting for the answers between them.
    #[arg(long, default_value_t = 6)]
    burst: u64,
    /// Leaves disks and clocks alone.
    #[arg(long)]
    good_disk: bool,
    /// Writes every call and fault to files that begin so, one for each node, as JSON lines.
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
        let plan = one::Plan {
            seed: first.wrapping_add(round),
            cuts: args.cuts,
            nodes: usize::from(args.nodes),
            clients: args.clients.max(3),
            mean: Duration::from_millis(args.mean_ms),
            disk: !args.good_disk,
            burst: args.burst.max(1),
            pace: Duration::from_millis(args.pace_ms),
            history: args.history.clone(),
        };
        let Some(server) = NatsServer::start(&one::NAMES[..plan.nodes]) else {
            let mut report = Report::new("torture nodes");
            report.row("skipped", "C2C_NATS_SERVER is not set; see tests/tests/link/install.sh");
            return report;
        };
        let outcome = one::run(&plan, server);
        totals.add(&outcome);
        println!("seed {}: {:.0?}, {} broken promises", plan.seed, outcome.took, totals.broken());
    }
    totals.report(first)
}

/// All runs.
#[derive(Debug, Default)]
struct Totals {
    runs: u64,
    took: Duration,
    faults: BTreeMap<Fault, u64>,
    acknowledged: u64,
    crossed: u64,
    slowest: Duration,
    not_quiet: u64,
    counts: BTreeMap<Anomaly, usize>,
    judged: BTreeMap<&'static str, u64>,
    damage: Vec<String>,
}

impl Totals {
    fn add(&mut self, one: &one::Outcome) {
        self.runs += 1;
        self.took += one.took;
        match one.quiet_after {
            Some(after) => self.slowest = self.slowest.max(after),
            None => self.not_quiet += 1,
        }
        for fault in one.damage.iter().take(12) {
            println!("damage: {fault}");
        }
        self.damage.extend(one.damage.iter().cloned());
        for (at, checker::Judged { node, verdict }) in one.judged.iter().enumerate() {
            for violation in verdict.violations.iter().take(8) {
                let shown = checker::shortest(violation, &node.premises, &node.history, &node.dump);
                println!("{}: {shown}", node.name);
            }
            for (anomaly, count) in checker::counts(&verdict.violations) {
                *self.counts.entry(anomaly).or_default() += count;
            }
            for (what, count) in &verdict.judged {
                *self.judged.entry(what).or_default() += count;
            }
            self.acknowledged += acknowledged(&node.history);
            self.crossed += verdict.judged.get("messages that crossed").copied().unwrap_or(0);
            // What was broken between the nodes is in the history of each.
            for op in node.history.iter().filter(|op| at == 0 || op.is_fault_here()) {
                self.count(op);
            }
        }
    }

    fn count(&mut self, op: &Op) {
        if let (Call::Fault { kind, .. }, Outcome::Ok) = (&op.call, op.outcome) {
            *self.faults.entry(*kind).or_default() += 1;
        }
    }

    fn broken(&self) -> usize {
        self.counts.values().sum::<usize>() + self.damage.len()
    }

    fn report(self, seed: u64) -> Report {
        let mut report = Report::new(&format!("torture nodes, seed {seed}"));
        report.row("runs", format!("{} in {:.0?}", self.runs, self.took));
        for (kind, count) in &self.faults {
            report.row(&format!("fault {kind:?}"), count);
        }
        let broken = |kind: &Fault| {
            kind.is_between_nodes() || matches!(kind, Fault::KillBroker | Fault::KillBrokerAgain)
        };
        let cuts: u64 = self.faults.iter().filter(|(kind, _)| broken(kind)).map(|(_, count)| count).sum();
        report.row("cuts and kills", cuts);
        report.row("messages acknowledged", self.acknowledged);
        report.row("messages that crossed", self.crossed);
        report.row("judged", "");
        for (what, count) in &self.judged {
            report.row(&format!("  {what}"), count);
        }
        for what in ALWAYS_JUDGED.into_iter().filter(|what| !self.judged.contains_key(what)) {
            report.promise(&format!("  {what}"), 0, false);
        }
        for (anomaly, count) in &self.counts {
            report.promise(&anomaly.to_string(), count, *count == 0);
        }
        report.promise("faults in output, links and stores", self.damage.len(), self.damage.is_empty());
        report.row("everything had arrived, at most after", format!("{:.1?}", self.slowest));
        report.promise("runs in which not everything arrived", self.not_quiet, self.not_quiet == 0);
        report
    }
}

/// Sends of a node's own sessions that were answered with an id; a repeated call for the same message counts once.
fn acknowledged(history: &[Op]) -> u64 {
    let own = history.iter().filter(|op| op.client != crate::history::FOREIGN && op.is_ok());
    let numbers: HashSet<u64> = own
        .filter_map(|op| match &op.call {
            Call::Send { n, .. } | Call::Ask { n, .. } => Some(*n),
            _ => None,
        })
        .collect();
    numbers.len() as u64
}
