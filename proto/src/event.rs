//! What the broker says without being asked. Hints only: whoever acts on one reads the store again.

use crate::hello::SessionState;
use crate::id::MessageId;
use crate::message::Priority;
use crate::push::Way;
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
    /// Announce mail to the client. Sent to the connection that is to do it, once.
    Nudge(Nudge),
    /// Mail needs no announcement any more.
    Announced(Announced),
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
    /// Not set any more: what is to be announced comes as a [`Nudge`]; this is for subscribers.
    pub announce: bool,
}

/// What the client is to be told of mail: who wrote and where to read it, never what was written. The broker grants it
/// once for each message and session; whoever gets it reports how it went ([`crate::request::Pushed`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nudge {
    /// How it is to travel.
    pub way: Way,
    /// The newest of the messages, ascending by id, at most [`crate::limits::HEADLINES_MAX`].
    pub headlines: Vec<Headline>,
    /// How many messages it is about.
    pub count: u64,
    /// Unread messages in the mailbox.
    pub unread: u64,
    /// Mail up to this id has been announced with it.
    pub up_to: MessageId,
    /// Whether the same mail was announced before, and nothing came of it.
    pub again: bool,
}

/// One message as it is announced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headline {
    /// Its id.
    pub message_id: MessageId,
    /// Its sender's name.
    pub from: String,
    /// Its tag.
    pub tag: Option<String>,
}

/// Mail was announced, whichever way. A client says it in its next hello, to a broker that does not know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// Up to this id.
    pub up_to: MessageId,
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
