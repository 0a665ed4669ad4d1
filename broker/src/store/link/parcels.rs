//! Parcels as a link takes them: rows of the outbox with what they stand for.

use super::content::{Carried, Content, Reference, sent_in};
use super::outgoing::number;
use crate::store::readers::Readers;
use c2c_proto::id::MessageId;
use c2c_proto::limits::{LINK_PARCELS_BYTES, LINK_PARCELS_MAX};
use c2c_proto::message::Priority;
use c2c_proto::name::{derive, follows_rule, on_node};
use c2c_proto::request::{LinkTake, Parcel};
use c2c_proto::response::Parcels;
use sqlx::SqliteConnection;

/// A row of the outbox, and its message if it has one.
#[derive(sqlx::FromRow)]
struct Waiting {
    number: i64,
    node: String,
    after: Option<i64>,
    message_id: Option<MessageId>,
    receipts: Option<String>,
    expiring: bool,
    /// As JSON.
    recipients: String,
    /// The key under which the store has what the message answers, if another node sent that.
    answers: Option<String>,
    from_name: Option<String>,
    from_session: Option<String>,
    /// Missing if it is long.
    body: Option<String>,
    tag: Option<String>,
    priority: Option<i64>,
    created_at: Option<i64>,
    reply_to: Option<MessageId>,
}

/// A body of more characters is read by itself: what a link is given at once is not in memory all at once.
const BODY_ALONG_MAX_CHARS: i64 = 4_096;

macro_rules! waiting {
    ($of:literal) => {
        concat!(
            "SELECT o.number, o.node, (SELECT MAX(number) FROM outbox WHERE node = o.node AND number < o.number) AS after,
                    o.message_id, o.receipts,
                    EXISTS (SELECT 1 FROM expiring WHERE message_id = o.message_id AND node = o.node) AS expiring,
                    (SELECT json_group_array(recipient) FROM deliveries WHERE message_id = o.message_id) AS recipients,
                    (SELECT key FROM messages WHERE id = m.reply_to AND from_row = 0) AS answers,
                    m.from_name, m.from_session, CASE WHEN m.body_chars <= ?3 THEN m.body END AS body,
                    m.tag, m.priority, m.created_at, m.reply_to
             FROM outbox AS o LEFT JOIN messages AS m ON m.id = o.message_id
             WHERE ",
            $of,
            " o.number > ?1 ORDER BY o.number LIMIT ?2"
        )
    };
}

/// Parcels to be carried, as far as they are wanted.
pub(super) async fn take(readers: &Readers, own: &[String], ask: &LinkTake) -> Result<Parcels, sqlx::Error> {
    let mut reader = readers.get().await?;
    let connection = reader.connection()?;
    let most = i64::try_from(LINK_PARCELS_MAX).unwrap_or(i64::MAX);
    let of = |query: &'static str| {
        sqlx::query_as(query).bind(number(ask.after)).bind(most).bind(BODY_ALONG_MAX_CHARS)
    };
    let waiting = match &ask.node {
        None => of(waiting!("")),
        Some(node) => of(waiting!("o.node = ?4 AND ")).bind(node),
    };
    let waiting: Vec<Waiting> = waiting.fetch_all(&mut *connection).await?;
    let mut more = waiting.len() == LINK_PARCELS_MAX;
    let (mut parcels, mut bytes) = (Vec::with_capacity(waiting.len()), 0);
    for mut one in waiting {
        if bytes > LINK_PARCELS_BYTES {
            more = true;
            break;
        }
        if let (Some(id), None) = (one.message_id, &one.body) {
            one.body = body(connection, id).await?;
        }
        let parcel = one.parcel(own);
        bytes += parcel.content.len();
        parcels.push(parcel);
    }
    Ok(Parcels { parcels, more })
}

async fn body(connection: &mut SqliteConnection, id: MessageId) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT body FROM messages WHERE id = ?1").bind(id).fetch_optional(connection).await
}

impl Waiting {
    fn parcel(mut self, own: &[String]) -> Parcel {
        let whole = |number: i64| u64::try_from(number).unwrap_or_default();
        let (node, number) = (std::mem::take(&mut self.node), whole(self.number));
        let after = whole(self.after.unwrap_or_default());
        let content = match self.message_id {
            Some(id) => self.message(own, &node, id).encoded(),
            None => self.receipts.unwrap_or_default(),
        };
        Parcel { node, number, after, content }
    }

    /// The message, for its recipients at one node. One that is gone, which only a hand in the store can bring about, leaves a
    /// parcel that says nothing: the numbers go on.
    fn message(self, own: &[String], node: &str, id: MessageId) -> Content {
        let Some(body) = self.body else { return Content::Receipts { receipts: Vec::new() } };
        // SQLite has just made it.
        let recipients: Vec<String> = serde_json::from_str(&self.recipients).unwrap_or_default();
        let here = recipients.iter().filter_map(|name| on_node(name)).filter(|(_, at)| *at == node);
        let ours = |id| Reference { stores: own.to_vec(), id };
        let answered = self.answers.as_deref().and_then(sent_in);
        let from_name = self.from_name.unwrap_or_default();
        Content::Message(Box::new(Carried {
            id: ours(id),
            // A name from before the rule would not be taken for one there.
            from_name: if follows_rule(&from_name) { from_name } else { derive(&from_name) },
            from_session: self.from_session.unwrap_or_default(),
            to: here.map(|(name, _)| name.to_owned()).collect(),
            body,
            tag: self.tag,
            reply_to: self.reply_to.map(|id| answered.unwrap_or_else(|| ours(id))),
            priority: if self.priority == Some(1) { Priority::Fyi } else { Priority::Normal },
            created_at: self.created_at.unwrap_or_default(),
            confirm: self.expiring,
        }))
    }
}
