//! The statements on session rows that every rule is made of.

use crate::presence::Left;
use crate::session::Owner;
use crate::session::Row;
use crate::store::jobs::Ask;
use crate::store::link;
use crate::store::readers::Readers;
use crate::store::writer::Work;
use c2c_proto::hello::Identity;
use c2c_proto::id::new_unique_id;
use c2c_proto::limits::BROADCAST_LATE_S;
use c2c_proto::name::{STALE_INFIX, fold};
use c2c_proto::response::Displaced;
use sqlx::{Row as _, SqliteConnection};

/// A session row as the rules for names need it.
#[derive(Clone, Debug)]
pub(super) struct Holder {
    pub(super) row: Row,
    pub(super) session_id: String,
    pub(super) name: String,
    pub(super) mailbox: String,
    pub(super) stale: bool,
    /// Connected, or held for a moment after a restart.
    pub(super) online: bool,
    pub(super) connected: bool,
    pub(super) project_dir: String,
    pub(super) last_seen_at: i64,
    /// The client's process, as the shim described it.
    pub(super) parent: String,
}

impl Holder {
    pub(super) fn owner(&self) -> Owner {
        Owner {
            row: self.row,
            session_id: self.session_id.clone(),
            name: self.name.clone(),
            mailbox: self.mailbox.clone(),
        }
    }

    /// The row with its presence, which is what counts: the column follows it with a short delay, and who was online when
    /// the last broker stopped is held in it from the start.
    fn seen(row: &sqlx::sqlite::SqliteRow, work: &Work<'_>) -> Result<Self, sqlx::Error> {
        let mut holder = Self::from_row(row)?;
        holder.online = work.shared.presence.is_online(holder.row);
        holder.connected = work.shared.presence.is_connected(holder.row);
        Ok(holder)
    }

    fn from_row(row: &sqlx::sqlite::SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            row: row.try_get(0)?,
            session_id: row.try_get(1)?,
            name: row.try_get(2)?,
            mailbox: row.try_get(3)?,
            stale: row.try_get(4)?,
            online: row.try_get(5)?,
            connected: false,
            project_dir: row.try_get(6)?,
            last_seen_at: row.try_get(7)?,
            parent: row.try_get(8)?,
        })
    }
}

macro_rules! select_holder {
    ($condition:literal) => {
        concat!(
            "SELECT row_id, session_id, name, mailbox, stale, online, project_dir, seen_at, parent FROM sessions WHERE ",
            $condition,
            " ORDER BY row_id DESC LIMIT 1"
        )
    };
}

async fn holder(
    connection: &mut SqliteConnection,
    work: &Work<'_>,
    sql: &'static str,
    first: &str,
    second: &str,
) -> Result<Option<Holder>, sqlx::Error> {
    let row = sqlx::query(sql).bind(first).bind(second).fetch_optional(connection).await?;
    row.map(|row| Holder::seen(&row, work)).transpose()
}

pub(super) async fn by_session_id(
    connection: &mut SqliteConnection,
    work: &Work<'_>,
    session_id: &str,
) -> Result<Option<Holder>, sqlx::Error> {
    holder(connection, work, select_holder!("session_id = ?1"), session_id, "").await
}

/// The row with this id, if its client is this very process.
pub(super) async fn by_session_id_of_process(
    connection: &mut SqliteConnection,
    work: &Work<'_>,
    session_id: &str,
    parent: &str,
) -> Result<Option<Holder>, sqlx::Error> {
    holder(connection, work, select_holder!("session_id = ?1 AND parent = ?2"), session_id, parent).await
}

pub(super) async fn by_row(
    connection: &mut SqliteConnection,
    work: &Work<'_>,
    row: Row,
) -> Result<Option<Holder>, sqlx::Error> {
    holder(connection, work, select_holder!("row_id = CAST(?1 AS INTEGER)"), &row.to_string(), "").await
}

/// The session that holds a name.
pub(super) async fn by_mailbox(
    connection: &mut SqliteConnection,
    work: &Work<'_>,
    mailbox: &str,
) -> Result<Option<Holder>, sqlx::Error> {
    holder(connection, work, select_holder!("mailbox = ?1 AND stale = 0"), mailbox, "").await
}

/// The row of the same client session in the same parent process.
pub(super) async fn by_process(
    connection: &mut SqliteConnection,
    work: &Work<'_>,
    client_session: &str,
    parent: &str,
) -> Result<Option<Holder>, sqlx::Error> {
    let sql = select_holder!("client_session = ?1 AND parent = ?2 AND stale = 0");
    holder(connection, work, sql, client_session, parent).await
}

