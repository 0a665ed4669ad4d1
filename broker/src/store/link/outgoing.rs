//! What is for other nodes: queued with the message itself, carried by the link, and done with when the other broker has it.

use super::content::{CarriedReceipt, Content, Reference, sent_in};
use super::expiring;
use crate::session::Row;
use crate::store::answers::json;
use crate::store::readers::Readers;
use crate::store::restore::FORMER_IDS;
use crate::store::transaction::{Insert, Transaction};
use crate::store::writer::Work;
use c2c_proto::id::MessageId;
use c2c_proto::limits::LINK_PARCELS_MAX;
use c2c_proto::request::{LinkAccepted, LinkForwarded};
use c2c_proto::time::Timestamp;
use c2c_proto::{Error, ErrorCode};
use sqlx::SqliteConnection;
use std::collections::BTreeMap;

const OUTBOX: Insert =
    Insert { head: "INSERT OR ROLLBACK INTO outbox (node, message_id, created_at)", columns: 3 };

/// A message waits for nodes, in the transaction that stores it.
pub(crate) fn queue(transaction: &mut Transaction<'_>, work: &mut Work<'_>, messages: &[(&str, MessageId)]) {
    let now = work.now;
    work.for_link.parcels |= !messages.is_empty();
    transaction.insert(&OUTBOX, messages, |transaction, (node, id)| {
        transaction.bind(*node).bind(*id).bind(now.0);
    });
}

/// Parcels were handed to what carries them. How many more than before.
pub(super) async fn forwarded(
    connection: &mut SqliteConnection,
    forwarded: &LinkForwarded,
) -> Result<u64, sqlx::Error> {
    let more: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM outbox WHERE node = ?1 AND number <= ?2
         AND number > (SELECT forwarded_up_to FROM nodes WHERE node = ?1)",
    )
    .bind(&forwarded.node)
    .bind(number(forwarded.up_to))
    .fetch_one(&mut *connection)
    .await?;
    sqlx::query("UPDATE nodes SET forwarded_up_to = MAX(forwarded_up_to, ?2) WHERE node = ?1")
        .bind(&forwarded.node)
        .bind(number(forwarded.up_to))
        .execute(connection)
        .await?;
    Ok(u64::try_from(more).unwrap_or_default())
}

/// Parcels have arrived; how many. What was never sent cannot have: then this store is an older copy of the one that sent it, and what
/// it sends under the same numbers is taken for known there.
pub(super) async fn accepted(
    connection: &mut SqliteConnection,
    accepted: &LinkAccepted,
) -> Result<Result<u64, Error>, sqlx::Error> {
    let last: Option<i64> = sqlx::query_scalar("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'")
        .fetch_optional(&mut *connection)
        .await?;
    if number(accepted.up_to) > last.unwrap_or(0) {
        return Ok(Err(older_copy(accepted)));
    }
    expiring::accepted(connection, accepted).await?;
    let deleted = sqlx::query("DELETE FROM outbox WHERE node = ?1 AND number <= ?2")
        .bind(&accepted.node)
        .bind(number(accepted.up_to))
        .execute(connection)
        .await?;
    Ok(Ok(deleted.rows_affected()))
}

fn older_copy(accepted: &LinkAccepted) -> Error {
    Error::new(
        ErrorCode::Conflict,
        format!(
            "node {:?} has parcel {}, which this store never sent: the store is an older copy of the one that did",
            accepted.node, accepted.up_to
        ),
        "restore it with `c2c restore`, from itself if need be: then it gets an id of its own, and what waits goes",
    )
}

pub(super) fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// What is no parcel yet, or none any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct ToCollect {
    /// Something came of messages of other nodes that they were not told.
    pub(crate) receipts: bool,
    /// The time of a parcel is over.
    pub(crate) expired: bool,
    /// There are parcels that are to be sent only for some time.
    pub(crate) expiring: bool,
}

pub(super) async fn to_collect(readers: &Readers, now: Timestamp) -> Result<ToCollect, sqlx::Error> {
    sqlx::query_as(
        "SELECT EXISTS (SELECT 1 FROM arrivals WHERE changed = 1) AS receipts,
                EXISTS (SELECT 1 FROM expiring WHERE expires_at > 0 AND expires_at <= ?1) AS expired,
                EXISTS (SELECT 1 FROM expiring WHERE expires_at > 0) AS expiring",
    )
    .bind(now.0)
    .fetch_one(readers.get().await?.connection()?)
    .await
}

/// Receipts wait for a node.
pub(super) async fn queue_receipts(
    connection: &mut SqliteConnection,
    node: &str,
    receipts: Content,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO outbox (node, receipts, created_at) VALUES (?1, ?2, ?3)")
        .bind(node)
        .bind(receipts.encoded())
        .bind(now.0)
        .execute(connection)
        .await
        .map(|_| ())
}

/// Notes that something may have come of deliveries: (mailbox, message).
pub(crate) fn note_marks<'a>(
    transaction: &mut Transaction<'_>,
    work: &mut Work<'_>,
    marked: impl Iterator<Item = (&'a str, MessageId)>,
) {
    if !work.shared.nodes.have_sent() {
        return;
    }
    let marked: Vec<(&str, MessageId)> = marked.collect();
    if marked.is_empty() {
        return;
    }
    work.for_link.marks = true;
    transaction
        .add(
            "UPDATE arrivals SET changed = 1 FROM json_each(?) AS j
             WHERE arrivals.message_id = j.value ->> 1 AND arrivals.mailbox = j.value ->> 0 AND arrivals.told < 2",
        )
        .bind(json(&marked));
}

