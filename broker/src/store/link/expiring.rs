//! Messages that are sent to another node only for some time. A parcel whose time is over is emptied, not removed: those behind it
//! say its number. Whatever is taken before that is whole, so a parcel that is accepted and was never emptied has arrived;
//! of one that was emptied the other broker says whether it has got the message after all.

use super::content::{Carried, CarriedReceipt, Content};
use crate::store::transaction::{Insert, Transaction};
use crate::store::writer::Work;
use c2c_proto::id::MessageId;
use c2c_proto::request::LinkAccepted;
use c2c_proto::time::Timestamp;
use sqlx::SqliteConnection;

const EXPIRING: Insert =
    Insert { head: "INSERT OR ROLLBACK INTO expiring (message_id, node, expires_at)", columns: 3 };

/// Notes until when messages may go to nodes, in the transaction that stores them.
pub(crate) fn expire(
    transaction: &mut Transaction<'_>,
    work: &mut Work<'_>,
    messages: &[(&str, MessageId, Timestamp)],
) {
    work.for_link.expiring |= !messages.is_empty();
    transaction.insert(&EXPIRING, messages, |transaction, (node, id, at)| {
        transaction.bind(*id).bind(*node).bind(at.0);
    });
}

/// Empties the parcels whose time is over.
pub(super) async fn empty(connection: &mut SqliteConnection, now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE outbox SET message_id = NULL, receipts = ?2 FROM expiring AS e
         WHERE e.expires_at > 0 AND e.expires_at <= ?1
           AND outbox.message_id = e.message_id AND outbox.node = e.node",
    )
    .bind(now.0)
    .bind(Content::Expired.encoded())
    .execute(&mut *connection)
    .await?;
    // Not by the clock any more, which may be set back.
    sqlx::query("UPDATE expiring SET expires_at = 0 WHERE expires_at > 0 AND expires_at <= ?1")
        .bind(now.0)
        .execute(connection)
        .await
        .map(|_| ())
}

/// Parcels that were never emptied are accepted: their messages have arrived.
pub(super) async fn accepted(
    connection: &mut SqliteConnection,
    accepted: &LinkAccepted,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "DELETE FROM expiring WHERE node = ?1 AND message_id IN
             (SELECT message_id FROM outbox WHERE node = ?1 AND number <= ?2 AND message_id NOT NULL)",
    )
    .bind(&accepted.node)
    .bind(super::outgoing::number(accepted.up_to))
    .execute(connection)
    .await
    .map(|_| ())
}

/// A node says something of a message, so it has it.
pub(super) async fn arrived(
    connection: &mut SqliteConnection,
    node: &str,
    id: MessageId,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM expiring WHERE message_id = ?1 AND node = ?2")
        .bind(id)
        .bind(node)
        .execute(connection)
        .await
        .map(|_| ())
}

/// Says that a message of another node is here.
pub(super) async fn confirm(
    connection: &mut SqliteConnection,
    node: &str,
    carried: &Carried,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let stores = carried.id.stores.first();
    let receipts = stores.into_iter().zip(&carried.to).map(|(store, name)| CarriedReceipt {
        id: carried.id.id,
        store: store.clone(),
        name: name.clone(),
        shown_at: None,
        read_at: None,
        read_by: None,
    });
    let receipts = Content::Receipts { receipts: receipts.collect() };
    super::outgoing::queue_receipts(connection, node, receipts, now).await
}
