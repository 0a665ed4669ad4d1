//! What a run measured, as rows of its report.

use super::GAP_MAX;
use super::clients::Crowd;
use super::ledger::Ledger;
use super::replace::Kind;
use crate::report::Report;
use std::collections::BTreeMap;
use std::time::Duration;

/// Faults that are named; more are counted.
const NAMED: usize = 5;

/// The figures of all rounds.
pub(crate) struct Figures {
    crowd: Crowd,
    rounds: u32,
    kinds: BTreeMap<Kind, Vec<Duration>>,
    gaps: Vec<Duration>,
    waits: Vec<Duration>,
    calls: Vec<Duration>,
}

impl Figures {
    pub(crate) fn new(crowd: Crowd, rounds: u32) -> Self {
        let (kinds, gaps, waits, calls) = (BTreeMap::new(), Vec::new(), Vec::new(), Vec::new());
        Self { crowd, rounds, kinds, gaps, waits, calls }
    }

    /// One replacement: how long no broker answered, the longest time from what was waited for to the end of the
    /// wait, and the longest call that does not wait.
    pub(crate) fn round(&mut self, kind: Kind, gap: Duration, wait: Duration, call: Duration) {
        self.kinds.entry(kind).or_default().push(gap);
        self.gaps.push(gap);
        self.waits.push(wait);
        self.calls.push(call);
        eprintln!(
            "round {}: {}: gap {} ms, woken within {} ms, longest call {} ms",
            self.gaps.len(),
            kind.name(),
            gap.as_millis(),
            wait.as_millis(),
            call.as_millis()
        );
    }

    pub(crate) fn write(mut self, report: &mut Report, ledger: &Ledger) {
        let (lost, faults, totals) = ledger.close();
        report.promise("replaced", self.gaps.len(), self.gaps.len() == self.rounds as usize);
        report.row("waiting sessions", self.crowd);
        for (kind, gaps) in &mut self.kinds {
            report.row(kind.name(), format!("{} times, gap {}", gaps.len(), spread(gaps)));
        }
        for (name, times) in [
            ("gap: last answer of the old to first of the new", &mut self.gaps),
            ("longest call of a round", &mut self.calls),
            ("what was waited for to the end of the wait, longest of a round", &mut self.waits),
        ] {
            let longest = times.iter().max().copied().unwrap_or_default();
            report.promise(name, spread(times), longest <= GAP_MAX);
        }
        report.row("calls that do not wait", totals.calls);
        report.row("messages acknowledged", totals.sent);
        report.row("deliveries due and come", format!("{} and {}", totals.due, totals.came));
        report.promise("lost", named(&lost), lost.is_empty());
        report.promise("twice, errors, other faults", named(&faults), faults.is_empty());
    }
}

fn named(what: &[String]) -> String {
    if what.is_empty() {
        return "0".to_owned();
    }
    format!("{}: {}", what.len(), what[..what.len().min(NAMED)].join("; "))
}

/// Median, 99th percentile and maximum.
fn spread(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let at = |percent: usize| {
        let place = (times.len() * percent).div_ceil(100).saturating_sub(1);
        times.get(place).copied().unwrap_or_default().as_millis()
    };
    format!("p50 {} ms, p99 {} ms, max {} ms", at(50), at(99), at(100))
}

#[cfg(test)]
mod tests {
    use super::spread;
    use std::time::Duration;

    #[test]
    fn percentiles_of_many_and_of_none() {
        let mut times: Vec<Duration> = (1..=200).rev().map(Duration::from_millis).collect();
        assert_eq!(spread(&mut times), "p50 100 ms, p99 198 ms, max 200 ms");
        assert_eq!(spread(&mut times[..1]), "p50 1 ms, p99 1 ms, max 1 ms");
        assert_eq!(spread(&mut []), "p50 0 ms, p99 0 ms, max 0 ms");
    }
}
