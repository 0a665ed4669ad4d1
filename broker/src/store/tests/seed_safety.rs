//! What taking over an old store leaves behind, and what it leaves alone.

use super::seed::{Made, SEED, backups, connect, made};
use super::{open, try_open};
use crate::config::Config;
use crate::store::Store;
use c2c_proto::ErrorCode;
use sqlx::sqlite::SqliteJournalMode;
use sqlx::{Connection, SqliteConnection};
use std::path::Path;

async fn old() -> Made {
    made(&[SEED], SqliteJournalMode::Wal).await
}

async fn open_again(made: &Made) -> Store {
    try_open(&made.paths, &Config::default()).await.unwrap()
}

/// Everything that the file's schema says.
pub(super) async fn schema(path: &Path) -> Vec<(String, String, String, Option<String>)> {
    let mut connection = connect(path).await;
    let schema = sqlx::query_as("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    schema
}

async fn number(connection: &mut SqliteConnection, select: &'static str) -> i64 {
    sqlx::query_scalar(select).fetch_one(connection).await.unwrap()
}

#[tokio::test]
async fn a_migrated_store_has_the_schema_of_a_fresh_one() {
    let (fresh, made) = (open().await, old().await);
    fresh.store.close().await;
    open_again(&made).await.close().await;
    let (fresh, migrated) = (schema(&fresh.paths.store).await, schema(&made.paths.store).await);
    assert!(fresh.len() > 15, "{fresh:?}");
    assert_eq!(migrated, fresh);
    let mut connection = connect(&made.paths.store).await;
    let verdict: String =
        sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut connection).await.unwrap();
    assert_eq!(verdict, "ok");
    // What was left for later is in it by the time that somebody searches.
    let later = "INSERT INTO messages_text (rowid, body) SELECT id, body FROM messages
             WHERE id > (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'text_up_to')";
    sqlx::query(later).execute(&mut connection).await.unwrap();
    let check = "INSERT INTO messages_text (messages_text, rank) VALUES ('integrity-check', 1)";
    sqlx::query(check).execute(&mut connection).await.unwrap();
}

#[tokio::test]
async fn the_old_store_is_complete_in_the_backup() {
    let made = old().await;
    open_again(&made).await.close().await;
    let backups = made.backups();
    let [backup] = backups.as_slice() else { panic!("{backups:?}") };
    assert!(backup.ends_with("c2c.db.claude-c2c-0.1.0.backup"), "{backup:?}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(backup).unwrap().permissions().mode() & 0o7777, 0o600);
    }
    let other = old().await;
    assert_eq!(schema(backup).await, schema(&other.paths.store).await);
    let mut connection = connect(backup).await;
    for (select, expected) in [
        ("SELECT COUNT(*) FROM sessions", 4),
        ("SELECT COUNT(*) FROM messages", 6),
        ("SELECT COUNT(*) FROM messages WHERE read_at IS NULL", 4),
        ("SELECT COUNT(*) FROM state", 3),
        ("SELECT seq FROM sqlite_sequence WHERE name = 'messages'", 9),
        ("PRAGMA application_id", 0),
    ] {
        assert_eq!(number(&mut connection, select).await, expected, "{select}");
    }
}

#[tokio::test]
async fn an_earlier_backup_is_never_overwritten_and_the_same_one_is_not_made_twice() {
    let made = old().await;
    let taken = made.folder.path().join("c2c.db.claude-c2c-0.1.0.backup");
    std::fs::write(&taken, "somebody's own").unwrap();
    let unfinished = made.folder.path().join("c2c.db.backup-unfinished");
    std::fs::write(&unfinished, "left by a kill").unwrap();
    let before = std::fs::read(&made.paths.store).unwrap();
    open_again(&made).await.close().await;
    assert_eq!(std::fs::read(&taken).unwrap(), b"somebody's own");
    let second = made.folder.path().join("c2c.db.claude-c2c-0.1.0.backup-2");
    let copy = std::fs::read(&second).unwrap();
    // As after a kill between the backup and the commit.
    std::fs::write(&made.paths.store, before).unwrap();
    open_again(&made).await.close().await;
    assert_eq!(made.backups(), [taken, second.clone()]);
    assert!(std::fs::read(&second).unwrap() == copy);
}

#[tokio::test]
async fn a_file_of_another_program_without_a_mark_is_refused_and_nothing_appears_beside_it() {
    for statements in [
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)",
        "CREATE TABLE messages (id INTEGER PRIMARY KEY, body TEXT, sender TEXT); CREATE TABLE sessions (name TEXT)",
        "CREATE TABLE sessions (session_id TEXT, name TEXT, last_seen_at TEXT)",
        "CREATE VIEW messages AS SELECT 1 AS from_name, 2 AS to_name, 3 AS body, 4 AS read_at",
    ] {
        for mode in [SqliteJournalMode::Wal, SqliteJournalMode::Delete] {
            let made = made(&[statements], mode).await;
            let error = made.refused().await;
            assert_eq!(error.code, ErrorCode::StoreRefused, "{error}");
            assert!(error.message.contains("of another program"), "{error}");
            let left: Vec<_> = std::fs::read_dir(made.folder.path()).unwrap().collect();
            assert_eq!(left.len(), 2, "the file and the run folder: {left:?}");
        }
    }
}

