//! Each entry of the shared state is one sequence of changes that fits what everybody saw.
//!
//! Versions come from one counter, so they give the order of the writes; only removals have to be fitted in between.

use super::Anomaly::{FalseSuccess, State};
use super::Findings;
use super::index::Index;
use crate::history::{Call, Done, Fault, Op, Outcome};
use std::collections::{BTreeMap, HashMap};

/// One write, with all calls that made it.
#[derive(Clone, Copy, Debug)]
struct Write {
    n: u64,
    /// Its version, if anybody knows it.
    version: i64,
    if_version: Option<i64>,
    ttl_ns: Option<u64>,
    began: u64,
    /// When it was first acknowledged; `MAX`: never.
    acked: u64,
    at: usize,
}

/// One removal, with all calls that made it.
#[derive(Clone, Copy, Debug)]
struct Removal {
    began: u64,
    /// When it was surely done; `MAX`: perhaps never.
    acked: u64,
    /// Whether it may have removed something.
    may_remove: bool,
    at: usize,
}

/// All that happened to one entry.
#[derive(Debug, Default)]
struct Register {
    /// By version.
    writes: BTreeMap<i64, Write>,
    /// Writes whose version nobody was told.
    unknown: Vec<Write>,
    /// Writes that got a version which another one has.
    twice: Vec<Write>,
    removals: Vec<Removal>,
    /// What was read: version and value, or nothing.
    reads: Vec<(usize, Option<(i64, u64)>)>,
    /// When the broker's clock was set, first and last.
    clock_set: Option<(u64, u64)>,
}

pub(super) fn check(index: &Index<'_>, found: &mut Findings) {
    let mut registers = registers(index.ops);
    counter(&registers, found);
    let jumps = || {
        let jumps =
            index.ops.iter().filter(|op| matches!(op.call, Call::Fault { kind: Fault::ClockJump, .. }));
        jumps.map(|op| (op.t_invoke, op.t_end))
    };
    let clock_set = jumps().map(|(began, _)| began).min().zip(jumps().map(|(_, ended)| ended).max());
    for (entry, register) in &mut registers {
        register.clock_set = clock_set;
        register.learn();
        register.check_reads(entry, index.ops, found);
        register.check_swaps(entry, found);
        register.check_end(entry, index, found);
    }
    conflicts(&registers, index.ops, found);
}

/// Groups all calls by entry, and repeated calls by their number.
fn registers(ops: &[Op]) -> BTreeMap<&str, Register> {
    let mut registers: BTreeMap<&str, Register> = BTreeMap::new();
    let mut writes: HashMap<u64, (&str, Write)> = HashMap::new();
    let mut removals: HashMap<u64, (&str, Removal)> = HashMap::new();
    for (at, op) in ops.iter().enumerate().filter(|(_, op)| op.may_be_done()) {
        let acked = if op.is_ok() { op.t_end } else { u64::MAX };
        match (&op.call, &op.result) {
            (Call::SetState { n, entry, if_version, ttl_ms, .. }, result) => {
                let version = if let Done::Set { version } = result { *version } else { 0 };
                let ttl_ns = ttl_ms.map(|ms| ms * 1_000_000);
                let new =
                    Write { n: *n, version, if_version: *if_version, ttl_ns, began: op.t_invoke, acked, at };
                let (_, write) = writes.entry(*n).or_insert((entry, new));
                write.acked = write.acked.min(acked);
                write.version = write.version.max(version);
            }
            (Call::DeleteState { n, entry, .. }, result) => {
                let may_remove = !matches!(result, Done::Deleted { deleted: false });
                let new = Removal { began: op.t_invoke, acked, may_remove, at };
                let (_, removal) = removals.entry(*n).or_insert((entry, new));
                removal.acked = removal.acked.min(acked);
                removal.may_remove &= may_remove;
            }
            (Call::GetState { entry, .. }, Done::Entry { found, .. }) => {
                registers.entry(entry).or_default().reads.push((at, *found));
            }
            _ => {}
        }
    }
    for (entry, write) in writes.into_values() {
        let register = registers.entry(entry).or_default();
        match write.version {
            0 => register.unknown.push(write),
            version => register.twice.extend(register.writes.insert(version, write)),
        }
    }
    for (entry, removal) in removals.into_values() {
        registers.entry(entry).or_default().removals.push(removal);
    }
    registers
}

