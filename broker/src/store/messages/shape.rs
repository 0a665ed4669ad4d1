//! What a row looks like as a message, and how a long body is cut without ever loading the whole of it for a list.

use super::addressed_from;
use c2c_proto::message::{Message, Priority, Receipt, ReceiptState};
use c2c_proto::time::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqlitePool};
use std::collections::HashMap;

/// The columns of a message, in the order that [`message`] reads them. `?2` is the reader's row, `?3` how many bytes of
/// the body to load; the tables are `m` (messages) and `d` (the reader's delivery, if any).
macro_rules! message_columns {
    () => {
        "m.id, m.from_name, m.from_session, m.addressed, substr(CAST(m.body AS BLOB), 1, ?3), m.body_chars, m.tag,
         m.reply_to, m.thread, m.priority, m.created_at, m.from_row = ?2, d.read_at"
    };
}
pub(super) use message_columns;

/// A character has at most four bytes in UTF-8.
const BYTES_PER_CHAR: usize = 4;

/// How many bytes to load for so many characters.
pub(super) fn bytes_for(chars: usize) -> i64 {
    i64::try_from(chars.saturating_mul(BYTES_PER_CHAR)).unwrap_or(i64::MAX)
}

/// Reads [`message_columns`]; the body is cut at so many characters.
pub(super) fn message(row: &SqliteRow, body_max_chars: usize) -> Result<Message, sqlx::Error> {
    let body: Vec<u8> = row.try_get(4)?;
    let priority: i64 = row.try_get(9)?;
    Ok(Message {
        id: row.try_get(0)?,
        from_name: row.try_get(1)?,
        from_session: row.try_get(2)?,
        to: addressed_from(row.try_get(3)?),
        body: beginning(&body, body_max_chars),
        body_chars: u64::try_from(row.try_get::<i64, _>(5)?).unwrap_or_default(),
        tag: row.try_get(6)?,
        reply_to: row.try_get(7)?,
        thread: row.try_get(8)?,
        priority: if priority == 1 { Priority::Fyi } else { Priority::Normal },
        created_at: Timestamp(row.try_get(10)?),
        sent_by_reader: row.try_get(11)?,
        read_at: row.try_get::<Option<i64>, _>(12)?.map(Timestamp),
        receipts: Vec::new(),
        receipts_total: 0,
    })
}

/// The first characters of a body whose last one may have been cut in the middle by a byte count.
fn beginning(bytes: &[u8], max_chars: usize) -> String {
    let valid = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => bytes
            .get(..error.valid_up_to())
            .and_then(|valid| std::str::from_utf8(valid).ok())
            .unwrap_or_default(),
    };
    match valid.char_indices().nth(max_chars) {
        Some((end, _)) => valid.get(..end).unwrap_or(valid).to_owned(),
        None => valid.to_owned(),
    }
}

/// Adds the receipts of the reader's own messages, to each at most so many, and how many there are.
pub(super) async fn add_receipts(
    pool: &SqlitePool,
    messages: &mut [Message],
    max_each: usize,
) -> Result<(), sqlx::Error> {
    let own: Vec<i64> =
        messages.iter().filter(|message| message.sent_by_reader).map(|message| message.id).collect();
    if own.is_empty() {
        return Ok(());
    }
    let rows = sqlx::query(
        "SELECT message_id, recipient, shown_at, read_at, read_by, total FROM (
             SELECT message_id, recipient, shown_at, read_at, read_by, COUNT(*) OVER one AS total,
                    ROW_NUMBER() OVER (one ORDER BY recipient COLLATE NOCASE) AS place
             FROM deliveries WHERE message_id IN (SELECT value FROM json_each(?1))
             WINDOW one AS (PARTITION BY message_id))
         WHERE place <= ?2 ORDER BY message_id, place",
    )
    .bind(crate::store::answers::json(&own))
    .bind(i64::try_from(max_each).unwrap_or(i64::MAX))
    .fetch_all(pool)
    .await?;
    let mut receipts: HashMap<i64, (u32, Vec<Receipt>)> = HashMap::new();
    for row in rows {
        let shown_at = row.try_get::<Option<i64>, _>(2)?.map(Timestamp);
        let read_at = row.try_get::<Option<i64>, _>(3)?.map(Timestamp);
        let state = match (read_at, shown_at) {
            (Some(_), _) => ReceiptState::Read,
            (None, Some(_)) => ReceiptState::Shown,
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

#[cfg(test)]
mod tests {
    use super::beginning;

    #[test]
    fn a_body_is_cut_between_characters() {
        assert_eq!(beginning("aé😀b".as_bytes(), 3), "aé😀");
        assert_eq!(beginning(&"aé😀".as_bytes()[..5], 10), "aé");
        assert_eq!(beginning("a\0b".as_bytes(), 9), "a\0b");
        assert_eq!(beginning(b"", 9), "");
    }
}
