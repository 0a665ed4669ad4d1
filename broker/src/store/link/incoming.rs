//! What other nodes have sent: stored once, in the order in which it was sent.

use super::content::{Carried, CarriedReceipt, Content, Reference, key};
use super::outgoing::{known, own_ids};
use super::{Arrived, LinkOutcome};
use crate::store::answers::json;
use crate::store::counts::CountChange;
use crate::store::messages::{Arrival, Stored, StoredRecipient, arrive};
use crate::store::transaction::Transaction;
use crate::store::writer::Work;
use c2c_proto::id::MessageId;
use c2c_proto::message::To;
use c2c_proto::name::{self, EVERYONE, NODE_MARK, fold};
use c2c_proto::request::LinkBring;
use sqlx::SqliteConnection;

/// Stores parcels of another store as far as they follow what is here already.
pub(super) async fn bring(
    transaction: &mut Transaction<'_>,
    work: &mut Work<'_>,
    bring: &LinkBring,
) -> Result<LinkOutcome, sqlx::Error> {
    let connection = transaction.connection().await?;
    let before: Option<i64> = sqlx::query_scalar("SELECT up_to FROM origins WHERE store_id = ?1")
        .bind(&bring.from_store)
        .fetch_optional(connection)
        .await?;
    let mut outcome = LinkOutcome {
        up_to: u64::try_from(before.unwrap_or(0)).unwrap_or_default(),
        ..LinkOutcome::default()
    };
    for parcel in &bring.parcels {
        if parcel.number <= outcome.up_to {
            continue;
        }
        if parcel.after > outcome.up_to {
            break;
        }
        match serde_json::from_str(&parcel.content) {
            Ok(Content::Message(message)) => {
                outcome.arrived.extend(self::message(transaction, work, &bring.from_node, *message).await?);
            }
            Ok(Content::Receipts { receipts }) => {
                self::receipts(transaction.connection().await?, work, &bring.from_node, &receipts).await?;
            }
            Ok(Content::Unknown) => {}
            // Whoever sent it keeps it, until this broker can read it.
            Err(error) => {
                tracing::error!(%error, node = bring.from_node, number = parcel.number, "a parcel cannot be read");
                let what = format!("parcel {} of node {} cannot be read", parcel.number, bring.from_node);
                work.shared.stats.failed(work.now, &what);
                break;
            }
        }
        outcome.up_to = parcel.number;
    }
    note(transaction.connection().await?, work, bring, outcome.up_to).await?;
    Ok(outcome)
}

async fn note(
    connection: &mut SqliteConnection,
    work: &Work<'_>,
    bring: &LinkBring,
    up_to: u64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO origins (store_id, node, up_to) VALUES (?1, ?2, ?3)
         ON CONFLICT (store_id) DO UPDATE SET node = excluded.node, up_to = excluded.up_to",
    )
    .bind(&bring.from_store)
    .bind(&bring.from_node)
    .bind(i64::try_from(up_to).unwrap_or(i64::MAX))
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "INSERT INTO nodes (node, heard_at) VALUES (?1, ?2)
         ON CONFLICT (node) DO UPDATE SET heard_at = excluded.heard_at",
    )
    .bind(&bring.from_node)
    .bind(work.now.0)
    .execute(connection)
    .await?;
    Ok(())
}

