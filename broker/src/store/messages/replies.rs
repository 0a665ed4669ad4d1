//! The messages that a batch of sends answers: looked up together, once.

use super::NewMessage;
use super::addressed_from;
use crate::session::Row;
use crate::store::answers::json;
use crate::store::jobs::Ask;
use crate::store::transaction::Transaction;
use c2c_proto::Error;
use c2c_proto::id::MessageId;
use c2c_proto::limits::THREAD_WINDOW_S;
use c2c_proto::message::To;
use c2c_proto::name::{EVERYWHERE, fold};
use c2c_proto::time::Timestamp;
use sqlx::Row as _;
use std::collections::HashMap;

/// A message that is being answered, if the one who answers may see it.
#[derive(Clone, Debug)]
pub(super) struct Original {
    pub(super) thread: MessageId,
    pub(super) from_row: Row,
    pub(super) from_name: String,
    /// The name that its sender's session has now, if it still has one.
    pub(super) sender_now: Option<String>,
    pub(super) to: To,
    /// The names it went to, each with the name that its session has now.
    pub(super) recipients: Vec<(String, String)>,
    /// Its thread, within the last hour.
    pub(super) pace: Pace,
}

/// How busy a thread was within the last hour.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    pub(super) messages: u32,
    /// When the oldest of them was sent.
    pub(super) oldest: Timestamp,
}

/// The messages that are answered, as far as their answerers can see them, whom an answer to all of them reaches, and the newest
/// messages of their threads: the first is found by its id, the others by the thread.
pub(super) const ORIGINALS: &str =
    "SELECT j.value ->> 0, m.thread, m.from_row, m.from_name, s.name, m.addressed,
            (SELECT json_group_array(json_array(d.recipient, COALESCE(arrived.name, seen.name, d.recipient)))
             FROM deliveries AS d
             LEFT JOIN sessions AS arrived ON arrived.row_id = d.arrived_row AND arrived.stale = 0
             LEFT JOIN sessions AS seen ON seen.row_id = d.shown_row AND seen.stale = 0
             WHERE d.message_id = m.id AND m.from_row = j.value ->> 1),
            (SELECT json_array(COUNT(*), MIN(latest.created_at)) FROM messages AS latest
             WHERE latest.id IN (SELECT id FROM messages WHERE thread = m.thread AND thread <> id
                                 UNION ALL SELECT m.thread ORDER BY id DESC LIMIT ?)
               AND latest.created_at > ? AND latest.created_at <= ?)
     FROM json_each(?) AS j
     JOIN messages AS m ON m.id = j.value ->> 3
     LEFT JOIN sessions AS s ON s.row_id = m.from_row AND s.stale = 0
     WHERE m.from_row = j.value ->> 1
        OR EXISTS (SELECT 1 FROM deliveries WHERE mailbox = j.value ->> 2 AND message_id = m.id)
        OR EXISTS (SELECT 1 FROM sightings WHERE row_id = j.value ->> 1 AND message_id = m.id)";

/// The originals by position in the batch.
pub(super) async fn originals(
    transaction: &mut Transaction<'_>,
    sends: &[Ask<NewMessage, super::Stored>],
    now: Timestamp,
    limit: u32,
) -> Result<HashMap<usize, Original>, sqlx::Error> {
    let wanted: Vec<(usize, Row, &str, MessageId)> = sends
        .iter()
        .enumerate()
        .filter_map(|(index, ask)| {
            let sender = &ask.input.sender;
            Some((index, sender.row, sender.mailbox.as_str(), ask.input.request.reply_to?))
        })
        .collect();
    let mut originals = HashMap::new();
    if wanted.is_empty() {
        return Ok(originals);
    }
    let window_s = i64::try_from(THREAD_WINDOW_S).unwrap_or(i64::MAX);
    // After the clock was set back, what bears a later time is not of the last hour.
    transaction.add(ORIGINALS).bind(limit).bind(now.plus_s(-window_s).0).bind(now.0);
    let rows = transaction.bind(json(&wanted)).rows().await?;
    for row in rows {
        let index: i64 = row.try_get(0)?;
        let (names, pace): (String, String) = (row.try_get(6)?, row.try_get(7)?);
        // Of none there is no oldest.
        let (messages, oldest): (u32, Option<i64>) = serde_json::from_str(&pace).unwrap_or_default();
        let original = Original {
            thread: row.try_get(1)?,
            from_row: row.try_get(2)?,
            from_name: row.try_get(3)?,
            sender_now: row.try_get(4)?,
            to: addressed_from(row.try_get(5)?),
            recipients: serde_json::from_str(&names).unwrap_or_default(),
            pace: Pace { messages, oldest: Timestamp(oldest.unwrap_or_default()) },
        };
        originals.insert(usize::try_from(index).unwrap_or_default(), original);
    }
    Ok(originals)
}

impl Original {
    /// Where an answer goes: to whatever name the sender's session has now; an answer to one's own message goes to
    /// whatever names those have now that it went to. A name that was given and is not the original sender's is taken
    /// as it is.
    pub(super) fn address(&self, sender: Row, given: Option<&To>) -> To {
        if let Some(given) = given
            && !self.is_from(given)
        {
            return given.clone();
        }
        if self.from_row != sender {
            return To::One(self.sender_now.clone().unwrap_or_else(|| self.from_name.clone()));
        }
        match &self.to {
            To::One(name) if name != EVERYWHERE => To::One(self.name_now(name)),
            To::Many(names) => To::Many(names.iter().map(|name| self.name_now(name)).collect()),
            To::One(_) | To::Everyone => {
                To::Many(self.recipients.iter().map(|(_, now)| now.clone()).collect())
            }
        }
    }

    /// Whether an address is the original sender's name, alone or as a list of one.
    fn is_from(&self, address: &To) -> bool {
        let names = match address {
            To::One(name) => std::slice::from_ref(name),
            To::Many(names) => names,
            To::Everyone => return false,
        };
        matches!(names, [name] if fold(name) == fold(&self.from_name))
    }

    /// The name that the session has now which the original reached under this name.
    fn name_now(&self, addressed: &str) -> String {
        let mailbox = fold(addressed);
        let found = self.recipients.iter().find(|(recipient, _)| fold(recipient) == mailbox);
        found.map_or(addressed, |(_, now)| now).to_owned()
    }
}

/// `not_found` for a message that the session cannot see.
pub(crate) fn not_visible(id: MessageId) -> Error {
    Error::not_found(
        format!("message {id} does not exist, or is neither from nor to this session"),
        "list the mail with inbox(unread_only=false), or what you sent with inbox(sent=true)",
    )
}
