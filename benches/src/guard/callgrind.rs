//! Programs under valgrind's callgrind, and how many instructions they have executed.

use c2c_harness::{PATIENCE, look};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Where valgrind's files begin in their folder.
const COUNTS: &str = "counts";
const PIPES: &str = "pipe";
/// What the last mark wrote.
const LAST: &str = "last";

/// A valgrind that works here.
#[derive(Debug)]
pub(super) struct Callgrind {
    version: String,
    keep: Option<PathBuf>,
}

impl Callgrind {
    /// Finds it, or says what is missing. `keep`: a folder for what is to be looked at with `callgrind_annotate`.
    pub(super) fn find(keep: Option<&Path>) -> Result<Self, String> {
        if !cfg!(target_os = "linux") {
            return Err("this counts on Linux only".to_owned());
        }
        let version = said("valgrind", &["--version"]).ok_or("there is no valgrind")?;
        said("vgdb", &["--help"]).ok_or("there is a valgrind without vgdb")?;
        let callgrind = Self { version, keep: keep.map(Path::to_owned) };
        callgrind.counts_can_be_had()?;
        Ok(callgrind)
    }

    /// As it calls itself: `valgrind-3.19.0`.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// For one process that is to be counted.
    pub(super) fn counter(&self) -> Counter {
        Counter { folder: tempfile::tempdir().expect("a folder"), keep: self.keep.clone() }
    }

    /// A process is asked over a pipe and, while it sleeps, stopped like by a debugger, which a system may forbid.
    fn counts_can_be_had(&self) -> Result<(), String> {
        let counter = self.counter();
        let mut command = counter.under(&Command::new("cat"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("valgrind does not start: {error}"))?;
        let started = || counter.pipes_exist(child.id()).then_some(());
        let counted = match look(PATIENCE, started) {
            Some(()) => counter.try_mark(child.id()).map(|_count| ()),
            None => Err("valgrind does not begin".to_owned()),
        };
        let _gone = child.kill();
        let _reaped = child.wait();
        counted
    }
}

/// Counts what one process does.
#[derive(Debug)]
pub(super) struct Counter {
    folder: TempDir,
    keep: Option<PathBuf>,
}

impl Counter {
    /// The same program with the same arguments, environment and folder under callgrind. Its stdin and stdout are the
    /// caller's to set.
    pub(super) fn under(&self, command: &Command) -> Command {
        let mut under = Command::new("valgrind");
        under.args(["-q", "--tool=callgrind", "--fair-sched=yes"]);
        under.arg(self.option("callgrind-out-file", COUNTS)).arg(self.option("vgdb-prefix", PIPES));
        under.arg(self.option("log-file", "log"));
        under.arg("--").arg(command.get_program()).args(command.get_args());
        under.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        under.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        if let Some(folder) = command.get_current_dir() {
            under.current_dir(folder);
        }
        under.stderr(Stdio::null());
        under
    }

    /// How many instructions the process has executed since the last mark, or its start.
    ///
    /// # Panics
    /// If it does not say.
    pub(super) fn mark(&self, process: u32) -> u64 {
        self.try_mark(process).unwrap_or_else(|reason| panic!("{reason}"))
    }

    fn try_mark(&self, process: u32) -> Result<u64, String> {
        let mut asking = Command::new("vgdb")
            .arg(self.option("vgdb-prefix", PIPES))
            // How long it may take to notice by itself that it is asked, before it is stopped for that.
            .arg("--max-invoke-ms=1")
            .arg(format!("--pid={process}"))
            .arg("dump")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("vgdb does not start: {error}"))?;
        let status = look(PATIENCE, || asking.try_wait().expect("a child can be waited for"));
        if !status.is_some_and(|status| status.success()) {
            let _gone = asking.kill();
            let _reaped = asking.wait();
            return Err("valgrind does not say its counts; may a process be debugged here?".to_owned());
        }
        let dumps: Vec<PathBuf> = self.files().filter(|path| dump_number(path).is_some()).collect();
        let last = dumps.iter().max_by_key(|path| dump_number(path)).ok_or("valgrind wrote no counts")?;
        let text = fs::read_to_string(last).expect("the folder can be read");
        fs::rename(last, self.folder.path().join(LAST)).expect("the folder is this program's");
        total(&text).ok_or_else(|| "valgrind wrote no total".to_owned())
    }

    /// Keeps what the last mark wrote under this name, if such files are wanted: which functions took how much.
    pub(super) fn keep(&self, name: &str) {
        if let Some(folder) = &self.keep {
            let name = name.replace(|char: char| !char.is_ascii_alphanumeric(), "-");
            fs::copy(self.folder.path().join(LAST), folder.join(name + ".callgrind"))
                .unwrap_or_else(|error| panic!("{} cannot be written: {error}", folder.display()));
        }
    }

    fn option(&self, name: &str, file: &str) -> String {
        format!("--{name}={}", self.folder.path().join(file).display())
    }

    fn pipes_exist(&self, process: u32) -> bool {
        let from = format!("{PIPES}-from-vgdb-to-{process}-");
        self.files()
            .any(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&from)))
    }

    fn files(&self) -> impl Iterator<Item = PathBuf> {
        let entries = fs::read_dir(self.folder.path()).expect("the folder can be read");
        entries.filter_map(|entry| Some(entry.ok()?.path()))
    }
}

/// Of `counts.12` the 12.
fn dump_number(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    name.strip_prefix(COUNTS)?.strip_prefix('.')?.parse().ok()
}

/// The sum at the end of a file of counts.
fn total(text: &str) -> Option<u64> {
    text.lines()
        .rev()
        .find_map(|line| line.strip_prefix("totals:"))
        .and_then(|count| count.trim().parse().ok())
}

/// What a program says on its stdout, if it is there.
pub(super) fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::{dump_number, total};
    use std::path::Path;

    #[test]
    fn the_total_stands_at_the_end() {
        assert_eq!(total("events: Ir\nfn=(1)\n3 4\n\ntotals: 17179320\n"), Some(17_179_320));
        assert_eq!(total("events: Ir\n"), None);
    }

    #[test]
    fn only_dumps_have_numbers() {
        let numbers = ["/t/counts.12", "/t/counts", "/t/log", "/t/counts.a"].map(Path::new).map(dump_number);
        assert_eq!(numbers, [Some(12), None, None, None]);
    }
}
