//! A store of claude-c2c 0.1.0 with mail in it, and what it holds as calls that were acknowledged before all others: so
//! the same check says whether a cut while it is taken over left the old store or the new one, and nothing between.
//!
//! All SQL that reads the old tables is here. What becomes of them is what the contract says, not what the broker did.

use super::history::{BEFORE_ALL, Call, Told, What};
use c2c_harness::make_sqlite;
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

/// Makes it, with mail for these names. `log`: journalled by a write-ahead log, which was folded in; else by a journal.
pub(super) fn make(store: &Path, names: &[String], log: bool) -> Vec<Call> {
    let mode = if log { "PRAGMA journal_mode = WAL;" } else { "PRAGMA journal_mode = DELETE;" };
    let mut statements = format!("{mode}\n{STORE}\n");
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
    make_sqlite(store, &statements);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(read(store)).expect("a store that was just made")
}

async fn read(store: &Path) -> Result<Vec<Call>, sqlx::Error> {
    // Without a trace beside it: what is recorded begins with the file alone.
    let options = SqliteConnectOptions::new().filename(store).read_only(true).immutable(true);
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
