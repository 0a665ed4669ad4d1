//! What the broker answers, one struct for each request. Shipped structs never change; [`Response`] only grows.

use crate::id::MessageId;
use crate::message::{Message, Recipient};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

mod link;
mod person;
mod state;

pub use link::{Everywhere, LinkBrought, LinkHealth, LinkState, NodeState, Parcels, PeerNode};
pub use person::{BackedUp, Checked, Histogram, Imported, Metric, MetricValue, Metrics};
pub use state::{Deleted, Entry, LinkAsks, State, StateAsOf, StateSet, States, StatesAsOf};

/// Every response. The order is the wire format: append only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response {
    /// To `Register`.
    Registered(Registered),
    /// To `Heartbeat`.
    Heartbeat(Heartbeat),
    /// To `ListSessions`.
    Sessions(Sessions),
    /// To `Send`.
    Sent(Sent),
    /// To `Inbox` and `Traffic`.
    Inbox(Inbox),
    /// To `ReadMessage`.
    OneMessage(OneMessage),
    /// To `MarkRead`.
    Marked(Marked),
    /// To `Wait`.
    Waited(Waited),
    /// To `Ask`.
    Asked(Asked),
    /// To `SetState`.
    StateSet(StateSet),
    /// To `GetState` and `WatchState`.
    State(State),
    /// To `ListState`.
    States(States),
    /// To `DeleteState`.
    Deleted(Deleted),
    /// To `Prune` and `PruneDryRun`.
    Pruned(Pruned),
    /// To `Shown`, `HandOver`, `Pushed`, `Stop`, and to what a link tells.
    Done(Done),
    /// To `Status`.
    Status(Box<Status>),
    /// To `Hook`.
    Hooked(Hooked),
    /// To `PushStatus`.
    PushStates(PushStates),
    /// To `Metrics`.
    Metrics(Metrics),
    /// To `Backup`.
    BackedUp(BackedUp),
    /// To `Check`.
    Checked(Checked),
    /// To `Import`.
    Imported(Imported),
    /// To `LinkUp` and `LinkStatus`.
    LinkState(LinkState),
    /// To `LinkTake`.
    Parcels(Parcels),
    /// To `LinkBring`.
    LinkBrought(LinkBrought),
    /// To `ListEverywhere`.
    Everywhere(Everywhere),
    /// To `LinkAsked`.
    LinkAsks(LinkAsks),
    /// To `GetState` and `WatchState`, where what all machines share may be another one by now.
    StateAsOf(StateAsOf),
    /// To `ListState`, likewise.
    StatesAsOf(StatesAsOf),
    /// To `LinkHealth`.
    LinkHealth(LinkHealth),
}

/// The session now holds a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// The session's row, possibly a new one.
    pub session_id: String,
    /// The name it holds.
    pub name: String,
    /// Who held the name before.
    pub superseded: Option<Displaced>,
}

/// The session that lost its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Displaced {
    /// Its row.
    pub session_id: String,
    /// What the row is called now: `<name>-stale-<unix seconds>`.
    pub name: String,
    /// Whether it was online.
    pub online: bool,
}

impl Displaced {
    /// The displaced session as its own shim is to know it.
    #[must_use]
    pub fn state(&self) -> crate::hello::SessionState {
        crate::hello::SessionState {
            session_id: self.session_id.clone(),
            name: self.name.clone(),
            superseded: true,
            displaced: None,
        }
    }
}

/// The session was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// When.
    pub at: Timestamp,
}

/// Sessions, sorted by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sessions {
    /// Never stale ones; a page of about [`crate::limits::SESSIONS_PAGE_BYTES`] at most.
    pub sessions: Vec<SessionInfo>,
    /// Whether more names follow the last one.
    pub more: bool,
}

/// One session as others see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionInfo {
    /// Its row.
    pub session_id: String,
    /// Its name.
    pub name: String,
    /// Its working directory.
    pub cwd: String,
    /// When the row was made.
    pub started_at: Timestamp,
    /// When it was last heard of.
    pub last_seen_at: Timestamp,
    /// JSON text, if it gave any.
    pub metadata: Option<String>,
    /// Whether it is the one that asks.
    pub is_self: bool,
    /// Whether it is connected.
    pub online: bool,
    /// Whether it is blocked in a wait for mail.
    pub waiting: bool,
    /// Unread messages in its mailbox.
    pub unread: u64,
    /// The MCP client's name and version, as it said them: `claude-code 2.1.330`.
    pub client: String,
}

/// A message is on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// Its id.
    pub id: MessageId,
    /// Whom it went to, as said or as the reply resolved it.
    pub to: crate::message::To,
    /// Its tag.
    pub tag: Option<String>,
    /// The recipients, sorted by name for a broadcast, in the order given for a list.
    pub recipients: Vec<Recipient>,
    /// Names that a broadcast left out because their mailboxes are full.
    pub skipped_full: Vec<String>,
    /// For each recipient that is not known: known names that resemble it.
    pub near: Vec<Near>,
}

