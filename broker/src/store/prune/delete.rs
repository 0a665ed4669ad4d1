//! One portion of a prune, in the writer's transaction: everything by its key.

use super::{Portion, PrunePortion, PruneProgress, STALE_KEPT_S, before};
use crate::session::Row;
use crate::store::answers::{Answers, json};
use crate::store::counts::CountChange;
use crate::store::jobs::ByOwner;
use crate::store::recount::mail_count;
use crate::store::writer::Work;
use c2c_proto::Error;
use c2c_proto::id::MessageId;
use c2c_proto::response::Pruned;
use c2c_proto::time::Timestamp;
use sqlx::SqliteConnection;

/// Of the messages `?2`, those that go.
const STILL_OLD: &str =
    concat!("SELECT m.id FROM ", old_messages!(), " AND m.id IN (SELECT value FROM json_each(?2))");
/// Unread deliveries of messages, by mailbox, and how many of them were never shown to its holder.
const UNREAD: &str =
    "SELECT d.mailbox, COUNT(*), COUNT(*) FILTER (WHERE d.shown_row IS NOT COALESCE(s.row_id, 0))
     FROM deliveries AS d LEFT JOIN sessions AS s ON s.mailbox = d.mailbox AND s.stale = 0
     WHERE d.message_id IN (SELECT value FROM json_each(?1)) AND d.read_at IS NULL GROUP BY d.mailbox";
/// Who is likely to have seen messages: to whom they were shown, and who holds the mailbox. The others are found when the
/// messages are gone.
const SHOWN: &str = "DELETE FROM sightings WHERE (row_id, message_id) IN (
         SELECT d.shown_row, d.message_id FROM deliveries AS d
         WHERE d.message_id IN (SELECT value FROM json_each(?1)) AND d.shown_row IS NOT NULL)";
const HELD: &str = "DELETE FROM sightings WHERE (row_id, message_id) IN (
         SELECT s.row_id, d.message_id FROM deliveries AS d
         JOIN sessions AS s ON s.mailbox = d.mailbox AND s.stale = 0
         WHERE d.message_id IN (SELECT value FROM json_each(?1)))";
const DELIVERIES: &str = "DELETE FROM deliveries WHERE message_id IN (SELECT value FROM json_each(?1))";
/// Takes texts out of the index of words, as far as `?2` they are in it.
const TEXTS: &str = "INSERT INTO messages_text (messages_text, rowid, body) SELECT 'delete', m.id, m.body
     FROM messages AS m WHERE m.id IN (SELECT value FROM json_each(?1)) AND m.id <= ?2";
const SENT: &str = "DELETE FROM sent WHERE (sender, message_id) IN (SELECT m.from_row, m.id
     FROM messages AS m WHERE m.id IN (SELECT value FROM json_each(?1)))";
const ARRIVALS: &str = "DELETE FROM arrivals WHERE message_id IN (SELECT value FROM json_each(?1))";
const EXPIRING: &str = "DELETE FROM expiring WHERE message_id IN (SELECT value FROM json_each(?1))";
const MESSAGES: &str = "DELETE FROM messages WHERE id IN (SELECT value FROM json_each(?1))";
const SIGHTINGS: &str = "DELETE FROM sightings WHERE (row_id, message_id) IN
     (SELECT value ->> 0, value ->> 1 FROM json_each(?1))";
const SESSIONS: &str =
    concat!("DELETE FROM ", old_sessions!(), " AND row_id IN (SELECT value FROM json_each(?4))");
const ENTRIES: &str =
    concat!("DELETE FROM ", old_entries!(), " AND key IN (SELECT value FROM json_each(?2))");

/// What the writer is asked while others wait for it, by what it is about.
#[cfg(test)]
pub(crate) const STATEMENTS: [(&str, &str); 11] = [
    ("old messages", STILL_OLD),
    ("unread deliveries", UNREAD),
    ("to whom they were shown", SHOWN),
    ("who holds the mailboxes", HELD),
    ("deliveries", DELIVERIES),
    ("texts", TEXTS),
    ("what was sent", SENT),
    ("messages", MESSAGES),
    ("lost sightings", SIGHTINGS),
    ("sessions", SESSIONS),
    ("entries", ENTRIES),
];

