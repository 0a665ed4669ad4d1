//! Collects the records of all clients, and writes them down as they come.

use super::Op;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// The history of one run while it grows.
#[derive(Debug)]
pub struct Recorder {
    start: Instant,
    ops: Mutex<Vec<Op>>,
    file: Option<Mutex<BufWriter<File>>>,
}

impl Recorder {
    /// Begins now; with a file, each record goes there as well, as one line.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub fn new(file: Option<&Path>) -> std::io::Result<Self> {
        let file = file.map(File::create).transpose()?.map(|file| Mutex::new(BufWriter::new(file)));
        Ok(Self { start: Instant::now(), ops: Mutex::default(), file })
    }

    /// The same for another node: its times are this one's.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub fn beside(&self, file: Option<&Path>) -> std::io::Result<Self> {
        Ok(Self { start: self.start, ..Self::new(file)? })
    }

    /// Now, in nanoseconds since the beginning.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.at(Instant::now())
    }

    /// A point in time, in nanoseconds since the beginning.
    #[must_use]
    pub fn at(&self, instant: Instant) -> u64 {
        u64::try_from(instant.saturating_duration_since(self.start).as_nanos()).unwrap_or(u64::MAX)
    }

    /// Keeps one record.
    ///
    /// # Panics
    /// If the file cannot be written.
    pub fn add(&self, op: Op) {
        if let Some(file) = &self.file {
            let mut line = serde_json::to_vec(&op).expect("a record is JSON");
            line.push(b'\n');
            file.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .write_all(&line)
                .expect("the history is written");
        }
        self.ops.lock().unwrap_or_else(PoisonError::into_inner).push(op);
    }

    /// All records, in the order in which they began.
    ///
    /// # Panics
    /// If the file cannot be written.
    #[must_use]
    pub fn finish(self) -> Vec<Op> {
        if let Some(file) = self.file {
            let mut file = file.into_inner().unwrap_or_else(PoisonError::into_inner);
            file.flush().expect("the history is written");
        }
        let mut ops = self.ops.into_inner().unwrap_or_else(PoisonError::into_inner);
        ops.sort_by_key(|op| op.t_invoke);
        ops
    }
}
