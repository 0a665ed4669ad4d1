//! Each fault by itself.

use super::{Nemesis, target};
use crate::checker::read_store;
use crate::history::{Fault, Outcome};
use c2c_harness::{Broker, Signal, alive, pause, signal, stop};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// So many of a thousand kills are looked into: each look takes as long as the store is large.
const LOOKS_PER_MILLE: u64 = 120;
/// Longer than the last thread of a killed process takes to end; shorter than a new one takes to start.
const GIVEN_BACK_WITHIN: Duration = Duration::from_millis(20);
/// A broker that was killed has a successor within this time, or none of the clients can start one.
const SUCCESSOR_WITHIN: Duration = Duration::from_secs(10);
/// A broker that is asked to end has done so by then (promised: 2 s; a busy machine gets more).
const END_WITHIN: Duration = Duration::from_secs(8);
/// A second broker sees by then that it is not needed.
const GIVES_UP_WITHIN: Duration = Duration::from_secs(10);

impl Nemesis<'_> {
    /// Kills the broker; now and then the next one as well, within moments of its start.
    pub(super) fn kill_broker(&mut self) {
        let killed = self.kill_one(None, Fault::KillBroker);
        let mut last = killed;
        while last.is_some() && self.dice.per_mille(150) {
            let moment = Duration::from_micros(self.dice.below(50_000));
            let Some(next) = target::other_broker(self.world.sandbox.paths(), last, SUCCESSOR_WITHIN) else {
                return;
            };
            // A moment of its own in the next broker's start.
            pause(moment);
            last = self.kill_one(Some(next), Fault::KillBrokerAgain);
        }
    }

    fn kill_one(&mut self, which: Option<u32>, kind: Fault) -> Option<u32> {
        let paths = self.world.sandbox.paths();
        let pid = which.or_else(|| target::other_broker(paths, None, SUCCESSOR_WITHIN));
        let began = self.world.recorder.now();
        let Some(pid) = pid else {
            self.note(began, kind, Outcome::Fail, "there is no broker".to_owned());
            return None;
        };
        stop(pid);
        self.kills += 1;
        self.note(began, kind, Outcome::Ok, format!("pid {pid}"));
        if self.dice.per_mille(LOOKS_PER_MILLE) {
            self.look_at_store();
        }
        Some(pid)
    }

    /// Looks into what a kill left, before any broker has mended it: as long as the lock is held here, none opens it. If
    /// one was quicker, there is nothing to look at.
    fn look_at_store(&mut self) {
        let paths = self.world.sandbox.paths();
        let began = self.world.recorder.now();
        let Some(lock) = lock_of_the_dead(&paths.lock) else { return };
        let copy = copy_store(&paths.store, &self.world.sandbox.folder("left-by-a-kill"));
        drop(lock);
        let ended = self.world.recorder.now();
        let damage = match copy.map_err(|error| error.to_string()).and_then(|copy| read_store(&copy)) {
            Ok(dump) => dump.damage.join("; "),
            Err(error) => error,
        };
        let outcome = if damage.is_empty() { Outcome::Ok } else { Outcome::Fail };
        self.note_until(began, ended, Fault::LookAtStore, outcome, damage);
    }

    pub(super) fn kill_shim(&mut self) {
        let client = self.dice.index(self.world.clients());
        let began = self.world.recorder.now();
        let slot = self.world.processes[client].lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pid) = *slot {
            // Under the lock: its client waits for the process only after it took the number away.
            stop(pid);
            self.note(began, Fault::KillShim, Outcome::Ok, format!("client {client}"));
        }
    }

    pub(super) fn freeze_shim(&mut self) {
        let client = self.dice.index(self.world.clients());
        let time = Duration::from_millis(50 + self.dice.below(1_000));
        let began = self.world.recorder.now();
        let pid = *self.world.processes[client].lock().unwrap_or_else(PoisonError::into_inner);
        let Some(pid) = pid else { return };
        let send = |which| {
            let slot = self.world.processes[client].lock().unwrap_or_else(PoisonError::into_inner);
            if *slot == Some(pid) {
                signal(pid, which);
            }
        };
        send(Signal::STOP);
        // The freeze itself.
        pause(time);
        send(Signal::CONT);
        self.note(began, Fault::FreezeShim, Outcome::Ok, format!("client {client}"));
    }

    pub(super) fn freeze_broker(&mut self) {
        let Some(pid) = target::broker(self.world.sandbox.paths()) else { return };
        let time = Duration::from_millis(50 + self.dice.below(1_000));
        let began = self.world.recorder.now();
        signal(pid, Signal::STOP);
        // The freeze itself.
        pause(time);
        // Frozen it cannot have ended, so the number is still its own.
        signal(pid, Signal::CONT);
        self.note(began, Fault::FreezeBroker, Outcome::Ok, format!("pid {pid} for {time:?}"));
    }

    pub(super) fn remove_socket(&mut self) {
        let began = self.world.recorder.now();
        let socket = self.world.sandbox.paths().address.to_string();
        let removed = std::fs::remove_file(&socket).is_ok();
        let outcome = if removed { Outcome::Ok } else { Outcome::Fail };
        self.note(began, Fault::RemoveSocket, outcome, socket);
    }

    /// A broker that somebody starts by hand gives up as soon as it sees the other one, and touches nothing of it.
    pub(super) fn second_broker(&mut self) {
        let paths = self.world.sandbox.paths();
        // One that answers is there for good, and so is its socket.
        if self.world.sandbox.status().is_none() {
            return;
        }
        let socket = inode(Path::new(&paths.address.to_string()));
        let began = self.world.recorder.now();
        let child = Broker::command(self.world.sandbox).spawn();
        let Ok(mut child) = child else { return };
        let end = Instant::now() + GIVES_UP_WITHIN;
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break Some(status),
                _ if Instant::now() >= end => break None,
                // Nothing but the process itself tells that it ended.
                _ => pause(Duration::from_millis(2)),
            }
        };
        if status.is_none() {
            let _gone = child.kill();
            let _reaped = child.wait();
        }
        let same = socket == inode(Path::new(&paths.address.to_string()));
        let gave_up = status.is_some_and(|status| status.success());
        let outcome = if gave_up && same { Outcome::Ok } else { Outcome::Fail };
        self.note(began, Fault::SecondBroker, outcome, format!("{status:?}, socket kept: {same}"));
    }

    /// Asks the broker to end.
    pub(super) fn end_broker(&mut self) {
        let Some(pid) = target::broker(self.world.sandbox.paths()) else { return };
        let began = self.world.recorder.now();
        signal(pid, Signal::TERM);
        let asked = Instant::now();
        while alive(pid) && asked.elapsed() < END_WITHIN {
            // Nothing but the process itself tells that it ended.
            pause(Duration::from_millis(1));
        }
        let outcome = if alive(pid) { Outcome::Fail } else { Outcome::Ok };
        self.note(began, Fault::EndBroker, outcome, format!("pid {pid} in {:?}", asked.elapsed()));
    }
}

