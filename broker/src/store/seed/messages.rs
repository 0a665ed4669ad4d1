//! Messages and their deliveries. The one read mark of an old message is the mark of each of its deliveries.

use super::NAME_MAX_BYTES;
use super::aside::{Old, columns, quoted};
use super::cell::{self, Cell};
use super::report::{Odd, Report};
use super::sessions::Sessions;
use crate::session::Row;
use crate::store::answers::json;
use c2c_proto::limits::TAG_MAX_CHARS;
use c2c_proto::name::{EVERYONE, fold};
use c2c_proto::time::Timestamp;
use futures_util::TryStreamExt;
use serde::Serialize;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row as _, SqliteConnection};
use std::collections::HashSet;

/// Rows that are read and written together; their bodies are in memory for that time.
const BATCH_ROWS: usize = 500;
/// Their bodies: beyond this a batch ends.
const BATCH_BYTES: usize = 8 * 1024 * 1024;
/// SQLite holds texts of up to 1,000,000,000 bytes; a body whose bytes had to be replaced may have become longer.
const BODY_MAX_BYTES: usize = 999_999_000;

/// A row of the new table, without its body.
#[derive(Debug, Serialize)]
struct New {
    id: i64,
    /// Where the body is read from.
    old_row: i64,
    from_row: Row,
    from_session: String,
    from_name: String,
    from_mailbox: String,
    addressed: String,
    broadcast: u8,
    body_chars: u64,
    tag: Option<String>,
    created_at: i64,
    /// Whether the body is to be read from the old row as it is.
    as_it_is: bool,
    #[serde(skip)]
    replaced: Option<String>,
}

#[derive(Debug, Serialize)]
struct Delivery {
    mailbox: String,
    message_id: i64,
    recipient: String,
    arrived_row: Option<Row>,
    read_at: Option<i64>,
    read_by: Option<String>,
}

/// What is known while messages are carried over.
struct Carrier<'a> {
    sessions: &'a Sessions,
    now: Timestamp,
    report: &'a mut Report,
    used: HashSet<i64>,
    last_id: i64,
}

/// Carries messages and deliveries over.
pub(super) async fn carry(
    connection: &mut SqliteConnection,
    old: &Old,
    sessions: &Sessions,
    now: Timestamp,
    report: &mut Report,
) -> Result<(), sqlx::Error> {
    let counted = old.last_message_id.filter(|id| cell::is_id(*id)).unwrap_or(0);
    let mut carrier = Carrier { sessions, now, report, used: HashSet::new(), last_id: counted };
    if let Some(table) = &old.messages {
        let id = if table.columns.contains("id") { "id" } else { "_rowid_" };
        let table_name = quoted(&table.name);
        carrier.last_id = carrier.last_id.max(highest(connection, id, &table_name).await?);
        let wanted =
            ["from_session", "from_name", "to_name", "body", "tag", "created_at", "read_at", "read_by"];
        let select = format!(
            "SELECT _rowid_, CAST({id} AS BLOB), {} FROM {table_name} WHERE ?1 IS NULL OR _rowid_ > ?1 ORDER BY _rowid_",
            columns(table, &wanted)
        );
        let body = if table.columns.contains("body") { "CAST(o.body AS TEXT)" } else { "''" };
        let mut after = None;
        loop {
            let (batch, deliveries, last) = carrier.read(connection, &select, after).await?;
            let Some(last) = last else { break };
            write(connection, &batch, body, &table_name).await?;
            write_deliveries(connection, &deliveries).await?;
            after = Some(last);
        }
    }
    set_counter(connection, carrier.last_id).await
}

/// The highest id that is kept.
async fn highest(connection: &mut SqliteConnection, id: &str, table: &str) -> Result<i64, sqlx::Error> {
    let end = 1_i64 << 52;
    let select = format!(
        "SELECT COALESCE(MAX(CAST({id} AS INTEGER)), 0) FROM {table} WHERE CAST({id} AS INTEGER) > 0 AND CAST({id} AS INTEGER) < {end}"
    );
    sqlx::query_scalar(AssertSqlSafe(select)).fetch_one(connection).await
}