/// The newest row of the same client session that nobody is connected to; also one that is held, which is for it.
pub(super) async fn by_client_session(
    connection: &mut SqliteConnection,
    work: &Work<'_>,
    client_session: &str,
) -> Result<Option<Holder>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT row_id, session_id, name, mailbox, stale, online, project_dir, seen_at, parent FROM sessions
         WHERE client_session = ?1 AND stale = 0 ORDER BY row_id DESC LIMIT 100",
    )
    .bind(client_session)
    .fetch_all(connection)
    .await?;
    for row in rows {
        let holder = Holder::seen(&row, work)?;
        if !holder.connected {
            return Ok(Some(holder));
        }
    }
    Ok(None)
}

/// Whether mail lies under a name that nobody holds.
pub(super) async fn has_mail(connection: &mut SqliteConnection, mailbox: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM deliveries WHERE mailbox = ?1 AND read_at IS NULL)
             OR EXISTS (SELECT 1 FROM deliveries WHERE mailbox = ?1 AND read_at IS NOT NULL)",
    )
    .bind(mailbox)
    .fetch_one(connection)
    .await
}

/// A connection of an existing row: what its client says of itself now counts.
pub(super) async fn refresh(
    connection: &mut SqliteConnection,
    work: &Work<'_>,
    row: Row,
    identity: &Identity,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE sessions SET online = 1, seen_at = ?2, cwd = ?3, project_dir = ?4, client = ?5, parent = ?6,
                client_session = COALESCE(?7, client_session)
         WHERE row_id = ?1",
    )
    .bind(row)
    .bind(work.now.0)
    .bind(&identity.cwd)
    .bind(&identity.project_dir)
    .bind(&identity.client)
    .bind(&identity.parent)
    .bind(&identity.client_session)
    .execute(connection)
    .await?;
    Ok(())
}

/// Somebody is there under the row's name who is not its client.
pub(super) async fn seen(
    connection: &mut SqliteConnection,
    work: &Work<'_>,
    row: Row,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE sessions SET online = 1, seen_at = ?2 WHERE row_id = ?1")
        .bind(row)
        .bind(work.now.0)
        .execute(connection)
        .await
        .map(|_| ())
}

/// Takes the name from a row: it is called `<name>-stale-<unix seconds>` from now on, `-2`, `-3` … on a collision.
pub(super) async fn make_stale(
    connection: &mut SqliteConnection,
    work: &Work<'_>,
    holder: &Holder,
) -> Result<Displaced, sqlx::Error> {
    let base = format!("{}{STALE_INFIX}{}", holder.name, work.now.unix_s());
    let mut name = base.clone();
    for number in 2.. {
        let taken: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM sessions WHERE mailbox = ?1)")
            .bind(fold(&name))
            .fetch_one(&mut *connection)
            .await?;
        if !taken {
            break;
        }
        name = format!("{base}-{number}");
    }
    sqlx::query(
        "UPDATE sessions SET name = ?2, mailbox = ?3, stale = 1, online = 0, seen_at = ?4 WHERE row_id = ?1",
    )
    .bind(holder.row)
    .bind(&name)
    .bind(fold(&name))
    .bind(if holder.online { work.now.0 } else { holder.last_seen_at })
    .execute(connection)
    .await?;
    Ok(Displaced { session_id: holder.session_id.clone(), name, online: holder.online })
}

/// Makes a row that holds a free name, and delivers the broadcasts of the last hour to it, but for those that it (as
/// `predecessor`, or as an earlier row of the same client session) sent or got before.
pub(super) async fn create(
    connection: &mut SqliteConnection,
    work: &mut Work<'_>,
    identity: &Identity,
    name: &str,
    metadata: Option<&str>,
    predecessor: Option<Row>,
) -> Result<Owner, sqlx::Error> {
    let owner = Owner { row: 0, session_id: new_unique_id(), name: name.to_owned(), mailbox: fold(name) };
    let row: Row = sqlx::query_scalar(
        "INSERT INTO sessions (session_id, name, mailbox, online, cwd, project_dir, client, client_session, parent,
                               metadata, started_at, seen_at, predecessor)
         VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11) RETURNING row_id",
    )
    .bind(&owner.session_id)
    .bind(name)
    .bind(&owner.mailbox)
    .bind(&identity.cwd)
    .bind(&identity.project_dir)
    .bind(&identity.client)
    .bind(&identity.client_session)
    .bind(&identity.parent)
    .bind(metadata)
    .bind(work.now.0)
    .bind(predecessor)
    .fetch_one(&mut *connection)
    .await?;
    let owner = Owner { row, ..owner };
    deliver_late_broadcasts(connection, work, &owner, identity, predecessor).await?;
    work.recount.push((owner.mailbox.clone(), row));
    Ok(owner)
}

