//! What a prune would delete, and what it deletes next: read without keeping anybody from writing.

use super::{STALE_KEPT_S, before};
use crate::session::Row;
use crate::store::readers::Readers;
use c2c_proto::id::MessageId;
use c2c_proto::response::Pruned;
use c2c_proto::time::Timestamp;

/// So many rows go in one transaction, at most: some milliseconds of the writer's time.
pub(crate) const ROWS_MAX: usize = 500;
/// Their deliveries: a broadcast may have thousands.
const DELIVERIES_MAX: i64 = 2_000;
/// Their text, in characters: each is taken out of the index of words.
const CHARS_MAX: i64 = 500_000;

/// What a prune would delete at this moment.
pub(crate) async fn count(
    readers: &Readers,
    now: Timestamp,
    older_than_days: u32,
) -> Result<Pruned, sqlx::Error> {
    let mut reader = readers.get().await?;
    let (messages, sessions, state): (i64, i64, i64) = sqlx::query_as(concat!(
        "SELECT (SELECT COUNT(*) FROM ",
        old_messages!(),
        "), (SELECT COUNT(*) FROM ",
        old_sessions!(),
        "), (SELECT COUNT(*) FROM ",
        old_entries!(),
        ")"
    ))
    .bind(before(now, older_than_days).0)
    .bind(now.plus_s(-STALE_KEPT_S).0)
    .bind(0)
    .fetch_one(reader.connection()?)
    .await?;
    let whole = |count: i64| u64::try_from(count).unwrap_or_default();
    Ok(Pruned {
        messages_deleted: whole(messages),
        sessions_deleted: whole(sessions),
        state_deleted: whole(state),
    })
}

/// The next messages that may go, at most so many; none when all have been looked at.
pub(crate) async fn old_messages(
    readers: &Readers,
    before: Timestamp,
    after: MessageId,
    most: usize,
) -> Result<Vec<MessageId>, sqlx::Error> {
    let mut reader = readers.get().await?;
    let rows: Vec<(MessageId, i64, i64)> = sqlx::query_as(concat!(
        "SELECT m.id, m.body_chars, (SELECT COUNT(*) FROM deliveries WHERE message_id = m.id) FROM ",
        old_messages!(),
        " AND m.id > ?2 ORDER BY m.id LIMIT ?3"
    ))
    .bind(before.0)
    .bind(after)
    .bind(rows_max(most))
    .fetch_all(reader.connection()?)
    .await?;
    let (mut all_chars, mut all_deliveries) = (0, 0);
    let first = rows.first().map(|(id, ..)| *id);
    let fits = |(id, chars, deliveries): &(MessageId, i64, i64)| {
        all_chars += chars;
        all_deliveries += deliveries;
        (all_chars <= CHARS_MAX && all_deliveries <= DELIVERIES_MAX) || Some(*id) == first
    };
    Ok(rows.into_iter().take_while(fits).map(|(id, ..)| id).collect())
}

/// The next notes of who has seen what, of messages that are gone.
pub(super) async fn lost_sightings(
    readers: &Readers,
    after: (Row, MessageId),
) -> Result<Vec<(Row, MessageId)>, sqlx::Error> {
    let mut reader = readers.get().await?;
    sqlx::query_as(
        "SELECT row_id, message_id FROM sightings
         WHERE (row_id, message_id) > (?1, ?2) AND NOT EXISTS (SELECT 1 FROM messages WHERE id = message_id)
         ORDER BY row_id, message_id LIMIT ?3",
    )
    .bind(after.0)
    .bind(after.1)
    .bind(rows_max(ROWS_MAX))
    .fetch_all(reader.connection()?)
    .await
}

/// The next sessions that may go.
pub(super) async fn old_sessions(
    readers: &Readers,
    before: Timestamp,
    stale_before: Timestamp,
    after: Row,
) -> Result<Vec<Row>, sqlx::Error> {
    let mut reader = readers.get().await?;
    sqlx::query_scalar(concat!(
        "SELECT row_id FROM ",
        old_sessions!(),
        " AND row_id > ?4 ORDER BY row_id LIMIT ?5"
    ))
    .bind(before.0)
    .bind(stale_before.0)
    .bind(0)
    .bind(after)
    .bind(rows_max(ROWS_MAX))
    .fetch_all(reader.connection()?)
    .await
}

/// The next entries of the state that may go.
pub(super) async fn old_entries(
    readers: &Readers,
    before: Timestamp,
    after: &str,
) -> Result<Vec<String>, sqlx::Error> {
    let mut reader = readers.get().await?;
    sqlx::query_scalar(concat!("SELECT key FROM ", old_entries!(), " AND key > ?2 ORDER BY key LIMIT ?3"))
        .bind(before.0)
        .bind(after)
        .bind(rows_max(ROWS_MAX))
        .fetch_all(reader.connection()?)
        .await
}

fn rows_max(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}
