//! Messages of an export: stored with the times, senders and marks that they had. Nobody is woken or told; what was unread is
//! unread.

use super::answers::hash_of;
use super::messages::addressed_json;
use super::writer::Work;
use crate::session::Row;
use c2c_proto::Error;
use c2c_proto::id::MessageId;
use c2c_proto::message::{Priority, Receipt, To};
use c2c_proto::name::fold;
use c2c_proto::request::{Import, ImportedMessage};
use c2c_proto::response::Imported;
use sqlx::SqliteConnection;
use std::collections::BTreeSet;

/// The sender's row of what was imported: its session is none of this store.
const NOBODY: Row = 0;
/// To everyone who was there then, so that no session of today gets it as news.
const TO_THOSE_OF_THEN: i64 = 2;

/// Imports in one transaction.
pub(crate) async fn import(
    connection: &mut SqliteConnection,
    work: &mut Work<'_>,
    ask: &Import,
) -> Result<Result<Imported, Error>, sqlx::Error> {
    let mut imported = Imported { imported: 0, known: 0 };
    let mut mailboxes = BTreeSet::new();
    for message in &ask.messages {
        if known(connection, &ask.store_id, message.origin_id).await?.is_some() {
            imported.known += 1;
            continue;
        }
        let original = match message.reply_to {
            Some(origin_id) => known(connection, &ask.store_id, origin_id).await?,
            None => None,
        };
        work.numbers.last_message_id += 1;
        let id = work.numbers.last_message_id;
        write(connection, &ask.store_id, message, id, original).await?;
        for receipt in &message.receipts {
            deliver(connection, id, receipt).await?;
            mailboxes.insert(fold(&receipt.name));
        }
        imported.imported += 1;
    }
    for mailbox in mailboxes {
        let holder: Option<Row> =
            sqlx::query_scalar("SELECT row_id FROM sessions WHERE mailbox = ?1 AND stale = 0")
                .bind(&mailbox)
                .fetch_optional(&mut *connection)
                .await?;
        work.recount.push((mailbox, holder.unwrap_or(NOBODY)));
    }
    Ok(Ok(imported))
}

/// What recognises a message that comes a second time.
fn key(store_id: &str, origin_id: MessageId) -> String {
    format!("import:{store_id}:{origin_id}")
}

/// The message and its thread in this store, if it was imported before.
async fn known(
    connection: &mut SqliteConnection,
    store_id: &str,
    origin_id: MessageId,
) -> Result<Option<(MessageId, MessageId)>, sqlx::Error> {
    sqlx::query_as("SELECT id, thread FROM messages WHERE key = ?1 AND from_row = ?2")
        .bind(key(store_id, origin_id))
        .bind(NOBODY)
        .fetch_optional(connection)
        .await
}

async fn write(
    connection: &mut SqliteConnection,
    store_id: &str,
    message: &ImportedMessage,
    id: MessageId,
    original: Option<(MessageId, MessageId)>,
) -> Result<(), sqlx::Error> {
    let (reply_to, thread) = original.unzip();
    sqlx::query(
        "INSERT INTO messages (id, from_row, from_session, from_name, from_mailbox, addressed, broadcast, body,
                               body_chars, tag, reply_to, thread, priority, key, content_hash, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
    )
    .bind(id)
    .bind(NOBODY)
    .bind(&message.from_session)
    .bind(&message.from_name)
    .bind(fold(&message.from_name))
    .bind(addressed_json(&message.to))
    .bind(if message.to == To::Everyone { TO_THOSE_OF_THEN } else { 0 })
    .bind(&message.body)
    .bind(i64::try_from(message.body.chars().count()).unwrap_or(i64::MAX))
    .bind(&message.tag)
    .bind(reply_to)
    .bind(thread.unwrap_or(id))
    .bind(i64::from(message.priority == Priority::Fyi))
    .bind(key(store_id, message.origin_id))
    .bind(hash_of(message))
    .bind(message.created_at.0)
    .execute(connection)
    .await?;
    Ok(())
}

async fn deliver(
    connection: &mut SqliteConnection,
    id: MessageId,
    receipt: &Receipt,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT OR IGNORE INTO deliveries (message_id, mailbox, recipient, shown_at, shown_row, read_at, read_by)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )
    .bind(id)
    .bind(fold(&receipt.name))
    .bind(&receipt.name)
    .bind(receipt.shown_at.map(|at| at.0))
    .bind(receipt.shown_at.map(|_| NOBODY))
    .bind(receipt.read_at.map(|at| at.0))
    .bind(&receipt.read_by)
    .execute(connection)
    .await?;
    Ok(())
}