async fn deliver_late_broadcasts(
    connection: &mut SqliteConnection,
    work: &Work<'_>,
    owner: &Owner,
    identity: &Identity,
    predecessor: Option<Row>,
) -> Result<(), sqlx::Error> {
    let late_s = i64::try_from(BROADCAST_LATE_S).unwrap_or(i64::MAX);
    sqlx::query(
        "WITH RECURSIVE before (row_id) AS (
             SELECT row_id FROM sessions
             WHERE row_id <> ?1 AND (row_id = ?5 OR (client_session IS NOT NULL AND client_session = ?6))
             UNION SELECT s.predecessor FROM before AS b JOIN sessions AS s ON s.row_id = b.row_id
             WHERE s.predecessor IS NOT NULL)
         INSERT OR IGNORE INTO deliveries (mailbox, message_id, recipient, arrived_row)
         SELECT ?2, m.id, ?3, ?1 FROM messages AS m
         WHERE m.broadcast = 1 AND m.created_at >= ?4 AND m.from_mailbox <> ?2
           AND m.from_row NOT IN (SELECT row_id FROM before)
           AND NOT EXISTS (SELECT 1 FROM deliveries AS d
                           WHERE d.message_id = m.id AND d.arrived_row IN (SELECT row_id FROM before))",
    )
    .bind(owner.row)
    .bind(&owner.mailbox)
    .bind(&owner.name)
    .bind(work.now.plus_s(-late_s).0)
    .bind(predecessor)
    .bind(&identity.client_session)
    .execute(connection)
    .await?;
    Ok(())
}

/// Gives a row another free name. The unread mail that arrived while it held the old one comes along.
pub(super) async fn rename(
    connection: &mut SqliteConnection,
    work: &mut Work<'_>,
    holder: &Holder,
    name: &str,
) -> Result<Owner, sqlx::Error> {
    let mailbox = fold(name);
    sqlx::query("UPDATE sessions SET name = ?2, mailbox = ?3, seen_at = ?4 WHERE row_id = ?1")
        .bind(holder.row)
        .bind(name)
        .bind(&mailbox)
        .bind(work.now.0)
        .execute(&mut *connection)
        .await?;
    // A message that was addressed to both names is in the new mailbox already: its other copy stays for whoever
    // takes the old name.
    sqlx::query(
        "UPDATE OR IGNORE deliveries SET mailbox = ?3
         WHERE mailbox = ?2 AND arrived_row = ?1 AND read_at IS NULL",
    )
    .bind(holder.row)
    .bind(&holder.mailbox)
    .bind(&mailbox)
    .execute(&mut *connection)
    .await?;
    link::note_moved(connection, holder.row, &holder.mailbox, &mailbox).await?;
    // What is left is nobody's, and new to whoever takes the name.
    work.recount.push((holder.mailbox.clone(), 0));
    work.recount.push((mailbox.clone(), holder.row));
    Ok(Owner { row: holder.row, session_id: holder.session_id.clone(), name: name.to_owned(), mailbox })
}

/// Writes down which of these rows are online now. One that was only held was not seen.
pub(crate) async fn write_presence(
    connection: &mut SqliteConnection,
    work: &Work<'_>,
    rows: &[(Row, Left)],
) -> Result<(), sqlx::Error> {
    // A broker that goes down leaves everybody online: the next one keeps their names for them.
    if rows.is_empty() || work.shared.shutdown.reason().is_some() {
        return Ok(());
    }
    let rows: Vec<(Row, bool, bool)> = rows
        .iter()
        .map(|(row, left)| (*row, work.shared.presence.is_online(*row), *left == Left::Now))
        .collect();
    sqlx::query(
        "UPDATE sessions SET online = j.value ->> 1,
                             seen_at = CASE WHEN j.value ->> 2 THEN ?2 ELSE seen_at END
         FROM json_each(?1) AS j WHERE row_id = j.value ->> 0 AND stale = 0",
    )
    .bind(crate::store::answers::json(&rows))
    .bind(work.now.0)
    .execute(connection)
    .await?;
    Ok(())
}

/// The newest row that a client calls by this id.
pub(crate) async fn row_of_client_session(
    readers: &Readers,
    client_session: &str,
) -> Result<Option<Row>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT row_id FROM sessions WHERE client_session = ?1 AND stale = 0 ORDER BY row_id DESC LIMIT 1",
    )
    .bind(client_session)
    .fetch_optional(readers.get().await?.connection()?)
    .await
}

/// What the clients call these rows' sessions now.
pub(crate) async fn write_client_sessions(
    connection: &mut SqliteConnection,
    noted: &[Ask<(Row, String), ()>],
) -> Result<(), sqlx::Error> {
    for ask in noted {
        let (row, client_session) = &ask.input;
        sqlx::query("UPDATE sessions SET client_session = ?2 WHERE row_id = ?1")
            .bind(row)
            .bind(client_session)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// The rows that were online when the last broker stopped, with the processes of their clients.
pub(crate) async fn load_online(
    connection: &mut SqliteConnection,
) -> Result<Vec<(Row, String)>, sqlx::Error> {
    sqlx::query_as("SELECT row_id, parent FROM sessions WHERE online = 1 AND stale = 0")
        .fetch_all(connection)
        .await
}
