//! What was done, when, and what came of it: one record for each call and each fault, as JSON lines.
//!
//! Owns the words in which workload and nemesis write and in which the checker reads; nothing else passes between them.
//! Times are nanoseconds of one monotonic clock, so that what ended before something else began is known exactly.

pub mod bodies;
pub mod dice;
mod recorder;

pub use recorder::Recorder;

use serde::{Deserialize, Serialize};

/// What stands for an answer that never came although the shim lived.
pub const HANGS: &str = "no answer at all";

/// The client of a record that tells a node what was done at another one.
pub const FOREIGN: u32 = u32::MAX - 1;

/// One call or one fault.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Op {
    /// When it began.
    pub t_invoke: u64,
    /// When it ended; of an unknown outcome: when nobody waited any longer.
    pub t_end: u64,
    /// Which client.
    pub client: u32,
    /// The session row that the client knew itself to be.
    pub session: Box<str>,
    /// The name that it knew itself to have.
    pub name: Box<str>,
    /// What was asked.
    #[serde(flatten)]
    pub call: Call,
    /// Whether it was done.
    pub outcome: Outcome,
    /// What came back.
    pub result: Done,
}

/// Whether something was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was done, and said so.
    Ok,
    /// It was surely not done.
    Fail,
    /// Nobody knows.
    Unknown,
}

/// Whom a message is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum To {
    /// These names, one or more.
    Names(Vec<String>),
    /// `"*"`.
    Everyone,
    /// Whoever sent the message that is answered.
    Sender,
}

/// What was asked. `n` numbers what is written: messages and values are made from it, so that the checker can make
/// them again. A repeated call has the number of the first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", content = "args", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the members are the tools' own arguments")]
pub enum Call {
    /// `send_message`.
    Send { n: u64, to: To, tag: Option<String>, reply_to: Option<i64>, key: Option<String>, fyi: bool },
    /// `ask`.
    Ask {
        n: u64,
        to: Vec<String>,
        tag: Option<String>,
        key: Option<String>,
        timeout_ms: u64,
        replies: Option<u32>,
    },
    /// `inbox`, as a list.
    Inbox(Inbox),
    /// `inbox` of one message.
    ReadBody { id: i64, offset: u64 },
    /// `mark_read`.
    MarkRead { ids: Vec<i64>, key: Option<String> },
    /// `wait_for_message`.
    Wait { timeout_ms: u64, from: Option<String>, tag: Option<String>, reply_to: Option<i64> },
    /// `set_state`.
    SetState { n: u64, entry: String, if_version: Option<i64>, ttl_ms: Option<u64>, key: Option<String> },
    /// `get_state` of one key; with `newer_than` and a time it is a watch.
    GetState { entry: String, newer_than: Option<i64>, timeout_ms: u64 },
    /// `delete_state`.
    DeleteState { n: u64, entry: String, if_version: Option<i64>, key: Option<String> },
    /// `register_session`.
    Register { name: String },
    /// `list_sessions`.
    Sessions {},
    /// `heartbeat`.
    Heartbeat {},
    /// `prune` of what is older than a month, which is nothing.
    Prune {},
    /// A shim was started (ok: it answered `initialize`).
    Start {},
    /// A shim was ended by its client.
    Stop {},
    /// Something was broken, from `t_invoke` to `t_end`.
    Fault { kind: Fault, detail: String },
}

/// The arguments of a list of messages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inbox {
    /// Only what is unread.
    pub unread_only: bool,
    /// Only above this id.
    pub after: Option<i64>,
    /// The newest below this id.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: u32,
    /// Only with this tag.
    pub tag: Option<String>,
    /// Only from this name.
    pub from: Option<String>,
    /// What the session sent itself.
    pub sent: bool,
    /// Only the message with this number, by the word that its body begins with.
    pub word: Option<u64>,
}

/// What can be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The broker was killed.
    KillBroker,
    /// The next broker was killed within moments of its start.
    KillBrokerAgain,
    /// A shim was killed.
    KillShim,
    /// The broker was frozen for a while.
    FreezeBroker,
    /// A shim was frozen for a while.
    FreezeShim,
    /// The socket's file was removed.
    RemoveSocket,
    /// Another broker was started by hand.
    SecondBroker,
    /// The broker was asked to end.
    EndBroker,
    /// The disk was full for a while.
    DiskFull,
    /// The disk failed for a while.
    DiskFails,
    /// The broker's clock was set to another time.
    ClockJump,
    /// A link was killed, and another one started.
    KillLink,
    /// A link was frozen for a while.
    FreezeLink,
    /// A link was told to rest for a while.
    PauseLink,
    /// A link's connection to the server was cut, and refused for a while.
    CutLink,
    /// Nothing passed between a link and the server for a while.
    StallLink,
    /// The server between the nodes was killed, and started on what it had.
    KillServer,
    /// It was killed, and started with nothing.
    ForgetServer,
    /// It was frozen for a while.
    FreezeServer,
    /// Nothing was broken: what a kill left was looked at before another broker could open it.
    LookAtStore,
}

