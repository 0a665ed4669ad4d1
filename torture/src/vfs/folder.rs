//! What one process knows of the folder of a store: whether it is recorded, and which faults are ordered.
//!
//! Owns the order of things: one change at a time within a folder, each with its entry. Knows no SQLite.

use super::faults::{Fate, Faults, FileKind, Operation};
use super::now;
use super::trace::{Change, Entry, Writer};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Beside the store: its presence asks for a record.
pub const RECORD_FILE: &str = "vfs.record";
/// Beside the store: the record.
pub const TRACE_FILE: &str = "vfs.trace";
/// Beside the store: the faults that are ordered.
pub const FAULTS_FILE: &str = "vfs.faults";

/// The folder of a store.
#[derive(Debug)]
pub(super) struct Folder {
    trace: Option<Mutex<Recorder>>,
    faults: Mutex<Faults>,
}

#[derive(Debug)]
struct Recorder {
    writer: Writer,
    /// The names that this process opened.
    opened: HashSet<String>,
}

/// One of the store's files, as this process knows it.
#[derive(Debug)]
pub(super) struct Tracked {
    folder: Arc<Folder>,
    name: String,
    kind: FileKind,
}

impl Folder {
    /// The one of this folder; its orders are looked at when it is first asked for.
    fn of(path: &Path) -> Arc<Self> {
        static FOLDERS: OnceLock<Mutex<HashMap<PathBuf, Arc<Folder>>>> = OnceLock::new();
        let mut folders = locked(FOLDERS.get_or_init(Mutex::default));
        let new = || Arc::new(Self::new(path));
        Arc::clone(folders.entry(path.to_owned()).or_insert_with(new))
    }

    fn new(path: &Path) -> Self {
        let recorded = path.join(RECORD_FILE).exists();
        let trace = recorded.then(|| {
            let writer = Writer::append_to(&path.join(TRACE_FILE)).expect("the trace can be opened");
            Mutex::new(Recorder { writer, opened: HashSet::new() })
        });
        Self { trace, faults: Mutex::new(Faults::of(path.join(FAULTS_FILE))) }
    }
}

impl Tracked {
    /// The file at this path; `None` if the path names no folder and file.
    pub(super) fn of(path: &Path, kind: FileKind) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_owned();
        Some(Self { folder: Folder::of(path.parent()?), name, kind })
    }

    /// What is to become of an operation; `None` if it is to be done. Does not return where the process is to end.
    pub(super) fn fate(&self, operation: Operation) -> Option<Fate> {
        let fate = locked(&self.folder.faults).fate(operation, self.kind);
        if fate == Some(Fate::Kill) {
            let own = rustix::process::getpid();
            rustix::process::kill_process(own, rustix::process::Signal::KILL).expect("one may end oneself");
        }
        fate
    }

    /// Does a change and writes it down: nothing else of the folder is changed in between.
    pub(super) fn change(&self, perform: impl FnOnce() -> i32, change: impl FnOnce() -> Change) -> i32 {
        let Some(recorder) = &self.folder.trace else { return perform() };
        let mut recorder = locked(recorder);
        let begun = now();
        let code = perform();
        self.append(&mut recorder, begun, code, change());
        code
    }

    /// Writes down what the file holds, unless this process had it open before.
    pub(super) fn opened(&self, new: bool, content: impl FnOnce() -> Vec<u8>) {
        let Some(recorder) = &self.folder.trace else { return };
        let mut recorder = locked(recorder);
        let first = recorder.opened.insert(self.name.clone());
        if first || new {
            let begun = now();
            self.append(&mut recorder, begun, 0, Change::Opened { new, content: content() });
        }
    }

    /// A trace with a gap would prove what did not happen, so this process ends if it cannot write it.
    fn append(&self, recorder: &mut Recorder, begun: u64, code: i32, change: Change) {
        let (name, process) = (self.name.clone(), std::process::id());
        let entry = Entry { name, process, begun, ended: now(), code, change };
        recorder.writer.append(&entry).expect("the trace can be written");
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
