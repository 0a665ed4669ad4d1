//! One cut: a new disk, a broker, clients, the cut in some phase of the broker's life, and the look at what is left.

use super::disk::Disk;
use super::running::Running;
use crate::power::check::{Checker, Violation};
use crate::power::client::Run;
use crate::power::history;
use crate::power::opened::{self, Dump};
use crate::power::workload::{self, Plan};
use crate::vfs::now;
use crate::vfs::rig::order;
use c2c_harness::{PATIENCE, Sandbox, Seed, look, pause};
use c2c_proto::paths::StorePaths;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// When the cut comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// While the broker makes the store and begins.
    Beginning,
    /// Under load.
    Load,
    /// Under load, after another broker was killed under load.
    AfterKill,
    /// Under load, after another broker ended in peace.
    AfterEnd,
    /// While the broker ends: it finishes commits and folds the log into the store.
    Ending,
}

impl Phase {
    pub(super) const ALL: [Self; 5] =
        [Self::Load, Self::Beginning, Self::AfterKill, Self::Ending, Self::AfterEnd];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Beginning => "while it begins",
            Self::Load => "under load",
            Self::AfterKill => "under load, after a kill",
            Self::AfterEnd => "under load, after a restart",
            Self::Ending => "while it ends",
        }
    }

    /// How long after the phase's event the cut may come.
    const fn micros(self) -> u64 {
        match self {
            Self::Beginning => 20_000,
            Self::Ending => 30_000,
            _ => 5_000,
        }
    }
}

/// What kind of round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round {
    pub(super) seed: u64,
    pub(super) phase: Phase,
    pub(super) options: &'static str,
    pub(super) lie: bool,
    pub(super) normal: bool,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) calls: usize,
    pub(super) messages: usize,
    /// Calls that were acknowledged when the cut had begun. A flush that is under way then is answered by the file
    /// system as done, whether or not it was, as a plain write and flush without any database shows as well.
    pub(super) late: usize,
    pub(super) store_was_there: bool,
    pub(super) violations: Vec<Violation>,
}

impl Round {
    pub(super) fn run(&self) -> Result<Told, String> {
        let mut disk = Disk::new(self.options)?;
        let sandbox = Sandbox::new();
        let mut choose = Seed::of(self.seed);
        let paths = self.prepare(&disk, &mut choose)?;
        let plan = Plan {
            seed: self.seed,
            paths: paths.clone(),
            clients: 5,
            shims: 0,
            shim: None,
            calls: usize::MAX,
            body_bytes: 2_000,
        };
        let run = Run::default();
        let mut broker = None;
        let mut outcome = Err("the clients never began".to_owned());
        let history = workload::run(&sandbox, &plan, &run, || {
            outcome = self
                .work(&sandbox, &paths, &run, &mut broker, &mut choose)
                // The moment itself is what is tested: any will do.
                .map(|()| pause(Duration::from_micros(choose.number() % self.phase.micros())))
                .and_then(|()| {
                    let begun = now();
                    disk.cut().map(|()| (begun, now()))
                });
            run.over.store(true, Ordering::Release);
        });
        let (begun, over) = outcome?;
        drop(broker);
        disk.mount_again()?;
        let store_was_there = paths.store.exists();
        let left = disk.copy()?;
        let violations = match look_again(&sandbox, &paths) {
            Err(error) => vec![Violation { kind: "refused or damaged", what: error }],
            Ok(dump) => Checker::new(&history).check_between(&dump, begun, over),
        };
        if !violations.is_empty() {
            println!("{}: what the cut left is kept in {}", self.options, left.keep().display());
        }
        let before = || history.calls.iter().filter(|call| call.acknowledged_by(begun));
        let messages = before().filter(|call| matches!(call.told, history::Told::Sent { .. })).count();
        let late = history.acknowledged() - before().count();
        Ok(Told { calls: before().count(), messages, late, store_was_there, violations })
    }

    /// The store's place: in half of the rounds in a folder that the broker has to make first.
    fn prepare(&self, disk: &Disk, choose: &mut Seed) -> Result<StorePaths, String> {
        let text = |error: std::io::Error| error.to_string();
        let mut folder = disk.root();
        if choose.below(2) == 0 {
            folder.push("made");
        }
        let paths = StorePaths::of_store(&folder.join("c2c.db")).map_err(|error| error.to_string())?;
        if self.normal || self.lie {
            std::fs::create_dir_all(&folder).map_err(text)?;
        }
        if self.normal {
            std::fs::write(&paths.config, "durability = \"normal\"\n").map_err(text)?;
        }
        if self.lie {
            order(&folder, "sync lie");
        }
        disk.flush()?;
        Ok(paths)
    }

    /// Lets the clients work until the event of the phase.
    fn work(
        &self,
        sandbox: &Sandbox,
        paths: &StorePaths,
        run: &Run,
        broker: &mut Option<Running>,
        choose: &mut Seed,
    ) -> Result<(), String> {
        let program = if self.lie { "c2c-torture-broker" } else { "c2c-broker" };
        let start = || Running::start(program, sandbox, paths);
        let more = |number: usize| {
            let wanted = run.acknowledged.load(Ordering::Acquire) + number;
            let enough = || run.acknowledged.load(Ordering::Acquire) >= wanted;
            let got_on = look(PATIENCE, || enough().then_some(()));
            got_on.ok_or_else(|| "the clients did not get on".to_owned())
        };
        let first = broker.insert(start()?);
        match self.phase {
            Phase::Beginning => return until_named(paths, choose.below(3)),
            Phase::Load => return more(1 + choose.below(300)),
            Phase::Ending => {
                more(1 + choose.below(200))?;
                first.terminate();
                return Ok(());
            }
            Phase::AfterKill => more(1 + choose.below(80))?,
            Phase::AfterEnd => {
                more(1 + choose.below(80))?;
                first.end()?;
            }
        }
        // Dropped is killed: never two at once.
        drop(broker.take());
        *broker = Some(start()?);
        more(1 + choose.below(60))
    }
}

/// Waits for a step in the making of a store: none, its temporary name, or its name.
fn until_named(paths: &StorePaths, step: usize) -> Result<(), String> {
    let folder = paths.store.parent().ok_or("a store lies in a folder")?;
    let wanted = ["", "c2c.db.new-", "c2c.db"][step];
    // The temporary name is there for a moment; who looks too late finds the last one.
    let is_wanted = |name: &str| name == "c2c.db" || step == 1 && name.starts_with(wanted);
    let there = || {
        let names = std::fs::read_dir(folder).ok()?;
        names.flatten().any(|entry| entry.file_name().to_str().is_some_and(is_wanted)).then_some(())
    };
    if step == 0 {
        return Ok(());
    }
    look(PATIENCE, there).ok_or_else(|| "the broker did not make a store".to_owned())
}

/// Starts the real broker on what is left, then reads what it holds.
fn look_again(sandbox: &Sandbox, paths: &StorePaths) -> Result<Dump, String> {
    let mut broker = Running::start("c2c-broker", sandbox, paths)?;
    broker.until_listening(paths)?;
    broker.end()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(opened::open(paths)).map(|texts| texts.read())
}
