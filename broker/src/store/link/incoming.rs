//! What other nodes have sent: stored once, in the order in which it was sent. It is data of another machine, and is taken only as
//! far as a session here could have said it.

use super::content::{Carried, CarriedReceipt, Content, Reference, key, key_of};
use super::look::{Here, Look, is_ours, keys};
use super::{Arrived, LinkOutcome, expiring, sound};
use crate::session::Row;
use crate::store::counts::CountChange;
use crate::store::messages::{Arrival, Stored, StoredRecipient, arrive};
use crate::store::transaction::{Insert, Transaction};
use crate::store::writer::Work;
use c2c_proto::id::MessageId;
use c2c_proto::message::To;
use c2c_proto::name::{EVERYONE, NODE_MARK, fold};
use c2c_proto::request::LinkBring;
use sqlx::{Row as _, SqliteConnection};
use std::collections::HashSet;

/// Stores parcels of another store as far as they follow what is here already.
pub(super) async fn bring(
    transaction: &mut Transaction<'_>,
    work: &mut Work<'_>,
    bring: &LinkBring,
) -> Result<LinkOutcome, sqlx::Error> {
    let contents: Vec<_> = bring.parcels.iter().map(|parcel| Content::decoded(&parcel.content)).collect();
    let Look { up_to, messages } = Look::at(transaction, work, bring, &contents).await?;
    if up_to.is_none() {
        tell_anew(transaction, work, &bring.from_node);
    }
    let mut outcome = LinkOutcome { up_to: up_to.unwrap_or_default(), ..LinkOutcome::default() };
    let mut come = HashSet::new();
    for (place, (parcel, content)) in bring.parcels.iter().zip(contents).enumerate() {
        if parcel.number <= outcome.up_to {
            continue;
        }
        if parcel.after > outcome.up_to {
            break;
        }
        match content {
            Ok(Content::Message(message)) => {
                let mut here = messages.get(&place).copied().unwrap_or_default();
                // The look was before any of these was stored.
                here.known |= keys(&bring.from_node, &message).any(|key| !come.insert(key));
                outcome.arrived.extend(self::message(transaction, work, bring, *message, here).await?);
            }
            Ok(Content::Receipts { receipts }) => {
                let connection = transaction.connection().await?;
                outcome.read_of.extend(self::receipts(connection, work, &bring.from_node, &receipts).await?);
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
    note(transaction, work, bring, outcome.up_to);
    Ok(outcome)
}

/// A node with another store knows nothing of what its store before was told: it was restored.
fn tell_anew(transaction: &mut Transaction<'_>, work: &mut Work<'_>, node: &str) {
    work.for_link.marks = true;
    transaction.add("UPDATE arrivals SET told = 0, changed = 1 WHERE node = ? AND told > 0").bind(node);
}

fn note(transaction: &mut Transaction<'_>, work: &Work<'_>, bring: &LinkBring, up_to: u64) {
    transaction
        .add(
            "INSERT INTO origins (node, store_id, up_to) VALUES (?, ?, ?)
             ON CONFLICT (node, store_id) DO UPDATE SET up_to = excluded.up_to",
        )
        .bind(&bring.from_node)
        .bind(&bring.from_store)
        .bind(i64::try_from(up_to).unwrap_or(i64::MAX));
    transaction
        .add(
            "INSERT INTO nodes (node, heard_at) VALUES (?, ?)
             ON CONFLICT (node) DO UPDATE SET heard_at = excluded.heard_at",
        )
        .bind(&bring.from_node)
        .bind(work.now.0);
    work.shared.nodes.heard(&bring.from_node);
}

/// A message; `None` if it is here already, or is none that a session could have sent.
async fn message(
    transaction: &mut Transaction<'_>,
    work: &mut Work<'_>,
    bring: &LinkBring,
    carried: Carried,
    here: Here,
) -> Result<Option<Arrived>, sqlx::Error> {
    let node = bring.from_node.as_str();
    let faults = sound::message(&carried).err();
    // A link that carried for the store before it was restored may have sent it.
    let foreign = !carried.id.stores.contains(&bring.from_store);
    if let Some(fault) = faults.or_else(|| foreign.then_some("it is of another store")) {
        tracing::warn!(node, fault, "a message that no session could have sent is left out");
        return Ok(None);
    }
    if carried.confirm {
        expiring::confirm(transaction.connection().await?, node, &carried, work.now).await?;
        work.for_link.parcels = true;
    }
    if here.known {
        return Ok(None);
    }
    let original = match &carried.reply_to {
        Some(reference) if !is_ours(work, reference) => theirs(transaction, node, reference).await?,
        _ => here.original,
    };
    let store = carried.id.stores.first().unwrap_or(&bring.from_store);
    let from = format!("{}{NODE_MARK}{node}", carried.from_name);
    let to = match &carried.to[..] {
        [all] if all == EVERYONE => To::Everyone,
        [name] => To::One(name.clone()),
        names => To::Many(names.to_vec()),
    };
    let arrival = Arrival {
        key: key(node, store, carried.id.id, carried.created_at),
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
        expect(transaction, node, id, &recipients);
    }
    let recipients = recipients.into_iter().map(|(_, recipient)| recipient).collect();
    let stored = Stored { id, to, recipients, skipped_full: Vec::new(), fresh: true };
    Ok(Some(Arrived { stored, from, tag: carried.tag, priority: carried.priority }))
}

/// What a message answers that is one of its node's own.
async fn theirs(
    transaction: &mut Transaction<'_>,
    node: &str,
    reference: &Reference,
) -> Result<Option<(MessageId, MessageId)>, sqlx::Error> {
    for store in &reference.stores {
        let begin = key_of(node, store, reference.id);
        // The newest of them: what was sent before a restore is older.
        transaction.add(
            "SELECT id, thread FROM messages WHERE from_row = 0 AND key >= ? AND key < ? || 'x'
             ORDER BY id DESC LIMIT 1",
        );
        let rows = transaction.bind(&begin).bind(&begin).rows().await?;
        if let Some(row) = rows.first() {
            return Ok(Some((row.try_get(0)?, row.try_get(1)?)));
        }
    }
    Ok(None)
}

const ARRIVALS: Insert =
    Insert { head: "INSERT OR ROLLBACK INTO arrivals (message_id, mailbox, node)", columns: 3 };

/// The sender is to be told what comes of these deliveries.
fn expect(
    transaction: &mut Transaction<'_>,
    node: &str,
    id: MessageId,
    recipients: &[(String, StoredRecipient)],
) {
    transaction.insert(&ARRIVALS, recipients, |transaction, (mailbox, _)| {
        transaction.bind(id).bind(mailbox).bind(node);
    });
}

/// What came of messages that went to a node; whose were read by it.
async fn receipts(
    connection: &mut SqliteConnection,
    work: &mut Work<'_>,
    node: &str,
    receipts: &[CarriedReceipt],
) -> Result<Vec<Row>, sqlx::Error> {
    let own = work.shared.nodes.ids();
    let mut read_of = Vec::new();
    let ours = |receipt: &&CarriedReceipt| own.contains(&receipt.store) && sound::receipt(receipt);
    for receipt in receipts.iter().filter(ours) {
        expiring::arrived(connection, node, receipt.id).await?;
        let mailbox = fold(&format!("{}{NODE_MARK}{node}", receipt.name));
        let before: Option<(bool, Row)> = sqlx::query_as(
            "SELECT d.read_at IS NULL, m.from_row FROM deliveries AS d JOIN messages AS m ON m.id = d.message_id
             WHERE d.message_id = ?1 AND d.mailbox = ?2",
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
        if let Some((true, sender)) = before
            && receipt.read_at.is_some()
        {
            work.counts.push(CountChange::Read { mailbox, was_new: true });
            read_of.push(sender);
        }
    }
    Ok(read_of)
}
