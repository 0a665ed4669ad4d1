//! What a client can ask, one struct each. Shipped structs never change; [`Request`] only grows at its end.
//!
//! A changing request carries a `key`: the same key again is the same call again, and gets the first answer.

use crate::hello::Identity;
use crate::id::{MessageId, Version};
use crate::message::{Priority, Receipt, To};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

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

/// Count what a [`Prune`] would delete now, and delete nothing. Answered by [`crate::response::Pruned`]. Needs no session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PruneDryRun {
    /// Only what is older than this many days.
    pub older_than_days: u32,
}

impl Request {
    /// The request's name, for logs.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Register(_) => "register",
            Self::Heartbeat(_) => "heartbeat",
            Self::ListSessions(_) => "list_sessions",
            Self::Send(_) => "send",
            Self::Inbox(_) => "inbox",
            Self::ReadMessage(_) => "read_message",
            Self::MarkRead(_) => "mark_read",
            Self::Wait(_) => "wait",
            Self::Ask(_) => "ask",
            Self::SetState(_) => "set_state",
            Self::GetState(_) => "get_state",
            Self::ListState(_) => "list_state",
            Self::WatchState(_) => "watch_state",
            Self::DeleteState(_) => "delete_state",
            Self::Prune(_) => "prune",
            Self::Shown(_) => "shown",
            Self::Status(_) => "status",
            Self::HandOver(_) => "hand_over",
            Self::Hook(_) => "hook",
            Self::Pushed(_) => "pushed",
            Self::PushStatus(_) => "push_status",
            Self::Traffic(_) => "traffic",
            Self::Metrics(_) => "metrics",
            Self::Stop(_) => "stop",
            Self::Backup(_) => "backup",
            Self::Check(_) => "check",
            Self::Import(_) => "import",
            Self::PruneDryRun(_) => "prune_dry_run",
        }
    }

    /// The protocol that brought the request: it is sent only on a connection that speaks that one or a later one.
    #[must_use]
    pub const fn since(&self) -> u16 {
        match self {
            Self::Register(_)
            | Self::Heartbeat(_)
            | Self::ListSessions(_)
            | Self::Send(_)
            | Self::Inbox(_)
            | Self::ReadMessage(_)
            | Self::MarkRead(_)
            | Self::Wait(_)
            | Self::Ask(_)
            | Self::SetState(_)
            | Self::GetState(_)
            | Self::ListState(_)
            | Self::WatchState(_)
            | Self::DeleteState(_)
            | Self::Prune(_)
            | Self::Shown(_)
            | Self::Status(_)
            | Self::HandOver(_)
            | Self::Hook(_)
            | Self::Pushed(_)
            | Self::PushStatus(_)
            | Self::Traffic(_)
            | Self::Metrics(_)
            | Self::Stop(_)
            | Self::Backup(_)
            | Self::Check(_)
            | Self::Import(_)
            | Self::PruneDryRun(_) => 1,
        }
    }

    /// How long the request itself asks to wait, in milliseconds; `None` if it is answered at once.
    #[must_use]
    pub const fn wait_ms(&self) -> Option<u64> {
        match self {
            Self::Wait(Wait { timeout_ms, .. })
            | Self::Ask(Ask { timeout_ms, .. })
            | Self::WatchState(WatchState { timeout_ms, .. })
            | Self::Hook(Hook { timeout_ms, .. })
            | Self::Traffic(Traffic { timeout_ms, .. })
            | Self::Backup(Backup { timeout_ms, .. })
            | Self::Check(Check { timeout_ms }) => Some(*timeout_ms),
            _ => None,
        }
    }

    /// Sets how long the request may still wait, before it is sent once more on a new connection.
    pub const fn set_wait_ms(&mut self, left_ms: u64) {
        match self {
            Self::Wait(Wait { timeout_ms, .. })
            | Self::Ask(Ask { timeout_ms, .. })
            | Self::WatchState(WatchState { timeout_ms, .. })
            | Self::Hook(Hook { timeout_ms, .. })
            | Self::Traffic(Traffic { timeout_ms, .. })
            | Self::Backup(Backup { timeout_ms, .. })
            | Self::Check(Check { timeout_ms }) => *timeout_ms = left_ms,
            _ => {}
        }
    }

    /// The idempotency key, if the request changes something.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Register(Register { key, .. })
            | Self::Send(Send { key, .. })
            | Self::MarkRead(MarkRead { key, .. })
            | Self::Ask(Ask { send: Send { key, .. }, .. })
            | Self::SetState(SetState { key, .. })
            | Self::DeleteState(DeleteState { key, .. })
            | Self::Prune(Prune { key, .. }) => Some(key),
            _ => None,
        }
    }
}
