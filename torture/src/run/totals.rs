//! What one run came to, and what all runs together came to.

use super::one::Peaks;
use crate::checker::{Anomaly, Recoveries};
use crate::history::{Call, Done, Fault, Op};
use crate::report::Report;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

/// From a kill of the broker to the next answer: promised for 99 of 100, and for all.
const RECOVERY_P99_NS: u64 = 500_000_000;
const RECOVERY_MAX_NS: u64 = 2_000_000_000;
/// On a machine that does other work nothing is promised, but this.
const SLOW_RECOVERY_NS: u64 = 10_000_000_000;
/// Far above what a broker of fifty sessions needs, far below what a machine has.
const MEMORY_MAX_KIB: u64 = 400 * 1024;
/// The store's log is folded under load beyond 64 MiB; one batch more may be on top.
const LOG_MAX_BYTES: u64 = 96 * 1024 * 1024;

/// However short a run is, there was something of each of these for the checker to judge.
const ALWAYS_JUDGED: [&str; 12] = [
    "acknowledged messages",
    "sends after acknowledged sends",
    "messages shown",
    "mail due on a page",
    "mail shown as unread",
    "marks",
    "receipts",
    "broadcasts",
    "waits with mail due",
    "calls made again",
    "keys used for another message",
    "reads of the state",
];

/// One run.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) seed: u64,
    pub(super) shims: usize,
    pub(super) took: Duration,
    pub(super) kills: u64,
    pub(super) strangers: u64,
    pub(super) peaks: Peaks,
    pub(super) ended_within: Option<Duration>,
    pub(super) epoch: u64,
    pub(super) stored: u64,
    pub(super) deliveries: u64,
    pub(super) recoveries: Recoveries,
    pub(super) wake_ups: Vec<u64>,
    pub(super) counts: BTreeMap<Anomaly, usize>,
    pub(super) judged: BTreeMap<&'static str, u64>,
    pub(super) damage: Vec<String>,
    pub(super) history: Vec<Op>,
}

impl Outcome {
    /// One line about it.
    pub(super) fn line(&self) -> String {
        let Self { seed, shims, took, kills, stored, .. } = self;
        let (acknowledged, broken) = (acknowledged(&self.history), self.counts.values().sum::<usize>());
        format!(
            "seed {seed}: {shims} shims, {took:.0?}, {kills} kills, {acknowledged} acknowledged, {stored} stored, {broken} broken promises"
        )
    }
}

/// All runs.
#[derive(Debug, Default)]
pub(super) struct Totals {
    runs: u64,
    shims: Vec<usize>,
    took: Duration,
    calls: BTreeMap<&'static str, [u64; 3]>,
    errors: BTreeMap<String, u64>,
    faults: BTreeMap<Fault, [u64; 3]>,
    acknowledged: u64,
    stored: u64,
    deliveries: u64,
    kills: u64,
    strangers: u64,
    starts: u64,
    memory_kib: u64,
    descriptors: u64,
    log_bytes: u64,
    recoveries: Vec<u64>,
    longest: u64,
    wake_ups: Vec<u64>,
    slowest_end: Duration,
    not_ended: u64,
    counts: BTreeMap<Anomaly, usize>,
    judged: BTreeMap<&'static str, u64>,
    damage: usize,
}

impl Totals {
    pub(super) fn add(&mut self, one: &Outcome) {
        self.runs += 1;
        self.shims.push(one.shims);
        self.took += one.took;
        for op in &one.history {
            self.count(op);
        }
        self.acknowledged += acknowledged(&one.history);
        self.stored += one.stored;
        self.deliveries += one.deliveries;
        self.kills += one.kills;
        self.strangers += one.strangers;
        self.starts += one.epoch;
        self.memory_kib = self.memory_kib.max(one.peaks.memory_kib);
        self.descriptors = self.descriptors.max(one.peaks.descriptors);
        self.log_bytes = self.log_bytes.max(one.peaks.log_bytes);
        self.recoveries.extend(&one.recoveries.after_kills);
        self.longest = self.longest.max(one.recoveries.longest);
        self.wake_ups.extend(&one.wake_ups);
        self.slowest_end = self.slowest_end.max(one.ended_within.unwrap_or_default());
        self.not_ended += u64::from(one.ended_within.is_none());
        for (anomaly, count) in &one.counts {
            *self.counts.entry(*anomaly).or_default() += count;
        }
        for (what, count) in &one.judged {
            *self.judged.entry(what).or_default() += count;
        }
        self.damage += one.damage.len();
    }

    fn count(&mut self, op: &Op) {
        let place = op.outcome as usize;
        if let Done::Error { code, .. } = &op.result {
            *self.errors.entry(code.clone()).or_default() += 1;
        }
        match &op.call {
            Call::Fault { kind, .. } => self.faults.entry(*kind).or_default()[place] += 1,
            _ => self.calls.entry(op.kind()).or_default()[place] += 1,
        }
    }

