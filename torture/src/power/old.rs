//! A store of claude-c2c 0.1.0 with mail in it, and what it holds as calls that were acknowledged before all others: so
//! the same check says whether a cut while it is taken over left the old store or the new one, and nothing between.
//!
//! All SQL that reads the old tables is here. What becomes of them is what the contract says, not what the broker did.

use super::history::{BEFORE_ALL, Call, Told, What};
use c2c_harness::{make_sqlite, make_sqlite_with_log};
use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};
use std::collections::BTreeSet;
use std::path::Path;

/// The store that the product's own tests use: mail read and unread, to one and to all, odd names, state.
const STORE: &str = include_str!("../../../broker/src/store/tests/fixtures/seed-0.1.0.sql");
/// Mail for each of the clients that come later.
const MESSAGES_EACH: usize = 4;
/// Of it, every so-manieth is read.
const READ_EVERY: usize = 3;

/// How the old server had left it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Journal {
    /// A journal that is rolled back, and nothing to roll back.
    Rollback,
    /// A write-ahead log, which was folded in.
    Folded,
    /// A write-ahead log with the mail of the later names in it, as after a kill.
    Unfolded,
}

impl Journal {
    /// Each in turn.
    pub(super) const fn of(number: u64) -> Self {
        match number % 3 {
            0 => Self::Unfolded,
            1 => Self::Folded,
            _ => Self::Rollback,
        }
    }
}

/// Makes it, with mail for these names.
pub(super) fn make(store: &Path, names: &[String], journal: Journal) -> Vec<Call> {
    let mode = match journal {
        Journal::Rollback => "PRAGMA journal_mode = DELETE;",
        Journal::Folded | Journal::Unfolded => "PRAGMA journal_mode = WAL;",
    };
    let begin = format!("{mode}\n{STORE}\n");
    let mut statements = String::new();
    for (at, name) in names.iter().cycle().take(names.len() * MESSAGES_EACH).enumerate() {
        let read = match at % READ_EVERY {
            0 => format!("'2026-11-01T14:00:00.000002+00:00', '{name}'"),
            _ => "NULL, NULL".to_owned(),
        };
        let body = format!("old:{at}:{}", "o".repeat(200));
        statements.push_str(&format!(
            "INSERT INTO messages (from_session, from_name, to_name, body, created_at, read_at, read_by)
             VALUES ('s-local', 'local', '{name}', '{body}', '2026-11-01T13:07:00.000001+00:00', {read});\n"
        ));
    }
    match journal {
        Journal::Unfolded => make_sqlite_with_log(store, &begin, &statements),
        _ => make_sqlite(store, &(begin + &statements)),
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(read(store)).expect("a store that was just made")
}

async fn read(store: &Path) -> Result<Vec<Call>, sqlx::Error> {
    // A copy: what is recorded begins with what was made, without a trace of this.
    let folder = tempfile::tempdir()?;
    let copy = folder.path().join("c2c.db");
    std::fs::copy(store, &copy)?;
    let _none = std::fs::copy(store.with_file_name("c2c.db-wal"), copy.with_file_name("c2c.db-wal"));
    let options = SqliteConnectOptions::new().filename(copy);
    let mut connection = SqliteConnection::connect_with(&options).await?;
    let names: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sessions WHERE name NOT GLOB '*-stale-[0-9]*'")
            .fetch_all(&mut connection)
            .await?;
    let mut calls: Vec<Call> = names.iter().map(|name| done(name, What::Hello, Told::Done)).collect();
    let messages: Vec<(i64, String, String, String, bool)> =
        sqlx::query_as("SELECT id, from_name, to_name, body, read_at IS NOT NULL FROM messages ORDER BY id")
            .fetch_all(&mut connection)
            .await?;
    messages.into_iter().for_each(|message| calls.extend(sent(&names, message)));
    let state: Vec<(String, String)> =
        sqlx::query_as("SELECT key, value FROM state ORDER BY _rowid_").fetch_all(&mut connection).await?;
    for (version, (key, value)) in (1..).zip(state) {
        let json = serde_json::from_str::<Value>(&value).is_ok();
        let value = if json { value } else { Value::String(value).to_string() };
        calls.push(done("local", What::Set { key, value }, Told::Set { version }));
    }
    connection.close().await?;
    Ok(calls)
}

/// The message, and the marks of all that got it if it was read: there was one mark for all.
fn sent(names: &[String], (id, from, to, body, read): (i64, String, String, String, bool)) -> Vec<Call> {
    let everyone = to == "*";
    let recipients: BTreeSet<String> = match everyone {
        true => names.iter().filter(|name| **name != from).cloned().collect(),
        false => BTreeSet::from([to]),
    };
    let marks = recipients
        .iter()
        .filter(|_| read)
        .map(|name| done(name, What::MarkRead { ids: vec![id] }, Told::Done));
    let marks: Vec<Call> = marks.collect();
    let to = if everyone { BTreeSet::new() } else { recipients.clone() };
    let what = What::Send { to, body, reply_to: None };
    [vec![done(&from, what, Told::Sent { id, recipients })], marks].concat()
}

fn done(client: &str, what: What, told: Told) -> Call {
    Call { client: client.to_owned(), begun: 0, ended: BEFORE_ALL, what, told }
}
