//! The shared state.

use crate::id::Version;
use crate::request::SharedAsk;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// An entry was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateSet {
    /// Which key.
    pub state_key: String,
    /// Its new version: a fencing token.
    pub version: Version,
    /// When.
    pub updated_at: Timestamp,
    /// By whom.
    pub updated_by: String,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
}

/// One key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// `None` if absent or expired.
    pub entry: Option<Entry>,
    /// Whether a watch ended because its time ran out.
    pub timed_out: bool,
}

/// One entry of the shared state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its key.
    pub state_key: String,
    /// JSON text; `None` in lists where it is over [`crate::limits::LIST_VALUE_MAX_CHARS`].
    pub value: Option<String>,
    /// Length of the JSON text in characters.
    pub value_chars: u64,
    /// Its version.
    pub version: Version,
    /// When it was set.
    pub updated_at: Timestamp,
    /// By whom.
    pub updated_by: String,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
}

/// Entries, sorted by key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct States {
    /// Long values are left out.
    pub entries: Vec<Entry>,
    /// Whether more keys follow the last one.
    pub more: bool,
}

/// What `DeleteState` did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deleted {
    /// Whether there was anything.
    pub deleted: bool,
}

/// Changes that sessions have asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkAsks {
    /// In the order in which they were asked for.
    pub asks: Vec<SharedAsk>,
}

/// One entry as it was some time ago.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateAsOf {
    /// The entry.
    pub state: State,
    /// When the link last knew that it is so.
    pub as_of: Timestamp,
}

/// Entries, of which those that all machines share are as they were some time ago.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatesAsOf {
    /// The entries.
    pub states: States,
    /// When the link last knew that they are so.
    pub as_of: Timestamp,
}
