//! What a link asks about the state that all machines share: the entries whose keys begin with [`GLOBAL_PREFIX`]. The broker has a copy
//! of them; what changes them is a call to the link, which has it decided where all machines have it decided.

use crate::error::Error;
use crate::id::Version;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// How the keys of the state that all machines share begin.
pub const GLOBAL_PREFIX: &str = "global:";

/// Tell what the entries are. Answered by [`crate::response::Done`] when on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkShared {
    /// If given, `entries` are all that there are between these keys; others are gone.
    pub range: Option<KeyRange>,
    /// What is new, ascending by version unless it is a range.
    pub entries: Vec<SharedEntry>,
    /// Whether this, with all before it, is everything that there is at this moment.
    pub current: bool,
}

/// Keys in the order of their bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRange {
    /// Above this one.
    pub after: String,
    /// Up to and with this one; `None` for all.
    pub up_to: Option<String>,
}

/// An entry, or that there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedEntry {
    /// Its key.
    pub state_key: String,
    /// JSON text; `None` if the entry was deleted.
    pub value: Option<String>,
    /// Grows with every change of any key.
    pub version: Version,
    /// When it was set, by the clock of the machine on which it was.
    pub updated_at: Timestamp,
    /// By whom: `name@node`.
    pub updated_by: String,
    /// So many milliseconds after it was seen it expires.
    pub ttl_ms: Option<u64>,
}

/// Take changes that sessions have asked for, or block until there are some. Answered by [`crate::response::LinkAsks`]. Each is given
/// to one link once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkAsked {
    /// How long to wait for one, in milliseconds. 0 only looks.
    pub timeout_ms: u64,
}

/// A change that a session has asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedAsk {
    /// Which one, in this run of the broker.
    pub number: u64,
    /// Its key.
    pub state_key: String,
    /// The new value and what is said with it; `None` deletes.
    pub set: Option<SharedSet>,
    /// Only if this is the present version; 0: only if there is none.
    pub if_version: Option<Version>,
    /// This version has expired: it is as if there were none.
    pub expired: Option<Version>,
    /// The same again is the same change again.
    pub call: String,
}

/// What is set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedSet {
    /// JSON text.
    pub value: String,
    /// See [`SharedEntry::updated_at`].
    pub updated_at: Timestamp,
    /// See [`SharedEntry::updated_by`].
    pub updated_by: String,
    /// See [`SharedEntry::ttl_ms`].
    pub ttl_ms: Option<u64>,
}

/// What came of a change. Answered by [`crate::response::Done`]; what it made was told before, by [`LinkShared`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkAnswer {
    /// Which change.
    pub number: u64,
    /// What came of it.
    pub outcome: SharedOutcome,
}

/// What came of a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SharedOutcome {
    /// The entry has this version, and was set then by the clock of who asked: earlier, if the change was made before.
    Set(Version, Timestamp),
    /// Whether there was anything to delete.
    Deleted(bool),
    /// Another version is there than was assumed, or none.
    Conflict(Option<SharedEntry>),
    /// It could not be decided.
    Failed(Error),
}

/// Whether a key is one of the state that all machines share.
#[must_use]
pub fn is_global(state_key: &str) -> bool {
    state_key.starts_with(GLOBAL_PREFIX)
}
