//! Deleting what is old and done with, or counting it. Unread direct mail is never deleted.
//!
//! What goes is said once, for both: the conditions are the macros at the top, with the time before which as `?1`.

use super::answers::Answers;
use super::jobs::ByOwner;
use super::readers::Readers;
use super::writer::Work;
use c2c_proto::Error;
use c2c_proto::request::Prune;
use c2c_proto::response::Pruned;
use c2c_proto::time::Timestamp;
use sqlx::SqliteConnection;

/// A row that lost its name stays this long in any case: the session that it belongs to may still be connected (it holds
/// no name, so it does not count as online) and go on from this row under another name.
const STALE_KEPT_S: i64 = DAY_S;
const DAY_S: i64 = 86_400;

/// Messages, called `m`. A broadcast is news: whoever has not read it by now is not waiting for it.
macro_rules! old_messages {
    () => {
        "messages AS m WHERE m.created_at < ?1 AND (m.broadcast > 0 OR NOT EXISTS
             (SELECT 1 FROM deliveries WHERE message_id = m.id AND read_at IS NULL))"
    };
}

/// Session rows; `?2` is the time before which a stale one must have been seen.
macro_rules! old_sessions {
    () => {
        "sessions WHERE online = 0 AND seen_at < ?1
            AND (stale = 1 AND seen_at < ?2 OR stale = 0 AND NOT EXISTS (
                 SELECT 1 FROM deliveries AS d JOIN messages AS m ON m.id = d.message_id
                 WHERE d.mailbox = sessions.mailbox AND d.read_at IS NULL AND m.broadcast = 0))"
    };
}

/// Entries of the state.
macro_rules! old_entries {
    () => {
        "state WHERE expires_at IS NOT NULL AND expires_at < ?1"
    };
}

/// Prunes in one transaction.
pub(crate) async fn prune(
    connection: &mut SqliteConnection,
    work: &mut Work<'_>,
    answers: &mut Answers,
    ask: &ByOwner<Prune>,
) -> Result<Result<Pruned, Error>, sqlx::Error> {
    let ByOwner { owner, request, hash } = ask;
    if let Some(earlier) = answers.earlier(owner.row, &request.key, hash) {
        return Ok(earlier);
    }
    let before = before(work.now, request.older_than_days);
    let pruned = Pruned {
        messages_deleted: messages(connection, work, before).await?,
        sessions_deleted: sessions(connection, before, work.now.plus_s(-STALE_KEPT_S).0).await?,
        state_deleted: expired(connection, before).await?,
    };
    answers.add(owner.row, &request.key, hash, &pruned);
    Ok(Ok(pruned))
}

/// What [`prune`] would delete at this moment.
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
    .bind(before(now, older_than_days))
    .bind(now.plus_s(-STALE_KEPT_S).0)
    .fetch_one(reader.connection()?)
    .await?;
    let whole = |count: i64| u64::try_from(count).unwrap_or_default();
    Ok(Pruned {
        messages_deleted: whole(messages),
        sessions_deleted: whole(sessions),
        state_deleted: whole(state),
    })
}

const fn before(now: Timestamp, older_than_days: u32) -> i64 {
    now.plus_s(-DAY_S * older_than_days as i64).0
}

async fn messages(
    connection: &mut SqliteConnection,
    work: &mut Work<'_>,
    before: i64,
) -> Result<u64, sqlx::Error> {
    let mailboxes: Vec<String> = sqlx::query_scalar(
        "DELETE FROM deliveries WHERE message_id IN
             (SELECT id FROM messages WHERE broadcast > 0 AND created_at < ?1)
         RETURNING mailbox",
    )
    .bind(before)
    .fetch_all(&mut *connection)
    .await?;
    super::recount::later(connection, work, mailboxes).await?;
    sqlx::query(concat!(
        "INSERT INTO messages_text (messages_text, rowid, body) SELECT 'delete', m.id, m.body FROM ",
        old_messages!(),
        " AND m.id <= ?2"
    ))
    .bind(before)
    // What is not in the index yet cannot be taken out of it.
    .bind(work.text_up_to)
    .execute(&mut *connection)
    .await?;
    let deleted = sqlx::query(concat!("DELETE FROM ", old_messages!()))
        .bind(before)
        .execute(&mut *connection)
        .await?
        .rows_affected();
    if deleted > 0 {
        for orphans in [
            "DELETE FROM deliveries WHERE NOT EXISTS (SELECT 1 FROM messages WHERE id = message_id)",
            "DELETE FROM sent WHERE NOT EXISTS (SELECT 1 FROM messages WHERE id = message_id)",
            "DELETE FROM sightings WHERE NOT EXISTS (SELECT 1 FROM messages WHERE id = message_id)",
        ] {
            sqlx::query(orphans).execute(&mut *connection).await?;
        }
    }
    Ok(deleted)
}

async fn sessions(
    connection: &mut SqliteConnection,
    before: i64,
    stale_before: i64,
) -> Result<u64, sqlx::Error> {
    let deleted = sqlx::query(concat!("DELETE FROM ", old_sessions!()))
        .bind(before)
        .bind(stale_before)
        .execute(connection)
        .await?;
    Ok(deleted.rows_affected())
}

async fn expired(connection: &mut SqliteConnection, before: i64) -> Result<u64, sqlx::Error> {
    let deleted =
        sqlx::query(concat!("DELETE FROM ", old_entries!())).bind(before).execute(connection).await?;
    Ok(deleted.rows_affected())
}
