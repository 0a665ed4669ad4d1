//! Session rows: who holds which name. Changing them is the writer's; the rules for names chosen without being asked
//! are in `automatic`, those for names asked for in `register`.

mod automatic;
mod person;
mod register;
mod rows;

pub(crate) use automatic::greet;
pub(crate) use person::{PERSON, greet as greet_person, in_use};
pub(crate) use register::register;
pub(crate) use rows::{load_online, row_of_client_session, write_client_sessions, write_presence};

use super::readers::Readers;
use crate::session::Row;
use c2c_proto::limits::SESSIONS_PAGE_BYTES;
use c2c_proto::response::SessionInfo;
use c2c_proto::time::Timestamp;
use futures_util::TryStreamExt;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

/// A session row as a list shows it, before presence is laid over it.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) row: Row,
    pub(crate) mailbox: String,
    pub(crate) info: SessionInfo,
}

/// A part of a list of sessions.
#[derive(Debug, Default)]
pub(crate) struct ListedPage {
    pub(crate) listed: Vec<Listed>,
    /// Whether more follow.
    pub(crate) more: bool,
}

/// The rows that hold a name after this mailbox and were seen since, or are marked online: a page of them.
pub(crate) async fn list(
    readers: &Readers,
    seen_since: Timestamp,
    after: &str,
) -> Result<ListedPage, sqlx::Error> {
    let mut reader = readers.get().await?;
    let mut rows = sqlx::query(
        "SELECT row_id, mailbox, session_id, name, cwd, started_at, seen_at, metadata, client
         FROM sessions WHERE stale = 0 AND mailbox > ?2 AND (online = 1 OR seen_at >= ?1) ORDER BY mailbox",
    )
    .bind(seen_since.0)
    .bind(after)
    .fetch(reader.connection()?);
    let mut page = ListedPage::default();
    let mut bytes = 0;
    while let Some(row) = rows.try_next().await? {
        if bytes > SESSIONS_PAGE_BYTES {
            page.more = true;
            break;
        }
        let info = info(&row)?;
        bytes += weight(&info);
        page.listed.push(Listed { row: row.try_get(0)?, mailbox: row.try_get(1)?, info });
    }
    Ok(page)
}

fn info(row: &SqliteRow) -> Result<SessionInfo, sqlx::Error> {
    Ok(SessionInfo {
        session_id: row.try_get(2)?,
        name: row.try_get(3)?,
        cwd: row.try_get(4)?,
        started_at: Timestamp(row.try_get(5)?),
        last_seen_at: Timestamp(row.try_get(6)?),
        metadata: row.try_get(7)?,
        client: row.try_get(8)?,
        is_self: false,
        online: false,
        waiting: false,
        unread: 0,
    })
}

/// Bytes of a session's texts.
fn weight(info: &SessionInfo) -> usize {
    let metadata = info.metadata.as_ref().map_or(0, String::len);
    info.session_id.len() + info.name.len() + info.cwd.len() + info.client.len() + metadata
}

/// Every name that a session holds, at most as many as a search for near ones can look through.
pub(crate) async fn known_names(readers: &Readers) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT name FROM sessions WHERE stale = 0 ORDER BY seen_at DESC LIMIT 2000")
        .fetch_all(readers.get().await?.connection()?)
        .await
}

/// Whether a session holds this name, or mail lies under it.
pub(crate) async fn knows_mailbox(readers: &Readers, mailbox: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM sessions WHERE mailbox = ?1 AND stale = 0)
             OR EXISTS (SELECT 1 FROM deliveries WHERE mailbox = ?1 AND read_at IS NULL)
             OR EXISTS (SELECT 1 FROM deliveries WHERE mailbox = ?1 AND read_at IS NOT NULL)",
    )
    .bind(mailbox)
    .fetch_one(readers.get().await?.connection()?)
    .await
}
