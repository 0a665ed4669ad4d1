//! What the faulty disk is told to do: lines such as `sync eio`, `write enospc after=10 times=1`, `read eio file=wal`.
//!
//! A line is an operation (`read`, `write`, `sync`, `truncate`), what becomes of it, and when: `after=N` lets N of them
//! pass first, `times=N` ends it after N, `file=db|wal|journal` keeps it to one kind of file. What becomes of it: `eio`
//! and `enospc` fail without touching the disk, `lie` says that a sync was done, `kill` ends the process before it
//! (`SIGKILL`). Of several lines that fit, the first one counts. Counts begin anew whenever the file changes.

use std::path::PathBuf;
use std::time::SystemTime;

/// What is done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words say it")]
pub enum Operation {
    Read,
    Write,
    Sync,
    Truncate,
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It fails as on a broken disk.
    Eio,
    /// It fails as on a full disk.
    Enospc,
    /// It is said to be done, and is not.
    Lie,
    /// The process ends before it.
    Kill,
}

/// Which of the store's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words say it")]
pub enum FileKind {
    Db,
    Wal,
    Journal,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    operation: Operation,
    fate: Fate,
    file: Option<FileKind>,
    after: u64,
    times: u64,
}

impl Rule {
    fn parse(line: &str) -> Result<Self, String> {
        let mut words = line.split_whitespace();
        let operation = match words.next() {
            Some("read") => Operation::Read,
            Some("write") => Operation::Write,
            Some("sync") => Operation::Sync,
            Some("truncate") => Operation::Truncate,
            other => return Err(format!("{other:?} is no operation in {line:?}")),
        };
        let fate = match words.next() {
            Some("eio") => Fate::Eio,
            Some("enospc") => Fate::Enospc,
            Some("lie") if operation == Operation::Sync => Fate::Lie,
            Some("kill") => Fate::Kill,
            other => return Err(format!("{other:?} is nothing that can become of it in {line:?}")),
        };
        let mut rule = Self { operation, fate, file: None, after: 0, times: u64::MAX };
        for word in words {
            let number = |text: &str| text.parse().map_err(|_| format!("no number: {word:?} in {line:?}"));
            match word.split_once('=') {
                Some(("after", text)) => rule.after = number(text)?,
                Some(("times", text)) => rule.times = number(text)?,
                Some(("file", "db")) => rule.file = Some(FileKind::Db),
                Some(("file", "wal")) => rule.file = Some(FileKind::Wal),
                Some(("file", "journal")) => rule.file = Some(FileKind::Journal),
                _ => return Err(format!("{word:?} is not understood in {line:?}")),
            }
        }
        Ok(rule)
    }

    fn fits(&self, operation: Operation, file: FileKind) -> bool {
        self.operation == operation && self.file.is_none_or(|own| own == file)
    }

    /// Counts one operation that fits.
    fn meets(&mut self) -> bool {
        if self.after > 0 {
            self.after -= 1;
            return false;
        }
        let meets = self.times > 0;
        self.times = self.times.saturating_sub(1);
        meets
    }
}

/// The file of orders, read again whenever it changes.
#[derive(Debug)]
pub struct Faults {
    path: PathBuf,
    seen: Option<(u64, SystemTime)>,
    rules: Vec<Rule>,
}

impl Faults {
    /// Obeys this file from now on.
    #[must_use]
    pub fn of(path: PathBuf) -> Self {
        Self { path, seen: None, rules: Vec::new() }
    }

    /// What is to become of an operation; `None` if it is to be done.
    ///
    /// # Panics
    /// If the file holds a line that means nothing: a test that relied on it would pass without its fault.
    pub fn fate(&mut self, operation: Operation, file: FileKind) -> Option<Fate> {
        self.look();
        let mut fate = None;
        for rule in self.rules.iter_mut().filter(|rule| rule.fits(operation, file)) {
            if rule.meets() && fate.is_none() {
                fate = Some(rule.fate);
            }
        }
        fate
    }

    fn look(&mut self) {
        let seen = std::fs::metadata(&self.path)
            .and_then(|metadata| Ok((metadata.len(), metadata.modified()?)))
            .ok();
        if seen == self.seen {
            return;
        }
        self.seen = seen;
        let text = std::fs::read_to_string(&self.path).unwrap_or_default();
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        self.rules = lines.map(|line| Rule::parse(line).unwrap_or_else(|error| panic!("{error}"))).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::{Fate, Faults, FileKind, Operation};

    #[test]
    fn orders_are_obeyed_counted_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vfs.faults");
        let mut faults = Faults::of(path.clone());
        assert_eq!(faults.fate(Operation::Sync, FileKind::Wal), None, "no file is no fault");
        std::fs::write(&path, "# once, later\nsync eio after=2 times=1\nwrite enospc file=wal\n").unwrap();
        let fates: Vec<_> = (0..4).map(|_| faults.fate(Operation::Sync, FileKind::Db)).collect();
        assert_eq!(fates, [None, None, Some(Fate::Eio), None]);
        assert_eq!(faults.fate(Operation::Write, FileKind::Db), None);
        assert_eq!(faults.fate(Operation::Write, FileKind::Wal), Some(Fate::Enospc));
        std::fs::write(&path, "").unwrap();
        assert_eq!(faults.fate(Operation::Write, FileKind::Wal), None);
        std::fs::write(&path, "sync lie").unwrap();
        assert_eq!(faults.fate(Operation::Sync, FileKind::Wal), Some(Fate::Lie));
    }

    #[test]
    #[should_panic(expected = "is no operation")]
    fn an_order_that_means_nothing_is_no_silent_pass() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vfs.faults");
        std::fs::write(&path, "fsync eio").unwrap();
        Faults::of(path).fate(Operation::Sync, FileKind::Db);
    }
}
