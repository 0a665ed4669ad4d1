//! What a row looks like as a message, and how a long body is cut without ever loading the whole of it for a list.
//!
//! Messages are read as lines of JSON, all of a question in one value: each row that comes from a connection's thread by
//! itself wakes whoever asked, which takes longer than reading it.

use super::addressed_from;
use crate::store::readers::Readers;
use c2c_proto::message::{Message, Priority, Receipt, ReceiptState};
use c2c_proto::time::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sqlx::Row as _;
use sqlx::query::QueryScalar;
use sqlx::sqlite::SqliteArguments;
use std::collections::HashMap;

/// A question for messages, as a constant. `?2` is the reader's row, `?3` how many bytes of a body to load; the tables are
/// `m` (messages) and `d` (the reader's delivery, if any). Each line is the columns of [`Line`], and what else was asked.
macro_rules! select_messages {
    ($also:literal, $from:expr) => {
        concat!(
            "SELECT group_concat(line, char(10)) FROM (SELECT json_array(json_array(m.id, m.from_name, m.from_session,
                 m.addressed, CAST(substr(CAST(m.body AS BLOB), 1, ?3) AS TEXT), m.body_chars, m.tag, m.reply_to,
                 m.thread, m.priority, m.created_at, m.from_row = ?2, d.read_at), json_array(",
            $also,
            ")) AS line ",
            $from,
            ")"
        )
    };
}
pub(super) use select_messages;

/// The columns of a message. SQLite writes some empty texts of old stores as null.
#[derive(Debug, Deserialize)]
struct Line(
    i64,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    u64,
    Option<String>,
    Option<i64>,
    i64,
    i64,
    i64,
    i64,
    Option<i64>,
);

/// What a question of [`select_messages`] is bound to.
pub(super) type Select<'q> = QueryScalar<'q, sqlx::Sqlite, Option<Vec<u8>>, SqliteArguments>;

/// Asks, and reads the lines: messages with bodies of at most so many characters, and what else was asked of each.
pub(super) async fn messages<Also: DeserializeOwned>(
    readers: &Readers,
    select: Select<'_>,
    body_max_chars: usize,
) -> Result<Vec<(Message, Also)>, sqlx::Error> {
    let lines = select.fetch_one(readers.get().await?.connection()?).await?.unwrap_or_default();
    read_lines(&lines, body_max_chars)
}

/// Reads the lines of a [`select_messages`].
pub(super) fn read_lines<Also: DeserializeOwned>(
    lines: &[u8],
    body_max_chars: usize,
) -> Result<Vec<(Message, Also)>, sqlx::Error> {
    // A body may have been cut within a character, beyond all that are kept.
    let text = String::from_utf8_lossy(lines);
    text.lines()
        .map(|line| {
            let (line, also) =
                serde_json::from_str(line).map_err(|error| sqlx::Error::Decode(error.into()))?;
            Ok((message(line, body_max_chars), also))
        })
        .collect()
}

/// A character has at most four bytes in UTF-8.
const BYTES_PER_CHAR: usize = 4;

/// How many bytes to load for so many characters.
pub(super) fn bytes_for(chars: usize) -> i64 {
    i64::try_from(chars.saturating_mul(BYTES_PER_CHAR)).unwrap_or(i64::MAX)
}

fn message(line: Line, body_max_chars: usize) -> Message {
    let Line(id, from_name, from_session, addressed, body, body_chars, tag, reply_to, thread, ..) = line;
    let Line(.., priority, created_at, own, read_at) = line;
    Message {
        id,
        from_name: from_name.unwrap_or_default(),
        from_session: from_session.unwrap_or_default(),
        to: addressed_from(&addressed.unwrap_or_default()),
        body: beginning(body.unwrap_or_default(), body_max_chars),
        body_chars,
        tag,
        reply_to,
        thread,
        priority: if priority == 1 { Priority::Fyi } else { Priority::Normal },
        created_at: Timestamp(created_at),
        sent_by_reader: own != 0,
        read_at: read_at.map(Timestamp),
        receipts: Vec::new(),
        receipts_total: 0,
    }
}

/// The first characters of a body.
pub(super) fn beginning(mut body: String, max_chars: usize) -> String {
    if let Some((end, _)) = body.char_indices().nth(max_chars) {
        body.truncate(end);
    }
    body
}

