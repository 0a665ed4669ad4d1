//! What all scenarios came to together, and how much that has to be at least: a scenario that no longer does what it is
//! named for must not make a run look better.

use super::Args;
use super::enumerate::Found;
use crate::report::Report;
use std::collections::BTreeSet;

/// A full run has some 2,500.
const POINTS_MIN: u64 = 1_000;
/// Calls that a full run meets, or one of two where either will do.
const KINDS: &[&[&str]] = &[
    &["write"],
    &["pwrite"],
    &["fsync", "fdatasync"],
    &["rename"],
    &["link"],
    &["unlink"],
    &["truncate"],
    &["accept"],
];

/// See the module's first lines.
#[derive(Debug, Default)]
pub(super) struct Totals {
    points: u64,
    missed: u64,
    repeated: u64,
    kinds: BTreeSet<&'static str>,
}

impl Totals {
    pub(super) fn add(&mut self, found: &Found) {
        self.points += found.all();
        self.missed += found.missed;
        self.repeated += found.repeated;
        self.kinds.extend(found.points.keys().map(|(name, _)| *name));
    }

    pub(super) fn tell(&self, report: &mut Report, args: &Args) {
        let least = if args.is_full() { POINTS_MIN } else { 1 };
        report.promise("points", self.points, self.points >= least);
        if args.is_full() {
            let missing = self.missing();
            let all =
                if missing.is_empty() { "all".to_owned() } else { format!("none of {}", missing.join(", ")) };
            report.promise("kinds of calls that have to be met", all, missing.is_empty());
        }
        report.row("seen once and not met again", self.missed);
        report.row("runs repeated because the next call came late", self.repeated);
    }

    /// Kinds of which there was none.
    fn missing(&self) -> Vec<String> {
        let met = |kind: &&&[&str]| !kind.iter().any(|name| self.kinds.contains(name));
        KINDS.iter().filter(met).map(|kind| kind.join(" or ")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Args, enumerate::Found};
    use super::{KINDS, POINTS_MIN, Totals};
    use crate::report::Report;

    fn args() -> Args {
        Args { scenario: None, call: None, every: 1, seed: None, error: None, list: false }
    }

    /// What is said of a run that met these calls so often.
    fn told(kinds: &[&'static str], each: u64, args: &Args) -> Report {
        let points = kinds.iter().map(|name| ((*name, "a file".to_owned()), each)).collect();
        let mut totals = Totals::default();
        totals.add(&Found { points, ..Found::default() });
        let mut report = Report::new("kills");
        totals.tell(&mut report, args);
        report
    }

    #[test]
    fn a_full_run_that_shrank_or_met_no_rename_any_more_is_broken() {
        let all: Vec<&str> = KINDS.iter().map(|kind| kind[0]).collect();
        assert!(told(&all, POINTS_MIN, &args()).holds());
        let without: Vec<&str> = all.iter().copied().filter(|name| *name != "rename").collect();
        let report = told(&without, POINTS_MIN, &args());
        assert!(!report.holds());
        assert!(report.to_string().contains("none of rename"), "{report}");
        assert!(!told(&all, 10, &args()).holds(), "few points");
    }

    #[test]
    fn a_part_of_a_run_has_to_meet_anything_at_all() {
        for part in [Args { every: 16, ..args() }, Args { call: Some("unlink".to_owned()), ..args() }] {
            assert!(told(&["unlink"], 1, &part).holds());
            assert!(!told(&[], 0, &part).holds());
        }
    }
}
