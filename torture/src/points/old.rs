//! Stores of earlier versions, made without any broker, with unread mail for bob in them.

use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};
use std::path::Path;

/// Mail in each of them: enough for several pages.
const MESSAGES: i64 = 25;
/// The first id that is free in the store of 0.1.0 that the product's own tests use.
const FIRST_ID: i64 = 10;
const SEED: &str = include_str!("../../../broker/src/store/tests/fixtures/seed-0.1.0.sql");

/// A store as claude-c2c 0.1.0 left it; the ids of the mail for bob.
pub fn seed(store: &Path) -> Vec<i64> {
    make(store, async |connection| {
        sqlx::raw_sql(SEED).execute(&mut *connection).await?;
        for id in ids() {
            sqlx::query(
                "INSERT INTO messages (id, from_session, from_name, to_name, body, tag, created_at)
                 VALUES (?1, 's-local', 'local', 'bob', ?2, NULL, '2026-11-01T13:06:00.000001+00:00')",
            )
            .bind(id)
            .bind(body(id))
            .execute(&mut *connection)
            .await?;
        }
        Ok(())
    })
}

/// A store of the first schema of this program.
pub fn first_schema(store: &Path) -> Vec<i64> {
    make(store, async |connection| {
        let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../broker/migrations");
        let first = tempfile::tempdir().expect("a folder");
        std::fs::copy(all.join("0001_store.sql"), first.path().join("0001_store.sql")).expect("a migration");
        Migrator::new(first.path()).await?.run(&mut *connection).await?;
        // "c2c1", and what every store knows of itself.
        let marks = "PRAGMA application_id = 0x63326331;
             INSERT INTO meta (key, value) VALUES ('store_id', 'an-old-store'), ('epoch', '7'), ('last_version', '0')";
        sqlx::raw_sql(AssertSqlSafe(marks.to_owned())).execute(&mut *connection).await?;
        for id in ids() {
            sqlx::query(
                "INSERT INTO messages (id, from_row, from_session, from_name, from_mailbox, addressed, broadcast,
                    body, body_chars, thread, priority, key, content_hash, created_at)
                 VALUES (?1, 99, 's', 'local', 'local', '\"bob\"', 0, ?2, length(?2), ?1, 0, 'old ' || ?1, '', 1)",
            )
            .bind(id)
            .bind(body(id))
            .execute(&mut *connection)
            .await?;
            sqlx::query("INSERT INTO deliveries (mailbox, message_id, recipient) VALUES ('bob', ?1, 'bob')")
                .bind(id)
                .execute(&mut *connection)
                .await?;
        }
        sqlx::query("INSERT INTO messages_text (messages_text) VALUES ('rebuild')")
            .execute(connection)
            .await?;
        Ok(())
    })
}

fn ids() -> std::ops::Range<i64> {
    FIRST_ID..FIRST_ID + MESSAGES
}

/// What each message says.
fn body(id: i64) -> String {
    format!("an old message, {id} {}", "o".repeat(400))
}

fn make(store: &Path, fill: impl AsyncFnOnce(&mut SqliteConnection) -> Result<(), sqlx::Error>) -> Vec<i64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let made = runtime.block_on(async {
        let options = SqliteConnectOptions::new()
            .filename(store)
            .create_if_missing(true)
            .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal);
        let mut connection = SqliteConnection::connect_with(&options).await?;
        fill(&mut connection).await?;
        connection.close().await
    });
    made.expect("an old store");
    ids().collect()
}
