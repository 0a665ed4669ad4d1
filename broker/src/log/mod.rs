//! The log beside the socket: `broker.log` is always the current file, `broker.log.1` and `.2` the ones before.
//!
//! Owns the files' number and size. Lines are written by a thread of their own, so that a slow disk slows no answer;
//! when too many wait, new ones are dropped. What goes in holds ids and lengths, never bodies.

mod form;

use c2c_proto::log_line;
use c2c_proto::paths::private_file;
use form::Form;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::{LevelFilter, ParseError, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// One file, in bytes; with [`FILES`] of them the log stays below 15 MiB.
const FILE_MAX_BYTES: u64 = 5 * 1024 * 1024;
/// Files that are kept, the current one included.
const FILES: u32 = 3;
/// Lines that may wait for the disk. Their places are in memory from the start, about 40 bytes each.
const WAITING_LINES_MAX: usize = 2_048;

/// Keeps the log going; dropping it writes what waits.
#[derive(Debug)]
pub struct Log {
    _guard: WorkerGuard,
    reopen: Arc<AtomicBool>,
}

impl Log {
    /// The log's folder was made anew: the next line opens the file again.
    pub fn reopen(&self) {
        self.reopen.store(true, Ordering::Relaxed);
    }
}

/// Begins to log into the file, for the whole process. Call it once, and only as the one broker of the store.
///
/// # Errors
/// When the file cannot be opened.
pub fn start(path: &Path) -> io::Result<Log> {
    let reopen = Arc::new(AtomicBool::new(false));
    let file = RotatingFile::open(path, FILE_MAX_BYTES, Arc::clone(&reopen))?;
    let (writer, guard) =
        NonBlockingBuilder::default().buffered_lines_limit(WAITING_LINES_MAX).thread_name("log").finish(file);
    let (json, wanted) = log_line::wanted(std::env::var("C2C_LOG").ok().as_deref().unwrap_or_default());
    let (filter, mistaken) = filter(Some(&wanted));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(writer)
        .with_ansi(false)
        .event_format(Form { json, ..Form::default() })
        // A line that cannot be written is dropped: stderr may be gone too, and a complaint there would panic.
        .log_internal_errors(false);
    tracing_subscriber::registry().with(filter).with(lines).init();
    if let Some(mistaken) = mistaken {
        tracing::warn!(mistaken, "C2C_LOG is not understood, info is used");
    }
    log_panics();
    Ok(Log { _guard: guard, reopen })
}

/// What to log, and the reason why the wish was not heard. Levels and levels of targets: the library's larger filter, which
/// also knows spans, of which there are none, brings a machine for regular expressions along.
fn filter(wanted: Option<&str>) -> (Targets, Option<String>) {
    let info = || Targets::new().with_default(LevelFilter::INFO);
    match wanted.filter(|wanted| !wanted.is_empty()).map(str::parse) {
        Some(Ok(filter)) => (filter, None),
        Some(Err(error)) => (info(), Some(ParseError::to_string(&error))),
        None => (info(), None),
    }
}

/// A panic's place goes into the log; its text may quote what a peer wrote, so that does not.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "a task panicked: this is a fault in c2c");
    }));
}

/// A file that moves aside when it is full.
#[derive(Debug)]
struct RotatingFile {
    path: PathBuf,
    file: File,
    length: u64,
    max_bytes: u64,
    reopen: Arc<AtomicBool>,
}