/// Unread mail of a session moved to another mailbox: what is to be told of it to other nodes comes along.
pub(crate) async fn note_moved(
    connection: &mut SqliteConnection,
    row: Row,
    from: &str,
    to: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE OR IGNORE arrivals SET mailbox = ?3
         WHERE mailbox = ?2 AND message_id IN
             (SELECT message_id FROM deliveries WHERE mailbox = ?3 AND arrived_row = ?1 AND read_at IS NULL)",
    )
    .bind(row)
    .bind(from)
    .bind(to)
    .execute(connection)
    .await
    .map(|_| ())
}

/// Notes that something may have come of what was answered: (answerer's mailbox, its row, message, …) as JSON.
pub(crate) fn note_answered(transaction: &mut Transaction<'_>, work: &mut Work<'_>, answered: &str) {
    if !work.shared.nodes.have_sent() {
        return;
    }
    work.for_link.marks = true;
    transaction
        .add(
            "UPDATE arrivals SET changed = 1 FROM json_each(?) AS j
             WHERE arrivals.message_id = j.value ->> 2 AND arrivals.told < 2 AND arrivals.mailbox IN (
                 SELECT mailbox FROM deliveries AS d WHERE d.message_id = j.value ->> 2
                    AND (d.mailbox = j.value ->> 0 OR d.shown_row = j.value ->> 1))",
        )
        .bind(answered);
}

/// A delivery of which something is to be told.
#[derive(sqlx::FromRow)]
struct Marked {
    message_id: MessageId,
    mailbox: String,
    node: String,
    recipient: String,
    shown_at: Option<i64>,
    read_at: Option<i64>,
    read_by: Option<String>,
    key: String,
}

/// Makes parcels of what came of other nodes' messages; whether it made any.
pub(super) async fn collect(connection: &mut SqliteConnection, now: Timestamp) -> Result<bool, sqlx::Error> {
    let marked: Vec<Marked> = sqlx::query_as(
        "SELECT a.message_id, a.mailbox, a.node, d.recipient, d.shown_at, d.read_at, d.read_by,
                (SELECT key FROM messages WHERE id = a.message_id) AS key
         FROM arrivals AS a JOIN deliveries AS d ON d.message_id = a.message_id AND d.mailbox = a.mailbox
         WHERE a.changed = 1 LIMIT ?1",
    )
    .bind(i64::try_from(LINK_PARCELS_MAX).unwrap_or(i64::MAX))
    .fetch_all(&mut *connection)
    .await?;
    // A delivery that is gone has nothing to be told of, and would be looked for again and again. Not in each round of many: it
    // looks at all that are left.
    if marked.len() < LINK_PARCELS_MAX {
        sqlx::query(
            "UPDATE arrivals SET changed = 0 WHERE changed = 1 AND NOT EXISTS
                 (SELECT 1 FROM deliveries AS d WHERE d.message_id = arrivals.message_id AND d.mailbox = arrivals.mailbox)",
        )
        .execute(&mut *connection)
        .await?;
    }
    let mut by_node: BTreeMap<&str, Vec<CarriedReceipt>> = BTreeMap::new();
    for one in &marked {
        // Shown again, or noted before it was marked at all: nothing that is not known.
        if one.shown_at.is_none() && one.read_at.is_none() {
            continue;
        }
        let Some(Reference { stores, id }) = sent_in(&one.key) else { continue };
        by_node.entry(&one.node).or_default().push(CarriedReceipt {
            id,
            store: stores.into_iter().next().unwrap_or_default(),
            name: one.recipient.clone(),
            shown_at: one.shown_at,
            read_at: one.read_at,
            read_by: one.read_by.clone(),
        });
    }
    let any = !by_node.is_empty();
    for (node, receipts) in by_node {
        queue_receipts(connection, node, Content::Receipts { receipts }, now).await?;
    }
    let told: Vec<(MessageId, &str, i64)> = marked
        .iter()
        .map(|one| {
            let told = if one.read_at.is_some() { 2 } else { i64::from(one.shown_at.is_some()) };
            (one.message_id, one.mailbox.as_str(), told)
        })
        .collect();
    sqlx::query(
        "UPDATE arrivals SET told = j.value ->> 2, changed = 0 FROM json_each(?1) AS j
         WHERE arrivals.message_id = j.value ->> 0 AND arrivals.mailbox = j.value ->> 1",
    )
    .bind(json(&told))
    .execute(connection)
    .await?;
    Ok(any)
}

/// The ids of this store: the one that it has, then those that it had before it was restored.
pub(crate) async fn own_ids(connection: &mut SqliteConnection) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT value FROM meta WHERE key = 'store_id'
         UNION ALL SELECT former.value FROM meta, json_each(meta.value) AS former WHERE meta.key = ?1",
    )
    .bind(FORMER_IDS)
    .fetch_all(connection)
    .await
}