    pub(super) fn report(mut self, seed: u64, timed: bool) -> Report {
        self.recoveries.sort_unstable();
        self.wake_ups.sort_unstable();
        let mut report = Report::new(&format!("torture run, seed {seed}"));
        report.row("runs", format!("{} in {:.0?}, shims {:?}", self.runs, self.took, self.shims));
        report.row("calls (ok / failed / unknown)", "");
        for (kind, [ok, failed, unknown]) in &self.calls {
            report.row(&format!("  {kind}"), format!("{ok} / {failed} / {unknown}"));
        }
        report.row("errors", listed(&self.errors));
        for (kind, [done, failed, _]) in &self.faults {
            report.row(
                &format!("fault {kind:?}"),
                format!(
                    "{done}{}",
                    if *failed > 0 { format!(", {failed} not as promised") } else { String::new() }
                ),
            );
        }
        report.row("strangers at the socket", self.strangers);
        report.row("kills of the broker", self.kills);
        report.row("brokers that opened the store", self.starts);
        report.row("messages acknowledged", self.acknowledged);
        report.row("messages stored, deliveries", format!("{}, {}", self.stored, self.deliveries));
        self.what_was_judged(&mut report);
        self.promises(&mut report);
        self.times(&mut report, timed);
        report
    }

    /// A run that had nothing to judge would find nothing.
    fn what_was_judged(&self, report: &mut Report) {
        report.row("judged", "");
        for (what, count) in &self.judged {
            report.row(&format!("  {what}"), count);
        }
        for what in ALWAYS_JUDGED.into_iter().filter(|what| !self.judged.contains_key(what)) {
            report.promise(&format!("  {what}"), 0, false);
        }
    }

    fn promises(&self, report: &mut Report) {
        for (anomaly, count) in &self.counts {
            report.promise(&anomaly.to_string(), count, *count == 0);
        }
        report.promise("faults in output and store", self.damage, self.damage == 0);
        for (kind, what) in [
            (Fault::SecondBroker, "second brokers that did not give way"),
            (Fault::EndBroker, "brokers that did not end when asked"),
        ] {
            let failed = self.faults.get(&kind).map_or(0, |[_, failed, _]| *failed);
            report.promise(what, failed, failed == 0);
        }
        report.row("end of the last broker", format!("{:.0?}", self.slowest_end));
        report.promise("last brokers that did not end", self.not_ended, self.not_ended == 0);
        report.promise("memory of a broker, KiB", self.memory_kib, self.memory_kib <= MEMORY_MAX_KIB);
        report.promise("descriptors of a broker", self.descriptors, self.descriptors <= 1_000);
        report.promise("bytes of the store's log", self.log_bytes, self.log_bytes <= LOG_MAX_BYTES);
    }

    fn times(&self, report: &mut Report, timed: bool) {
        let recoveries = &self.recoveries;
        report.row("recovery after a kill, p50", ms(at(recoveries, 500)));
        report.promise(
            "recovery after a kill, p99",
            ms(at(recoveries, 990)),
            at(recoveries, 990) <= if timed { RECOVERY_P99_NS } else { SLOW_RECOVERY_NS },
        );
        report.promise(
            "recovery after a kill, most",
            ms(at(recoveries, 1_000)),
            at(recoveries, 1_000) <= if timed { RECOVERY_MAX_NS } else { SLOW_RECOVERY_NS },
        );
        report.row("recoveries measured", recoveries.len());
        report.row("longest time without an answer", ms(self.longest));
        let wakes = &self.wake_ups;
        report.row(
            "wake-up without faults, p50 p99 most",
            format!(
                "{} {} {} of {}",
                ms(at(wakes, 500)),
                ms(at(wakes, 990)),
                ms(at(wakes, 1_000)),
                wakes.len()
            ),
        );
    }
}

/// Sends that were answered with an id; a repeated call for the same message counts once.
fn acknowledged(history: &[Op]) -> u64 {
    let ids: std::collections::HashSet<u64> = history
        .iter()
        .filter(|op| matches!(op.result, Done::Sent { .. } | Done::Asked { .. }))
        .filter_map(|op| match &op.call {
            Call::Send { n, .. } | Call::Ask { n, .. } => Some(*n),
            _ => None,
        })
        .collect();
    ids.len() as u64
}

/// The value that so many of a thousand do not exceed.
fn at(sorted: &[u64], per_mille: usize) -> u64 {
    let place = (sorted.len() * per_mille).div_ceil(1_000);
    sorted.get(place.saturating_sub(1)).copied().unwrap_or(0)
}

fn ms(ns: u64) -> String {
    format!("{} ms", ns / 1_000_000)
}

fn listed(counts: &BTreeMap<String, u64>) -> String {
    counts.iter().fold(String::new(), |mut text, (name, count)| {
        let _ = write!(text, "{}{name} {count}", if text.is_empty() { "" } else { ", " });
        text
    })
}
