//! Programs of different versions meet: the current one, a next one with a later protocol, one that speaks nothing but
//! that, and the one before. They work together, or say which is too old and what to run.
//!
//! Owns which version meets which and what is expected of it; `build` makes the other versions.

pub mod build;
mod meet;

use crate::report::Report;
use build::{Source, Version};

/// The patch that makes the next version of this tree: version 0.3.0, which speaks protocols 1 and 2.
const NEXT: &str = "torture/versions/next.patch";
/// On top of it: protocol 2 alone.
const NEXT_ONLY: &str = "torture/versions/next-only.patch";
/// A version that was there before, which speaks the protocol of today.
const PREVIOUS: &str = "7d15c10";

/// What to run.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only build the other versions, and say where they lie
    #[arg(long)]
    build_only: bool,
}

/// The next version.
///
/// # Panics
/// If it cannot be built: that is a fault of the tree or of the patch.
#[must_use]
pub fn next() -> Version {
    build::build("next", &Source::Patched(vec![NEXT]))
        .unwrap_or_else(|error| panic!("the next version: {error}"))
}

/// The version that speaks only the next protocol.
///
/// # Panics
/// As [`next`].
#[must_use]
pub fn next_only() -> Version {
    build::build("next-only", &Source::Patched(vec![NEXT, NEXT_ONLY]))
        .unwrap_or_else(|error| panic!("the version after the next: {error}"))
}

/// The version before this one, where the history has it.
///
/// # Errors
/// Why it cannot be had.
pub fn previous() -> Result<Version, String> {
    build::build("previous", &Source::Commit(PREVIOUS))
}

/// Builds the versions and lets them meet.
#[must_use]
pub fn run(args: &Args) -> Report {
    let mut report = Report::new("versions");
    let (next, next_only, previous) = (next(), next_only(), previous());
    let known: Vec<&Version> = [&next, &next_only].into_iter().chain(previous.as_ref().ok()).collect();
    for version in &known {
        let broker = version.program("c2c-broker");
        report
            .row(&format!("built {}", version.name), format!("{} in {}", version.number(), broker.display()));
    }
    if let Err(reason) = &previous {
        c2c_harness::skipped(&format!("the previous version: {reason}"));
        report.row("skipped: the previous version", reason);
    }
    if !args.build_only {
        meet::all(&mut report, &next, &next_only, previous.as_ref().ok());
    }
    report
}

#[cfg(test)]
mod tests {
    use super::{NEXT, NEXT_ONLY, build::root};
    use std::io::Write;
    use std::process::{Command, Stdio};

    /// A change of the product may move what the next version is made from: then the patch is mended along with it.
    #[test]
    fn the_next_versions_can_still_be_made() {
        let patches = [NEXT, NEXT_ONLY].map(|patch| std::fs::read(root().join(patch)).unwrap()).concat();
        let mut git = Command::new("git");
        git.current_dir(root()).args(["apply", "--check", "-"]).stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut git = git.spawn().unwrap();
        git.stdin.take().unwrap().write_all(&patches).unwrap();
        let output = git.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