/// The lock of a broker that was killed: the last of its threads gives it back a moment after the process counts as dead.
/// `None` if another broker was quicker.
fn lock_of_the_dead(lock: &Path) -> Option<std::fs::File> {
    let file = std::fs::File::options().write(true).open(lock).ok()?;
    let end = Instant::now() + GIVEN_BACK_WITHIN;
    while file.try_lock().is_err() {
        if Instant::now() >= end {
            return None;
        }
        // The kernel tells nobody that a lock is free but those who wait for it, however long.
        pause(Duration::from_micros(200));
    }
    Some(file)
}

/// The store and its log as they lie there; not the index of the log, which a machine's restart would not leave either.
fn copy_store(store: &Path, folder: &Path) -> std::io::Result<PathBuf> {
    let copy = folder.join("c2c.db");
    for suffix in ["", "-wal"] {
        let (mut from, mut to) = (store.as_os_str().to_owned(), copy.as_os_str().to_owned());
        from.push(suffix);
        to.push(suffix);
        match std::fs::copy(&from, &to) {
            // There is no log after an orderly end.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !suffix.is_empty() => {
                let _none_either = std::fs::remove_file(&to);
            }
            copied => drop(copied?),
        }
    }
    Ok(copy)
}

fn inode(path: &Path) -> Option<u64> {
    std::fs::metadata(path).ok().map(|metadata| metadata.ino())
}
