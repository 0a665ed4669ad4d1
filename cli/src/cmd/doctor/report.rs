//! What a check found, and how that is printed. It knows none of the checks.

use crate::exit::Exit;
use crate::print::json_text;
use crate::text::{Paint, visible};
use c2c_proto::Error;
use serde_json::{Value, json};
use std::io::{self, Write};

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// As it should be.
    Ok,
    /// It rests on something that failed.
    Skipped,
    /// It works, but perhaps not as it is meant to.
    Warning,
    /// It keeps c2c from working.
    Failed,
}

impl Standing {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Skipped => "skipped",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

/// One check's result.
#[derive(Clone, Debug)]
pub(super) struct Check {
    name: &'static str,
    standing: Standing,
    says: String,
    mend: Option<String>,
}

/// One thing that is wrong.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    standing: Standing,
    says: String,
    mend: String,
}

impl Problem {
    /// It keeps c2c from working.
    pub(super) fn failed(says: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { standing: Standing::Failed, says: says.into(), mend: mend.into() }
    }

    /// It may be meant so.
    pub(super) fn warning(says: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { standing: Standing::Warning, says: says.into(), mend: mend.into() }
    }

    /// Whether it says the same.
    pub(super) fn same(&self, other: &Self) -> bool {
        self.says == other.says
    }
}

impl Check {
    /// As it should be.
    pub(super) fn ok(name: &'static str, says: impl Into<String>) -> Self {
        Self { name, standing: Standing::Ok, says: says.into(), mend: None }
    }

    /// It works, but.
    pub(super) fn warning(name: &'static str, says: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::of(name, vec![Problem::warning(says, mend)], "")
    }

    /// It does not work.
    pub(super) fn failed(name: &'static str, says: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::of(name, vec![Problem::failed(says, mend)], "")
    }

    /// It could not be looked at.
    pub(super) fn skipped(name: &'static str, why: &str) -> Self {
        Self { name, standing: Standing::Skipped, says: format!("not checked: {why}"), mend: None }
    }

    /// What c2c itself says is wrong, and what it says to do.
    pub(super) fn of_error(name: &'static str, error: &Error) -> Self {
        let hint = if error.hint.is_empty() { "see `c2c log`" } else { &error.hint };
        Self::failed(name, error.message.clone(), hint)
    }

    /// As bad as the worst of its problems; without one, as it should be.
    pub(super) fn of(name: &'static str, mut problems: Vec<Problem>, fine: impl Into<String>) -> Self {
        problems.sort_by_key(|problem| std::cmp::Reverse(problem.standing));
        let Some(worst) = problems.first() else { return Self::ok(name, fine) };
        let standing = worst.standing;
        let says: Vec<&str> = problems.iter().map(|problem| problem.says.as_str()).collect();
        let mut mends: Vec<&str> = problems.iter().map(|problem| problem.mend.as_str()).collect();
        mends.dedup();
        Self { name, standing, says: says.join("; "), mend: Some(mends.join("; ")) }
    }

    /// Whether it stands so and says this.
    #[cfg(test)]
    pub(super) fn is(&self, standing: Standing, says: &str) -> bool {
        self.standing == standing && self.says.contains(says)
    }

    fn object(&self) -> Value {
        json!({"name": self.name, "status": self.standing.word(), "says": self.says, "mend": self.mend})
    }

    fn line(&self, paint: Paint) -> String {
        let word = format!("{:<8}", self.standing.word());
        let word = match self.standing {
            Standing::Ok => paint.good(&word),
            Standing::Skipped => paint.dim(&word),
            Standing::Warning => paint.strong(&word),
            Standing::Failed => paint.bad(&word),
        };
        let mut line = format!("{word} {:<13} {}\n", self.name, visible(&self.says));
        if let Some(mend) = &self.mend {
            line.push_str(&format!("{:<22} mend: {}\n", "", visible(mend)));
        }
        line
    }
}

/// Prints all of them and what they come to.
pub(super) fn print(checks: &[Check], json: bool, quiet: bool) -> anyhow::Result<Exit> {
    let count = |standing| checks.iter().filter(|check| check.standing == standing).count();
    let (failed, warnings) = (count(Standing::Failed), count(Standing::Warning));
    let text = if json {
        let checks: Vec<Value> = checks.iter().map(Check::object).collect();
        let object = json!({"checks": checks, "failed": failed, "warnings": warnings});
        format!("{}\n", json_text(&object))
    } else {
        let paint = Paint::for_stdout();
        let shown = checks.iter().filter(|check| !quiet || check.standing != Standing::Ok);
        let mut text: String = shown.map(|check| check.line(paint)).collect();
        if !quiet || failed + warnings > 0 {
            let sum = format!("{} checks: {failed} failed, {warnings} warnings", checks.len());
            text.push_str(&if failed > 0 { paint.bad(&sum) } else { paint.good(&sum) });
            text.push('\n');
        }
        text
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(if failed > 0 { Exit::Error } else { Exit::Done })
}

#[cfg(test)]
mod tests {
    use super::{Check, Problem, Standing};
    use crate::text::Paint;

    #[test]
    fn a_check_is_as_bad_as_its_worst_problem_and_harmless_to_a_terminal() {
        let check = Check::of("x", vec![Problem::warning("a", "b"), Problem::failed("c\u{1b}", "d")], "fine");
        assert_eq!(check.standing, Standing::Failed);
        let line = check.line(Paint::plain());
        assert!(line.contains("c\\u{1b}; a") && line.contains("mend: d; b"), "{line}");
        assert_eq!(Check::of("x", Vec::new(), "fine").standing, Standing::Ok);
    }
}
