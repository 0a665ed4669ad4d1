//! Old stores with rows that the old server would never have written: none of them keeps the others from being carried
//! over, and what comes of them can be read.

use super::messages::inbox;
use super::seed::{Made, SEED, connect, made, registered};
use super::{message, session, to, try_open};
use crate::config::Config;
use crate::store::Store;
use c2c_proto::message::Message;
use c2c_proto::request::{Inbox, ListState, ReadMessage};
use c2c_proto::time::Timestamp;
use proptest::prelude::*;
use sqlx::sqlite::SqliteJournalMode;
use sqlx::{Connection, Row};

/// The tables without any rule for what may stand in them.
const LOOSE: &str = "
    CREATE TABLE sessions (session_id, name, cwd, started_at, last_seen_at, metadata);
    CREATE TABLE messages (id, from_session, from_name, to_name, body, tag, created_at, read_at, read_by);
    CREATE TABLE state (key, value, updated_at, updated_by);";

async fn migrated(statements: &[&str]) -> (Made, Store) {
    let made = made(statements, SqliteJournalMode::Wal).await;
    let store = try_open(&made.paths, &Config::default()).await.unwrap();
    (made, store)
}

async fn mail(store: &Store, name: &str) -> Vec<Message> {
    let session = registered(store, name).await;
    let ask = Inbox { unread_only: false, limit: 500, ..inbox() };
    store.list_messages(&session.owner, &ask).await.unwrap().messages
}