#[tokio::test]
async fn while_another_program_writes_the_store_is_busy_and_stays_as_it_is() {
    let made = old().await;
    let mut writer = connect(&made.paths.store).await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut writer).await.unwrap();
    let insert = "INSERT INTO state VALUES ('k', '1', '', '')";
    sqlx::query(insert).execute(&mut writer).await.unwrap();
    let error = made.refused().await;
    assert_eq!((error.code, error.retry_safe), (ErrorCode::BrokerBusy, true), "{error}");
    assert!(error.message.contains("claude-c2c 0.1.0"), "{error}");
    assert!(made.backups().is_empty());
    sqlx::query("COMMIT").execute(&mut writer).await.unwrap();
    let store = open_again(&made).await;
    assert_eq!(store.get_state("k").await.unwrap().unwrap().value.as_deref(), Some("1"));
}

#[tokio::test]
async fn a_reader_with_an_open_transaction_keeps_what_it_saw_and_blocks_nobody() {
    let made = old().await;
    let mut reader = connect(&made.paths.store).await;
    sqlx::query("BEGIN").execute(&mut reader).await.unwrap();
    assert_eq!(number(&mut reader, "SELECT COUNT(*) FROM messages").await, 6);
    let store = open_again(&made).await;
    assert_eq!(store.mail("online").unread, 1);
    assert_eq!(number(&mut reader, "SELECT COUNT(*) FROM messages WHERE to_name = '*'").await, 2);
    // What it would write now is refused, since it has seen an older store.
    sqlx::query("UPDATE messages SET read_at = 'x'").execute(&mut reader).await.unwrap_err();
    sqlx::query("ROLLBACK").execute(&mut reader).await.unwrap();
    sqlx::query("UPDATE messages SET read_at = 'x'").execute(&mut reader).await.unwrap_err();
    store.close().await;
    assert_eq!(backups(made.folder.path()).len(), 1);
}

#[tokio::test]
async fn a_reader_of_a_store_that_has_no_log_yet_makes_it_busy() {
    let made = made(&[SEED], SqliteJournalMode::Delete).await;
    let mut reader = connect(&made.paths.store).await;
    sqlx::query("BEGIN").execute(&mut reader).await.unwrap();
    assert_eq!(number(&mut reader, "SELECT COUNT(*) FROM messages").await, 6);
    let error = made.refused().await;
    assert_eq!(error.code, ErrorCode::BrokerBusy, "{error}");
    reader.close().await.unwrap();
    assert_eq!(open_again(&made).await.mail("online").unread, 1);
}

#[tokio::test]
async fn d13_a_newer_broker_that_took_it_over_and_was_killed_is_not_overruled() {
    let made = old().await;
    let mut reader = connect(&made.paths.store).await;
    sqlx::query("BEGIN").execute(&mut reader).await.unwrap();
    assert_eq!(number(&mut reader, "SELECT COUNT(*) FROM messages").await, 6);
    // With the reader there the log is not folded: the file itself looks as it did before.
    open_again(&made).await.close().await;
    let mut newer = connect(&made.paths.store).await;
    sqlx::query("PRAGMA user_version = 99").execute(&mut newer).await.unwrap();
    assert_eq!(std::fs::read(&made.paths.store).unwrap()[60..72], [0; 12], "the test means nothing");
    let error = made.refused().await;
    assert_eq!(error.code, ErrorCode::StoreRefused, "{error}");
    assert!(error.message.contains("schema 99"), "{error}");
}

#[tokio::test]
async fn a_damaged_old_store_is_refused_and_stays_as_it_is() {
    let made = old().await;
    let whole = std::fs::read(&made.paths.store).unwrap();
    for page in 1..whole.len() / 4_096 {
        let mut bytes = whole.clone();
        bytes[page * 4_096..page * 4_096 + 12].fill(0xff);
        std::fs::write(&made.paths.store, &bytes).unwrap();
        let error = made.refused().await;
        assert_eq!(error.code, ErrorCode::StoreRefused, "page {page}: {error}");
    }
    for kept in [whole.len() / 2, 4_096, 5_000] {
        std::fs::write(&made.paths.store, &whole[..kept]).unwrap();
        assert_eq!(made.refused().await.code, ErrorCode::StoreRefused);
    }
}