/// A message; `None` if it is here already.
async fn message(
    transaction: &mut Transaction<'_>,
    work: &mut Work<'_>,
    node: &str,
    carried: Carried,
) -> Result<Option<Arrived>, sqlx::Error> {
    let Some(store) = carried.id.stores.first() else { return Ok(None) };
    let connection = transaction.connection().await?;
    // Of a store that was restored ids are given out again: those of the same time are the same message.
    let before = known(connection, &carried.id).await?;
    if before.is_some_and(|(_, _, created_at)| created_at == carried.created_at) {
        return Ok(None);
    }
    let original = match &carried.reply_to {
        Some(reference) => answered(connection, node, reference).await?,
        None => None,
    };
    let from = format!("{}{NODE_MARK}{node}", carried.from_name);
    let to = match &carried.to[..] {
        [all] if all == EVERYONE => To::Everyone,
        [name] => To::One(name.clone()),
        names => To::Many(names.to_vec()),
    };
    let arrival = Arrival {
        key: key(store, carried.id.id),
        from_session: &carried.from_session,
        from_name: &from,
        to: &to,
        body: &carried.body,
        tag: carried.tag.as_deref(),
        original,
        priority: carried.priority,
        created_at: carried.sent_at(),
    };
    let (id, recipients) = arrive(transaction, work, &arrival).await?;
    if to != To::Everyone {
        expect(transaction.connection().await?, node, id, &recipients).await?;
    }
    let recipients = recipients.into_iter().map(|(_, recipient)| recipient).collect();
    let stored = Stored { id, to, recipients, skipped_full: Vec::new(), fresh: true };
    Ok(Some(Arrived { stored, from, tag: carried.tag, priority: carried.priority }))
}

/// What a message of another node answers here: one of that node, or one that went there.
async fn answered(
    connection: &mut SqliteConnection,
    node: &str,
    reference: &Reference,
) -> Result<Option<(MessageId, MessageId)>, sqlx::Error> {
    let own = own_ids(connection).await?;
    if !reference.stores.iter().any(|store| own.contains(store)) {
        let known = known(connection, reference).await?;
        return Ok(known.map(|(id, thread, _)| (id, thread)));
    }
    let there = format!("{NODE_MARK}{node}");
    let row: Option<(MessageId, MessageId)> = sqlx::query_as(
        "SELECT m.id, m.thread FROM messages AS m WHERE m.id = ?1 AND EXISTS (
             SELECT 1 FROM deliveries WHERE message_id = m.id AND substr(mailbox, -length(?2)) = ?2)",
    )
    .bind(reference.id)
    .bind(there)
    .fetch_optional(connection)
    .await?;
    Ok(row)
}

/// The sender is to be told what comes of these deliveries.
async fn expect(
    connection: &mut SqliteConnection,
    node: &str,
    id: MessageId,
    recipients: &[(String, StoredRecipient)],
) -> Result<(), sqlx::Error> {
    let mailboxes: Vec<&String> = recipients.iter().map(|(mailbox, _)| mailbox).collect();
    sqlx::query("INSERT INTO arrivals (message_id, mailbox, node) SELECT ?1, value, ?2 FROM json_each(?3)")
        .bind(id)
        .bind(node)
        .bind(json(&mailboxes))
        .execute(connection)
        .await?;
    Ok(())
}

/// What came of messages that went to a node.
async fn receipts(
    connection: &mut SqliteConnection,
    work: &mut Work<'_>,
    node: &str,
    receipts: &[CarriedReceipt],
) -> Result<(), sqlx::Error> {
    let own = own_ids(connection).await?;
    for receipt in receipts.iter().filter(|receipt| own.contains(&receipt.store)) {
        let mailbox = fold(&format!("{}{NODE_MARK}{node}", receipt.name));
        let unread: Option<bool> = sqlx::query_scalar(
            "SELECT read_at IS NULL FROM deliveries WHERE message_id = ?1 AND mailbox = ?2",
        )
        .bind(receipt.id)
        .bind(&mailbox)
        .fetch_optional(&mut *connection)
        .await?;
        sqlx::query(
            "UPDATE deliveries SET shown_at = COALESCE(shown_at, ?3), read_at = COALESCE(read_at, ?4),
                                   read_by = COALESCE(read_by, ?5)
             WHERE message_id = ?1 AND mailbox = ?2",
        )
        .bind(receipt.id)
        .bind(&mailbox)
        .bind(receipt.shown_at)
        .bind(receipt.read_at)
        .bind(receipt.read_by.as_ref().map(|by| reader(by, node)))
        .execute(&mut *connection)
        .await?;
        if unread == Some(true) && receipt.read_at.is_some() {
            work.counts.push(CountChange::Read { mailbox, was_new: true });
        }
    }
    Ok(())
}

/// Who has read something, as one calls it here.
fn reader(name: &str, node: &str) -> String {
    if name::follows_rule(name) { format!("{name}{NODE_MARK}{node}") } else { name.to_owned() }
}
