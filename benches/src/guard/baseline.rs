//! The committed counts, what they were made with, and how present ones compare.

use super::callgrind::{Callgrind, said};
use super::scenario::Measured;
use crate::table::number;
use serde::{Deserialize, Serialize};
use std::fmt::{self, Display, Formatter, Write};
use std::path::Path;

/// What decides how many instructions a source becomes.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Environment {
    /// The compiler's release.
    rustc: String,
    /// The target that it builds for.
    target: String,
    /// The C compiler, which makes SQLite.
    cc: String,
    /// Which instructions callgrind counts, and which processor it pretends to be.
    valgrind: String,
}

impl Environment {
    /// What is installed here.
    pub(super) fn here(callgrind: &Callgrind) -> Self {
        let rustc = said("rustc", &["-vV"]).unwrap_or_default();
        let field = |label: &str| {
            let line = rustc.lines().find_map(|line| line.strip_prefix(label));
            line.unwrap_or("unknown").trim().to_owned()
        };
        let cc = said("cc", &["--version"]).unwrap_or_default();
        Self {
            rustc: field("release:"),
            target: field("host:"),
            cc: cc.lines().next().unwrap_or("unknown").to_owned(),
            valgrind: callgrind.version().to_owned(),
        }
    }

    /// In what it is not the other one, in words.
    pub(super) fn difference(&self, here: &Self) -> Option<String> {
        let all = [
            ("rustc", &self.rustc, &here.rustc),
            ("target", &self.target, &here.target),
            ("cc", &self.cc, &here.cc),
            ("valgrind", &self.valgrind, &here.valgrind),
        ];
        let different = all.iter().filter(|(_, then, now)| then != now);
        let said: Vec<String> =
            different.map(|(what, then, now)| format!("{what} {then}, here it is {now}")).collect();
        (!said.is_empty()).then(|| said.join("; "))
    }
}

/// The file.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Baseline {
    /// What the counts were made with.
    pub(super) environment: Environment,
    /// Instructions per operation, in the order in which they are counted.
    counts: Vec<Count>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Count {
    scenario: String,
    instructions: u64,
}

impl Baseline {
    /// Of these counts.
    pub(super) fn new(environment: Environment, measured: &[Measured]) -> Self {
        let count = |measured: &Measured| Count {
            scenario: measured.name.to_owned(),
            instructions: measured.instructions,
        };
        Self { environment, counts: measured.iter().map(count).collect() }
    }

    /// Reads the file.
    pub(super) fn read(file: &Path) -> Self {
        let text = std::fs::read_to_string(file)
            .unwrap_or_else(|error| panic!("{} cannot be read: {error}", file.display()));
        serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{} is no baseline: {error}", file.display()))
    }

    /// Writes the file.
    pub(super) fn write(&self, file: &Path) {
        let text = serde_json::to_string_pretty(self).expect("counts can be written") + "\n";
        std::fs::write(file, text)
            .unwrap_or_else(|error| panic!("{} cannot be written: {error}", file.display()));
    }

    /// How these counts compare.
    pub(super) fn compare(&self, measured: &[Measured]) -> Comparison {
        let row = |measured: &Measured| {
            let before = self.counts.iter().find(|count| count.scenario == measured.name);
            Row { measured: measured.clone(), before: before.map(|count| count.instructions) }
        };
        let gone = |count: &&Count| !measured.iter().any(|measured| measured.name == count.scenario);
        let gone = self.counts.iter().filter(gone).map(|count| count.scenario.clone()).collect();
        Comparison { rows: measured.iter().map(row).collect(), gone }
    }
}

/// All counts beside the baseline's. Shown as a table.
#[derive(Debug)]
pub(super) struct Comparison {
    rows: Vec<Row>,
    /// What the baseline has and nobody counts any more.
    gone: Vec<String>,
}

#[derive(Debug)]
struct Row {
    measured: Measured,
    before: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Verdict {
    Worse,
    Same,
    Better,
    New,
}

impl Row {
    /// The change as a part of the baseline.
    fn change(&self) -> Option<f64> {
        self.before.map(|before| self.measured.instructions as f64 / before as f64 - 1.0)
    }

    fn verdict(&self) -> Verdict {
        match self.change() {
            None => Verdict::New,
            Some(change) if change > self.measured.tolerance => Verdict::Worse,
            Some(change) if change < -self.measured.tolerance => Verdict::Better,
            Some(_) => Verdict::Same,
        }
    }
}

impl Comparison {
    /// Whether something takes more than it may.
    pub(super) fn worse(&self) -> bool {
        self.rows.iter().any(|row| row.verdict() == Verdict::Worse)
    }

    /// Whether the baseline should be renewed, since it would not notice the loss of what was won.
    pub(super) fn stale(&self) -> bool {
        let stale = |row: &Row| matches!(row.verdict(), Verdict::Better | Verdict::New);
        !self.gone.is_empty() || self.rows.iter().any(stale)
    }
}

impl Display for Comparison {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        writeln!(out, "{:<44} {:>12} {:>12} {:>8}  may grow", "instructions", "baseline", "now", "change")?;
        for row in &self.rows {
            let (measured, before) = (&row.measured, row.before.map(|before| number(before as f64)));
            let change = row.change().map(|change| format!("{:+.1} %", change * 100.0));
            let said = match row.verdict() {
                Verdict::Worse => "MORE",
                Verdict::Same => "",
                Verdict::Better => "fewer",
                Verdict::New => "new",
            };
            writeln!(
                out,
                "{:<44} {:>12} {:>12} {:>8}  {:.0} %  {said}",
                measured.name,
                before.unwrap_or_default(),
                number(measured.instructions as f64),
                change.unwrap_or_default(),
                measured.tolerance * 100.0,
            )?;
        }
        self.gone.iter().try_for_each(|name| writeln!(out, "{name:<44} no longer counted"))
    }
}

/// The counts by themselves, as a table.
pub(super) fn counts(measured: &[Measured]) -> String {
    let mut out = String::new();
    for measured in measured {
        let _ = writeln!(out, "{:<44} {:>12}", measured.name, number(measured.instructions as f64));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Baseline, Environment, Measured};

    fn environment(rustc: &str) -> Environment {
        let text = |text: &str| text.to_owned();
        Environment { rustc: text(rustc), target: text("t"), cc: text("c"), valgrind: text("v") }
    }

    fn measured(name: &'static str, instructions: u64) -> Measured {
        Measured { name, tolerance: 0.05, instructions }
    }

    #[test]
    fn only_growth_beyond_the_tolerance_is_worse() {
        let baseline = Baseline::new(environment("1"), &[measured("a", 1_000)]);
        let compared = |instructions| {
            let comparison = baseline.compare(&[measured("a", instructions)]);
            (comparison.worse(), comparison.stale())
        };
        assert_eq!(compared(1_049), (false, false));
        assert_eq!(compared(1_051), (true, false));
        assert_eq!(compared(951), (false, false));
        assert_eq!(compared(949), (false, true));
    }

    #[test]
    fn what_only_one_side_has_makes_the_baseline_stale() {
        let baseline = Baseline::new(environment("1"), &[measured("a", 1)]);
        let both = baseline.compare(&[measured("a", 1), measured("b", 1)]);
        assert!(!both.worse() && both.stale());
        assert!(baseline.compare(&[]).stale());
    }

    #[test]
    fn another_compiler_is_named() {
        let difference = environment("1.94.0").difference(&environment("1.95.0"));
        assert_eq!(difference.as_deref(), Some("rustc 1.94.0, here it is 1.95.0"));
        assert_eq!(environment("1").difference(&environment("1")), None);
    }
}
