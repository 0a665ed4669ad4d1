//! What a disk may hold after a power cut, from the record of what was done to it.
//!
//! The rules, for each file: what was done before the last completed flush is there. Each change since then is there or
//! not, whatever became of the others, but never an older one over a newer one of the same place. A name that was made
//! or removed since its folder was last flushed is as it was at any time since then; the first flush of a log or a
//! journal that a process has opened flushes the folder too, as SQLite does on Unix.
//!
//! What the broker does to names without SQLite is not in the record, and is taken to be done as it says: a new store,
//! and the copy of an old one, are flushed, linked, and their folder is flushed, before anything else is changed.

use crate::vfs::trace::{Change, Entry};
use std::collections::{BTreeMap, BTreeSet};

/// Behind a store's name: the copy of an old one while SQLite writes it, and when it is in place.
const UNFINISHED: &str = ".backup-unfinished";
const BACKUP: &str = ".claude-c2c-0.1.0.backup";

/// A change of a file's content that was not flushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pending {
    /// Bytes.
    Written {
        /// Where they begin.
        offset: usize,
        /// What they are.
        data: Vec<u8>,
    },
    /// A new length.
    Truncated {
        /// In bytes.
        length: usize,
    },
}

/// A file, whatever its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// What surely is on the disk.
    pub flushed: Vec<u8>,
    /// What may be, in the order in which it was done.
    pub pending: Vec<Pending>,
}

impl Content {
    /// With all that was done.
    #[must_use]
    pub fn newest(&self) -> Vec<u8> {
        let mut bytes = self.flushed.clone();
        self.pending.iter().for_each(|pending| pending.apply(&mut bytes));
        bytes
    }

    fn flush(&mut self) {
        let mut bytes = std::mem::take(&mut self.flushed);
        self.pending.drain(..).for_each(|pending| pending.apply(&mut bytes));
        self.flushed = bytes;
    }
}

impl Pending {
    /// Does it.
    pub fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Written { offset, data } => {
                let end = offset + data.len();
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                bytes[*offset..end].copy_from_slice(data);
            }
            Self::Truncated { length } => bytes.resize(*length, 0),
        }
    }
}

/// A name in the folder: what it surely leads to, and what it may lead to since, newest last. `None` is no file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The oldest first, the present one last; never empty.
    pub versions: Vec<Option<Content>>,
}

impl Name {
    /// What it leads to now is sure.
    fn settle(&mut self) {
        self.versions.drain(..self.versions.len() - 1);
    }

    fn present(&mut self) -> &mut Option<Content> {
        self.versions.last_mut().expect("a name has a version")
    }
}

/// The files of one store.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    /// By name.
    pub names: BTreeMap<String, Name>,
    /// How often a process found more or less in a file than the record says: a kill came between.
    pub adopted: usize,
    /// Logs and journals that were opened and not flushed since: their next flush is one of the folder too.
    fresh: BTreeSet<String>,
    /// How often what surely is on the disk has changed.
    pub sure_changes: usize,
}

impl Disk {
    /// Whether the entry makes sure of what was done before.
    #[must_use]
    pub fn flushes(&self, entry: &Entry) -> bool {
        entry.code == 0 && entry.change == Change::Synced
    }