impl Fault {
    /// Whether only what lies between two brokers was broken: nothing on one machine is the worse for it.
    #[must_use]
    pub const fn is_between_nodes(self) -> bool {
        matches!(
            self,
            Self::KillLink
                | Self::FreezeLink
                | Self::PauseLink
                | Self::CutLink
                | Self::StallLink
                | Self::KillServer
                | Self::ForgetServer
                | Self::FreezeServer
        )
    }
}

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the members are those of the tools' results")]
pub enum Done {
    /// Nothing, or nothing that matters.
    #[default]
    Nothing,
    /// An error; the key is there where the outcome is unknown.
    Error { code: String, key: Option<String>, message: String },
    /// What is no answer at all.
    Malformed(String),
    /// A message is stored; its recipients, and whether each was known.
    Sent { id: i64, recipients: Vec<(Box<str>, bool)> },
    /// A question was asked.
    Asked { id: i64, replies: Vec<Seen>, missing: Vec<String>, timed_out: bool },
    /// Messages.
    Page { messages: Vec<Seen>, more: bool },
    /// Messages that were waited for.
    Waited { messages: Vec<Seen>, timed_out: bool, repeated: bool, more: bool },
    /// Messages were marked.
    Marked { marked: u64, already_read: Vec<i64>, not_found: Vec<i64> },
    /// An entry was written.
    Set { version: i64 },
    /// An entry: its version and the number of its value.
    Entry { found: Option<(i64, u64)>, timed_out: bool },
    /// An entry was removed, if there was one.
    Deleted { deleted: bool },
    /// A name was taken: the session, and which one it was taken from.
    Registered { session: Box<str>, name: Box<str>, superseded: Option<Box<str>> },
    /// Sessions: name, online; and which of them is the caller's.
    Sessions { rows: Vec<(Box<str>, bool)>, own: Option<(Box<str>, Box<str>)> },
    /// Messages and sessions were deleted, so many.
    Pruned { deleted: u64 },
}

/// A message as a result showed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Its id.
    pub id: i64,
    /// `from_name`.
    pub from: Box<str>,
    /// `from_session`.
    pub from_session: Box<str>,
    /// Its tag.
    pub tag: Option<Box<str>>,
    /// What it answers.
    pub reply_to: Option<i64>,
    /// How many characters of its body were shown.
    pub chars: u64,
    /// How long the body is said to be.
    pub body_chars: u64,
    /// Digest of what was shown of the body.
    pub digest: u64,
    /// Receipts: name and state.
    pub receipts: Vec<(Box<str>, Box<str>)>,
}

impl Op {
    /// The call's name.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match &self.call {
            Call::Send { to: To::Everyone, .. } => "broadcast",
            Call::Send { reply_to: Some(_), .. } => "reply",
            Call::Send { .. } => "send",
            Call::Ask { .. } => "ask",
            Call::Inbox(_) => "inbox",
            Call::ReadBody { .. } => "read_body",
            Call::MarkRead { .. } => "mark_read",
            Call::Wait { .. } => "wait",
            Call::SetState { .. } => "set_state",
            Call::GetState { .. } => "get_state",
            Call::DeleteState { .. } => "delete_state",
            Call::Register { .. } => "register",
            Call::Sessions {} => "list_sessions",
            Call::Heartbeat {} => "heartbeat",
            Call::Prune {} => "prune",
            Call::Start {} => "start",
            Call::Stop {} => "stop",
            Call::Fault { .. } => "fault",
        }
    }

    /// The record of a fault.
    #[must_use]
    pub fn fault(t_invoke: u64, t_end: u64, kind: Fault, outcome: Outcome, detail: String) -> Self {
        let call = Call::Fault { kind, detail };
        let (client, session, name, result) = (u32::MAX, "".into(), "".into(), Done::Nothing);
        Self { t_invoke, t_end, client, session, name, call, outcome, result }
    }

    /// Whether a fault on this machine.
    #[must_use]
    pub const fn is_fault_here(&self) -> bool {
        matches!(&self.call, Call::Fault { kind, .. } if !kind.is_between_nodes())
    }

    /// Whether it was done.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.outcome == Outcome::Ok
    }

    /// Whether it may have been done.
    #[must_use]
    pub fn may_be_done(&self) -> bool {
        self.outcome != Outcome::Fail
    }

    /// The messages that its result showed.
    #[must_use]
    pub fn seen(&self) -> &[Seen] {
        match &self.result {
            Done::Page { messages, .. } | Done::Waited { messages, .. } => messages,
            Done::Asked { replies, .. } => replies,
            _ => &[],
        }
    }
}

impl Call {
    /// The time that the call itself asks to wait.
    #[must_use]
    pub const fn wait_ms(&self) -> u64 {
        match self {
            Self::Wait { timeout_ms, .. }
            | Self::Ask { timeout_ms, .. }
            | Self::GetState { timeout_ms, .. } => *timeout_ms,
            _ => 0,
        }
    }

    /// The idempotency key, of those that take one.
    pub fn key_mut(&mut self) -> Option<&mut Option<String>> {
        match self {
            Self::Send { key, .. }
            | Self::Ask { key, .. }
            | Self::MarkRead { key, .. }
            | Self::SetState { key, .. }
            | Self::DeleteState { key, .. } => Some(key),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