/// Does one portion.
pub(crate) async fn prune(
    connection: &mut SqliteConnection,
    work: &mut Work<'_>,
    answers: &mut Answers,
    ask: &ByOwner<PrunePortion>,
) -> Result<Result<PruneProgress, Error>, sqlx::Error> {
    let ByOwner { owner, request: PrunePortion { call, portion }, hash } = ask;
    let mut progress = match answers.earlier(owner.row, &call.key, hash) {
        None => PruneProgress::new(before(work.now, call.older_than_days)),
        Some(Ok(earlier)) => earlier,
        Some(Err(conflict)) => return Ok(Err(conflict)),
    };
    // The same call may be made twice at the same time; then one of them ends it, and the other one is told.
    let Some(before) = progress.before else { return Ok(Ok(progress)) };
    let pruned = &mut progress.pruned;
    match portion {
        Portion::Begin => {}
        Portion::Messages(ids) => pruned.messages_deleted += messages(connection, work, before, ids).await?,
        Portion::Sightings(seen) => sightings(connection, seen).await?,
        Portion::Sessions(rows, read_up_to) => {
            pruned.sessions_deleted += sessions(connection, work, before, rows, *read_up_to).await?;
        }
        Portion::Entries(keys) => pruned.state_deleted += entries(connection, before, keys).await?,
        Portion::End => progress.before = None,
    }
    answers.add(owner.row, &call.key, hash, &progress);
    Ok(Ok(progress))
}

impl PruneProgress {
    const fn new(before: Timestamp) -> Self {
        let pruned = Pruned { messages_deleted: 0, sessions_deleted: 0, state_deleted: 0 };
        Self { pruned, before: Some(before) }
    }
}

async fn messages(
    connection: &mut SqliteConnection,
    work: &mut Work<'_>,
    before: Timestamp,
    ids: &[MessageId],
) -> Result<u64, sqlx::Error> {
    let old: Vec<MessageId> =
        sqlx::query_scalar(STILL_OLD).bind(before.0).bind(json(&ids)).fetch_all(&mut *connection).await?;
    let old = json(&old);
    let unread: Vec<(String, i64, i64)> =
        sqlx::query_as(UNREAD).bind(&old).fetch_all(&mut *connection).await?;
    let removed = unread
        .into_iter()
        .map(|(mailbox, unread, new)| CountChange::Removed(mailbox, mail_count(unread, new)));
    work.counts.extend(removed);
    sqlx::query(SHOWN).bind(&old).execute(&mut *connection).await?;
    sqlx::query(HELD).bind(&old).execute(&mut *connection).await?;
    sqlx::query(DELIVERIES).bind(&old).execute(&mut *connection).await?;
    // What is not in the index yet cannot be taken out of it.
    sqlx::query(TEXTS).bind(&old).bind(work.text_up_to).execute(&mut *connection).await?;
    sqlx::query(SENT).bind(&old).execute(&mut *connection).await?;
    sqlx::query(ARRIVALS).bind(&old).execute(&mut *connection).await?;
    sqlx::query(EXPIRING).bind(&old).execute(&mut *connection).await?;
    Ok(sqlx::query(MESSAGES).bind(&old).execute(connection).await?.rows_affected())
}

async fn sightings(connection: &mut SqliteConnection, seen: &[(Row, MessageId)]) -> Result<(), sqlx::Error> {
    sqlx::query(SIGHTINGS).bind(json(&seen)).execute(connection).await.map(|_| ())
}

async fn sessions(
    connection: &mut SqliteConnection,
    work: &mut Work<'_>,
    before: Timestamp,
    rows: &[Row],
    read_up_to: MessageId,
) -> Result<u64, sqlx::Error> {
    work.names.forget();
    let deleted = sqlx::query(SESSIONS)
        .bind(before.0)
        .bind(work.now.plus_s(-STALE_KEPT_S).0)
        .bind(read_up_to)
        .bind(json(&rows))
        .execute(connection)
        .await?;
    Ok(deleted.rows_affected())
}

async fn entries(
    connection: &mut SqliteConnection,
    before: Timestamp,
    keys: &[String],
) -> Result<u64, sqlx::Error> {
    let deleted = sqlx::query(ENTRIES).bind(before.0).bind(json(&keys)).execute(connection).await?;
    Ok(deleted.rows_affected())
}
