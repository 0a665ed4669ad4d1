//! What a disk may hold after a power cut, from the record of what was done to it.
//!
//! The rules, for each file: what was done before the last completed flush is there. Each change since then is there or
//! not, whatever became of the others, but never an older one over a newer one of the same place. A name that was made
//! or removed since its folder was last flushed is as it was at any time since then; the first flush of a log or a
//! journal that a process has opened flushes the folder too, as SQLite does on Unix.
//!
//! A flush that fails takes the changes before it along: the system shows them on, counts them as written, and later
//! flushes succeed without them. Which of them had reached the disk nobody can say; here it is none, the worst of it.
//!
//! Blocks of a file that was cut off or removed may have been given to another file, and written there, before it is on the
//! disk that they are no longer the first one's (ext4 with `data=writeback` does that): then the file is back, with bytes
//! in it that are none of its own.
//!
//! What the broker does without SQLite is not in the record, and is taken to be done as it says: a new store, and the
//! copy of an old one, are flushed, linked, and their folder is flushed, before anything else is changed; and after a
//! flush that failed, the next broker writes the log onto itself, of which any part may be on the disk when it opens the
//! store, and has flushed it before it does more. (That it does, the system's calls show: `tests/making_good.rs`.)

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
    /// What the system shows of it.
    pub shown: Vec<u8>,
}

impl Content {
    /// What surely is on the disk and nothing else.
    fn sure(flushed: Vec<u8>) -> Self {
        Self { shown: flushed.clone(), flushed, pending: Vec::new() }
    }

    fn change(&mut self, pending: Pending) {
        pending.apply(&mut self.shown);
        self.pending.push(pending);
    }

    /// With all that may be.
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
    /// The process whose flush failed, until the next one has made that good.
    in_doubt: Option<u32>,
    /// Logs that are being written again, until anything else happens.
    written_again: Vec<String>,
}

impl Disk {
    /// One on which these files surely are.
    pub fn holding(files: Vec<(String, Vec<u8>)>) -> Self {
        let name = |(name, bytes)| (name, Name { versions: vec![Some(Content::sure(bytes))] });
        Self { names: files.into_iter().map(name).collect(), ..Self::default() }
    }

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

    /// Whether a file was cut off or removed, and neither is surely on the disk.
    #[must_use]
    pub fn gives_away(&self) -> bool {
        let cut = |one: &Content| one.pending.iter().any(|one| matches!(one, Pending::Truncated { .. }));
        let gone =
            |name: &Name| name.versions.split_last().is_some_and(|(_, old)| old.iter().any(Option::is_some));
        self.names.values().any(|name| gone(name) || name.versions.iter().flatten().any(cut))
    }

    /// Does what the entry says. What failed was not done: the faults that are ordered never touch the disk; but a flush
    /// that fails is the end of what it was to flush.
    ///
    /// # Panics
    /// If the record cannot be: a change of a file that is not there.
    pub fn apply(&mut self, entry: &Entry) {
        if entry.code != 0 {
            if entry.change == Change::Synced {
                self.in_doubt = Some(entry.process);
                self.file(&entry.name).pending.clear();
            }
            return;
        }
        self.made_good();
        if !matches!(entry.change, Change::Opened { .. }) && !entry.name.contains(UNFINISHED) {
            self.backed_up();
        }
        match &entry.change {
            Change::Opened { new, content } => {
                if self.in_doubt.is_some_and(|process| process != entry.process) {
                    self.make_good();
                }
                self.opened(&entry.name, *new, content);
            }
            Change::Written { offset, data } => {
                let offset = usize::try_from(*offset).expect("an offset");
                self.file(&entry.name).change(Pending::Written { offset, data: data.clone() });
            }
            Change::Truncated { length } => {
                let length = usize::try_from(*length).expect("a length");
                self.file(&entry.name).change(Pending::Truncated { length });
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

    /// All that the system shows of logs is written again: any part of it is on the disk.
    fn make_good(&mut self) {
        self.in_doubt = None;
        for (name, known) in self.names.iter_mut().filter(|(name, _)| name.ends_with("-wal")) {
            if let Some(content) = known.present() {
                content.change(Pending::Written { offset: 0, data: content.shown.clone() });
                self.written_again.push(name.clone());
            }
        }
    }

    /// What was written again is flushed.
    fn made_good(&mut self) {
        for name in std::mem::take(&mut self.written_again) {
            self.sure_changes += 1;
            self.file(&name).flush();
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
                    vec![Some(Content::sure(found.to_vec()))]
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
        if content.shown != found {
            self.adopted += 1;
            if found.len() < content.shown.len() {
                content.change(Pending::Truncated { length: found.len() });
            }
            content.change(Pending::Written { offset: 0, data: found.to_vec() });
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
            let whole = matches!(made.versions.last(), Some(Some(content)) if content.shown == found);
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
        let flushed = Content::sure(copy.shown);
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
