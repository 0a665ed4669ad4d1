//! What `--json` prints: one shape for each kind of thing, the same in every command. Keys are added over time, never renamed.

use crate::values::exact;
use c2c_proto::id::Version;
use c2c_proto::message::{Message, Priority, Receipt, ReceiptState, To};
use c2c_proto::request::RemoteSession;
use c2c_proto::response::{Entry, PeerNode, SessionInfo};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// A message, with a receipt for each recipient where they are known.
pub(crate) fn message(message: &Message) -> Value {
    json!({
        "id": message.id,
        "from_name": message.from_name,
        "from_session": message.from_session,
        "to": to(&message.to),
        "body": message.body,
        "body_chars": message.body_chars,
        "tag": message.tag,
        "reply_to": message.reply_to,
        "thread": message.thread,
        "priority": if message.priority == Priority::Fyi { "fyi" } else { "normal" },
        "created_at": message.created_at.to_string(),
        "read_at": message.read_at.map(|at| at.to_string()),
        "receipts": message.receipts.iter().map(receipt).collect::<Vec<Value>>(),
    })
}

/// Whom a message is for: a name, a list of names, or `"*"`.
pub(crate) fn to(to: &To) -> Value {
    match to {
        To::One(name) => json!(name),
        To::Many(names) => json!(names),
        To::Everyone => json!(c2c_proto::name::EVERYONE),
    }
}

/// The word for how far a delivery has come.
pub(crate) const fn state(state: ReceiptState) -> &'static str {
    match state {
        ReceiptState::Queued => "queued",
        ReceiptState::Shown => "shown",
        ReceiptState::Read => "read",
        ReceiptState::Forwarded => "forwarded",
        ReceiptState::Delivered => "delivered",
        ReceiptState::Expired => "expired",
    }
}

fn receipt(receipt: &Receipt) -> Value {
    json!({
        "name": receipt.name,
        "state": state(receipt.state),
        "shown_at": receipt.shown_at.map(|at| at.to_string()),
        "read_at": receipt.read_at.map(|at| at.to_string()),
        "read_by": receipt.read_by,
    })
}

/// A session. Its metadata is whatever JSON it gave.
pub(crate) fn session(session: &SessionInfo) -> Value {
    json!({
        "session_id": session.session_id,
        "name": session.name,
        "online": session.online,
        "waiting": session.waiting,
        "unread": session.unread,
        "cwd": session.cwd,
        "client": session.client,
        "started_at": session.started_at.to_string(),
        "last_seen_at": session.last_seen_at.to_string(),
        "metadata": session.metadata.as_deref().map(parsed),
    })
}

/// Who is at another node.
pub(crate) fn node(node: &PeerNode) -> Value {
    let peer =
        |peer: &RemoteSession| json!({"name": peer.name, "online": peer.online, "waiting": peer.waiting});
    json!({
        "node": node.node,
        "told_at": node.told_at.map(|at| at.to_string()),
        "sessions": node.peers.iter().map(peer).collect::<Vec<Value>>(),
    })
}

/// An entry of the shared state.
#[derive(Serialize)]
pub(crate) struct ShownEntry<'a> {
    key: &'a str,
    /// As it was set, to the last digit; null where a list leaves out a long one.
    value: Option<Box<RawValue>>,
    value_chars: u64,
    version: Version,
    updated_at: String,
    updated_by: &'a str,
    expires_at: Option<String>,
}

/// How an entry is shown.
pub(crate) fn entry(entry: &Entry) -> ShownEntry<'_> {
    ShownEntry {
        key: &entry.state_key,
        value: entry.value.as_deref().map(exact),
        value_chars: entry.value_chars,
        version: entry.version,
        updated_at: entry.updated_at.to_string(),
        updated_by: &entry.updated_by,
        expires_at: entry.expires_at.map(|at| at.to_string()),
    }
}

/// JSON text as JSON; an old store may hold what is none, which is a text then.
pub(crate) fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| json!(text))
}
