//! What other nodes have sent: stored once, in the order in which it was sent. It is data of another machine, and is taken only as
//! far as a session here could have said it.

use super::content::{Carried, CarriedReceipt, Content, Reference, key, key_of};
use super::outgoing::own_ids;
use super::{Arrived, LinkOutcome, expiring, sound};
use crate::store::answers::json;
use crate::store::counts::CountChange;
use crate::store::messages::{Arrival, Stored, StoredRecipient, arrive};
use crate::store::transaction::Transaction;
use crate::store::writer::Work;
use c2c_proto::id::MessageId;
use c2c_proto::message::To;
use c2c_proto::name::{EVERYONE, NODE_MARK, fold};
use c2c_proto::request::LinkBring;
use sqlx::SqliteConnection;

/// Stores parcels of another store as far as they follow what is here already.
pub(super) async fn bring(
    transaction: &mut Transaction<'_>,
    work: &mut Work<'_>,
    bring: &LinkBring,
) -> Result<LinkOutcome, sqlx::Error> {
    let connection = transaction.connection().await?;
    let before: Option<i64> =
        sqlx::query_scalar("SELECT up_to FROM origins WHERE node = ?1 AND store_id = ?2")
            .bind(&bring.from_node)
            .bind(&bring.from_store)
            .fetch_optional(&mut *connection)
            .await?;
    if before.is_none() {
        tell_anew(connection, &bring.from_node).await?;
    }
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
        match Content::decoded(&parcel.content) {
            Ok(Content::Message(message)) => {
                outcome.arrived.extend(self::message(transaction, work, bring, *message).await?);
            }
            Ok(Content::Receipts { receipts }) => {
                self::receipts(transaction.connection().await?, work, &bring.from_node, &receipts).await?;
            }
            Ok(Content::Expired | Content::Unknown) => {}
            // Whoever sent it keeps it, until this broker can read it.
            Err(error) => {
                tracing::warn!(
                    error,
                    node = bring.from_node,
                    number = parcel.number,
                    "a parcel cannot be read"
                );
                let what = format!("parcel {} of node {} cannot be read", parcel.number, bring.from_node);
                work.shared.stats.failed(work.now, &what);
                break;
            }
        }
        outcome.up_to = parcel.number;
        outcome.parcels += 1;
    }
    note(transaction.connection().await?, work, bring, outcome.up_to).await?;
    Ok(outcome)
}

/// A node with another store knows nothing of what its store before was told: it was restored.
async fn tell_anew(connection: &mut SqliteConnection, node: &str) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE arrivals SET told = 0, changed = 1 WHERE node = ?1 AND told > 0")
        .bind(node)
        .execute(connection)
        .await
        .map(|_| ())
}

async fn note(
    connection: &mut SqliteConnection,
    work: &Work<'_>,
    bring: &LinkBring,
    up_to: u64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO origins (node, store_id, up_to) VALUES (?1, ?2, ?3)
         ON CONFLICT (node, store_id) DO UPDATE SET up_to = excluded.up_to",
    )
    .bind(&bring.from_node)
    .bind(&bring.from_store)
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
    work.shared.nodes.heard(&bring.from_node);
    Ok(())
}

/// A message; `None` if it is here already, or is none that a session could have sent.
async fn message(
    transaction: &mut Transaction<'_>,
    work: &mut Work<'_>,
    bring: &LinkBring,
    carried: Carried,
) -> Result<Option<Arrived>, sqlx::Error> {
    let node = bring.from_node.as_str();
    let faults = sound::message(&carried).err();
    let foreign = carried.id.stores.first() != Some(&bring.from_store);
    if let Some(fault) = faults.or_else(|| foreign.then_some("it is of another store")) {
        tracing::warn!(node, fault, "a message that no session could have sent is left out");
        return Ok(None);
    }
    let connection = transaction.connection().await?;
    if carried.confirm {
        expiring::confirm(connection, node, &carried, work.now).await?;
    }
    if is_known(connection, node, &carried).await? {
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
        key: key(node, &bring.from_store, carried.id.id, carried.created_at),
        from_session: &carried.from_session,
        from_name: &from,
        to: &to,
        body: &carried.body,
        tag: carried.tag.as_deref(),
        original,
        priority: carried.priority,
    };
    let (id, recipients) = arrive(transaction, work, &arrival).await?;
    if to != To::Everyone {
        expect(transaction.connection().await?, node, id, &recipients).await?;
    }
    let recipients = recipients.into_iter().map(|(_, recipient)| recipient).collect();
    let stored = Stored { id, to, recipients, skipped_full: Vec::new(), fresh: true };
    Ok(Some(Arrived { stored, from, tag: carried.tag, priority: carried.priority }))
}

/// Whether the message lies here, perhaps under an id that its store had before it was restored.
async fn is_known(
    connection: &mut SqliteConnection,
    node: &str,
    carried: &Carried,
) -> Result<bool, sqlx::Error> {
    let keys: Vec<String> =
        carried.id.stores.iter().map(|store| key(node, store, carried.id.id, carried.created_at)).collect();
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM messages WHERE from_row = 0 AND key IN (SELECT value FROM json_each(?1)))",
    )
    .bind(json(&keys))
    .fetch_one(connection)
    .await
}

/// What a message of another node answers here: one of that node, or one that went there.
async fn answered(
    connection: &mut SqliteConnection,
    node: &str,
    reference: &Reference,
) -> Result<Option<(MessageId, MessageId)>, sqlx::Error> {
    let own = own_ids(connection).await?;
    if reference.stores.iter().any(|store| own.contains(store)) {
        return sqlx::query_as(
            "SELECT m.id, m.thread FROM messages AS m WHERE m.id = ?1 AND EXISTS (
                 SELECT 1 FROM deliveries WHERE message_id = m.id AND substr(mailbox, -length(?2)) = ?2)",
        )
        .bind(reference.id)
        .bind(format!("{NODE_MARK}{node}"))
        .fetch_optional(connection)
        .await;
    }
    for store in &reference.stores {
        let begin = key_of(node, store, reference.id);
        // The newest of them: what was sent before a restore is older.
        let found: Option<(MessageId, MessageId)> = sqlx::query_as(
            "SELECT id, thread FROM messages WHERE from_row = 0 AND key >= ?1 AND key < ?1 || 'x'
             ORDER BY id DESC LIMIT 1",
        )
        .bind(begin)
        .fetch_optional(&mut *connection)
        .await?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
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
    let ours = |receipt: &&CarriedReceipt| own.contains(&receipt.store) && sound::receipt(receipt);
    for receipt in receipts.iter().filter(ours) {
        expiring::arrived(connection, node, receipt.id).await?;
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
        .bind(receipt.read_by.as_ref().map(|by| format!("{by}{NODE_MARK}{node}")))
        .execute(&mut *connection)
        .await?;
        if unread == Some(true) && receipt.read_at.is_some() {
            work.counts.push(CountChange::Read { mailbox, was_new: true });
        }
    }
    Ok(())
}
