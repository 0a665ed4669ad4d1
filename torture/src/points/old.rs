//! Stores of earlier versions, made without any broker, and what a new one has to hold of them: direct mail, read and
//! unread, mail to everybody, and entries of the state.

use super::dump::{self, Dump, Stored};
use c2c_harness::make_sqlite_with_log;
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};
use std::path::Path;

/// Mail for bob in each of them: enough for several pages.
const MESSAGES: i64 = 25;
/// The first id that is free in the store of 0.1.0 that the product's own tests use.
const FIRST_ID: i64 = 10;
/// Of bob's mail, every so many-th is read.
const READ_EVERY: i64 = 4;
/// Mail to everybody, the first unread and the second read.
const TO_ALL: [i64; 2] = [FIRST_ID + MESSAGES, FIRST_ID + MESSAGES + 1];
const SEED: &str = include_str!("../../../broker/src/store/tests/fixtures/seed-0.1.0.sql");

/// A store as claude-c2c 0.1.0 left it when it was killed: bob and the mail stand in the log.
pub fn seed(store: &Path) -> Dump {
    let mut in_the_log =
        "INSERT INTO sessions (session_id, name, cwd, started_at, last_seen_at, metadata) VALUES
         ('s-bob', 'bob', '/p', '2026-11-01T12:00:00+00:00', '2026-11-02T12:00:00+00:00', '{}');"
            .to_owned();
    for id in ids() {
        let to = if TO_ALL.contains(&id) { "*" } else { "bob" };
        let read = if is_read(id) { "'2026-11-01T14:00:00+00:00', 'bob'" } else { "NULL, NULL" };
        in_the_log.push_str(&format!(
            "INSERT INTO messages (id, from_session, from_name, to_name, body, created_at, read_at, read_by)
             VALUES ({id}, 's-local', 'local', '{to}', '{}', '2026-11-01T13:06:00.000001+00:00', {read});",
            body(id)
        ));
    }
    make_sqlite_with_log(store, &format!("PRAGMA journal_mode = WAL; {SEED}"), &in_the_log);
    let mut expected = expected(&["bob", "online", "the other one"]);
    // What the product's own tests put there. The old server knew one read mark for all that got a message.
    let before: [(i64, &str, &[&str], bool); 6] = [
        (1, "read long ago", &["online"], true),
        (2, "not read yet", &["online"], false),
        (3, "to all, not read", &["bob", "local", "the other one"], false),
        (4, "to all, read by one", &["bob", "local", "the other one"], true),
        (5, "to a name with spaces", &["the other one"], false),
        (6, "to a name that nobody had", &["later"], false),
    ];
    for (id, body, recipients, read) in before {
        put(&mut expected, id, body.to_owned(), recipients, read);
    }
    let state = [
        ("last_run_id", "\"abc123\""),
        ("counts", "{\"rows\": 12, \"ok\": true}"),
        // No JSON there, so a text here.
        ("prose", "\"it's no JSON\""),
    ];
    expected.state = state.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    expected
}

/// A store of the first schema of this program.
pub fn first_schema(store: &Path) -> Dump {
    let others = ["bob", "online", "third"];
    make(store, async |connection| {
        let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../broker/migrations");
        let first = tempfile::tempdir().expect("a folder");
        std::fs::copy(all.join("0001_store.sql"), first.path().join("0001_store.sql")).expect("a migration");
        Migrator::new(first.path()).await?.run(&mut *connection).await?;
        // "c2c1", and what every store knows of itself.
        let marks = "PRAGMA application_id = 0x63326331;
             INSERT INTO meta (key, value) VALUES ('store_id', 'an-old-store'), ('epoch', '7'), ('last_version', '4');
             INSERT INTO state (key, value, version, updated_at, updated_by) VALUES
                ('counts', '{\"rows\": 12}', 3, 1, 'local'), ('prose', '\"a text\"', 4, 2, 'bob');
             INSERT INTO sessions (session_id, name, mailbox, cwd, project_dir, client, parent, started_at, last_seen_at)
             SELECT 's-' || value, value, value, '/p', '/p', 'old', 'old', 1, 1
             FROM json_each('[\"local\", \"bob\", \"online\", \"third\"]')";
        sqlx::raw_sql(AssertSqlSafe(marks.to_owned())).execute(&mut *connection).await?;
        for id in ids() {
            let recipients = if TO_ALL.contains(&id) { &others[..] } else { &["bob"] };
            deliver(connection, id, recipients).await?;
        }
        sqlx::query("INSERT INTO messages_text (messages_text) VALUES ('rebuild')")
            .execute(connection)
            .await?;
        Ok(())
    });
    let mut expected = expected(&others);
    let state = [("counts", "{\"rows\": 12}"), ("prose", "\"a text\"")];
    expected.state = state.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    expected
}

/// A message and its deliveries, as the first schema has them.
async fn deliver(connection: &mut SqliteConnection, id: i64, recipients: &[&str]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO messages (id, from_row, from_session, from_name, from_mailbox, addressed, broadcast,
            body, body_chars, thread, priority, key, content_hash, created_at)
         VALUES (?1, 1, 's-local', 'local', 'local', iif(?2, '\"*\"', '\"bob\"'), ?2, ?3, length(?3), ?1, 0,
            'old ' || ?1, '', 1)",
    )
    .bind(id)
    .bind(TO_ALL.contains(&id))
    .bind(body(id))
    .execute(&mut *connection)
    .await?;
    for recipient in recipients {
        sqlx::query(
            "INSERT INTO deliveries (mailbox, message_id, recipient, read_at, read_by)
             VALUES (?1, ?2, ?1, iif(?3, 2, NULL), iif(?3, ?1, NULL))",
        )
        .bind(recipient)
        .bind(id)
        .bind(is_read(id))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// What both kinds have in common: bob's mail, and mail from local to these others.
fn expected(others: &[&str]) -> Dump {
    let mut expected = Dump::default();
    expected.names.extend(others.iter().map(|name| (*name).to_owned()));
    expected.names.insert("local".to_owned());
    for id in ids() {
        let recipients = if TO_ALL.contains(&id) { others } else { &["bob"] };
        put(&mut expected, id, body(id), recipients, is_read(id));
    }
    expected
}

fn put(expected: &mut Dump, id: i64, body: String, recipients: &[&str], read: bool) {
    expected.messages.push(Stored { id, key: String::new(), body });
    for recipient in recipients {
        expected.deliveries.insert((id, (*recipient).to_owned()), read);
    }
}

fn ids() -> std::ops::RangeInclusive<i64> {
    FIRST_ID..=TO_ALL[1]
}

fn is_read(id: i64) -> bool {
    if TO_ALL.contains(&id) { id == TO_ALL[1] } else { id % READ_EVERY == 0 }
}

/// What each message says.
fn body(id: i64) -> String {
    format!("an old message, {id} {}", "o".repeat(400))
}

fn make(store: &Path, fill: impl AsyncFnOnce(&mut SqliteConnection) -> Result<(), sqlx::Error>) {
    let made = dump::blocking(async {
        let options = SqliteConnectOptions::new()
            .filename(store)
            .create_if_missing(true)
            .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal);
        let mut connection = SqliteConnection::connect_with(&options).await?;
        fill(&mut connection).await?;
        connection.close().await
    });
    made.expect("an old store");
}
