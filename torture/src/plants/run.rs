//! Running a command to its end or to its limit, and what came of it.

use super::build::Built;
use c2c_harness::pause;
use rustix::process::{Pid, Signal, kill_process_group};
use std::fmt;
use std::fs;
use std::io::{Read, Seek};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Without it, what needs a server between nodes is skipped.
pub(super) const SERVER: &str = "C2C_NATS_SERVER";
/// What a test's executable ends with when a test failed.
const TESTS_FAILED: i32 = 101;
/// What the torture harness ends with when a promise broke.
const PROMISE_BROKEN: i32 = 1;
/// How much of what was seen is told.
const SEEN_MAX_CHARS: usize = 180;

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Passed,
    /// It found something wrong; this is what.
    Failed(String),
    /// It neither passed nor found anything; this is why.
    Unclear(String),
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => write!(out, "passed"),
            Self::Failed(seen) => write!(out, "failed: {seen}"),
            Self::Unclear(why) => write!(out, "unclear: {why}"),
        }
    }
}

/// Runs it, no longer than the limit. Nothing that it started is left.
pub(super) fn run(built: &Built, limit: Duration) -> Verdict {
    let mut said = tempfile::tempfile().expect("a temporary file");
    let ended = start(built, &said).map(|child| wait(child, limit));
    end_leftovers(&built.target);
    let mut text = String::new();
    if said.rewind().and_then(|()| said.read_to_string(&mut text)).is_err() {
        return Verdict::Unclear("what it said cannot be read".to_owned());
    }
    match ended {
        Err(error) => Verdict::Unclear(format!("{} cannot be run: {error}", built.program.display())),
        Ok(None) => Verdict::Unclear(format!("not done within {limit:?}")),
        Ok(Some(status)) if built.is_test => of_test(status, &text),
        Ok(Some(status)) => of_torture(status, &text),
    }
}

fn start(built: &Built, said: &fs::File) -> std::io::Result<Child> {
    let mut command = Command::new(&built.program);
    command.args(&built.arguments).current_dir(&built.folder).process_group(0);
    command.stdin(Stdio::null()).stdout(said.try_clone()?).stderr(said.try_clone()?);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        // Where the server is that lies between nodes.
        if name == SERVER {
            continue;
        }
        if name.starts_with("C2C_") || name.starts_with("CLAUDE_") || name == "RUST_BACKTRACE" {
            command.env_remove(name);
        }
    }
    command.spawn()
}

/// `None` if it had to be ended.
fn wait(mut child: Child, limit: Duration) -> Option<ExitStatus> {
    let end = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return Some(status);
        }
        if Instant::now() >= end {
            let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process id");
            let _gone = kill_process_group(group, Signal::KILL);
            let _reaped = child.wait();
            return None;
        }
        // Only for the next look: a process that ends announces it to nobody who also keeps a time.
        pause(Duration::from_millis(20));
    }
}

/// Brokers outlive whoever started them: those that run from our own folder are ours.
fn end_leftovers(target: &Path) {
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let runs = fs::read_link(entry.path().join("exe")).unwrap_or_default();
        if id != std::process::id() && runs.starts_with(target) {
            c2c_harness::stop(id);
        }
    }
}

fn of_test(status: ExitStatus, text: &str) -> Verdict {
    let none_ran = text.contains("test result: ok. 0 passed");
    match status.code() {
        Some(0) if none_ran => Verdict::Unclear("no test ran".to_owned()),
        Some(0) => Verdict::Passed,
        Some(TESTS_FAILED) if text.contains("test result: FAILED") => Verdict::Failed(of_panic(text)),
        _ => Verdict::Unclear(format!("it ended with {status}")),
    }
}

/// The first panic's own words.
fn of_panic(text: &str) -> String {
    let after = text.split_once("panicked at ").map_or(text, |(_, after)| after);
    let mut lines = after.lines();
    let place = lines.next().unwrap_or_default().trim_end_matches(':');
    let words: Vec<&str> = lines
        .take_while(|line| !line.starts_with("note: ") && !line.starts_with("---") && !line.is_empty())
        .map(str::trim)
        .collect();
    shortened(&format!("{} ({place})", words.join(" ")))
}

fn of_torture(status: ExitStatus, text: &str) -> Verdict {
    // The last line of a report sums up what broke.
    let broken = || text.lines().rfind(|line| line.contains("BROKEN")).unwrap_or_default().trim();
    match status.code() {
        Some(0) => Verdict::Passed,
        Some(PROMISE_BROKEN) if text.contains("BROKEN") => Verdict::Failed(shortened(broken())),
        _ => {
            let last = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
            Verdict::Unclear(format!("it ended with {status}: {}", shortened(last)))
        }
    }
}

fn shortened(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.chars().count() <= SEEN_MAX_CHARS {
        return words;
    }
    words.chars().take(SEEN_MAX_CHARS).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::of_panic;

    #[test]
    fn what_a_test_saw_is_told_in_its_own_words() {
        let text = "running 1 test\ntest x ... FAILED\n\nthread 'x' (12) panicked at tests/tests/x.rs:7:5:\n\
                    assertion `left == right` failed: each once\n  left: 1\n right: 2\nnote: run with …\n";
        assert_eq!(
            of_panic(text),
            "assertion `left == right` failed: each once left: 1 right: 2 (tests/tests/x.rs:7:5)"
        );
    }
}
