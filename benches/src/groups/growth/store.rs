//! The stores of the measurement: which there are, and where those are kept that take long to make.

use super::build;
use crate::table::number;
use crate::world::target;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Another way of building needs another number, or the next run takes what is kept of the last one.
const BUILT_AS: u32 = 1;

/// What a store holds, besides its sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// So many messages between all sessions, most of them read.
    History(usize),
    /// So many messages for one session, none of them read.
    Unread(usize),
}

impl Kind {
    /// As it stands in the tables.
    pub(super) fn name(self) -> String {
        match self {
            Self::History(0) => "no messages".to_owned(),
            Self::History(messages) => format!("{} messages", number(messages as f64)),
            Self::Unread(messages) => format!("{} unread in one mailbox", number(messages as f64)),
        }
    }

    /// Its place on the axis of a plot.
    pub(super) const fn x(self) -> Option<f64> {
        match self {
            Self::History(messages) => Some(messages as f64),
            Self::Unread(_) => None,
        }
    }

    fn file_name(self, schema: u32) -> String {
        let (what, messages) = match self {
            Self::History(messages) => ("messages", messages),
            Self::Unread(messages) => ("unread", messages),
        };
        format!("{what}-{messages}-schema-{schema}-built-{BUILT_AS}.db")
    }

    /// The file of a store of this kind with the schema that the broker makes: the one that is kept, else a new one.
    pub(super) fn file(self, schema: u32) -> PathBuf {
        let file = folder().join(self.file_name(schema));
        if !file.exists() {
            eprintln!("building a store of {}", self.name());
            build::build(self, &file);
        }
        file
    }
}

/// The schema that the broker makes, by a new store that is kept as the empty one.
pub(super) fn schema_of_new() -> u32 {
    let file = folder().join("new.db");
    build::build(Kind::History(0), &file);
    let schema = schema(&file);
    std::fs::rename(&file, folder().join(Kind::History(0).file_name(schema)))
        .expect("a folder for stores can be written");
    schema
}

fn folder() -> PathBuf {
    let folder = target().join("bench-stores");
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    folder
}

/// The `user_version` of an SQLite file, as its header has it.
fn schema(file: &Path) -> u32 {
    const AT: usize = 60;
    let mut header = [0; 100];
    File::open(file).and_then(|mut file| file.read_exact(&mut header)).expect("a store has a header");
    let bytes = header[AT..AT + 4].try_into().expect("four bytes");
    u32::from_be_bytes(bytes)
}
