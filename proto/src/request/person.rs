//! What only the person asks: to see everything, and to keep the store and its broker in order.

use super::Filter;
use crate::id::MessageId;
use crate::message::{Priority, Receipt, To};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// List messages of all sessions, or block until there is one. Answered by [`crate::response::Inbox`], ascending by id, each
/// message with all of its receipts. For the person: needs the role of a person or of one who looks on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Only what lies in this mailbox; then `read_at` is its read mark.
    pub mailbox: Option<String>,
    /// Of that mailbox only what is unread.
    pub unread_only: bool,
    /// What else must match.
    pub filter: Filter,
    /// Words that must all occur in the body.
    pub query: Option<String>,
    /// Only ids below it, and of those the newest.
    pub before_id: Option<MessageId>,
    /// Only ids above it.
    pub after_id: Option<MessageId>,
    /// How many at most, 1 to [`crate::limits::INBOX_LIMIT_MAX`].
    pub limit: u32,
    /// If nothing matches: how long to wait for a message that does, in milliseconds. 0 only looks.
    pub timeout_ms: u64,
}

/// What the broker counts and measures. Answered by [`crate::response::Metrics`]. Needs no session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metrics {}

/// Finish what is under way and exit, however the broker was started. Answered by [`crate::response::Done`]. Needs no session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {}

/// Copy the store, as it is at one moment, into a new file. Answered by [`crate::response::BackedUp`]. Needs no session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    /// An absolute path; nothing may be there. While it is made the copy is called `<path>.unfinished`.
    pub path: String,
    /// How long it may take, in milliseconds.
    pub timeout_ms: u64,
}

/// Read through the whole store and say what is wrong with it. Answered by [`crate::response::Checked`]. Needs no session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// How long it may take, in milliseconds.
    pub timeout_ms: u64,
}

/// Put messages of an export into the store, with the times, senders and marks that they had. Answered by
/// [`crate::response::Imported`]. For the person: needs the role of a person or of one who looks on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// The id of the store that they come from. With it and their ids there messages that were imported before are recognised.
    pub store_id: String,
    /// At most [`crate::limits::IMPORT_MESSAGES_MAX`], ascending by id. What they answer was imported before them, or stands
    /// before them.
    pub messages: Vec<ImportedMessage>,
}

/// One message of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedMessage {
    /// Its id in the store that it comes from.
    pub origin_id: MessageId,
    /// The sender's name when it was sent.
    pub from_name: String,
    /// The sender's session there.
    pub from_session: String,
    /// Whom it was for.
    pub to: To,
    /// The whole body.
    pub body: String,
    /// A filter word.
    pub tag: Option<String>,
    /// What it answers, by its id there; without effect if that is not in this store.
    pub reply_to: Option<MessageId>,
    /// Whether it asked to be announced. It is not announced now.
    pub priority: Priority,
    /// When it was committed there.
    pub created_at: Timestamp,
    /// How far each delivery had come: unread mail is unread here as well.
    pub receipts: Vec<Receipt>,
}

/// Count what a [`super::Prune`] would delete now, and delete nothing. Answered by [`crate::response::Pruned`]. Needs no session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PruneDryRun {
    /// Only what is older than this many days.
    pub older_than_days: u32,
}
