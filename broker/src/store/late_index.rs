//! The index of words, and who has sent what: only a search and a list of what was sent need them. To put a text into the
//! index takes longer than to store the message, and each sender's list is a page of its own; so it is done when somebody
//! searches, or when nobody waits. Many messages at once also take less for each. A list of what was sent goes
//! through the messages that are not in it yet, whose number is bounded.

use super::transaction::Transaction;
use c2c_proto::id::MessageId;
use sqlx::{Row as _, SqliteConnection};

/// What is left for later while nothing else is to be done: a search that comes meanwhile indexes it in a few milliseconds.
const LEFT_WHEN_IDLE: Texts = Texts { messages: 256, bytes: 256 * 1024 };
/// What is left for later under load: a search has to index it first, in a second or two.
const LEFT_UNDER_LOAD: Texts = Texts { messages: 131_072, bytes: 32 * 1024 * 1024 };
/// Texts in one transaction, at most, so that whoever comes meanwhile does not wait long.
const CHUNK_MESSAGES: i64 = 1_024;
/// Characters in one transaction; one text may be longer.
const CHUNK_CHARS: i64 = 1024 * 1024;

/// How many, and how long together.
#[derive(Clone, Copy, Debug)]
struct Texts {
    messages: i64,
    bytes: i64,
}

/// How far the index is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LateIndex {
    up_to: MessageId,
    /// About how many bytes are not in it yet.
    bytes: i64,
}

impl LateIndex {
    pub(crate) async fn in_store(connection: &mut SqliteConnection) -> Result<Self, sqlx::Error> {
        let up_to = sqlx::query_scalar("SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'text_up_to'");
        // How long the texts are that a broker before has left is not looked for: it had its bounds, too.
        Ok(Self { up_to: up_to.fetch_one(connection).await?, bytes: 0 })
    }

    /// Up to which message everything is in it.
    pub(crate) const fn up_to(self) -> MessageId {
        self.up_to
    }

    /// Texts of so many bytes together were stored.
    pub(crate) fn stored(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// Whether there is something to do while nobody waits.
    pub(crate) const fn wants_idle_time(self, last_id: MessageId) -> bool {
        self.lacks_more_than(LEFT_WHEN_IDLE, last_id)
    }

    /// Whether it is so far behind that it has to catch up though somebody waits.
    pub(crate) const fn is_far_behind(self, last_id: MessageId) -> bool {
        self.lacks_more_than(LEFT_UNDER_LOAD, last_id)
    }

    const fn lacks_more_than(self, left: Texts, last_id: MessageId) -> bool {
        let messages = last_id - self.up_to;
        messages > left.messages || (messages > 0 && self.bytes > left.bytes)
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
            "SELECT MAX(id), MAX(chars) FROM (
                 SELECT id, SUM(body_chars) OVER (ORDER BY id) AS chars, ROW_NUMBER() OVER (ORDER BY id) AS place
                 FROM (SELECT id, body_chars FROM messages WHERE id > ? ORDER BY id LIMIT ?))
             WHERE chars <= ? OR place = 1",
        );
        let rows = transaction.bind(self.up_to).bind(CHUNK_MESSAGES).bind(CHUNK_CHARS).rows().await?;
        let chunk = rows.first().ok_or(sqlx::Error::RowNotFound)?;
        let end: Option<MessageId> = chunk.try_get(0)?;
        let chars: Option<i64> = chunk.try_get(1)?;
        let (Some(end), Some(chars)) = (end, chars) else {
            // What is behind the last message that there is was deleted, or never stored. That is not written down: after
            // a restart a number that was never stored is given to another message.
            transaction.commit().await?;
            *self = Self { up_to: last_id, bytes: 0 };
            return Ok(());
        };
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
        // Characters are no more than bytes; what is too much in the end goes with the last message.
        let left = if end == last_id { 0 } else { (self.bytes - chars).max(0) };
        *self = Self { up_to: end, bytes: left };
        Ok(())
    }
}
