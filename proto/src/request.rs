//! What a client can ask, one struct each. Shipped structs never change; [`Request`] only grows at its end.
//!
//! A changing request carries a `key`: the same key again is the same call again, and gets the first answer.

use crate::hello::Identity;
use crate::id::{MessageId, Version};
use crate::message::{Priority, To};
use serde::{Deserialize, Serialize};

mod facts;
mod link;
mod person;
mod shared;

pub use link::{
    LinkAccepted, LinkBring, LinkForwarded, LinkHealth, LinkPeers, LinkStatus, LinkTake, LinkTold, LinkUp,
    ListEverywhere, Parcel, RemoteSession, StreamState,
};
pub use person::{Backup, Check, Import, ImportedMessage, Metrics, PruneDryRun, Stop, Traffic};
pub use shared::{
    GLOBAL_PREFIX, KeyRange, LinkAnswer, LinkAsked, LinkShared, SharedAsk, SharedEntry, SharedOutcome,
    SharedSet, is_global,
};

/// Every request. The order is the wire format: append only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// See [`Register`].
    Register(Register),
    /// See [`Heartbeat`].
    Heartbeat(Heartbeat),
    /// See [`ListSessions`].
    ListSessions(ListSessions),
    /// See [`Send`].
    Send(Send),
    /// See [`Inbox`].
    Inbox(Inbox),
    /// See [`ReadMessage`].
    ReadMessage(ReadMessage),
    /// See [`MarkRead`].
    MarkRead(MarkRead),
    /// See [`Wait`].
    Wait(Wait),
    /// See [`Ask`].
    Ask(Ask),
    /// See [`SetState`].
    SetState(SetState),
    /// See [`GetState`].
    GetState(GetState),
    /// See [`ListState`].
    ListState(ListState),
    /// See [`WatchState`].
    WatchState(WatchState),
    /// See [`DeleteState`].
    DeleteState(DeleteState),
    /// See [`Prune`].
    Prune(Prune),
    /// See [`Shown`].
    Shown(Shown),
    /// See [`Status`].
    Status(Status),
    /// See [`HandOver`].
    HandOver(HandOver),
    /// See [`Hook`].
    Hook(Hook),
    /// See [`Pushed`].
    Pushed(Pushed),
    /// See [`PushStatus`].
    PushStatus(PushStatus),
    /// See [`Traffic`].
    Traffic(Traffic),
    /// See [`Metrics`].
    Metrics(Metrics),
    /// See [`Stop`].
    Stop(Stop),
    /// See [`Backup`].
    Backup(Backup),
    /// See [`Check`].
    Check(Check),
    /// See [`Import`].
    Import(Import),
    /// See [`PruneDryRun`].
    PruneDryRun(PruneDryRun),
    /// See [`LinkUp`].
    LinkUp(LinkUp),
    /// See [`LinkTake`].
    LinkTake(LinkTake),
    /// See [`LinkForwarded`].
    LinkForwarded(LinkForwarded),
    /// See [`LinkAccepted`].
    LinkAccepted(LinkAccepted),
    /// See [`LinkBring`].
    LinkBring(LinkBring),
    /// See [`LinkStatus`].
    LinkStatus(LinkStatus),
    /// See [`LinkPeers`].
    LinkPeers(LinkPeers),
    /// See [`ListEverywhere`].
    ListEverywhere(ListEverywhere),
    /// See [`LinkShared`].
    LinkShared(LinkShared),
    /// See [`LinkAsked`].
    LinkAsked(LinkAsked),
    /// See [`LinkAnswer`].
    LinkAnswer(LinkAnswer),
    /// See [`LinkHealth`].
    LinkHealth(LinkHealth),
    /// See [`SendExpiring`].
    SendExpiring(SendExpiring),
}

/// Take a name, also from a live holder. Answered by [`crate::response::Registered`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Register {
    /// The name; must follow [`crate::name::check`], or be one that the store already knows.
    pub name: String,
    /// JSON text; `None` leaves what there is.
    pub metadata: Option<String>,
    /// Idempotency key, recognised across sessions.
    pub key: String,
}

/// Say that the session is alive. Answered by [`crate::response::Heartbeat`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {}

/// Who is there. Answered by [`crate::response::Sessions`], sorted by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListSessions {
    /// Online sessions, and those seen within this many minutes.
    pub active_within_min: u32,
    /// Only names that sort after this one, without regard to case; it need not be there.
    pub after_name: Option<String>,
}

/// Put a message in mailboxes. Answered by [`crate::response::Sent`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Send {
    /// `None` only with `reply_to`: to whoever sent that.
    pub to: Option<To>,
    /// The body, not empty.
    pub body: String,
    /// A filter word.
    pub tag: Option<String>,
    /// The message that this one answers; answering marks it read.
    pub reply_to: Option<MessageId>,
    /// Whether recipients are told.
    pub priority: Priority,
    /// Idempotency key within the session row.
    pub key: String,
}

/// As [`Send`], to other nodes only as long as it is worth it. Answered by [`crate::response::Sent`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendExpiring {
    /// The message; some recipient is at another node.
    pub send: Send,
    /// What has not arrived at another node within this many milliseconds is not sent there any more; 1,000 to
    /// [`crate::limits::EXPIRES_IN_MAX_S`] seconds.
    pub expires_in_ms: u64,
}

