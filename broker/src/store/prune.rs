//! Deleting what is old and done with, or counting it. Unread direct mail is never deleted.
//!
//! It is done in portions, each in a transaction of its own between those of everybody else, so that nobody waits for all of
//! it, however large the store is: a reader finds what comes next, the writer deletes it. With each portion the sum so far is
//! kept under the call's key, so that the same call again goes on from there and has the true answer.
//!
//! What goes is said once, for both: the conditions are the macros at the top, with the time before which as `?1`.

use super::answers::{Answers, json};
use super::jobs::ByOwner;
use super::readers::Readers;
use super::writer::Work;
use crate::session::Row;
use c2c_proto::Error;
use c2c_proto::id::MessageId;
use c2c_proto::request::Prune;
use c2c_proto::response::Pruned;
use c2c_proto::time::Timestamp;
use serde::{Deserialize, Serialize};
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

/// Of the messages `?2`, those that go.
const STILL_OLD: &str =
    concat!("SELECT m.id FROM ", old_messages!(), " AND m.id IN (SELECT value FROM json_each(?2))");
const DELIVERIES: &str = "DELETE FROM deliveries WHERE message_id IN (SELECT value FROM json_each(?1))
     RETURNING mailbox, read_at IS NULL";
/// Takes texts out of the index of words, as far as `?2` they are in it.
const TEXTS: &str = "INSERT INTO messages_text (messages_text, rowid, body) SELECT 'delete', m.id, m.body
     FROM messages AS m WHERE m.id IN (SELECT value FROM json_each(?1)) AND m.id <= ?2";
const SENT: &str = "DELETE FROM sent WHERE (sender, message_id) IN (SELECT m.from_row, m.id
     FROM messages AS m WHERE m.id IN (SELECT value FROM json_each(?1)))";
const MESSAGES: &str = "DELETE FROM messages WHERE id IN (SELECT value FROM json_each(?1))";
const SIGHTINGS: &str = "DELETE FROM sightings WHERE (row_id, message_id) IN
     (SELECT value ->> 0, value ->> 1 FROM json_each(?1))";

/// What the writer is asked while others wait for it, by what it is about.
#[cfg(test)]
pub(super) const STATEMENTS: [(&str, &str); 6] = [
    ("old messages", STILL_OLD),
    ("their deliveries", DELIVERIES),
    ("their texts", TEXTS),
    ("what was sent", SENT),
    ("the messages", MESSAGES),
    ("sightings", SIGHTINGS),
];

// After the macros, which it uses.
mod portions;

/// What one transaction of a prune does.
#[derive(Clone, Debug)]
pub(crate) enum Portion {
    /// Finds out what came of the same call before, if it was made before.
    Begin,
    /// Deletes these messages, as far as they are still to be deleted.
    Messages(Vec<MessageId>),
    /// Deletes what was noted of messages that are gone: who has seen which.
    Sightings(Vec<(Row, MessageId)>),
    /// Deletes sessions and entries of the state, and ends the prune.
    End,
}

/// One portion of a call's prune.
#[derive(Clone, Debug)]
pub(crate) struct PrunePortion {
    pub(crate) call: Prune,
    pub(crate) portion: Portion,
}

/// How far a prune is. Kept as the answer of its call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PruneProgress {
    /// What was deleted so far.
    #[serde(flatten)]
    pub(crate) pruned: Pruned,
    /// Until it has ended: what is older than this goes.
    #[serde(default)]
    before: Option<Timestamp>,
}

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
    match portion {
        Portion::Begin => {}
        Portion::Messages(ids) => {
            progress.pruned.messages_deleted += messages(connection, work, before, ids).await?;
        }
        Portion::Sightings(seen) => sightings(connection, seen).await?,
        Portion::End => {
            let stale_before = work.now.plus_s(-STALE_KEPT_S);
            progress.pruned.sessions_deleted += sessions(connection, before, stale_before).await?;
            progress.pruned.state_deleted += expired(connection, before).await?;
            progress.before = None;
        }
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
    .bind(before(now, older_than_days).0)
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

const fn before(now: Timestamp, older_than_days: u32) -> Timestamp {
    now.plus_s(-DAY_S * older_than_days as i64)
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
    let deliveries: Vec<(String, bool)> =
        sqlx::query_as(DELIVERIES).bind(&old).fetch_all(&mut *connection).await?;
    let unread = deliveries.into_iter().filter_map(|(mailbox, unread)| unread.then_some(mailbox));
    super::recount::later(connection, work, unread).await?;
    sqlx::query(TEXTS)
        .bind(&old)
        // What is not in the index yet cannot be taken out of it.
        .bind(work.text_up_to)
        .execute(&mut *connection)
        .await?;
    sqlx::query(SENT).bind(&old).execute(&mut *connection).await?;
    let deleted = sqlx::query(MESSAGES).bind(&old).execute(&mut *connection).await?;
    Ok(deleted.rows_affected())
}

async fn sightings(connection: &mut SqliteConnection, seen: &[(Row, MessageId)]) -> Result<(), sqlx::Error> {
    sqlx::query(SIGHTINGS).bind(json(&seen)).execute(connection).await?;
    Ok(())
}

async fn sessions(
    connection: &mut SqliteConnection,
    before: Timestamp,
    stale_before: Timestamp,
) -> Result<u64, sqlx::Error> {
    let deleted = sqlx::query(concat!("DELETE FROM ", old_sessions!()))
        .bind(before.0)
        .bind(stale_before.0)
        .execute(connection)
        .await?;
    Ok(deleted.rows_affected())
}

async fn expired(connection: &mut SqliteConnection, before: Timestamp) -> Result<u64, sqlx::Error> {
    let deleted =
        sqlx::query(concat!("DELETE FROM ", old_entries!())).bind(before.0).execute(connection).await?;
    Ok(deleted.rows_affected())
}
