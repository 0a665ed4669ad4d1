//! One run of one seed in a folder of its own.

use super::totals::Outcome;
use crate::checker::{self, Premises};
use crate::history::{Op, Recorder};
use crate::nemesis::{self, Nemesis, target};
use crate::workload::{Agent, World, abuse};
use c2c_harness::{Sandbox, Signal, alive, bin_dir, pause, signal};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// The broker that can be ordered to have a faulty disk.
const FAULTY_BROKER: &str = "c2c-torture-broker";
/// A broker that is asked to end has done so by then (promised: 2 s; a busy machine gets more).
const END_WITHIN: Duration = Duration::from_secs(8);

/// What to do.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) seed: u64,
    pub(super) shims: usize,
    pub(super) kills: Option<u64>,
    pub(super) time: Duration,
    pub(super) mean: Duration,
    pub(super) disk: bool,
    pub(super) burst: u64,
    pub(super) programs: Option<PathBuf>,
    pub(super) history: Option<PathBuf>,
}

/// Runs it, ends all processes, and judges.
pub(super) fn run(plan: &Plan) -> Outcome {
    let began = Instant::now();
    let sandbox = Sandbox::new();
    let recorder = Recorder::new(plan.history.as_deref()).expect("the history can be written");
    let (programs, disk) = programs(plan.programs.clone(), plan.disk, &sandbox);
    let world = World::new(&sandbox, recorder, plan.seed, plan.shims, programs.join("c2c-shim"), plan.burst);
    let premises = Premises { seed: plan.seed, steady: world.steady.clone() };
    let nemesis = nemesis::Plan { kills: plan.kills, time: plan.time, mean: plan.mean, disk };
    let (kills, strangers, peaks) = work(&world, nemesis);
    let output_faults =
        std::mem::take(&mut *world.output_faults.lock().unwrap_or_else(PoisonError::into_inner));
    let history = world.recorder.finish();
    let ended_within = end_broker(&sandbox);
    let dump = checker::read_store(sandbox.store());
    let (dump, mut damage) = match dump {
        Ok(dump) => (dump, Vec::new()),
        Err(error) => (checker::Dump::default(), vec![format!("the store cannot be read: {error}")]),
    };
    damage.extend(output_faults);
    let checker::Verdict { violations, judged } = checker::check(&premises, &history, &dump);
    for violation in violations.iter().take(12) {
        println!("{}", checker::shortest(violation, &premises, &history, &dump));
    }
    for fault in damage.iter().take(12) {
        println!("output: {fault}");
    }
    if !violations.is_empty() {
        keep(plan, &sandbox, &history);
    }
    Outcome {
        seed: plan.seed,
        shims: plan.shims,
        took: began.elapsed(),
        kills,
        strangers,
        peaks,
        ended_within,
        epoch: dump.epoch,
        stored: dump.messages.len() as u64,
        deliveries: dump.deliveries.len() as u64,
        recoveries: checker::recoveries(&history),
        wake_ups: checker::wake_ups(&history),
        counts: checker::counts(&violations),
        judged,
        damage,
        history,
    }
}

/// All clients, strangers and faults until the plan is fulfilled, then the clients to their end.
fn work(world: &World<'_>, plan: nemesis::Plan) -> (u64, u64, Peaks) {
    std::thread::scope(|threads| {
        let agents: Vec<_> = (0..world.clients())
            .map(|index| threads.spawn(move || Agent::new(world, u32::try_from(index).unwrap_or(0)).run()))
            .collect();
        let strangers = threads.spawn(|| abuse(world));
        let peaks = threads.spawn(|| Peaks::watch(world));
        let kills = Nemesis::new(world, plan).run();
        world.end();
        let ended = agents.into_iter().map(std::thread::ScopedJoinHandle::join);
        let panicked = ended.filter(Result::is_err).count();
        assert_eq!(panicked, 0, "clients panicked");
        (kills, strangers.join().unwrap_or(0), peaks.join().unwrap_or_default())
    })
}

/// The programs of this run, and whether their disk can be made to fail: a folder where the broker is the one that
/// obeys orders, if there is such a broker.
pub(crate) fn programs(given: Option<PathBuf>, disk: bool, sandbox: &Sandbox) -> (PathBuf, bool) {
    let given = given.unwrap_or_else(bin_dir);
    let faulty = given.join(FAULTY_BROKER);
    if !disk || !faulty.is_file() {
        return (given, false);
    }
    let folder = sandbox.folder("bin");
    let same = ["c2c-shim", "c2c-link"].map(|program| (given.join(program), program));
    for (from, to) in same.into_iter().filter(|(from, _)| from.is_file()).chain([(faulty, "c2c-broker")]) {
        let to = folder.join(to);
        if std::fs::hard_link(&from, &to).is_err() {
            std::fs::copy(&from, &to).expect("the programs can be copied");
        }
    }
    (folder, true)
}

/// Asks the broker to end, so that the store is whole; how long it took.
pub(crate) fn end_broker(sandbox: &Sandbox) -> Option<Duration> {
    let pid = target::other_broker(sandbox.paths(), None, Duration::from_secs(1))?;
    signal(pid, Signal::TERM);
    let asked = Instant::now();
    while alive(pid) {
        if asked.elapsed() > END_WITHIN {
            return None;
        }
        // Nothing but the process itself tells that it ended.
        pause(Duration::from_millis(1));
    }
    Some(asked.elapsed())
}

/// Keeps what a person needs to find out: the history, the store and the broker's log.
fn keep(plan: &Plan, sandbox: &Sandbox, history: &[Op]) {
    let folder = std::env::temp_dir().join(format!("c2c-torture-{}", plan.seed));
    let keep = || -> std::io::Result<()> {
        std::fs::create_dir_all(&folder)?;
        let lines: Vec<String> = history.iter().filter_map(|op| serde_json::to_string(op).ok()).collect();
        std::fs::write(folder.join("history.jsonl"), lines.join("\n"))?;
        std::fs::copy(sandbox.store(), folder.join("c2c.db"))?;
        std::fs::copy(&sandbox.paths().log, folder.join("broker.log"))?;
        Ok(())
    };
    match keep() {
        Ok(()) => println!("kept in {}", folder.display()),
        Err(error) => println!("not all could be kept in {}: {error}", folder.display()),
    }
}

/// The most that the broker and the store's log took.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Peaks {
    pub(super) memory_kib: u64,
    pub(super) descriptors: u64,
    pub(super) log_bytes: u64,
}

impl Peaks {
    fn watch(world: &World<'_>) -> Self {
        let mut peaks = Self::default();
        let mut log = world.sandbox.store().as_os_str().to_owned();
        log.push("-wal");
        while !world.is_over() {
            if let Some(pid) = target::broker(world.sandbox.paths()) {
                peaks.memory_kib = peaks.memory_kib.max(memory_kib(pid).unwrap_or(0));
                let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
                peaks.descriptors = peaks.descriptors.max(descriptors as u64);
            }
            let bytes = std::fs::metadata(Path::new(&log)).map_or(0, |metadata| metadata.len());
            peaks.log_bytes = peaks.log_bytes.max(bytes);
            // Now and then: peaks are wide.
            pause(Duration::from_millis(250));
        }
        peaks
    }
}

fn memory_kib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