/// Ids go on from the highest that the old store ever gave.
async fn set_counter(connection: &mut SqliteConnection, last_id: i64) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM sqlite_sequence WHERE name = 'messages'").execute(&mut *connection).await?;
    if last_id > 0 {
        sqlx::query("INSERT INTO sqlite_sequence (name, seq) VALUES ('messages', ?1)")
            .bind(last_id)
            .execute(connection)
            .await?;
    }
    Ok(())
}

impl Carrier<'_> {
    /// A batch, and the last old row of it; none if there are no more.
    async fn read(
        &mut self,
        connection: &mut SqliteConnection,
        select: &str,
        after: Option<i64>,
    ) -> Result<(Vec<New>, Vec<Delivery>, Option<i64>), sqlx::Error> {
        let (mut batch, mut deliveries, mut last) = (Vec::new(), Vec::new(), None);
        let mut bytes = 0;
        let mut rows = sqlx::query(AssertSqlSafe(select.to_owned())).bind(after).fetch(connection);
        while let Some(row) = rows.try_next().await? {
            last = Some(row.try_get(0)?);
            bytes += row.try_get::<Option<&[u8]>, _>(5)?.map_or(0, <[u8]>::len);
            batch.push(self.one(&row, &mut deliveries)?);
            // A broadcast to many counts as much as they are.
            if batch.len().max(deliveries.len()) >= BATCH_ROWS || bytes >= BATCH_BYTES {
                break;
            }
        }
        Ok((batch, deliveries, last))
    }

    fn one(&mut self, row: &SqliteRow, deliveries: &mut Vec<Delivery>) -> Result<New, sqlx::Error> {
        let id = self.id(row.try_get(1)?);
        let from_session = cell::short_text(row.try_get(2)?, NAME_MAX_BYTES, self.report).unwrap_or_default();
        let sender = self.sessions.by_id.get(&from_session);
        let from_name = match (row.try_get::<Cell, _>(3)?, sender) {
            (None, Some((_, name))) => name.clone(),
            (given, _) => cell::name(given, self.report),
        };
        let to = row.try_get::<Cell, _>(4)?.map(|to| cell::name(Some(to), self.report));
        let created_at = cell::time_or_now(row.try_get(7)?, self.now, self.report);
        let read_at = self.read_at(row.try_get(8)?, created_at);
        let read_by = cell::short_text(row.try_get(9)?, NAME_MAX_BYTES, self.report);
        let (body_chars, replaced) = self.body(row.try_get(5)?);
        let new = New {
            id,
            old_row: row.try_get(0)?,
            from_row: sender.map_or(0, |(row, _)| *row),
            from_mailbox: fold(&from_name),
            addressed: json(&to.as_deref().unwrap_or_default()),
            // To sessions that come later only while nobody has read it: then it was gone for all.
            broadcast: if to.as_deref() == Some(EVERYONE) { 1 + u8::from(read_at.is_some()) } else { 0 },
            body_chars,
            tag: self.tag(row.try_get(6)?),
            created_at: created_at.0,
            as_it_is: replaced.is_none(),
            replaced,
            from_session,
            from_name,
        };
        let before = deliveries.len();
        for (mailbox, recipient, arrived_row) in self.recipients(to, &new.from_mailbox) {
            let (read_by, read_at) = (read_by.clone().filter(|_| read_at.is_some()), read_at.map(|at| at.0));
            deliveries.push(Delivery { mailbox, message_id: id, recipient, arrived_row, read_at, read_by });
        }
        let delivered = (deliveries.len() - before) as u64;
        self.report.messages += 1;
        self.report.deliveries += delivered;
        self.report.unread += if read_at.is_none() { delivered } else { 0 };
        Ok(new)
    }

    /// The old id if ids can go on from it, else one above all others.
    fn id(&mut self, cell: Option<&[u8]>) -> i64 {
        if let Some(id) = cell::id(cell)
            && self.used.insert(id)
        {
            // Text that only reads as a number is beyond what SQLite calls the highest.
            self.last_id = self.last_id.max(id);
            return id;
        }
        self.report.odd(Odd::MessageId);
        self.last_id += 1;
        self.used.insert(self.last_id);
        self.last_id
    }

    fn read_at(&mut self, cell: Option<&[u8]>, created_at: Timestamp) -> Option<Timestamp> {
        let cell = cell?;
        Some(cell::time_or_now(Some(cell), self.now, self.report).max(created_at))
    }

    /// How many characters the body has, and the body itself if it is not kept as it is.
    fn body(&mut self, cell: Cell) -> (u64, Option<String>) {
        let Some(bytes) = cell else {
            self.report.odd(Odd::Body);
            return (0, Some(String::new()));
        };
        if let Ok(body) = std::str::from_utf8(&bytes) {
            return (body.chars().count() as u64, None);
        }
        let body = cell::text(Some(bytes), self.report).unwrap_or_default();
        if body.len() > BODY_MAX_BYTES {
            self.report.odd(Odd::Body);
            return (0, Some(String::new()));
        }
        (body.chars().count() as u64, Some(body))
    }

    /// A tag that is too long is cut; an empty one was none.
    fn tag(&mut self, cell: Cell) -> Option<String> {
        let tag = cell::text(cell, self.report).filter(|tag| !tag.is_empty())?;
        if tag.chars().count() <= TAG_MAX_CHARS {
            return Some(tag);
        }
        self.report.odd(Odd::Long);
        Some(tag.chars().take(TAG_MAX_CHARS).collect())
    }

    /// The mailboxes of a message. In the old store each name saw every broadcast, from whenever; so each name that is
    /// known has it.
    fn recipients(&mut self, to: Option<String>, sender: &str) -> Vec<(String, String, Option<Row>)> {
        match to {
            Some(to) if to == EVERYONE => {
                let others = self.sessions.known.iter().filter(|(mailbox, _)| *mailbox != sender);
                others.map(|(mailbox, (row, name))| (mailbox.clone(), name.clone(), Some(*row))).collect()
            }
            Some(to) => {
                let mailbox = fold(&to);
                let holder = self.sessions.known.get(&mailbox).map(|(row, _)| *row);
                vec![(mailbox, to, holder)]
            }
            None => {
                self.report.odd(Odd::Nobody);
                Vec::new()
            }
        }
    }
}

