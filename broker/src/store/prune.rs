//! Deleting what is old and done with, or counting it. Unread direct mail is never deleted.
//!
//! It is done in portions, each in a transaction of its own between those of everybody else, so that nobody waits for all of
//! it, however large the store is: a reader finds what comes next (`find`), the writer deletes it (`delete`). With each portion
//! the sum so far is kept under the call's key, so that the same call again goes on from there and has the true answer
//! ([decision 0018](../../../docs/decisions/0018-a-prune-goes-in-portions.md)).
//!
//! What goes is said once, for all: the conditions are the macros at the top, with the time before which as `?1`.

/// Messages, called `m`, but for those of which another node has yet to be told. A broadcast is news: whoever has not read it
/// by now is not waiting for it.
macro_rules! old_messages {
    () => {
        "messages AS m WHERE m.created_at < ?1 AND (m.broadcast > 0 OR NOT EXISTS
             (SELECT 1 FROM deliveries AS d WHERE message_id = m.id AND read_at IS NULL AND mailbox NOT GLOB '[*]@*'
              AND NOT EXISTS (SELECT 1 FROM expiring AS e WHERE e.message_id = m.id AND e.expires_at = 0
                              AND instr(d.mailbox, '@') > 0 AND e.node = substr(d.mailbox, instr(d.mailbox, '@') + 1))))
             AND NOT EXISTS (SELECT 1 FROM outbox WHERE message_id = m.id)
             AND NOT EXISTS (SELECT 1 FROM arrivals JOIN deliveries USING (message_id, mailbox)
                             WHERE message_id = m.id AND told < 2 AND read_at IS NOT NULL)"
    };
}

/// Session rows; `?2` is the time before which a stale one must have been seen, `?3` the message up to which mail is known
/// to be read.
macro_rules! old_sessions {
    () => {
        "sessions WHERE online = 0 AND seen_at < ?1
            AND (stale = 1 AND seen_at < ?2 OR stale = 0 AND NOT EXISTS (
                 SELECT 1 FROM deliveries AS d JOIN messages AS m ON m.id = d.message_id
                 WHERE d.mailbox = sessions.mailbox AND d.message_id > ?3 AND d.read_at IS NULL
                   AND m.broadcast = 0))"
    };
}

/// Entries of the state.
macro_rules! old_entries {
    () => {
        // Those that all machines share are not this store's to delete: the last version of a key tells what has expired.
        "state WHERE expires_at IS NOT NULL AND expires_at < ?1 AND NOT (key >= 'global:' AND key < 'global;')"
    };
}

// After the macros, which they use.
mod delete;
mod find;

#[cfg(test)]
pub(super) use delete::STATEMENTS;
pub(super) use delete::prune;
pub(super) use find::ROWS_MAX;
pub(super) use find::count;
pub(super) use find::old_messages;

use super::Store;
use super::jobs::{ByOwner, Job};
use super::readers::Readers;
use crate::session::Row;
use c2c_proto::id::MessageId;
use c2c_proto::request::Prune;
use c2c_proto::response::Pruned;
use c2c_proto::time::Timestamp;
use c2c_proto::{Error, ErrorCode};
use serde::{Deserialize, Serialize};

/// A row that lost its name stays this long in any case: the session that it belongs to may still be connected (it holds
/// no name, so it does not count as online) and go on from this row under another name.
const STALE_KEPT_S: i64 = DAY_S;
const DAY_S: i64 = 86_400;

/// What one transaction of a prune does. What is named goes as far as it still is to go.
#[derive(Clone, Debug)]
pub(crate) enum Portion {
    /// Finds out what came of the same call before, if it was made before.
    Begin,
    /// Deletes messages, with all that belongs to them.
    Messages(Vec<MessageId>),
    /// Deletes notes of who has seen which message, of messages that are gone.
    Sightings(Vec<(Row, MessageId)>),
    /// Deletes sessions, of whose direct mail up to a message all was read.
    Sessions(Vec<Row>, MessageId),
    /// Deletes expired entries of the state.
    Entries(Vec<String>),
    /// Ends the prune.
    End,
}

