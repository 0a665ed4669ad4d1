//! Every schema that there ever was, as a text: today's broker opens it and finds the mail. And the machinery that brings
//! a store up, with a migration that does not exist.

use super::kills::brought_up;
use super::messages::inbox;
use super::seed::{Made, connect, made, registered};
use super::seed_safety::schema;
use super::{Opened, message, open, session, to, try_open};
use crate::config::{Config, Durability};
use crate::store::header::SCHEMA_VERSION;
use crate::store::migrations::{self, MIGRATOR};
use crate::store::open::options;
use c2c_proto::ErrorCode;
use c2c_proto::request::Inbox;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::SqliteJournalMode;
use sqlx::{AssertSqlSafe, Connection, SqlSafeStr, SqliteConnection};

/// A store of each schema, all with the same mail.
const SCHEMAS: [&str; 5] = [
    include_str!("fixtures/schema-1.sql"),
    include_str!("fixtures/schema-2.sql"),
    include_str!("fixtures/schema-3.sql"),
    include_str!("fixtures/schema-4.sql"),
    include_str!("fixtures/schema-5.sql"),
];

async fn of_schema(number: u32) -> Made {
    let text = SCHEMAS[usize::try_from(number).unwrap() - 1];
    made(&[text], SqliteJournalMode::Wal).await
}

async fn number(made: &Made, select: &'static str) -> i64 {
    let mut connection = connect(&made.paths.store).await;
    let number = sqlx::query_scalar(select).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    number
}

#[test]
fn every_schema_has_its_store_and_every_migration_its_number() {
    assert_eq!(SCHEMAS.len(), SCHEMA_VERSION as usize, "add fixtures/schema-{SCHEMA_VERSION}.sql");
    let numbers: Vec<i64> = MIGRATOR.iter().map(|migration| migration.version).collect();
    assert_eq!(numbers, (1..=i64::from(SCHEMA_VERSION)).collect::<Vec<_>>());
}

#[tokio::test]
async fn d12_a_store_of_each_schema_is_opened_and_the_mail_is_there() {
    for number_of in 1..=SCHEMA_VERSION {
        let made = of_schema(number_of).await;
        assert_eq!(number(&made, "PRAGMA user_version").await, i64::from(number_of));
        let store = try_open(&made.paths, &Config::default()).await.unwrap();
        let opened = Opened { store, paths: made.paths.clone(), folder: made.folder };
        let unread = ["local", "online", "later"].map(|name| opened.store.mail(name).unread);
        assert_eq!(unread, [2, 2, 1], "schema {number_of}");
        let state = opened.store.get_state("last_run_id").await.unwrap().unwrap();
        assert_eq!((state.value.as_deref(), state.version), (Some("\"abc123\""), 1));
        let online = registered(&opened.store, "online").await;
        let ask = Inbox { unread_only: false, query: Some("answered".into()), ..inbox() };
        let found = opened.store.list_messages(&online.owner, &ask).await.unwrap().messages;
        assert_eq!(found.iter().map(|one| one.id).collect::<Vec<_>>(), [1]);
        assert!(found[0].read_at.is_some());
        let sent = opened.store.send(message(&online.owner, to(&["local"]), "new")).await.unwrap();
        assert_eq!(sent.id, 6);
        drop(online);
        opened.again().await.store.close().await;
    }
}

#[tokio::test]
async fn d12_an_older_store_is_copied_before_it_is_brought_up_and_only_then() {
    for number_of in 1..=SCHEMA_VERSION {
        let made = of_schema(number_of).await;
        for _ in 0..2 {
            try_open(&made.paths, &Config::default()).await.unwrap().close().await;
        }
        let backups = made.backups();
        if number_of == SCHEMA_VERSION {
            assert!(backups.is_empty(), "{backups:?}");
            continue;
        }
        let [backup] = backups.as_slice() else { panic!("{backups:?}") };
        assert!(backup.ends_with(format!("c2c.db.schema-{number_of}.backup")), "{backup:?}");
        // Put back, it is a store like the one before.
        std::fs::copy(backup, &made.paths.store).unwrap();
        assert_eq!(number(&made, "PRAGMA user_version").await, i64::from(number_of));
        let store = try_open(&made.paths, &Config::default()).await.unwrap();
        assert_eq!(store.mail("online").unread, 2);
    }
}

#[tokio::test]
async fn a_store_that_was_brought_up_has_the_schema_of_a_fresh_one() {
    let plain = |rows: Vec<(String, String, String, Option<String>)>| -> Vec<String> {
        let words = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
        rows.into_iter()
            .map(|(kind, name, table, sql)| {
                words(format!("{kind} {name} {table} {sql:?}").replace("\\n", " "))
            })
            .collect()
    };
    let fresh = open().await;
    fresh.store.close().await;
    let fresh = plain(schema(&fresh.paths.store).await);
    for number_of in 1..=SCHEMA_VERSION {
        let made = of_schema(number_of).await;
        try_open(&made.paths, &Config::default()).await.unwrap().close().await;
        assert_eq!(plain(schema(&made.paths.store).await), fresh, "schema {number_of}");
    }
}

