//! Whether what a store indexes later fits its messages: the index of words, and who sent what.

use sqlx::SqliteConnection;

/// Adds the texts that were left for later, and has the index check itself against all of them. Nothing of that stays.
///
/// # Errors
/// SQLite's, also if the index does not fit.
pub async fn fit(store: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::query("BEGIN").execute(&mut *store).await?;
    let fits = check(store).await;
    sqlx::query("ROLLBACK").execute(store).await?;
    fits
}

async fn check(store: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    for step in [
        "INSERT INTO messages_text (rowid, body) SELECT id, body FROM messages
         WHERE id > (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'text_up_to')",
        "INSERT INTO messages_text (messages_text, rank) VALUES ('integrity-check', 1)",
    ] {
        sqlx::query(step).execute(&mut *store).await?;
    }
    // An older schema has no such lists.
    let lists = sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_schema WHERE name = 'sent'");
    let lists: i64 = lists.fetch_one(&mut *store).await?;
    let wrong: i64 = if lists == 0 { 0 } else { sqlx::query_scalar(WRONG_IN_SENT).fetch_one(store).await? };
    if wrong == 0 { Ok(()) } else { Err(sqlx::Error::Protocol(format!("{wrong} rows of `sent` are wrong"))) }
}

/// Messages that are in no list of what was sent though they are indexed, and rows of such lists without their message.
const WRONG_IN_SENT: &str = "SELECT
    (SELECT COUNT(*) FROM messages AS m
     WHERE id <= (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'text_up_to')
       AND NOT EXISTS (SELECT 1 FROM sent WHERE sender = m.from_row AND message_id = m.id))
    + (SELECT COUNT(*) FROM sent AS s
       WHERE NOT EXISTS (SELECT 1 FROM messages WHERE id = s.message_id AND from_row = s.sender))";

#[cfg(test)]
mod tests {
    use super::fit;
    use sqlx::{Connection, SqliteConnection};

    const STORE: &str = "CREATE TABLE meta (key TEXT, value TEXT);
        CREATE TABLE messages (id INTEGER PRIMARY KEY, body TEXT, from_row INTEGER);
        CREATE TABLE sent (sender INTEGER, message_id INTEGER);
        CREATE VIRTUAL TABLE messages_text USING fts5 (body, content = 'messages', content_rowid = 'id');
        INSERT INTO messages VALUES (1, 'indexed', 7), (2, 'later', 7);
        INSERT INTO sent VALUES (7, 1);
        INSERT INTO messages_text (rowid, body) VALUES (1, 'indexed');
        INSERT INTO meta VALUES ('text_up_to', '1')";

    async fn store(also: &'static str) -> SqliteConnection {
        let mut store = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        for sql in [STORE, also] {
            sqlx::raw_sql(sql).execute(&mut store).await.unwrap();
        }
        store
    }

    #[tokio::test]
    async fn texts_that_were_left_for_later_fit_and_stay_for_later() {
        let mut store = store("").await;
        fit(&mut store).await.unwrap();
        fit(&mut store).await.unwrap();
        let found: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM messages_text WHERE messages_text MATCH 'later'")
                .fetch_one(&mut store)
                .await
                .unwrap();
        assert_eq!(found, 0);
    }

    #[tokio::test]
    async fn what_is_missing_twice_there_or_another_is_noticed() {
        for fault in [
            "UPDATE meta SET value = '2'",
            "UPDATE meta SET value = '0'",
            "UPDATE messages SET body = 'another' WHERE id = 1",
            "DELETE FROM sent",
            "UPDATE sent SET sender = 8",
            "INSERT INTO sent VALUES (7, 3)",
        ] {
            assert!(fit(&mut store(fault).await).await.is_err(), "{fault}");
        }
    }
}
