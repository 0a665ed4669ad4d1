//! What an SQLite file without a mark is: by its tables and their columns, never by its rows, and without changing it.

use crate::store::header::{APPLICATION_ID, log_of};
use crate::store::open::glance;
use sqlx::{Connection, Row, SqliteConnection};
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// What the file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A store of ours; so far only its log says so.
    Ours,
    /// A store of claude-c2c 0.1.0.
    Seed,
    /// Another program's.
    Other,
}

/// One table as it stands in the file. Its columns are folded to lower case, as SQLite compares them.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: HashSet<String>,
}

/// Looks at the file from outside.
pub(super) async fn look(store: &Path) -> Result<Kind, sqlx::Error> {
    let log_bytes = std::fs::metadata(log_of(store)).map_or(0, |metadata| metadata.len());
    // Without a log the file is the whole truth, and opened like this nothing appears beside it.
    let options = glance(store).immutable(log_bytes == 0);
    let mut connection = SqliteConnection::connect_with(&options).await?;
    let kind = kind(&mut connection).await;
    connection.close().await?;
    kind
}

/// The same over a connection.
pub(super) async fn kind(connection: &mut SqliteConnection) -> Result<Kind, sqlx::Error> {
    let application: u32 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *connection).await?;
    if application == APPLICATION_ID {
        return Ok(Kind::Ours);
    }
    let schema: u32 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *connection).await?;
    let encoding: String = sqlx::query_scalar("PRAGMA encoding").fetch_one(&mut *connection).await?;
    if application != 0 || schema != 0 || encoding != "UTF-8" {
        return Ok(Kind::Other);
    }
    let tables = tables(connection).await?;
    let has = |table: &str, columns: &[&str]| {
        tables.get(table).is_some_and(|table| columns.iter().all(|column| table.columns.contains(*column)))
    };
    // No two of these tables stand together in another program's file with these columns; messages alone are enough.
    let messages = has("messages", &["to_name", "body", "read_at"])
        && (has("messages", &["from_session"]) || has("messages", &["from_name"]));
    let others = has("sessions", &["session_id", "name", "last_seen_at"])
        && has("state", &["key", "value", "updated_by"]);
    Ok(if messages || others { Kind::Seed } else { Kind::Other })
}

/// The ordinary tables of the file, by their names in lower case.
pub(super) async fn tables(connection: &mut SqliteConnection) -> Result<HashMap<String, Table>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT t.name, c.name FROM pragma_table_list AS t JOIN pragma_table_xinfo(t.name) AS c
         WHERE t.schema = 'main' AND t.type = 'table' AND t.wr = 0",
    )
    .fetch_all(connection)
    .await?;
    let mut tables: HashMap<String, Table> = HashMap::new();
    for row in rows {
        let name: String = row.try_get(0)?;
        let table = tables.entry(name.to_lowercase()).or_default();
        table.name = name;
        table.columns.insert(row.try_get::<String, _>(1)?.to_lowercase());
    }
    Ok(tables)
}