/// Versions are one counter for all entries: none is given twice, and they follow the order of the writes.
fn counter(registers: &BTreeMap<&str, Register>, found: &mut Findings) {
    let mut writes: Vec<&Write> =
        registers.values().flat_map(|register| register.writes.values().chain(&register.twice)).collect();
    writes.sort_by_key(|write| write.version);
    for pair in writes.windows(2).filter(|pair| pair[0].version == pair[1].version) {
        let what = format!("version {} was given twice", pair[0].version);
        found.add(State, what, &[pair[0].at, pair[1].at], &[]);
    }
    let mut earliest_end: Option<&Write> = None;
    for write in writes.iter().rev() {
        if let Some(later) = earliest_end.filter(|later| later.acked < write.began) {
            let (done, began) = (later.version, write.version);
            let what = format!("version {done} was done before the call began that got {began}");
            found.add(State, what, &[later.at, write.at], &[]);
        }
        if earliest_end.is_none_or(|known| write.acked < known.acked) {
            earliest_end = Some(write);
        }
    }
}

impl Register {
    /// Writes with an unknown outcome whose version a reader saw.
    fn learn(&mut self) {
        for (_, read) in &self.reads {
            let Some((version, n)) = read else { continue };
            if let Some(place) = self.unknown.iter().position(|write| write.n == *n)
                && !self.writes.contains_key(version)
            {
                let write = self.unknown.swap_remove(place);
                self.writes.insert(*version, Write { version: *version, ..write });
            }
        }
    }

    fn check_reads(&self, entry: &str, ops: &[Op], found: &mut Findings) {
        for (at, read) in &self.reads {
            let op = &ops[*at];
            let newest = self.writes.values().rev().find(|write| write.acked < op.t_invoke);
            found.judged("reads of the state");
            match read {
                None => {
                    let Some(newest) = newest.filter(|newest| !self.may_be_gone(newest, op.t_end, i64::MAX))
                    else {
                        continue;
                    };
                    let what = format!("{entry} was version {} and is absent, unremoved", newest.version);
                    found.add(State, what, &[newest.at, *at], &[]);
                }
                Some((version, n)) => {
                    let Some(write) = self.writes.get(version).filter(|write| write.n == *n) else {
                        found.add(
                            State,
                            format!("{entry} is version {version}, which nobody wrote"),
                            &[*at],
                            &[],
                        );
                        continue;
                    };
                    if let Some(newest) = newest.filter(|newest| newest.version > *version) {
                        let what = format!("{entry} was version {} and is {version} again", newest.version);
                        found.add(State, what, &[newest.at, *at], &[]);
                    }
                    if write.began > op.t_end {
                        found.add(
                            State,
                            format!("{entry} is version {version} before it was written"),
                            &[*at],
                            &[],
                        );
                    }
                    if let Some(removal) = self.surely_removed(write, op.t_invoke) {
                        let what = format!("{entry} was removed after version {version} and is there");
                        found.add(State, what, &[write.at, removal.at, *at], &[]);
                    }
                }
            }
        }
    }

