//! What the demonstration claims, and whether it came true.

use crate::text::{Paint, visible};
use std::fmt::Debug;
use std::io::{self, Write};

/// One claim.
struct Check {
    claim: String,
    /// What was found instead.
    failure: Option<String>,
}

/// All claims so far.
#[derive(Default)]
pub(super) struct Checks {
    checks: Vec<Check>,
}

impl Checks {
    /// Claims something that either holds or not; `found` says what was found instead.
    pub(super) fn that(&mut self, claim: &str, holds: bool, found: impl FnOnce() -> String) {
        let failure = (!holds).then(found);
        self.checks.push(Check { claim: claim.to_owned(), failure });
    }

    /// Claims that two things are the same.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a claim reads better without a reference on one of its sides"
    )]
    pub(super) fn same<A: Debug + PartialEq<B>, B: Debug>(&mut self, claim: &str, found: A, expected: B) {
        let holds = found == expected;
        self.that(claim, holds, || format!("found {found:?} where {expected:?} was expected"));
    }

    /// How many there are.
    pub(super) const fn count(&self) -> usize {
        self.checks.len()
    }

    /// How many failed.
    pub(super) fn failed(&self) -> usize {
        self.checks.iter().filter(|check| check.failure.is_some()).count()
    }

    /// Prints the list.
    pub(super) fn list(&self, paint: Paint, out: &mut impl Write) -> io::Result<()> {
        for Check { claim, failure } in &self.checks {
            match failure {
                None => writeln!(out, "  {}      {claim}", paint.good("ok"))?,
                Some(found) => {
                    writeln!(out, "  {}  {claim}", paint.bad("FAILED"))?;
                    writeln!(out, "          {}", visible(found))?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Checks;
    use crate::text::Paint;

    #[test]
    fn a_claim_that_does_not_hold_is_listed_with_what_was_found() {
        let mut checks = Checks::default();
        checks.same("one is one", 1, 1);
        checks.same("one is two", 1, 2);
        checks.that("bodies are inert", false, || "\u{1b}[31m".to_owned());
        assert_eq!((checks.count(), checks.failed()), (3, 2));
        let mut out = Vec::new();
        checks.list(Paint::plain(), &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap());
    }
}
