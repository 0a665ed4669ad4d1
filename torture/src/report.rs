//! What a run says at its end: one table of what was done and what was found.

use std::fmt::{Display, Formatter, Result};

/// Rows of a name and a value, in the order in which they were added, and whether all that was promised held.
#[derive(Debug, Default)]
pub struct Report {
    title: String,
    rows: Vec<(String, String)>,
    broken: Vec<String>,
}

impl Report {
    /// An empty one under this title.
    #[must_use]
    pub fn new(title: &str) -> Self {
        Self { title: title.to_owned(), ..Self::default() }
    }

    /// Says what was counted or measured.
    pub fn row(&mut self, name: &str, value: impl Display) {
        self.rows.push((name.to_owned(), value.to_string()));
    }

    /// Says what was promised, and fails the run if it does not hold.
    pub fn promise(&mut self, name: &str, value: impl Display, holds: bool) {
        let value = value.to_string();
        if !holds {
            self.broken.push(format!("{name}: {value}"));
        }
        self.row(name, format!("{value}{}", if holds { "" } else { "   <- BROKEN" }));
    }

    /// Whether all that was promised held.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.broken.is_empty()
    }
}

impl Display for Report {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        let width = self.rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        writeln!(out, "{}", self.title)?;
        for (name, value) in &self.rows {
            writeln!(out, "  {name:<width$}  {value}")?;
        }
        match self.broken.len() {
            0 => writeln!(out, "  all promises held"),
            number => writeln!(out, "  BROKEN: {number} ({})", self.broken.join("; ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Report;

    #[test]
    fn a_broken_promise_fails_the_run_and_is_named() {
        let mut report = Report::new("kills");
        report.row("cycles", 3);
        report.promise("lost", 0, true);
        assert!(report.holds());
        report.promise("duplicated", 1, false);
        assert!(!report.holds());
        let text = report.to_string();
        assert!(text.contains("duplicated") && text.contains("BROKEN: 1 (duplicated: 1)"), "{text}");
    }
}
