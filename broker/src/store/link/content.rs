//! What is in a parcel: a line of JSON that brokers of any version read (what they do not know they leave out; what they need
//! is there), and behind it the body as it is, which JSON could make six times as long.

use crate::store::answers::json;
use c2c_proto::id::MessageId;
use c2c_proto::message::Priority;
use serde::{Deserialize, Serialize};

/// One parcel.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Content {
    /// A message.
    Message(Box<Carried>),
    /// What came of messages of the node that it is for.
    Receipts { receipts: Vec<CarriedReceipt> },
    /// Nothing: its message was to be sent for some time only, and that is over.
    Expired,
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
    /// Not in the JSON, but behind it.
    #[serde(skip)]
    pub(super) body: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tag: Option<String>,
    /// What it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reply_to: Option<Reference>,
    pub(super) priority: Priority,
    /// In microseconds since 1970 by the sender's clock.
    pub(super) created_at: i64,
    /// Whether its sender is to be told that it is here: when its parcel is accepted, that may be known to be empty.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) confirm: bool,
}

/// A message, wherever it is: the store in which it was sent, and its id there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Reference {
    /// The store's id, and those that it had before it was restored.
    pub(super) stores: Vec<String>,
    pub(super) id: MessageId,
}

/// How far one delivery has come: it is there, and perhaps was shown or read. Times are in microseconds since 1970 by the recipient's clock.
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

impl Content {
    /// As it travels.
    pub(super) fn encoded(&self) -> String {
        let mut text = json(self);
        if let Self::Message(message) = self {
            text.push('\n');
            text.push_str(&message.body);
        }
        text
    }

    /// The way back; the error says what is wrong.
    pub(super) fn decoded(text: &str) -> Result<Self, String> {
        let (line, body) = text.split_once('\n').unwrap_or((text, ""));
        let mut content: Self = serde_json::from_str(line).map_err(|error| error.to_string())?;
        if let Self::Message(message) = &mut content {
            body.clone_into(&mut message.body);
        }
        Ok(content)
    }
}

/// The key under which a message of another node lies here: with it a message that comes twice is recognised. After a restore
/// a store gives ids out again where it cannot help it, so the time belongs to it.
pub(super) fn key(node: &str, store: &str, id: MessageId, created_at: i64) -> String {
    format!("{}{created_at}", key_of(node, store, id))
}

/// How the keys of a message begin, whenever it was sent.
pub(super) fn key_of(node: &str, store: &str, id: MessageId) -> String {
    format!("{KEY_PREFIX}{node}:{store}:{id}:")
}

/// Where a message that lies here under a key was sent.
pub(super) fn sent_in(key: &str) -> Option<Reference> {
    let (rest, _created_at) = key.strip_prefix(KEY_PREFIX)?.rsplit_once(':')?;
    let (place, id) = rest.rsplit_once(':')?;
    let (_node, store) = place.split_once(':')?;
    Some(Reference { stores: vec![store.to_owned()], id: id.parse().ok()? })
}

const KEY_PREFIX: &str = "link:";

#[cfg(test)]
mod tests {
    use super::{Carried, Content, Reference, key, sent_in};
    use c2c_proto::message::Priority;

    #[test]
    fn a_key_says_where_a_message_was_sent() {
        let reference = sent_in(&key("laptop", "0199-a", 17, 5)).unwrap();
        assert_eq!((reference.stores, reference.id), (vec!["0199-a".to_owned()], 17));
        for other in ["import:0199-a:17", "link:laptop:0199-a:x:5", "link:X:5"] {
            assert_eq!(sent_in(other), None, "{other}");
        }
    }

    #[test]
    fn a_body_travels_as_it_is() {
        let body = "\u{1}".repeat(1_000) + "\n\"quoted\"\n";
        let message = Carried {
            id: Reference { stores: vec!["s".to_owned()], id: 1 },
            from_name: "api".to_owned(),
            from_session: "s".to_owned(),
            to: vec!["web".to_owned()],
            body: body.clone(),
            tag: None,
            reply_to: None,
            priority: Priority::Normal,
            created_at: 5,
            confirm: false,
        };
        let text = Content::Message(Box::new(message)).encoded();
        assert!(text.len() < body.len() + 200, "{}", text.len());
        let Ok(Content::Message(read)) = Content::decoded(&text) else { panic!("{text}") };
        assert_eq!(read.body, body);
    }

    #[test]
    fn what_a_later_version_has_added_can_be_read() {
        let more = r#"{"kind":"poll","question":1}"#;
        assert!(matches!(Content::decoded(more), Ok(Content::Unknown)));
        let more = r#"{"kind":"receipts","receipts":[{"id":1,"store":"s","name":"a","mood":"good"}]}"#;
        assert!(matches!(Content::decoded(more), Ok(Content::Receipts { receipts }) if receipts.len() == 1));
    }
}
