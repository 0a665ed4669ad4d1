//! A message and what is known of its deliveries.

use crate::id::MessageId;
use crate::name::EVERYWHERE;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Whom a message is for, as its sender said it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum To {
    /// One name; also [`EVERYWHERE`].
    One(String),
    /// Several names, without repetition, at most [`crate::limits::RECIPIENTS_MAX`].
    Many(Vec<String>),
    /// `"*"`: every name that is known and online or was seen lately.
    Everyone,
}

impl To {
    /// Whether everyone here gets it: `"*"`, and [`EVERYWHERE`], which is an address like others on the wire.
    #[must_use]
    pub fn is_everyone(&self) -> bool {
        match self {
            Self::Everyone => true,
            Self::One(name) => name == EVERYWHERE,
            Self::Many(_) => false,
        }
    }
}

/// Whether mail asks to be announced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// The recipient is told.
    #[default]
    Normal,
    /// For information: it waits in the mailbox, nobody is nudged.
    Fyi,
}

/// A message as one reader sees it. Immutable but for the reader's own marks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Strictly increasing in the store.
    pub id: MessageId,
    /// The sender's name when it was sent.
    pub from_name: String,
    /// The sender's session.
    pub from_session: String,
    /// Whom it was for.
    pub to: To,
    /// The body, or its beginning where `body_chars` says that it is longer.
    pub body: String,
    /// Length of the whole body in characters.
    pub body_chars: u64,
    /// A filter word.
    pub tag: Option<String>,
    /// The message that this one answers.
    pub reply_to: Option<MessageId>,
    /// The first message of the chain of replies; its own id for a first one.
    pub thread: MessageId,
    /// Whether it asked to be announced.
    pub priority: Priority,
    /// When it was committed.
    pub created_at: Timestamp,
    /// Whether the reader is its sender rather than a recipient.
    pub sent_by_reader: bool,
    /// When it was marked read in the reader's mailbox; always `None` for one's own.
    pub read_at: Option<Timestamp>,
    /// For the sender: one receipt per recipient, in lists at most [`crate::limits::LIST_RECEIPTS_MAX`]. Empty for a
    /// recipient.
    pub receipts: Vec<Receipt>,
    /// How many receipts there are in all.
    pub receipts_total: u32,
}

/// How far one delivery has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptState {
    /// On disk, in the recipient's mailbox.
    Queued,
    /// It left in a tool result of the recipient.
    Shown,
    /// The recipient said that it read it.
    Read,
    /// For another node: handed to what carries it there.
    Forwarded,
    /// On disk at another node, in the recipient's mailbox there.
    Delivered,
    /// For another node: its time was over before it was known to have arrived there, and it is not sent any more.
    Expired,
}

/// What the sender may know of one delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The recipient's name as it was addressed.
    pub name: String,
    /// How far it has come.
    pub state: ReceiptState,
    /// When it first left in a tool result.
    pub shown_at: Option<Timestamp>,
    /// When it was marked read.
    pub read_at: Option<Timestamp>,
    /// The name of the session that marked it read.
    pub read_by: Option<String>,
}

/// One recipient of a send, at the moment of the send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// The name, as its holder writes it; as it was addressed, if nobody holds it.
    pub name: String,
    /// Whether its holder is connected.
    pub online: bool,
    /// Whether its holder is blocked in a wait for mail.
    pub waiting: bool,
    /// Whether a session holds the name. If not, the mail is queued for whoever takes it.
    pub known: bool,
}
