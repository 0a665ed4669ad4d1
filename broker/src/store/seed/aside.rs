//! Makes room for the new tables: the old ones get other names for the time of the transaction, and everything else that
//! stands in the file is dropped, so that what comes of it is a store like any other. All of it is in the backup.

use super::recognise::{self, Table};
use super::report::{Odd, Report};
use sqlx::{AssertSqlSafe, Row, SqliteConnection};

/// The old tables under their passing names; `None` if the file has no such table, or one of another kind.
#[derive(Debug, Default)]
pub(super) struct Old {
    pub(super) sessions: Option<Table>,
    pub(super) messages: Option<Table>,
    pub(super) state: Option<Table>,
    /// The highest id that a message ever had, if the file knows.
    pub(super) last_message_id: Option<i64>,
}

/// The tables that are carried over, each with the columns without which it is no such table.
const CARRIED: [(&str, &[&str]); 3] =
    [("sessions", &["name"]), ("messages", &["to_name", "body"]), ("state", &["key", "value"])];

/// Puts the old tables aside and drops the rest.
pub(super) async fn put(connection: &mut SqliteConnection, report: &mut Report) -> Result<Old, sqlx::Error> {
    let mut tables = recognise::tables(connection).await?;
    let last_message_id = last_message_id(connection).await?;
    let [sessions, messages, state] = CARRIED.map(|(name, columns)| {
        let fits = |table: &Table| columns.iter().all(|column| table.columns.contains(*column));
        tables.remove(name).filter(fits)
    });
    let kept: Vec<String> =
        [&sessions, &messages, &state].into_iter().flatten().map(|table| table.name.clone()).collect();
    drop_others(connection, &kept, report).await?;
    let mut old = Old { sessions, messages, state, last_message_id };
    for table in [&mut old.sessions, &mut old.messages, &mut old.state].into_iter().flatten() {
        let passing = format!("old_{}", table.name.to_lowercase());
        let rename = format!("ALTER TABLE {} RENAME TO {}", quoted(&table.name), quoted(&passing));
        execute(connection, rename).await?;
        table.name = passing;
    }
    Ok(old)
}

/// Drops the old tables, and what the file remembers of their counters.
pub(super) async fn drop(connection: &mut SqliteConnection, old: &Old) -> Result<(), sqlx::Error> {
    for table in [&old.sessions, &old.messages, &old.state].into_iter().flatten() {
        execute(connection, format!("DROP TABLE {}", quoted(&table.name))).await?;
    }
    execute(connection, "DELETE FROM sqlite_sequence WHERE name NOT IN ('sessions', 'messages')".into()).await
}

/// The counter of an AUTOINCREMENT is above the highest id if that message was deleted.
async fn last_message_id(connection: &mut SqliteConnection) -> Result<Option<i64>, sqlx::Error> {
    let counts: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence')")
            .fetch_one(&mut *connection)
            .await?;
    if !counts {
        return Ok(None);
    }
    sqlx::query_scalar(
        "SELECT MAX(seq) FROM sqlite_sequence WHERE lower(name) = 'messages' AND typeof(seq) = 'integer'",
    )
    .fetch_one(connection)
    .await
}

/// Views and triggers first, since they name tables; virtual tables before the rest, since they own some of it.
async fn drop_others(
    connection: &mut SqliteConnection,
    kept: &[String],
    report: &mut Report,
) -> Result<(), sqlx::Error> {
    for (condition, what) in [
        ("type = 'trigger'", "TRIGGER"),
        ("type = 'view'", "VIEW"),
        ("type = 'table' AND sql LIKE 'CREATE VIRTUAL %'", "TABLE"),
        ("type = 'index' AND sql IS NOT NULL", "INDEX"),
        (
            "type = 'table' AND (name NOT LIKE 'sqlite!_%' ESCAPE '!' OR name LIKE 'sqlite!_stat%' ESCAPE '!')",
            "TABLE",
        ),
    ] {
        let select = format!("SELECT name FROM sqlite_schema WHERE {condition}");
        let rows = sqlx::query(AssertSqlSafe(select)).fetch_all(&mut *connection).await?;
        for row in rows {
            let name: String = row.try_get(0)?;
            if kept.contains(&name) {
                continue;
            }
            execute(connection, format!("DROP {what} {}", quoted(&name))).await?;
            if what != "INDEX" && !name.starts_with("sqlite_") {
                report.odd(Odd::NotOurs);
            }
        }
    }
    Ok(())
}

/// A select list of columns as bytes, `NULL` for those that the table does not have.
pub(super) fn columns(table: &Table, wanted: &[&str]) -> String {
    let one = |column: &&str| {
        if table.columns.contains(*column) {
            format!("CAST({} AS BLOB)", quoted(column))
        } else {
            "NULL".to_owned()
        }
    };
    wanted.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// A name as SQL may hold it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

async fn execute(connection: &mut SqliteConnection, statement: String) -> Result<(), sqlx::Error> {
    sqlx::query(AssertSqlSafe(statement)).execute(connection).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::{columns, quoted};
    use crate::store::seed::recognise::Table;

    #[test]
    fn names_are_quoted_and_missing_columns_are_null() {
        assert_eq!(quoted("a\"b"), "\"a\"\"b\"");
        let table = Table { name: "t".into(), columns: ["body".to_owned()].into() };
        assert_eq!(columns(&table, &["body", "tag"]), "CAST(\"body\" AS BLOB), NULL");
    }
}
