//! Messages and their deliveries: writing them (`insert`, `arrival`, `recipients`, `replies`, `marks`) and reading them (`list`,
//! `one`, `unread`, `answers_to`). What a row looks like as a message is in `shape`.

mod answers_to;
mod arrival;
mod insert;
mod list;
mod marks;
mod one;
mod recipients;
mod replies;
mod shape;
mod unannounced;
mod unread;

pub(crate) use answers_to::answers_to;
pub(crate) use arrival::{Arrival, NOBODY, arrive, write_foreign};
pub(crate) use insert::insert;
pub(crate) use list::{Page, list, traffic};
pub(crate) use marks::{mark_read, mark_shown};
pub(crate) use one::{any, one};
pub(crate) use recipients::KnownNames;
pub(crate) use unannounced::{Range, unannounced};
pub(crate) use unread::{Unread, unread};

use crate::session::Owner;
use crate::session::Row;
use crate::store::readers::Readers;
use c2c_proto::id::MessageId;
use c2c_proto::message::{Recipient, To};
use c2c_proto::request::Send;

/// A message to be stored.
#[derive(Debug)]
pub(crate) struct NewMessage {
    pub(crate) sender: Owner,
    pub(crate) request: Send,
    /// Whether the sender waits for answers: then late sessions do not get it, and somebody known must.
    pub(crate) question: bool,
    /// How long it may take to other nodes.
    pub(crate) expires_in_ms: Option<u64>,
    pub(crate) hash: String,
}

/// A message that is on disk.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) id: MessageId,
    /// Whom it went to, as said or as the reply resolved it.
    pub(crate) to: To,
    pub(crate) recipients: Vec<StoredRecipient>,
    pub(crate) skipped_full: Vec<String>,
    /// Whether this very commit stored it; a repeated call changes nothing and wakes nobody.
    pub(crate) fresh: bool,
}

/// One recipient of a stored message.
#[derive(Clone, Debug)]
pub(crate) struct StoredRecipient {
    /// The session that holds the name now.
    pub(crate) row: Option<Row>,
    pub(crate) recipient: Recipient,
}

/// Every statement that reads messages for a call, for the test of their plans.
#[cfg(test)]
pub(crate) const SELECTS: &[(&str, &str)] = &[
    ("unread, not shown", unread::UNSHOWN),
    ("unread, shown", unread::SHOWN),
    ("list of unread mail", list::UNREAD.0),
    ("list of unread mail, backwards", list::UNREAD.1),
    ("list of mail", list::MAIL.0),
    ("list of mail, backwards", list::MAIL.1),
    ("list of what was sent", list::SENT.0),
    ("list of what was sent, backwards", list::SENT.1),
    ("list of what was sent and not read", list::SENT_UNREAD.0),
    ("list of what was sent and not read, backwards", list::SENT_UNREAD.1),
    ("list of a thread", list::THREAD.0),
    ("list of a thread, backwards", list::THREAD.1),
    ("search in unread mail", list::FOUND_UNREAD.0),
    ("search in unread mail, backwards", list::FOUND_UNREAD.1),
    ("search in mail", list::FOUND_MAIL.0),
    ("search in mail, backwards", list::FOUND_MAIL.1),
    ("search in what was sent", list::FOUND_SENT.0),
    ("search in what was sent, backwards", list::FOUND_SENT.1),
    ("search in what was sent and not read", list::FOUND_SENT_UNREAD.0),
    ("search in what was sent and not read, backwards", list::FOUND_SENT_UNREAD.1),
    ("search in a thread", list::FOUND_IN_THREAD.0),
    ("search in a thread, backwards", list::FOUND_IN_THREAD.1),
    ("all messages", list::ALL.0),
    ("all messages, backwards", list::ALL.1),
    ("all of a thread", list::WHOLE_THREAD.0),
    ("all of a thread, backwards", list::WHOLE_THREAD.1),
    ("search in all messages", list::FOUND_ANYWHERE.0),
    ("search in all messages, backwards", list::FOUND_ANYWHERE.1),
    ("any message", one::ANY),
    ("one message", one::ONE),
    ("answers", answers_to::ANSWERS),
    ("not announced", unannounced::SELECT),
    ("originals of answers", replies::ORIGINALS),
];

/// How many messages the store holds.
pub(crate) async fn count(readers: &Readers) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT COUNT(*) FROM messages").fetch_one(readers.get().await?.connection()?).await
}

/// `To` as the store keeps it: JSON, as it is shown.
pub(super) fn addressed_json(to: &To) -> String {
    match to {
        To::One(name) => super::answers::json(name),
        To::Many(names) => super::answers::json(names),
        To::Everyone => super::answers::json(&c2c_proto::name::EVERYONE),
    }
}

/// The way back.
fn addressed_from(json: &str) -> To {
    match serde_json::from_str(json) {
        Ok(serde_json::Value::Array(names)) => {
            To::Many(names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect())
        }
        Ok(serde_json::Value::String(name)) if name == c2c_proto::name::EVERYONE => To::Everyone,
        Ok(serde_json::Value::String(name)) => To::One(name),
        _ => To::One(json.to_owned()),
    }
}