    /// Whether something may have ended this version by then and before another version, but for that one itself.
    fn may_be_gone(&self, write: &Write, by: u64, before: i64) -> bool {
        // An expiry is a time of day, so a clock that was set may bring it at once.
        let clock_set = self.clock_set.is_some_and(|(first, last)| first <= by && last >= write.began);
        let expired = write.ttl_ns.is_some_and(|ttl| clock_set || write.began + ttl <= by);
        // A write that is not known to be the newest one may have had an expiry.
        let unknown =
            self.unknown.iter().chain(self.writes.range(write.version + 1..before).map(|(_, write)| write));
        let mut others = unknown.filter(|other| other.began < by && other.ttl_ns.is_some());
        expired
            || others.next().is_some()
            || self.removals.iter().any(|one| one.may_remove && one.began < by && one.acked > write.began)
    }

    fn surely_removed(&self, write: &Write, by: u64) -> Option<&Removal> {
        self.removals.iter().find(|one| one.acked < by && one.began > write.acked && one.may_remove)
    }

    /// A write that was to follow one version followed no other.
    fn check_swaps(&self, entry: &str, found: &mut Findings) {
        for write in self.writes.values() {
            let Some(wanted) = write.if_version else { continue };
            found.judged("changes of the state that name a version");
            let before = self.writes.range(..write.version).next_back().map(|(_, before)| before);
            match before {
                Some(before) if wanted == 0 && !self.may_be_gone(before, write.acked, write.version) => {
                    let what = format!(
                        "{entry}: {} was to be the first, and {} was there",
                        write.version, before.version
                    );
                    found.add(State, what, &[before.at, write.at], &[]);
                }
                Some(before) if wanted != 0 && before.version > wanted => {
                    let what = format!(
                        "{entry}: {} was to follow {wanted}, and {} came between",
                        write.version, before.version
                    );
                    found.add(State, what, &[before.at, write.at], &[]);
                }
                _ => {}
            }
        }
    }

    fn check_end(&self, entry: &str, index: &Index<'_>, found: &mut Findings) {
        let newest = self.writes.values().rev().find(|write| write.acked < u64::MAX);
        let last = index.dump.entries.iter().find(|last| last.entry == entry);
        let Some(newest) = newest else { return };
        match last {
            None if !self.may_be_gone(newest, u64::MAX, i64::MAX) => {
                found.add(
                    State,
                    format!("{entry} was version {} and is gone", newest.version),
                    &[newest.at],
                    &[],
                );
            }
            Some(last) if last.version < newest.version => {
                let what =
                    format!("{entry} was version {} and is {} at the end", newest.version, last.version);
                found.add(FalseSuccess, what, &[newest.at], &[]);
            }
            Some(last) if last.version == newest.version && last.n != Some(newest.n) => {
                found.add(
                    State,
                    format!("{entry}: version {} has another value", last.version),
                    &[newest.at],
                    &[],
                );
            }
            _ => {}
        }
        if index.dump.last_version < newest.version {
            let what =
                format!("the counter is {}, and {} was given out", index.dump.last_version, newest.version);
            found.add(State, what, &[newest.at], &[]);
        }
    }

    /// Whether this version was the present one during the whole call.
    fn surely_present(&self, version: i64, op: &Op) -> bool {
        let Some(write) = self.writes.get(&version) else { return false };
        let others = self.writes.range(version + 1..).map(|(_, write)| write).chain(&self.unknown);
        write.acked < op.t_invoke
            && write.ttl_ns.is_none()
            && !others.into_iter().any(|other| other.began < op.t_end)
            && !self.removals.iter().any(|one| one.began < op.t_end && one.acked > write.began)
    }
}

/// Nobody is told of a conflict who assumed what was so.
fn conflicts(registers: &BTreeMap<&str, Register>, ops: &[Op], found: &mut Findings) {
    for (at, op) in ops.iter().enumerate().filter(|(_, op)| op.outcome == Outcome::Fail) {
        let (Call::SetState { entry, if_version: Some(assumed), .. }, Done::Error { code, .. }) =
            (&op.call, &op.result)
        else {
            continue;
        };
        if code == "conflict" && registers[entry.as_str()].surely_present(*assumed, op) {
            found.add(State, format!("{entry} was version {assumed}, and a conflict was told"), &[at], &[]);
        }
    }
}
