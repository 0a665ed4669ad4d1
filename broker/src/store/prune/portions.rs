//! A prune from its beginning to its end: what the writer is asked for, portion by portion.

use super::super::Store;
use super::super::jobs::{ByOwner, Job};
use super::super::readers::Readers;
use super::{Portion, PrunePortion, PruneProgress};
use crate::session::Row;
use c2c_proto::Error;
use c2c_proto::id::MessageId;
use c2c_proto::request::Prune;
use c2c_proto::response::Pruned;
use c2c_proto::time::Timestamp;

/// So many rows go in one transaction, at most: some milliseconds of the writer's time.
const ROWS_MAX: usize = 500;
/// Text of the messages that go in one transaction, in characters: each is taken out of the index of words.
const CHARS_MAX: i64 = 500_000;

impl Store {
    /// Deletes what is old and done with. What was deleted by the time of an error stays deleted; the same call again goes on.
    pub(crate) async fn prune(&self, ask: ByOwner<Prune>) -> Result<Pruned, Error> {
        let mut progress = self.prune_portion(&ask, Portion::Begin).await?;
        let mut after = 0;
        while let Some(before) = progress.before {
            let ids = self.read(old_messages(&self.onlookers, before, after).await)?;
            let Some(last) = ids.last() else { break };
            after = *last;
            progress = self.prune_portion(&ask, Portion::Messages(ids)).await?;
        }
        let mut after = (0, 0);
        while progress.before.is_some() && progress.pruned.messages_deleted > 0 {
            let seen = self.read(lost_sightings(&self.onlookers, after).await)?;
            let Some(last) = seen.last() else { break };
            after = *last;
            progress = self.prune_portion(&ask, Portion::Sightings(seen)).await?;
        }
        if progress.before.is_some() {
            progress = self.prune_portion(&ask, Portion::End).await?;
        }
        Ok(progress.pruned)
    }

    async fn prune_portion(&self, ask: &ByOwner<Prune>, portion: Portion) -> Result<PruneProgress, Error> {
        let ByOwner { owner, request, hash } = ask;
        let request = PrunePortion { call: request.clone(), portion };
        self.change(ByOwner { owner: owner.clone(), request, hash: hash.clone() }, Job::Prune).await
    }
}

/// The next messages that may go; none when all have been looked at.
async fn old_messages(
    readers: &Readers,
    before: Timestamp,
    after: MessageId,
) -> Result<Vec<MessageId>, sqlx::Error> {
    let mut reader = readers.get().await?;
    let rows: Vec<(MessageId, i64)> = sqlx::query_as(concat!(
        "SELECT m.id, m.body_chars FROM ",
        old_messages!(),
        " AND m.id > ?2 ORDER BY m.id LIMIT ?3"
    ))
    .bind(before.0)
    .bind(after)
    .bind(i64::try_from(ROWS_MAX).unwrap_or(i64::MAX))
    .fetch_all(reader.connection()?)
    .await?;
    let mut chars = 0;
    let first = rows.first().map(|(id, _)| *id);
    let fits = |(id, body_chars): &(MessageId, i64)| {
        chars += body_chars;
        chars <= CHARS_MAX || Some(*id) == first
    };
    Ok(rows.into_iter().take_while(fits).map(|(id, _)| id).collect())
}

/// The next notes of who has seen what, of messages that are gone; none when all have been looked at.
async fn lost_sightings(
    readers: &Readers,
    after: (Row, MessageId),
) -> Result<Vec<(Row, MessageId)>, sqlx::Error> {
    let mut reader = readers.get().await?;
    sqlx::query_as(
        "SELECT row_id, message_id FROM sightings
         WHERE (row_id, message_id) > (?1, ?2) AND NOT EXISTS (SELECT 1 FROM messages WHERE id = message_id)
         ORDER BY row_id, message_id LIMIT ?3",
    )
    .bind(after.0)
    .bind(after.1)
    .bind(i64::try_from(ROWS_MAX).unwrap_or(i64::MAX))
    .fetch_all(reader.connection()?)
    .await
}
