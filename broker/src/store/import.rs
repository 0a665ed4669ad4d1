//! Messages of an export: stored with the times, senders and marks that they had. Nobody is woken or told; what was unread is
//! unread.

use super::answers::json;
use super::messages::{Arrival, NOBODY, write_foreign};
use super::restore::FORMER_IDS;
use super::transaction::Transaction;
use super::writer::Work;
use c2c_proto::Error;
use c2c_proto::id::MessageId;
use c2c_proto::message::Receipt;
use c2c_proto::name::fold;
use c2c_proto::request::{Import, ImportedMessage};
use c2c_proto::response::Imported;
use sqlx::SqliteConnection;

/// Where the messages come from.
struct Origin<'a> {
    store_id: &'a str,
    /// Whether that is this store, perhaps before it was restored: then its messages are there under their own ids.
    own: bool,
}

/// Imports in one transaction. Also the newest message after it.
pub(crate) async fn import(
    transaction: &mut Transaction<'_>,
    work: &mut Work<'_>,
    ask: &Import,
) -> Result<Result<(Imported, MessageId), Error>, sqlx::Error> {
    let origin = Origin {
        store_id: &ask.store_id,
        own: is_own(transaction.connection().await?, &ask.store_id).await?,
    };
    let mut imported = Imported { imported: 0, known: 0 };
    let mut mailboxes = Vec::new();
    for message in &ask.messages {
        let connection = transaction.connection().await?;
        if origin.find(connection, message.origin_id, Some(message)).await?.is_some() {
            imported.known += 1;
            continue;
        }
        let original = match message.reply_to {
            Some(origin_id) => origin.find(connection, origin_id, None).await?,
            None => None,
        };
        work.numbers.last_message_id += 1;
        let id = work.numbers.last_message_id;
        write(transaction, &ask.store_id, message, id, original);
        deliver(transaction.connection().await?, id, &message.receipts).await?;
        mailboxes.extend(message.receipts.iter().map(|receipt| fold(&receipt.name)));
        imported.imported += 1;
    }
    super::recount::later(transaction.connection().await?, work, mailboxes).await?;
    Ok(Ok((imported, work.numbers.last_message_id)))
}

/// Whether this store has, or had before a restore, this id.
async fn is_own(connection: &mut SqliteConnection, store_id: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM meta WHERE key = 'store_id' AND value = ?1)
             OR EXISTS (SELECT 1 FROM meta, json_each(meta.value) AS former
                        WHERE meta.key = ?2 AND former.value = ?1)",
    )
    .bind(store_id)
    .bind(FORMER_IDS)
    .fetch_one(connection)
    .await
}

impl Origin<'_> {
    /// The message and its thread in this store, if it is there. By the id alone a message of this very store may be another
    /// one: after a restore ids are given out again, so `message` has to have been said at the same time.
    async fn find(
        &self,
        connection: &mut SqliteConnection,
        id: MessageId,
        message: Option<&ImportedMessage>,
    ) -> Result<Option<(MessageId, MessageId)>, sqlx::Error> {
        let imported = known(connection, self.store_id, id).await?;
        if imported.is_some() || !self.own {
            return Ok(imported);
        }
        // An export has times in milliseconds.
        sqlx::query_as(
            "SELECT id, thread FROM messages
             WHERE id = ?1 AND (?2 IS NULL OR created_at / 1000 = ?2 / 1000 AND from_name = ?3)",
        )
        .bind(id)
        .bind(message.map(|message| message.created_at.0))
        .bind(message.map(|message| &message.from_name))
        .fetch_optional(connection)
        .await
    }
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

fn write(
    transaction: &mut Transaction<'_>,
    store_id: &str,
    message: &ImportedMessage,
    id: MessageId,
    original: Option<(MessageId, MessageId)>,
) {
    let arrival = Arrival {
        key: key(store_id, message.origin_id),
        from_session: &message.from_session,
        from_name: &message.from_name,
        to: &message.to,
        body: &message.body,
        tag: message.tag.as_deref(),
        original,
        priority: message.priority,
    };
    write_foreign(transaction, id, &arrival, message.created_at);
}

/// One statement for all recipients: a broadcast had many.
async fn deliver(
    connection: &mut SqliteConnection,
    id: MessageId,
    receipts: &[Receipt],
) -> Result<(), sqlx::Error> {
    let rows: Vec<_> = receipts
        .iter()
        .map(|receipt| {
            let (shown_at, read_at) = (receipt.shown_at.map(|at| at.0), receipt.read_at.map(|at| at.0));
            (fold(&receipt.name), &receipt.name, shown_at, read_at, &receipt.read_by)
        })
        .collect();
    sqlx::query(
        "INSERT OR IGNORE INTO deliveries (message_id, mailbox, recipient, shown_at, shown_row, read_at, read_by)
         SELECT ?1, value ->> 0, value ->> 1, value ->> 2, CASE WHEN value ->> 2 IS NOT NULL THEN ?2 END,
                value ->> 3, value ->> 4
         FROM json_each(?3)",
    )
    .bind(id)
    .bind(NOBODY)
    .bind(json(&rows))
    .execute(connection)
    .await?;
    Ok(())
}