/// Today's migrations and one more.
fn with_one_more(sql: &str) -> Migrator {
    let mut all: Vec<Migration> = MIGRATOR.iter().cloned().collect();
    let next = i64::from(SCHEMA_VERSION) + 1;
    let sql = AssertSqlSafe(sql.replace("{next}", &next.to_string())).into_sql_str();
    all.push(Migration::new(next, "test".into(), MigrationType::Simple, sql, false));
    Migrator::with_migrations(all)
}

const NEXT: &str = "CREATE TABLE colours (name TEXT PRIMARY KEY) STRICT;
    INSERT INTO colours SELECT body FROM messages;
    ALTER TABLE sessions ADD COLUMN colour TEXT;
    DROP INDEX messages_by_thread;
    PRAGMA user_version = {next};";

#[tokio::test]
async fn d12_a_kill_at_any_moment_leaves_the_older_or_the_newer_schema() {
    let made = of_schema(1).await;
    let migrator = with_one_more(NEXT);
    let next = i64::from(SCHEMA_VERSION) + 1;
    let written = brought_up(&made, &migrator).await;
    for (at, left) in written.moments().iter().enumerate() {
        let mut connection =
            SqliteConnection::connect_with(&options(&left.paths.store, Durability::Full)).await.unwrap();
        let schema: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut connection).await.unwrap();
        assert_eq!(schema, if left.committed { next } else { 1 }, "moment {at}");
        migrations::bring_up(&mut connection, &left.paths.store, &migrator).await.unwrap();
        let found: (i64, i64, i64) = sqlx::query_as(
            "SELECT (SELECT COUNT(*) FROM colours), COUNT(*), COUNT(*) FILTER (WHERE read_at IS NULL) FROM deliveries",
        )
        .fetch_one(&mut connection)
        .await
        .unwrap();
        assert_eq!(found, (5, 6, 5), "moment {at}");
        connection.close().await.unwrap();
        // Today's broker does not know it, and leaves it alone.
        let before = std::fs::read(&left.paths.store).unwrap();
        let error = try_open(&left.paths, &Config::default()).await.unwrap_err();
        assert!(error.message.contains(&format!("schema {next}")), "{error}");
        assert!(std::fs::read(&left.paths.store).unwrap() == before);
    }
}

#[tokio::test]
async fn a_kill_while_a_store_of_schema_1_is_brought_up_leaves_its_mail() {
    let made = of_schema(1).await;
    let written = brought_up(&made, &MIGRATOR).await;
    for (at, left) in written.moments().iter().enumerate() {
        let store = try_open(&left.paths, &Config::default()).await.unwrap();
        let unread = ["local", "online", "later"].map(|name| store.mail(name).unread);
        assert_eq!(unread, [2, 2, 1], "moment {at}");
        store.close().await;
    }
}

#[tokio::test]
async fn a_migration_that_fails_leaves_the_store_as_it_was() {
    for broken in
        ["CREATE TABLE colours (name); DROP TABLE deliveries; SELECT nonsense", "DROP TABLE nothing"]
    {
        let made = of_schema(1).await;
        let before = std::fs::read(&made.paths.store).unwrap();
        let mut connection =
            SqliteConnection::connect_with(&options(&made.paths.store, Durability::Full)).await.unwrap();
        let error = migrations::bring_up(&mut connection, &made.paths.store, &with_one_more(broken)).await;
        let error = error.unwrap_err();
        assert_eq!(error.code, ErrorCode::StoreRefused, "{error}");
        connection.close().await.unwrap();
        assert!(std::fs::read(&made.paths.store).unwrap() == before, "the store was touched");
        let store = try_open(&made.paths, &Config::default()).await.unwrap();
        assert_eq!(store.mail("online").unread, 2);
    }
}

#[tokio::test]
async fn d13_a_newer_schema_that_only_the_log_knows_is_refused_and_nothing_is_folded() {
    let made = of_schema(SCHEMA_VERSION).await;
    let written = brought_up(&made, &with_one_more(NEXT)).await;
    let moments = written.moments();
    let left = moments.iter().find(|left| left.committed).unwrap();
    let log = left.paths.store.with_file_name("c2c.db-wal");
    let before = [std::fs::read(&left.paths.store).unwrap(), std::fs::read(&log).unwrap()];
    let error = try_open(&left.paths, &Config::default()).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::StoreRefused);
    assert!(error.message.contains(&format!("schema {}", SCHEMA_VERSION + 1)), "{error}");
    assert!(error.hint.contains("newer c2c"), "{error}");
    assert!([std::fs::read(&left.paths.store).unwrap(), std::fs::read(&log).unwrap()] == before, "touched");
}

#[tokio::test]
async fn while_another_program_writes_an_older_store_is_busy() {
    let made = of_schema(1).await;
    let mut writer = connect(&made.paths.store).await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut writer).await.unwrap();
    let error = try_open(&made.paths, &Config::default()).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::BrokerBusy, "{error}");
    sqlx::query("ROLLBACK").execute(&mut writer).await.unwrap();
    writer.close().await.unwrap();
    assert!(made.backups().is_empty());
    let store = try_open(&made.paths, &Config::default()).await.unwrap();
    let a = session(&store, "/p/a").await;
    assert_eq!(store.send(message(&a.owner, to(&["b"]), "x")).await.unwrap().id, 6);
}