async fn one<T>(made: &Made, select: &'static str) -> T
where
    T: for<'r> sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite> + Send + Unpin,
{
    let mut connection = connect(&made.paths.store).await;
    let found = sqlx::query_scalar(select).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    found
}

#[tokio::test]
async fn texts_that_are_none_are_read_all_the_same() {
    let (_made, store) = migrated(&[
        LOOSE,
        "INSERT INTO messages VALUES
            (1, 's', 'a', 'b', x'ff41fe', NULL, 'yesterday', NULL, NULL),
            (2, 's', 'a', 'b', 12.5, x'ff', NULL, '', x'ff'),
            (3, 's', x'61ff', CAST(x'62' AS BLOB), CAST('as bytes' AS BLOB), 7, 5, NULL, NULL),
            (4, NULL, NULL, 'b', NULL, '', '2026-11-01T13:00:00Z', 'not a time', NULL),
            (5, 's', 'a', NULL, 'to nobody', NULL, '', NULL, NULL),
            (6, 's', 'a', '', 'to no name', NULL, '', NULL, NULL),
            (7, 's', 'a', 'b', 'a' || char(0) || 'b', 't' || char(0) || 'u', '', NULL, NULL),
            (8, 's', 'a', 'b', '', NULL, '9999-12-31T00:00:00+00:00', NULL, NULL)",
    ])
    .await;
    let found = mail(&store, "b").await;
    let bodies: Vec<(i64, &str)> = found.iter().map(|one| (one.id, one.body.as_str())).collect();
    let expected = [(1, "\u{fffd}A\u{fffd}"), (2, "12.5"), (3, "as bytes"), (4, ""), (7, "a\0b"), (8, "")];
    assert_eq!(bodies, expected);
    let read: Vec<i64> = found.iter().filter(|one| one.read_at.is_some()).map(|one| one.id).collect();
    assert_eq!(read, [2, 4], "a mark that is no time is a mark");
    let tags: Vec<Option<&str>> = found.iter().map(|one| one.tag.as_deref()).collect();
    assert_eq!(tags, [None, Some("\u{fffd}"), Some("7"), None, Some("t\0u"), None]);
    assert_eq!((found[2].from_name.as_str(), found[3].from_name.as_str()), ("a\u{fffd}", ""));
    assert!(found.iter().all(|one| one.created_at > Timestamp(0) && one.created_at < Timestamp(i64::MAX)));
}

#[tokio::test]
async fn ids_that_cannot_go_on_are_replaced_and_the_others_kept() {
    let (made, store) = migrated(&[
        LOOSE,
        "INSERT INTO messages (id, from_name, to_name, body) VALUES
            (7, 'a', 'b', 'seven'), (7, 'a', 'b', 'seven again'), (NULL, 'a', 'b', 'none'), (-3, 'a', 'b', 'below'),
            (0, 'a', 'b', 'zero'), (9223372036854775807, 'a', 'b', 'the last'), ('8', 'a', 'b', 'a text'),
            (x'00', 'a', 'b', 'bytes'), (2.5, 'a', 'b', 'between'), ('1e3', 'a', 'b', 'nearly'), (3, 'a', 'b', 'three')",
    ])
    .await;
    let found = mail(&store, "b").await;
    let ids: Vec<i64> = found.iter().map(|one| one.id).collect();
    assert_eq!(&ids[..3], [3, 7, 8]);
    assert_eq!(found.len(), 11, "{ids:?}");
    assert!(found.iter().any(|one| one.id == 7 && one.body == "seven"));
    let a = session(&store, "/p/a").await;
    let sent = store.send(message(&a.owner, to(&["b"]), "next")).await.unwrap();
    assert_eq!(Some(sent.id), ids.iter().max().map(|id| id + 1));
    store.close().await;
    assert_eq!(
        one::<i64>(&made, "SELECT MAX(seq) FROM sqlite_sequence WHERE name = 'messages'").await,
        sent.id
    );
}

#[tokio::test]
async fn counters_that_make_no_sense_do_not_count() {
    for (counter, next) in [("'x'", 7), ("NULL", 7), ("9223372036854775807", 7), ("-1", 7), ("40", 41)] {
        let change = format!("UPDATE sqlite_sequence SET seq = {counter} WHERE name = 'messages'");
        let (_made, store) = migrated(&[SEED, &change]).await;
        let a = session(&store, "/p/a").await;
        let sent = store.send(message(&a.owner, to(&["b"]), "next")).await.unwrap();
        assert_eq!(sent.id, next, "{counter}");
    }
}

#[tokio::test]
async fn sessions_without_sense_leave_the_others_their_names() {
    let (made, store) = migrated(&[
        LOOSE,
        "INSERT INTO sessions VALUES
            ('one', 'Bob', '/p', '2026-11-01T10:00:00Z', '2026-11-01T10:00:00Z', '{}'),
            ('one', 'bob', '/p', '2026-11-01T10:00:00Z', '2026-11-02T10:00:00Z', 'no JSON'),
            (NULL, NULL, NULL, NULL, NULL, NULL),
            ('', '', '', '', '', ''),
            (x'ff', x'63ff', x'ff', 12, 1.5, x'ff'),
            ('big', 'dora', '/p', 'x', 'x', '\"' || hex(zeroblob(20000)) || '\"'),
            ('s', 'a b', '/p', 'x', '2026-11-02T10:00:00Z', '[1]')",
        "INSERT INTO messages (id, from_session, from_name, to_name, body) VALUES
            (1, 'one', 'Bob', '*', 'to all'), (2, 's', NULL, 'BOB', 'to one')",
    ])
    .await;
    let page = store.sessions(Timestamp(0), "").await.unwrap();
    let seen: Vec<(&str, Option<&str>)> = page
        .listed
        .iter()
        .map(|listed| (listed.info.name.as_str(), listed.info.metadata.as_deref()))
        .collect();
    let expected = [
        ("a b", Some("[1]")),
        ("bob", Some("\"no JSON\"")),
        ("c\u{fffd}", Some("\"\u{fffd}\"")),
        ("dora", None),
    ];
    assert_eq!(seen, expected);
    assert_eq!(one::<i64>(&made, "SELECT COUNT(DISTINCT session_id) FROM sessions").await, 7);
    assert_eq!(one::<i64>(&made, "SELECT COUNT(*) FROM sessions WHERE stale = 1").await, 3);
    let to_bob = mail(&store, "bob").await;
    assert_eq!(to_bob.len(), 1, "none of his own broadcast: {to_bob:?}");
    assert_eq!(to_bob[0].from_name, "a b", "of a name that was not noted the session knows it");
    assert_eq!(mail(&store, "dora").await.len(), 1);
    assert_eq!(mail(&store, "a b").await.len(), 1);
}

#[tokio::test]
async fn entries_that_no_call_could_read_are_left_out() {
    let (_made, store) = migrated(&[
        LOOSE,
        "INSERT INTO state VALUES
            ('k', '1', '2026-11-01T10:00:00Z', 'a'), ('k', '2', '2026-11-01T10:00:00Z', 'a'),
            (NULL, '1', '', ''), ('', '1', '', ''), (hex(zeroblob(300)), '1', '', ''), ('n' || char(0), '1', '', ''),
            ('null', NULL, NULL, NULL), ('nan', 'NaN', 'x', 7), ('bytes', x'ff', x'ff', x'ff'), (12, 12, 12, 12),
            ('huge', hex(zeroblob(5000000)), '', ''), ('long', '\"' || hex(zeroblob(600000)) || '\"', '', '')",
    ])
    .await;
    let ask = ListState { prefix: String::new(), after_key: None };
    let states = store.list_state(&ask).await.unwrap();
    let found: Vec<(&str, Option<&str>)> =
        states.entries.iter().map(|entry| (entry.state_key.as_str(), entry.value.as_deref())).collect();
    let expected = [
        ("12", Some("12")),
        ("bytes", Some("\"\u{fffd}\"")),
        ("k", Some("2")),
        ("long", None),
        ("nan", Some("\"NaN\"")),
        ("null", Some("null")),
    ];
    assert_eq!(found, expected);
    assert_eq!(store.get_state("long").await.unwrap().unwrap().value_chars, 1_200_002);
}

#[tokio::test]
async fn what_is_too_long_is_cut_and_a_long_body_is_not() {
    let (_made, store) = migrated(&[
        SEED,
        "INSERT INTO messages (id, from_session, from_name, to_name, body, tag, created_at) VALUES
            (20, 's', hex(zeroblob(5000)), 'online', hex(zeroblob(5000000)), hex(zeroblob(100)), ''),
            (21, 's', 'a', hex(zeroblob(5000)), 'to a long name', '', '')",
    ])
    .await;
    let online = registered(&store, "online").await;
    let ask = ReadMessage { message_id: 20, offset: 9_999_990, max_chars: 100 };
    let (found, _) = store.one_message(&online.owner, &ask).await.unwrap();
    assert_eq!((found.body.as_str(), found.body_chars), ("0000000000", 10_000_000));
    assert_eq!((found.tag.as_deref().map(str::len), found.from_name.len()), (Some(64), 512));
    assert_eq!(store.mail(&"0".repeat(512)).unread, 1);
}

#[tokio::test]
async fn missing_tables_and_columns_and_whatever_else_is_in_the_file() {
    let messages = "CREATE TABLE messages (from_session TEXT, to_name TEXT, body TEXT, read_at TEXT);
        INSERT INTO messages VALUES ('s', 'b', 'kept', NULL), ('s', '*', 'to nobody known', NULL)";
    let others = "CREATE TABLE sessions (session_id TEXT PRIMARY KEY, name TEXT, last_seen_at TEXT) ;
        INSERT INTO sessions VALUES ('s', 'b', '2026-11-01T10:00:00Z');
        CREATE TABLE State (KEY TEXT, Value TEXT, updated_by TEXT); INSERT INTO State VALUES ('k', '1', 'b')";
    let extra =
        "CREATE TABLE meta (k TEXT REFERENCES sessions (session_id)); INSERT INTO meta VALUES ('none');
        CREATE TABLE \"old_messages\" (a); CREATE TABLE \"a \"\"b\" (a INTEGER PRIMARY KEY AUTOINCREMENT);
        CREATE VIEW deliveries AS SELECT * FROM sqlite_schema;
        CREATE VIRTUAL TABLE words USING fts5 (w); INSERT INTO words VALUES ('x');
        CREATE TABLE many (a UNIQUE, b) WITHOUT ROWID";
    let extra = &extra.replace("UNIQUE, b", "PRIMARY KEY, b");
    let trigger = "CREATE TRIGGER t AFTER INSERT ON messages BEGIN DELETE FROM messages; END;
        CREATE VIEW mine AS SELECT body FROM messages; ANALYZE";
    for (statements, mails, entries) in [
        // Without a time it is as if it had been sent now, and a session that comes within the hour gets it too.
        (vec![messages], 2, 0),
        (vec![others], 0, 1),
        (vec![messages, others, extra, trigger], 1, 1),
        (vec![SEED, extra, trigger], 0, 3),
    ] {
        let (made, store) = migrated(&statements).await;
        assert_eq!(mail(&store, "b").await.len(), mails, "{statements:?}");
        let ask = ListState { prefix: String::new(), after_key: None };
        assert_eq!(store.list_state(&ask).await.unwrap().entries.len(), entries);
        store.close().await;
        let (fresh, like) = (super::open().await, super::seed_safety::schema(&made.paths.store).await);
        fresh.store.close().await;
        assert_eq!(like, super::seed_safety::schema(&fresh.paths.store).await);
    }
}

/// Any value as SQL writes it.
fn value() -> impl Strategy<Value = String> {
    let odd = prop_oneof![
        Just("NULL".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        (-9..9_i64).prop_map(|number| format!("{number}.5")),
        prop::collection::vec(any::<u8>(), 0..8).prop_map(|bytes| {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("x'{hex}'")
        }),
        any::<String>().prop_map(|text| format!("'{}'", text.replace('\'', "''").replace('\0', ""))),
    ];
    let usual = prop::sample::select(vec![
        "'a'",
        "'B'",
        "'b'",
        "'a b'",
        "'*'",
        "'a-stale-2026'",
        "1",
        "2",
        "3",
        "'{}'",
        "'2026-11-01T10:00:00.5+00:00'",
    ]);
    prop_oneof![odd, usual.prop_map(str::to_owned)]
}

fn rows(table: &'static str, columns: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::collection::vec(value(), columns), 0..12).prop_map(move |rows| {
        let insert = |row: Vec<String>| format!("INSERT INTO {table} VALUES ({});", row.join(", "));
        rows.into_iter().map(insert).collect()
    })
}

