//! The index of words, and who has sent what: only a search and a list of what was sent need them. To put a text into the
//! index takes longer than to store the message, and each sender's list is a page of its own; so it is done when somebody
//! searches, or when nobody waits. Many messages at once also take less for each. A list of what was sent goes
//! through the messages that are not in it yet, whose number is bounded.

use super::transaction::Transaction;
use c2c_proto::id::MessageId;
use sqlx::{Row as _, SqliteConnection};

/// So many texts are left for later while nothing else is to be done: a search that comes meanwhile indexes them in a few
/// milliseconds.
const LEFT_WHEN_IDLE: i64 = 256;
/// So many texts are left for later under load: a search has to index them first, in a second or two.
const LEFT_UNDER_LOAD: i64 = 131_072;
/// Texts in one transaction, at most, so that whoever comes meanwhile does not wait long.
const CHUNK_MESSAGES: i64 = 1_024;
/// Characters in one transaction; one text may be longer.
const CHUNK_CHARS: i64 = 1024 * 1024;

/// How far the index is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LateIndex {
    up_to: MessageId,
}

impl LateIndex {
    pub(crate) async fn in_store(connection: &mut SqliteConnection) -> Result<Self, sqlx::Error> {
        let up_to = sqlx::query_scalar("SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'text_up_to'");
        Ok(Self { up_to: up_to.fetch_one(connection).await? })
    }

    /// The newest message whose text is in it.
    pub(crate) const fn up_to(self) -> MessageId {
        self.up_to
    }

    /// Whether there is something to do while nobody waits.
    pub(crate) const fn wants_idle_time(self, last_id: MessageId) -> bool {
        last_id - self.up_to > LEFT_WHEN_IDLE
    }

    /// Whether it is so far behind that it has to catch up though somebody waits.
    pub(crate) const fn is_far_behind(self, last_id: MessageId) -> bool {
        last_id - self.up_to > LEFT_UNDER_LOAD
    }

    /// Indexes the next texts in a transaction of its own.
    pub(crate) async fn some(
        &mut self,
        connection: &mut SqliteConnection,
        epoch: u64,
        last_id: MessageId,
    ) -> Result<(), sqlx::Error> {
        let mut transaction = Transaction::new(connection, epoch);
        transaction.add(
            "SELECT MAX(id) FROM (
                 SELECT id, SUM(body_chars) OVER (ORDER BY id) AS chars, ROW_NUMBER() OVER (ORDER BY id) AS place
                 FROM (SELECT id, body_chars FROM messages WHERE id > ? ORDER BY id LIMIT ?))
             WHERE chars <= ? OR place = 1",
        );
        let chunk = transaction.bind(self.up_to).bind(CHUNK_MESSAGES).bind(CHUNK_CHARS).rows().await?;
        let end: Option<MessageId> = chunk.first().ok_or(sqlx::Error::RowNotFound)?.try_get(0)?;
        // What is behind the last message that there is was deleted, or never stored.
        let end = end.unwrap_or(last_id);
        transaction.add(
            "INSERT INTO messages_text (rowid, body) SELECT id, body FROM messages WHERE id > ? AND id <= ?",
        );
        transaction.bind(self.up_to).bind(end);
        transaction.add(
            "INSERT INTO sent (sender, message_id)
             SELECT from_row, id FROM messages WHERE id > ? AND id <= ? ORDER BY from_row, id",
        );
        transaction.bind(self.up_to).bind(end);
        transaction.add("UPDATE meta SET value = ? WHERE key = 'text_up_to'").bind(end.to_string());
        transaction.commit().await?;
        self.up_to = end;
        Ok(())
    }
}