/// Writes messages; the bodies go from table to table.
async fn write(
    connection: &mut SqliteConnection,
    batch: &[New],
    body: &str,
    old: &str,
) -> Result<(), sqlx::Error> {
    let insert = format!(
        "INSERT INTO messages (id, from_row, from_session, from_name, from_mailbox, addressed, broadcast, body,
                               body_chars, tag, thread, priority, key, content_hash, created_at)
         SELECT j.value ->> 'id', j.value ->> 'from_row', j.value ->> 'from_session', j.value ->> 'from_name',
                j.value ->> 'from_mailbox', j.value ->> 'addressed', j.value ->> 'broadcast',
                CASE WHEN j.value ->> 'as_it_is' THEN {body} ELSE '' END,
                j.value ->> 'body_chars', j.value ->> 'tag', j.value ->> 'id', 0, 'old:' || (j.value ->> 'id'), '',
                j.value ->> 'created_at'
         FROM json_each(?1) AS j JOIN {old} AS o ON o._rowid_ = j.value ->> 'old_row'"
    );
    sqlx::query(AssertSqlSafe(insert)).bind(json(&batch)).execute(&mut *connection).await?;
    for message in batch {
        if let Some(body) = &message.replaced {
            sqlx::query("UPDATE messages SET body = ?2 WHERE id = ?1")
                .bind(message.id)
                .bind(body)
                .execute(&mut *connection)
                .await?;
        }
    }
    Ok(())
}

async fn write_deliveries(
    connection: &mut SqliteConnection,
    deliveries: &[Delivery],
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO deliveries (mailbox, message_id, recipient, arrived_row, read_at, read_by)
         SELECT j.value ->> 'mailbox', j.value ->> 'message_id', j.value ->> 'recipient', j.value ->> 'arrived_row',
                j.value ->> 'read_at', j.value ->> 'read_by'
         FROM json_each(?1) AS j",
    )
    .bind(json(&deliveries))
    .execute(connection)
    .await?;
    Ok(())
}