async fn holds(sessions: &str, messages: &str, state: &str) -> Result<(), TestCaseError> {
    let made = made(&[LOOSE, sessions, messages, state], SqliteJournalMode::Wal).await;
    let mut connection = connect(&made.paths.store).await;
    let old = sqlx::query(
        "SELECT COUNT(*), COUNT(*) FILTER (WHERE read_at IS NULL AND CAST(to_name AS BLOB) <> CAST('*' AS BLOB)) FROM messages",
    )
    .fetch_one(&mut connection)
    .await
    .unwrap();
    connection.close().await.unwrap();
    let store = try_open(&made.paths, &Config::default()).await.unwrap();
    let names: Vec<String> = store
        .sessions(Timestamp(i64::MIN), "")
        .await
        .unwrap()
        .listed
        .into_iter()
        .map(|listed| listed.info.name)
        .collect();
    store.list_state(&ListState { prefix: String::new(), after_key: None }).await.unwrap();
    for name in &names {
        mail(&store, name).await;
    }
    let a = session(&store, "/p/somebody").await;
    let sent = store.send(message(&a.owner, to(&["somebody else"]), "next")).await.unwrap();
    store.close().await;
    let mut connection = connect(&made.paths.store).await;
    let new = sqlx::query(
        "SELECT COUNT(*), (SELECT COUNT(*) FROM deliveries AS d JOIN messages AS m ON m.id = d.message_id
                           WHERE m.broadcast = 0 AND d.read_at IS NULL), MAX(id), MIN(id)
         FROM messages",
    )
    .fetch_one(&mut connection)
    .await
    .unwrap();
    prop_assert_eq!(new.get::<i64, _>(0), old.get::<i64, _>(0) + 1);
    prop_assert_eq!(new.get::<i64, _>(1), old.get::<i64, _>(1) + 1);
    prop_assert_eq!(new.get::<i64, _>(2), sent.id);
    prop_assert!(new.get::<i64, _>(3) > 0);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn whatever_stands_in_the_rows_every_message_is_carried_over(
        sessions in rows("sessions", 6), messages in rows("messages", 9), state in rows("state", 4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(holds(&sessions, &messages, &state))?;
    }
}