/// A name that nobody holds, and names that somebody does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Near {
    /// The name as it was addressed.
    pub name: String,
    /// Known names that resemble it, the nearest first, at most three.
    pub known: Vec<String>,
}

/// A page of messages, ascending by id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inbox {
    /// Bodies are cut at [`crate::limits::LIST_BODY_MAX_CHARS`].
    pub messages: Vec<Message>,
    /// Whether more would match: above the page, or below it if `before_id` was given.
    pub more: bool,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneMessage {
    /// Its `body` is the page that was asked for.
    pub message: Message,
    /// First character of the page.
    pub offset: u64,
}

/// What `MarkRead` did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marked {
    /// How many became read now.
    pub marked: u64,
    /// Which were read before.
    pub already_read: Vec<MessageId>,
    /// Which are not in this mailbox.
    pub not_found: Vec<MessageId>,
}

/// A wait ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waited {
    /// What matched, ascending by id; empty only after a time-out.
    pub messages: Vec<Message>,
    /// Whether the time ran out.
    pub timed_out: bool,
    /// Whether everything that matches was shown to this session before; bodies are then cut at
    /// [`crate::limits::REMINDER_BODY_MAX_CHARS`].
    pub repeated: bool,
    /// Whether more messages match than were returned.
    pub more: bool,
}

/// An `ask` ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The question's id.
    pub id: MessageId,
    /// The answers, ascending by id, the first of each recipient.
    pub replies: Vec<Message>,
    /// Recipients that have not answered.
    pub missing: Vec<String>,
    /// Whether the time ran out.
    pub timed_out: bool,
    /// Whom it went to, as they were when it was sent.
    pub recipients: Vec<Recipient>,
}

/// What `Prune` deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pruned {
    /// Messages.
    pub messages_deleted: u64,
    /// Session rows.
    pub sessions_deleted: u64,
    /// Expired entries.
    pub state_deleted: u64,
}

/// It is done, and there is nothing to say about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {}

/// How the broker does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The broker's version.
    pub version: String,
    /// The protocol version of this connection.
    pub protocol: u16,
    /// The broker's process id.
    pub pid: u32,
    /// Seconds since it started.
    pub uptime_s: u64,
    /// How often a broker has opened this store.
    pub epoch: u64,
    /// Whether it runs as a service (else a shim started it).
    pub service: bool,
    /// The store's path.
    pub store: String,
    /// The store's id.
    pub store_id: String,
    /// Bytes of the store and its write-ahead log.
    pub store_bytes: u64,
    /// `full` or `normal`.
    pub durability: String,
    /// Open connections, this one included.
    pub connections: u64,
    /// Sessions with a connection.
    pub sessions_online: u64,
    /// Blocked waits for mail and watches.
    pub waits: u64,
    /// Messages in the store.
    pub messages: u64,
    /// Unread deliveries in the store.
    pub unread: u64,
    /// Commits since it started.
    pub commits: u64,
    /// Median duration of the latest commits, in microseconds.
    pub commit_p50_us: u64,
    /// 99th percentile of the latest commits, in microseconds.
    pub commit_p99_us: u64,
    /// The latest errors, newest last, with their times.
    pub last_errors: Vec<String>,
}

/// What a hook may tell its client's model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hooked {
    /// The client's session; `None` if it has none (yet), and then nothing else is told either.
    pub session: Option<crate::hello::SessionState>,
    /// The names of other sessions that are online, sorted, at most [`crate::limits::HOOK_NAMES_MAX`]. Only at the
    /// session's start.
    pub online: Vec<String>,
    /// How many there are.
    pub online_count: u64,
    /// The mail that this announces, the newest of it, ascending by id, at most [`crate::limits::HEADLINES_MAX`].
    /// Bodies are cut at [`crate::limits::REMINDER_BODY_MAX_CHARS`].
    pub messages: Vec<Message>,
    /// How many messages it announces.
    pub count: u64,
    /// Unread messages in the mailbox.
    pub unread: u64,
}

/// How nudges reach the sessions that are online, sorted by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushStates {
    /// At most [`crate::limits::PUSH_STATES_MAX`].
    pub sessions: Vec<PushState>,
}

/// How nudges reach one session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushState {
    /// Its name.
    pub name: String,
    /// What was chosen for it: `auto`, `socket`, `channel` or `off`.
    pub choice: String,
    /// What came of that: `socket`, `channel`, or `hooks` if its shim has no way.
    pub way: String,
    /// How the last nudge went, and when; `None` if there was none.
    pub last: Option<PushOutcome>,
}

/// How a nudge went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushOutcome {
    /// When.
    pub at: Timestamp,
    /// `delivered`, or why not.
    pub outcome: String,
}
