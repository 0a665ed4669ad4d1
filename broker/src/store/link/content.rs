//! What is in a parcel: JSON that brokers of any version read. What they do not know they leave out; what they need is there.

use c2c_proto::id::MessageId;
use c2c_proto::message::Priority;
use c2c_proto::time::Timestamp;
use serde::{Deserialize, Serialize};

/// One parcel.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Content {
    /// A message.
    Message(Box<Carried>),
    /// What came of messages of the node that it is for.
    Receipts { receipts: Vec<CarriedReceipt> },
    /// What a later version has added, and this one can do without.
    #[serde(other)]
    Unknown,
}

/// A message, as its sender's broker has it. The node that it comes from is known otherwise.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Carried {
    /// Which message it is.
    pub(super) id: Reference,
    /// The sender's name when it was sent, without its node.
    pub(super) from_name: String,
    /// The sender's session.
    pub(super) from_session: String,
    /// Whom it is for at the node that it is sent to; `*` alone for everyone there.
    pub(super) to: Vec<String>,
    pub(super) body: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tag: Option<String>,
    /// What it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reply_to: Option<Reference>,
    pub(super) priority: Priority,
    /// In microseconds since 1970 by the sender's clock.
    pub(super) created_at: i64,
}

/// A message, wherever it is: the store in which it was sent, and its id there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Reference {
    /// The store's id, and those that it had before it was restored.
    pub(super) stores: Vec<String>,
    pub(super) id: MessageId,
}

/// How far one delivery has come. Times are in microseconds since 1970 by the recipient's clock.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CarriedReceipt {
    /// The message's id in the store that sent it.
    pub(super) id: MessageId,
    /// That store.
    pub(super) store: String,
    /// The recipient as it was addressed, without its node.
    pub(super) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) shown_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) read_at: Option<i64>,
    /// The name of the session that marked it read, without its node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) read_by: Option<String>,
}

impl Carried {
    /// When it was sent.
    pub(super) const fn sent_at(&self) -> Timestamp {
        Timestamp(self.created_at)
    }
}

/// The key under which a message of another store lies here: with it a message that comes twice is recognised.
pub(super) fn key(store: &str, id: MessageId) -> String {
    format!("{KEY_PREFIX}{store}:{id}")
}

/// Where a message that lies here under a key was sent.
pub(super) fn sent_in(key: &str) -> Option<Reference> {
    let (store, id) = key.strip_prefix(KEY_PREFIX)?.rsplit_once(':')?;
    Some(Reference { stores: vec![store.to_owned()], id: id.parse().ok()? })
}

const KEY_PREFIX: &str = "link:";

#[cfg(test)]
mod tests {
    use super::{Content, key, sent_in};

    #[test]
    fn a_key_says_where_a_message_was_sent() {
        let reference = sent_in(&key("0199-a", 17)).unwrap();
        assert_eq!((reference.stores, reference.id), (vec!["0199-a".to_owned()], 17));
        assert_eq!(sent_in("import:0199-a:17"), None);
        assert_eq!(sent_in("link:0199-a:x"), None);
    }

    #[test]
    fn what_a_later_version_has_added_can_be_read() {
        let more = r#"{"kind":"poll","question":1}"#;
        assert!(matches!(serde_json::from_str(more), Ok(Content::Unknown)));
        let more = r#"{"kind":"receipts","receipts":[{"id":1,"store":"s","name":"a","mood":"good"}]}"#;
        assert!(
            matches!(serde_json::from_str(more), Ok(Content::Receipts { receipts }) if receipts.len() == 1)
        );
    }
}