/// Which messages get their receipts, and when they are looked at: for other nodes some expire.
#[derive(Clone, Copy, Debug)]
pub(super) struct Receipts {
    /// All: the person may know. Else those that the reader sent.
    pub(super) of_all: bool,
    pub(super) now: Timestamp,
}

/// Adds the receipts, to each message at most so many, and how many there are.
pub(super) async fn add_receipts(
    readers: &Readers,
    messages: &mut [Message],
    max_each: usize,
    wanted: Receipts,
) -> Result<(), sqlx::Error> {
    let own: Vec<i64> = messages
        .iter()
        .filter(|message| message.sent_by_reader || wanted.of_all)
        .map(|message| message.id)
        .collect();
    if own.is_empty() {
        return Ok(());
    }
    let rows = sqlx::query(
        "SELECT message_id, recipient, shown_at, read_at, read_by, total,
                instr(mailbox, '@') > 0 AND (shown_at IS NULL AND read_at IS NULL),
                (SELECT o.number <= n.forwarded_up_to FROM outbox AS o JOIN nodes AS n ON n.node = o.node
                 WHERE instr(mailbox, '@') > 0 AND o.message_id = listed.message_id
                   AND o.node = substr(mailbox, instr(mailbox, '@') + 1)),
                EXISTS (SELECT 1 FROM expiring AS e
                 WHERE instr(mailbox, '@') > 0 AND e.message_id = listed.message_id
                   AND e.node = substr(mailbox, instr(mailbox, '@') + 1) AND e.expires_at <= ?3)
         FROM (
             SELECT message_id, mailbox, recipient, shown_at, read_at, read_by, COUNT(*) OVER one AS total,
                    ROW_NUMBER() OVER (one ORDER BY recipient COLLATE NOCASE) AS place
             FROM deliveries WHERE message_id IN (SELECT value FROM json_each(?1))
             WINDOW one AS (PARTITION BY message_id)) AS listed
         WHERE place <= ?2 ORDER BY message_id, place",
    )
    .bind(crate::store::answers::json(&own))
    .bind(i64::try_from(max_each).unwrap_or(i64::MAX))
    .bind(wanted.now.0)
    .fetch_all(readers.get().await?.connection()?)
    .await?;
    let mut receipts: HashMap<i64, (u32, Vec<Receipt>)> = HashMap::new();
    for row in rows {
        let shown_at = row.try_get::<Option<i64>, _>(2)?.map(Timestamp);
        let read_at = row.try_get::<Option<i64>, _>(3)?.map(Timestamp);
        let state = match (read_at, shown_at) {
            (Some(_), _) => ReceiptState::Read,
            (None, Some(_)) => ReceiptState::Shown,
            (None, None) if row.try_get(8)? => ReceiptState::Expired,
            (None, None) if row.try_get(6)? => on_the_way(row.try_get(7)?),
            (None, None) => ReceiptState::Queued,
        };
        let receipt = Receipt { name: row.try_get(1)?, state, shown_at, read_at, read_by: row.try_get(4)? };
        let (total, of_message) = receipts.entry(row.try_get(0)?).or_default();
        *total = row.try_get(5)?;
        of_message.push(receipt);
    }
    for message in messages {
        if let Some((total, receipts)) = receipts.remove(&message.id) {
            message.receipts_total = total;
            message.receipts = receipts;
        }
    }
    Ok(())
}

/// How far a message for another node is: whether its parcel was forwarded; it is gone once it has arrived.
const fn on_the_way(forwarded: Option<bool>) -> ReceiptState {
    match forwarded {
        None => ReceiptState::Delivered,
        Some(true) => ReceiptState::Forwarded,
        Some(false) => ReceiptState::Queued,
    }
}

#[cfg(test)]
mod tests {
    use super::beginning;

    #[test]
    fn a_body_is_cut_between_characters() {
        assert_eq!(beginning("aé😀b".into(), 3), "aé😀");
        assert_eq!(beginning("aé".into(), 10), "aé");
        assert_eq!(beginning("a\0b".into(), 9), "a\0b");
        assert_eq!(beginning(String::new(), 9), "");
    }
}