/// Which messages a wait or a list is about; absent fields match all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// The sender's name at sending, without regard to case.
    pub from: Option<String>,
    /// Exactly this tag.
    pub tag: Option<String>,
    /// Answers to this message.
    pub reply_to: Option<MessageId>,
    /// This thread.
    pub thread: Option<MessageId>,
}

/// List messages. Answered by [`crate::response::Inbox`], ascending by id, never marking anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inbox {
    /// The session's own messages instead of its mail; each with its receipts.
    pub sent: bool,
    /// Only mail that is unread (with `sent`: that some recipient has not read).
    pub unread_only: bool,
    /// What else must match. With `thread` both directions are listed.
    pub filter: Filter,
    /// Words that must all occur in the body.
    pub query: Option<String>,
    /// Only ids below it, and of those the newest.
    pub before_id: Option<MessageId>,
    /// Only ids above it.
    pub after_id: Option<MessageId>,
    /// How many at most, 1 to [`crate::limits::INBOX_LIMIT_MAX`].
    pub limit: u32,
}

/// One message with a page of its body. Answered by [`crate::response::OneMessage`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadMessage {
    /// Which message; must be visible to the session.
    pub message_id: MessageId,
    /// First character of the body to return.
    pub offset: u64,
    /// How many characters at most.
    pub max_chars: u32,
}

/// Mark messages of the session's mailbox read. Answered by [`crate::response::Marked`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkRead {
    /// At most [`crate::limits::MARK_READ_IDS_MAX`].
    pub message_ids: Vec<MessageId>,
    /// Idempotency key.
    pub key: String,
}

/// Block until unread mail matches. Answered by [`crate::response::Waited`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// What must match.
    pub filter: Filter,
    /// How long, in milliseconds; 0 only looks.
    pub timeout_ms: u64,
}

/// Send, then block until answers came. Answered by [`crate::response::Asked`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// The question; its key also recognises the wait when it is repeated.
    pub send: Send,
    /// How many recipients must have answered; `None`: 1 for one name, all of a list, the online ones of `"*"`.
    pub replies: Option<u32>,
    /// How long, in milliseconds.
    pub timeout_ms: u64,
}

/// Write a key of the shared state. Answered by [`crate::response::StateSet`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetState {
    /// Which key.
    pub state_key: String,
    /// JSON text.
    pub value: String,
    /// Only if this is the present version; 0: only if absent or expired.
    pub if_version: Option<Version>,
    /// The entry expires after this many milliseconds; `None`: never.
    pub ttl_ms: Option<u64>,
    /// Idempotency key.
    pub key: String,
}

/// Read one key. Answered by [`crate::response::State`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetState {
    /// Which key.
    pub state_key: String,
}

/// Read the keys that begin with a prefix. Answered by [`crate::response::States`], sorted by key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListState {
    /// Plain characters; empty for all keys.
    pub prefix: String,
    /// Only keys after this one.
    pub after_key: Option<String>,
}

/// Block until a key's version exceeds one. Answered by [`crate::response::State`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchState {
    /// Which key.
    pub state_key: String,
    /// 0 waits for creation; above 0 an absent key is answered at once.
    pub newer_than: Version,
    /// How long, in milliseconds; then the present entry is answered with `timed_out`.
    pub timeout_ms: u64,
}

/// Remove a key. Answered by [`crate::response::Deleted`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteState {
    /// Which key.
    pub state_key: String,
    /// Only if this is the present version.
    pub if_version: Option<Version>,
    /// Idempotency key.
    pub key: String,
}

/// Delete what is old and done with. Answered by [`crate::response::Pruned`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prune {
    /// Only what is older than this many days.
    pub older_than_days: u32,
    /// Idempotency key.
    pub key: String,
}

/// These messages left in a tool result. Answered by [`crate::response::Done`] when on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// Which messages.
    pub message_ids: Vec<MessageId>,
}

/// How the broker does. Answered by [`crate::response::Status`]. Needs no session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {}

/// A service asks a broker that a shim started to finish and make room. Answered by [`crate::response::Done`],
/// then the broker exits. Needs no session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandOver {}

/// A hook of the client runs and asks what its model should know. Answered by [`crate::response::Hooked`]. What the
/// answer holds counts as announced, over all ways. Needs no session of its own: it is about that of its client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// Which hook.
    pub event: HookEvent,
    /// What the client's shim says of itself, as far as a hook knows it. The process (`parent`) tells which session it is
    /// about. `client_session` may have changed since the shim was started; the broker notes that. A session that has not
    /// connected yet is registered at its start, as its shim will do a moment later.
    pub identity: Box<Identity>,
    /// How long to wait for mail, in milliseconds; only [`HookEvent::Rewake`] does.
    pub timeout_ms: u64,
}

/// Where in a session's life a hook runs. Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HookEvent {
    /// The session begins, goes on, was cleared or compacted: all unread mail is told.
    SessionStart,
    /// The user has said something: mail that was not announced.
    UserPromptSubmit,
    /// The turn ends: mail that was not announced.
    Stop,
    /// The session may idle: blocks until there is mail to announce, unless the shim announces it itself.
    Rewake,
}

/// How a nudge went. Answered by [`crate::response::Done`]. No sign of life of the session's model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pushed {
    /// Of which nudge: its `up_to`.
    pub up_to: MessageId,
    /// `None`: it was handed to the client. Else why it was not: the mail is announced some other way then.
    pub failure: Option<String>,
}

/// How nudges reach the sessions that are online. Answered by [`crate::response::PushStates`]. Needs no session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushStatus {}