impl RotatingFile {
    fn open(path: &Path, max_bytes: u64, reopen: Arc<AtomicBool>) -> io::Result<Self> {
        let file = private_file().append(true).create(true).open(path)?;
        let length = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), file, length, max_bytes, reopen })
    }

    fn reopen(&mut self) -> io::Result<()> {
        match Self::open(&self.path, self.max_bytes, Arc::clone(&self.reopen)) {
            Ok(anew) => {
                *self = anew;
                Ok(())
            }
            Err(error) => {
                // The file that is open has moved aside or is gone. The next line tries again, and nothing else: to
                // move the others on once more for each line would soon have moved all of them away.
                self.reopen.store(true, Ordering::Relaxed);
                Err(error)
            }
        }
    }

    fn rotate(&mut self) -> io::Result<()> {
        for number in (1..FILES).rev() {
            let from = if number == 1 { self.path.clone() } else { numbered(&self.path, number - 1) };
            // The first files of a log have no predecessors.
            if let Err(error) = std::fs::rename(from, numbered(&self.path, number))
                && error.kind() != io::ErrorKind::NotFound
            {
                return Err(error);
            }
        }
        self.reopen()
    }
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

impl Write for RotatingFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.reopen.swap(false, Ordering::Relaxed) {
            self.reopen()?;
        }
        if self.length > 0 && self.length + line.len() as u64 > self.max_bytes {
            self.rotate()?;
        }
        let written = self.file.write(line)?;
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::{RotatingFile, filter, numbered};
    use std::io::Write;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn the_named_file_is_the_current_one_and_two_older_ones_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("broker.log");
        let mut log = RotatingFile::open(&path, 10, Arc::default()).unwrap();
        for line in ["one 567\n", "two 567\n", "three 7\n", "four 67\n", "5\n"] {
            log.write_all(line.as_bytes()).unwrap();
        }
        let read = |path: &std::path::Path| std::fs::read_to_string(path).unwrap();
        assert_eq!(read(&path), "four 67\n5\n");
        assert_eq!(read(&numbered(&path, 1)), "three 7\n");
        assert_eq!(read(&numbered(&path, 2)), "two 567\n");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    // Windows removes no file that is open.
    #[cfg(unix)]
    #[test]
    fn a_log_that_was_deleted_with_its_folder_goes_on_in_the_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run").join("broker.log");
        std::fs::create_dir(folder.path().join("run")).unwrap();
        let reopen = Arc::new(AtomicBool::new(false));
        let mut log = RotatingFile::open(&path, 1_000, Arc::clone(&reopen)).unwrap();
        log.write_all(b"before\n").unwrap();
        std::fs::remove_dir_all(folder.path().join("run")).unwrap();
        std::fs::create_dir(folder.path().join("run")).unwrap();
        reopen.store(true, Ordering::Relaxed);
        log.write_all(b"after\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "after\n");
    }

    // As above.
    #[cfg(unix)]
    #[test]
    fn files_move_on_once_also_when_no_new_one_can_be_made_for_a_while() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run").join("broker.log");
        std::fs::create_dir(folder.path().join("run")).unwrap();
        let mut log = RotatingFile::open(&path, 10, Arc::default()).unwrap();
        log.write_all(b"full 678\n").unwrap();
        std::fs::remove_dir_all(folder.path().join("run")).unwrap();
        log.write_all(b"no room\n").unwrap_err();
        log.write_all(b"still none\n").unwrap_err();
        // What the first of these lines moved aside.
        std::fs::create_dir(folder.path().join("run")).unwrap();
        std::fs::write(numbered(&path, 1), "full 678\n").unwrap();
        log.write_all(b"after\n").unwrap();
        let read = |path: &std::path::Path| std::fs::read_to_string(path).unwrap();
        assert_eq!((read(&path), read(&numbered(&path, 1))), ("after\n".to_owned(), "full 678\n".to_owned()));
        assert!(!numbered(&path, 2).exists(), "moved on twice");
    }

    #[test]
    fn a_filter_that_is_not_understood_is_info_and_says_so() {
        assert_eq!(filter(None).0.to_string(), "info");
        assert_eq!(filter(Some("")).0.to_string(), "info");
        assert_eq!(filter(Some("debug")).0.to_string(), "debug");
        let (used, mistaken) = filter(Some("c2c=loud"));
        assert_eq!(used.to_string(), "info");
        assert!(mistaken.is_some());
    }
}