    /// Whether anything was done that was not flushed: then a cut may leave more than one disk.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let unsure = |name: &Name| {
            name.versions.len() > 1 || name.versions.iter().flatten().any(|one| !one.pending.is_empty())
        };
        self.names.values().any(unsure)
    }

    /// Does what the entry says. What failed was not done: the faults that are ordered never touch the disk.
    ///
    /// # Panics
    /// If the record cannot be: a change of a file that is not there.
    pub fn apply(&mut self, entry: &Entry) {
        if entry.code != 0 {
            return;
        }
        if !matches!(entry.change, Change::Opened { .. }) && !entry.name.contains(UNFINISHED) {
            self.backed_up();
        }
        match &entry.change {
            Change::Opened { new, content } => self.opened(&entry.name, *new, content),
            Change::Written { offset, data } => {
                let offset = usize::try_from(*offset).expect("an offset");
                self.file(&entry.name).pending.push(Pending::Written { offset, data: data.clone() });
            }
            Change::Truncated { length } => {
                let length = usize::try_from(*length).expect("a length");
                self.file(&entry.name).pending.push(Pending::Truncated { length });
            }
            Change::Synced => {
                self.sure_changes += 1;
                let name = self.names.get_mut(&entry.name).expect("a file that was opened");
                name.present().as_mut().expect("a file that is there").flush();
                name.settle();
                if self.fresh.remove(&entry.name) {
                    self.names.values_mut().for_each(Name::settle);
                }
            }
            Change::SyncLied => {}
            Change::Deleted => {
                if let Some(name) = self.names.get_mut(&entry.name) {
                    name.versions.push(None);
                }
            }
        }
    }

    /// A process found this file: it made it, or it is as the record says, or a kill hid the last change.
    fn opened(&mut self, name: &str, new: bool, found: &[u8]) {
        if name.ends_with("-wal") || name.ends_with("-journal") {
            self.fresh.insert(name.to_owned());
        }
        let Some(known) = self.names.get_mut(name) else {
            // The copy of an old store is made empty for SQLite to find, a moment before.
            let versions = match new || name.ends_with(UNFINISHED) {
                true => vec![None, Some(Content::default())],
                false => {
                    self.linked(name, found);
                    vec![Some(Content { flushed: found.to_vec(), pending: Vec::new() })]
                }
            };
            self.names.insert(name.to_owned(), Name { versions });
            self.sure_changes += 1;
            return;
        };
        if new || known.present().is_none() {
            known.versions.push(Some(Content::default()));
        }
        let content = known.present().as_mut().expect("just made sure of");
        if content.newest() != found {
            self.adopted += 1;
            content.pending.push(Pending::Truncated { length: 0 });
            content.pending.push(Pending::Written { offset: 0, data: found.to_vec() });
        }
    }

    /// A new store that was made under a temporary name is put into place, which the broker does without SQLite: it
    /// flushes the file, links it, and flushes the folder before it goes on. Then the temporary names go.
    fn linked(&mut self, name: &str, found: &[u8]) {
        let prefix = format!("{name}.new-");
        let temporary = |known: &String| known.starts_with(&prefix);
        let made = self
            .names
            .iter()
            .find(|(known, _)| temporary(known) && !known.contains("-wal") && !known.contains("-journal"));
        if let Some((_, made)) = made {
            let whole = matches!(made.versions.last(), Some(Some(content)) if content.newest() == found);
            assert!(whole, "{name} is not the store that was made");
            self.names.retain(|known, _| !temporary(known));
        }
    }

    /// The store is changed for the first time after a copy of it was made, so that copy is in place: linked to its
    /// name, which is sure. The temporary name may be there or not.
    fn backed_up(&mut self) {
        let copy = |(name, known): (&String, &Name)| {
            let store = name.strip_suffix(UNFINISHED)?;
            Some((store.to_owned(), known.versions.last()?.clone()?))
        };
        let Some((store, copy)) = self.names.iter().find_map(copy) else { return };
        self.names.values_mut().for_each(Name::settle);
        let flushed = Content { flushed: copy.newest(), pending: Vec::new() };
        if let Some(unfinished) = self.names.get_mut(&format!("{store}{UNFINISHED}")) {
            // Two names of one file, whose content was flushed.
            unfinished.versions = vec![Some(flushed.clone()), None];
        }
        self.names.insert(format!("{store}{BACKUP}"), Name { versions: vec![Some(flushed)] });
        self.sure_changes += 1;
    }

    /// The name and content of the copy of an old store, if one was made.
    pub fn backup(&self) -> Option<(&str, &[u8])> {
        let (name, known) = self.names.iter().find(|(name, _)| name.ends_with(BACKUP))?;
        Some((name, &known.versions.last()?.as_ref()?.flushed))
    }

    fn file(&mut self, name: &str) -> &mut Content {
        let name = self.names.get_mut(name).expect("a file that was opened");
        name.present().as_mut().expect("a file that is there")
    }
}