/// One portion of a call's prune.
#[derive(Clone, Debug)]
pub(crate) struct PrunePortion {
    pub(crate) call: Prune,
    pub(crate) portion: Portion,
}

/// How far a prune is. Kept as the answer of its call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PruneProgress {
    /// What was deleted so far.
    #[serde(flatten)]
    pub(crate) pruned: Pruned,
    /// Until it has ended: what is older than this goes.
    #[serde(default)]
    before: Option<Timestamp>,
}

/// The time before which things are old.
const fn before(now: Timestamp, older_than_days: u32) -> Timestamp {
    now.plus_s(-DAY_S * older_than_days as i64)
}

impl Store {
    /// Deletes what is old and done with. What was deleted by the time of an error stays deleted; the same call again goes on.
    pub(crate) async fn prune(&self, ask: ByOwner<Prune>) -> Result<Pruned, Error> {
        // Of its own: it must not end because others look through the store, nor keep them from it.
        let readers = Readers::when_needed(self.onlookers.options().clone());
        let pruned = Pruning { store: self, readers: &readers, ask: &ask }.all().await;
        readers.close().await;
        pruned
    }
}

/// A prune under way.
struct Pruning<'a> {
    store: &'a Store,
    readers: &'a Readers,
    ask: &'a ByOwner<Prune>,
}

impl Pruning<'_> {
    async fn all(&self) -> Result<Pruned, Error> {
        let begun = self.portion(Portion::Begin).await?;
        // The same call may be made twice at once: then the other one may end it at any time.
        let Some(before) = begun.before else { return Ok(begun.pruned) };
        self.messages(before).await?;
        self.sightings().await?;
        self.sessions(before).await?;
        self.entries(before).await?;
        Ok(self.portion(Portion::End).await?.pruned)
    }

    async fn messages(&self, before: Timestamp) -> Result<(), Error> {
        let (mut after, mut most) = (0, ROWS_MAX);
        loop {
            let ids = self.store.read(old_messages(self.readers, before, after, most).await)?;
            let Some(last) = ids.last() else { return Ok(()) };
            after = *last;
            // Long messages are few to a portion: not many more are read than go.
            most = ROWS_MAX.min(2 * ids.len() + 1);
            self.portion(Portion::Messages(ids)).await?;
        }
    }

    async fn sightings(&self) -> Result<(), Error> {
        let mut after = (0, 0);
        loop {
            let seen = self.store.read(find::lost_sightings(self.readers, after).await)?;
            let Some(last) = seen.last() else { return Ok(()) };
            after = *last;
            self.portion(Portion::Sightings(seen)).await?;
        }
    }

    async fn sessions(&self, before: Timestamp) -> Result<(), Error> {
        let mut after = 0;
        loop {
            // Before the look: of what comes after it, the writer sees for itself whether it was read.
            let newest = self.store.last_message_id();
            let stale_before = self.store.shared.clock.now().plus_s(-STALE_KEPT_S);
            let rows =
                self.store.read(find::old_sessions(self.readers, before, stale_before, after).await)?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = *last;
            self.portion(Portion::Sessions(rows, newest)).await?;
        }
    }

    async fn entries(&self, before: Timestamp) -> Result<(), Error> {
        let mut after = String::new();
        loop {
            let keys = self.store.read(find::old_entries(self.readers, before, &after).await)?;
            let Some(last) = keys.last() else { return Ok(()) };
            after.clone_from(last);
            self.portion(Portion::Entries(keys)).await?;
        }
    }

    async fn portion(&self, portion: Portion) -> Result<PruneProgress, Error> {
        if self.store.shared.shutdown.reason().is_some() {
            return Err(Error::new(
                ErrorCode::ShuttingDown,
                "the broker is going down, and the prune is not at its end",
                "call again with the same idempotency_key; the next broker goes on with it",
            ));
        }
        let ByOwner { owner, request, hash } = self.ask;
        let request = PrunePortion { call: request.clone(), portion };
        let ask = ByOwner { owner: owner.clone(), request, hash: hash.clone() };
        self.store.change(ask, Job::Prune).await
    }
}
