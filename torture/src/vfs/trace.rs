//! The record of what was done to a store's files: one entry for each change, in the order in which they were done.
//!
//! Owns the file's layout. A process appends each entry in one write, after the change and before anything else of the
//! folder is changed, so the order in the file is the order of the changes. A process that is killed between a change
//! and its entry leaves the change out; the next one that opens the file writes its whole content down
//! ([`Change::Opened`]), and so whoever reads the trace finds the difference.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A file was opened (for the first time in this process), and this is what it held. `new`: it was not there.
    Opened {
        /// Whether opening made it.
        new: bool,
        /// All of it.
        content: Vec<u8>,
    },
    /// Bytes were written.
    Written {
        /// Where they begin.
        offset: u64,
        /// What was written.
        data: Vec<u8>,
    },
    /// The file was cut to, or filled up with zeros to, this length.
    Truncated {
        /// The new length in bytes.
        length: u64,
    },
    /// Everything of the file that was done before is on the disk.
    Synced,
    /// As [`Change::Synced`] was asked for and answered, and nothing was done.
    SyncLied,
    /// The file's name was removed.
    Deleted,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Of the file, within its folder.
    pub name: String,
    /// The process.
    pub process: u32,
    /// [`super::now`] before it was done.
    pub begun: u64,
    /// And after.
    pub ended: u64,
    /// What SQLite was told: 0 is success. A change that failed may have been done in part, if a real disk failed, and
    /// not at all, if the fault was ordered.
    pub code: i32,
    /// What was done.
    pub change: Change,
}

impl Entry {
    fn encode(&self) -> Vec<u8> {
        let none: &[u8] = &[];
        let (kind, number, data) = match &self.change {
            Change::Opened { new, content } => (0_u8, u64::from(*new), content.as_slice()),
            Change::Written { offset, data } => (1, *offset, data.as_slice()),
            Change::Truncated { length } => (2, *length, none),
            Change::Synced => (3, 0, none),
            Change::SyncLied => (4, 0, none),
            Change::Deleted => (5, 0, none),
        };
        let mut bytes = vec![0; 8];
        bytes.push(kind);
        bytes.extend(self.process.to_le_bytes());
        bytes.extend(self.begun.to_le_bytes());
        bytes.extend(self.ended.to_le_bytes());
        bytes.extend(self.code.to_le_bytes());
        bytes.extend(number.to_le_bytes());
        bytes.extend((self.name.len() as u64).to_le_bytes());
        bytes.extend(self.name.as_bytes());
        bytes.extend(data);
        let length = bytes.len() as u64 - 8;
        bytes[..8].copy_from_slice(&length.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let kind = *take(&mut rest, 1)?.first()?;
        let process = u32::from_le_bytes(take(&mut rest, 4)?.try_into().ok()?);
        let begun = number(&mut rest)?;
        let ended = number(&mut rest)?;
        let code = i32::from_le_bytes(take(&mut rest, 4)?.try_into().ok()?);
        let given = number(&mut rest)?;
        let length = usize::try_from(number(&mut rest)?).ok()?;
        let name = String::from_utf8(take(&mut rest, length)?.to_vec()).ok()?;
        let change = match kind {
            0 => Change::Opened { new: given != 0, content: rest.to_vec() },
            1 => Change::Written { offset: given, data: rest.to_vec() },
            2 => Change::Truncated { length: given },
            3 => Change::Synced,
            4 => Change::SyncLied,
            5 => Change::Deleted,
            _ => return None,
        };
        Some(Self { name, process, begun, ended, code, change })
    }
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(take(rest, 8)?.try_into().ok()?))
}

/// Reads a whole trace. An entry that a kill cut off at the end is left out.
///
/// # Errors
/// When the file cannot be read, or is no trace.
pub fn read(path: &Path) -> io::Result<Vec<Entry>> {
    let bytes = std::fs::read(path)?;
    let mut rest = bytes.as_slice();
    let mut entries = Vec::new();
    while let Some(length) = number(&mut rest) {
        let Some(entry) = usize::try_from(length).ok().and_then(|length| take(&mut rest, length)) else {
            break;
        };
        let entry = Entry::decode(entry)
            .ok_or_else(|| io::Error::other(format!("{} holds what is no entry", path.display())))?;
        entries.push(entry);
    }
    Ok(entries)
}

/// Appends to a trace.
#[derive(Debug)]
pub struct Writer {
    file: File,
}

impl Writer {
    /// Goes on behind the last whole entry.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn append_to(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)?;
        let end = file.metadata()?.len();
        let mut at = 0;
        let mut length = [0; 8];
        while at + 8 <= end {
            file.seek(SeekFrom::Start(at))?;
            file.read_exact(&mut length)?;
            let next = at + 8 + u64::from_le_bytes(length);
            if next > end {
                break;
            }
            at = next;
        }
        file.set_len(at)?;
        file.seek(SeekFrom::Start(at))?;
        Ok(Self { file })
    }

    /// Adds one entry.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn append(&mut self, entry: &Entry) -> io::Result<()> {
        self.file.write_all(&entry.encode())
    }
}

#[cfg(test)]
mod tests {
    use super::{Change, Entry, Writer, read};
    use std::io::Write;

    fn entry(change: Change) -> Entry {
        Entry { name: "c2c.db-wal".to_owned(), process: 7, begun: 1, ended: 2, code: 0, change }
    }

    #[test]
    fn what_was_written_is_read_also_behind_a_torn_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vfs.trace");
        let first = [
            entry(Change::Opened { new: true, content: Vec::new() }),
            entry(Change::Written { offset: 4_096, data: vec![1, 2, 3] }),
            entry(Change::Synced),
        ];
        let mut writer = Writer::append_to(&path).unwrap();
        first.iter().for_each(|entry| writer.append(entry).unwrap());
        let torn = entry(Change::Deleted).encode();
        let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(&torn[..20]).unwrap();
        assert_eq!(read(&path).unwrap(), first);
        let last = entry(Change::Truncated { length: 9 });
        Writer::append_to(&path).unwrap().append(&last).unwrap();
        assert_eq!(read(&path).unwrap()[..3], first);
        assert_eq!(read(&path).unwrap()[3..], [last]);
    }
}
