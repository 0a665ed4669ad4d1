//! A message that another node sent: stored as its sender said it, in the mailboxes of this store.

use super::insert::{DELIVERIES, MESSAGES};
use super::recipients::Directory;
use super::{StoredRecipient, addressed_json};
use crate::session::Row;
use crate::store::counts::CountChange;
use crate::store::transaction::Transaction;
use crate::store::writer::Work;
use c2c_proto::id::MessageId;
use c2c_proto::message::{Priority, To};
use c2c_proto::name::fold;
use c2c_proto::time::Timestamp;

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
    // By the clock of this machine: others' may be wrong, and what is old here is decided by it.
    write_foreign(transaction, id, arrival, work.now);
    transaction.insert(&DELIVERIES, &targets, |transaction, target| {
        let row = target.holder.as_ref().map(|holder| holder.row);
        transaction.bind(&target.mailbox).bind(id).bind(&target.addressed).bind(row);
    });
    work.counts.extend(targets.iter().map(|target| CountChange::Arrived(target.mailbox.clone())));
    Ok((id, targets.iter().map(|target| (target.mailbox.clone(), target.stored(work))).collect()))
}

/// Writes a message whose sender is none of this store's sessions, without its deliveries.
pub(crate) fn write_foreign(
    transaction: &mut Transaction<'_>,
    id: MessageId,
    arrival: &Arrival<'_>,
    created_at: Timestamp,
) {
    transaction.insert(&MESSAGES, std::slice::from_ref(arrival), |transaction, arrival| {
        let (reply_to, thread) = arrival.original.unzip();
        let sent_by = transaction
            .bind(id)
            .bind(NOBODY)
            .bind(arrival.from_session)
            .bind(arrival.from_name)
            .bind(fold(arrival.from_name));
        let says = sent_by
            .bind(addressed_json(arrival.to))
            .bind(if arrival.to.is_everyone() { TO_THOSE_OF_THEN } else { 0 })
            .bind(arrival.body)
            .bind(i64::try_from(arrival.body.chars().count()).unwrap_or(i64::MAX));
        let belongs = says.bind(arrival.tag).bind(reply_to).bind(thread.unwrap_or(id));
        let fyi = i64::from(arrival.priority == Priority::Fyi);
        // Its content is compared with nothing: what comes a second time is known by its key.
        belongs.bind(fyi).bind(&arrival.key).bind("").bind(created_at.0);
    });
}
