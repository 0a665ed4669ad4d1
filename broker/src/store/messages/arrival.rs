//! A message that another node sent: stored as its sender said it, in the mailboxes of this store.

use super::recipients::Directory;
use super::{StoredRecipient, addressed_json};
use crate::session::Row;
use crate::store::answers::json;
use crate::store::counts::CountChange;
use crate::store::transaction::Transaction;
use crate::store::writer::Work;
use c2c_proto::id::MessageId;
use c2c_proto::message::{Priority, To};
use c2c_proto::name::fold;
use c2c_proto::time::Timestamp;
use sqlx::SqliteConnection;

/// The sender's row: its session is none of this store.
pub(crate) const NOBODY: Row = 0;
/// To everyone who was there then, so that no session that comes later gets it as news.
const TO_THOSE_OF_THEN: i64 = 2;

/// What is to be stored.
pub(crate) struct Arrival<'a> {
    /// Recognises it.
    pub(crate) key: String,
    pub(crate) from_session: &'a str,
    /// As it is shown here.
    pub(crate) from_name: &'a str,
    /// Whom it was for.
    pub(crate) to: &'a To,
    pub(crate) body: &'a str,
    pub(crate) tag: Option<&'a str>,
    /// What it answers, with its thread.
    pub(crate) original: Option<(MessageId, MessageId)>,
    pub(crate) priority: Priority,
}

/// Stores it: its id, and its recipients with their mailboxes. No mailbox is too full for it: what is unread there was
/// counted where it was sent.
pub(crate) async fn arrive(
    transaction: &mut Transaction<'_>,
    work: &mut Work<'_>,
    arrival: &Arrival<'_>,
) -> Result<(MessageId, Vec<(String, StoredRecipient)>), sqlx::Error> {
    let directory = Directory::look_up(transaction, work, std::slice::from_ref(arrival.to)).await?;
    let targets = directory.targets("", arrival.to);
    work.numbers.last_message_id += 1;
    let id = work.numbers.last_message_id;
    let connection = transaction.connection().await?;
    // By the clock of this machine: others' may be wrong, and what is old here is decided by it.
    write_foreign(connection, id, arrival, work.now).await?;
    let rows: Vec<(&str, &str, Option<Row>)> = targets
        .iter()
        .map(|target| {
            (
                target.mailbox.as_str(),
                target.addressed.as_str(),
                target.holder.as_ref().map(|holder| holder.row),
            )
        })
        .collect();
    sqlx::query(
        "INSERT INTO deliveries (message_id, mailbox, recipient, arrived_row)
         SELECT ?1, value ->> 0, value ->> 1, value ->> 2 FROM json_each(?2)",
    )
    .bind(id)
    .bind(json(&rows))
    .execute(connection)
    .await?;
    work.counts.extend(targets.iter().map(|target| CountChange::Arrived(target.mailbox.clone())));
    Ok((id, targets.iter().map(|target| (target.mailbox.clone(), target.stored(work))).collect()))
}

/// Writes a message whose sender is none of this store's sessions, without its deliveries.
pub(crate) async fn write_foreign(
    connection: &mut SqliteConnection,
    id: MessageId,
    arrival: &Arrival<'_>,
    created_at: Timestamp,
) -> Result<(), sqlx::Error> {
    let (reply_to, thread) = arrival.original.unzip();
    sqlx::query(
        "INSERT INTO messages (id, from_row, from_session, from_name, from_mailbox, addressed, broadcast, body,
                               body_chars, tag, reply_to, thread, priority, key, content_hash, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
    )
    .bind(id)
    .bind(NOBODY)
    .bind(arrival.from_session)
    .bind(arrival.from_name)
    .bind(fold(arrival.from_name))
    .bind(addressed_json(arrival.to))
    .bind(if arrival.to.is_everyone() { TO_THOSE_OF_THEN } else { 0 })
    .bind(arrival.body)
    .bind(i64::try_from(arrival.body.chars().count()).unwrap_or(i64::MAX))
    .bind(arrival.tag)
    .bind(reply_to)
    .bind(thread.unwrap_or(id))
    .bind(i64::from(arrival.priority == Priority::Fyi))
    .bind(&arrival.key)
    // Its content is compared with nothing: what comes a second time is known by its key.
    .bind("")
    .bind(created_at.0)
    .execute(connection)
    .await?;
    Ok(())
}
