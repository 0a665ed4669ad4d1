//! What the broker says without being asked. Hints only: whoever acts on one reads the store again.

use crate::hello::SessionState;
use crate::id::MessageId;
use crate::message::Priority;
use serde::{Deserialize, Serialize};

/// Every event. The order is the wire format: append only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// Mail came for the session.
    Mail(MailWaiting),
    /// The session's row or name changed: another of its connections registered, or another session took its name
    /// (then `superseded` is set, and calls fail until a name is registered).
    Session(SessionState),
    /// The broker is about to close the connection; another one will take over.
    Closing(Closing),
}

/// Mail came for the session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailWaiting {
    /// The newest message that came.
    pub message_id: MessageId,
    /// Its sender's name.
    pub from: String,
    /// Its tag.
    pub tag: Option<String>,
    /// Whether it asks to be announced.
    pub priority: Priority,
    /// Unread messages in the mailbox now.
    pub unread: u64,
    /// Whether this connection is the one to announce it; else it is only for subscribers.
    pub announce: bool,
}

/// Why the broker closes a connection. Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Closing {
    /// It was asked to stop, or its work has to go on in a new process.
    ShuttingDown,
    /// A service takes over.
    HandingOver,
    /// Nobody was connected for long enough.
    Idle,
    /// The store failed under it; what is on disk counts.
    StorageFailed,
    /// The client does not read what it is sent.
    SlowReader,
}
