//! What a server of claude-c2c 0.1.0 does on the file afterwards: every statement that it has, as it has it. None of them
//! may succeed on any schema; `tests/tests/seed_store.rs` has the real one.

use super::seed::{SEED, connect, made};
use super::try_open;
use crate::config::Config;
use sqlx::sqlite::SqliteJournalMode;
use sqlx::{Connection, Executor, SqlSafeStr};

const TAKE_NAME: &str =
    "UPDATE sessions SET name = name || '-stale-' || ? WHERE name = ? AND session_id != ?";

/// By tool; a tool ends at its first error and takes back what it did.
const STATEMENTS: [(&str, &str); 13] = [
    ("any tool", "UPDATE sessions SET last_seen_at = ? WHERE session_id = ?"),
    (
        "register_session",
        "INSERT INTO sessions (session_id, name, cwd, started_at, last_seen_at, metadata) VALUES (?, ?, ?, ?, ?, ?)",
    ),
    (
        "list_sessions",
        "SELECT session_id, name, cwd, started_at, last_seen_at, metadata FROM sessions WHERE last_seen_at >= ? AND name NOT LIKE '%-stale-%' ORDER BY last_seen_at DESC",
    ),
    (
        "send_message",
        "INSERT INTO messages (from_session, from_name, to_name, body, tag, created_at) VALUES (?, ?, ?, ?, ?, ?)",
    ),
    (
        "inbox",
        "SELECT id, from_session, from_name, to_name, body, tag, created_at, read_at FROM messages WHERE to_name IN (?, '*') AND read_at IS NULL ORDER BY created_at ASC LIMIT ?",
    ),
    ("mark_read", "UPDATE messages SET read_at = ?, read_by = ? WHERE id IN (?) AND read_at IS NULL"),
    (
        "set_state",
        "INSERT INTO state (key, value, updated_at, updated_by) VALUES (?, ?, ?, ?) ON CONFLICT(key) DO UPDATE SET value=excluded.value, updated_at=excluded.updated_at, updated_by=excluded.updated_by",
    ),
    ("get_state of a key", "SELECT key, value, updated_at, updated_by FROM state WHERE key = ?"),
    (
        "get_state of a prefix",
        "SELECT key, value, updated_at, updated_by FROM state WHERE key LIKE ? || '%' ORDER BY key",
    ),
    ("get_state", "SELECT key, value, updated_at, updated_by FROM state ORDER BY key"),
    ("prune", "DELETE FROM messages WHERE read_at IS NOT NULL AND created_at < ?"),
    ("prune of sessions", "DELETE FROM sessions WHERE last_seen_at < ? AND name LIKE '%-stale-%'"),
    ("its start", "CREATE INDEX IF NOT EXISTS idx_inbox ON messages(to_name, read_at, created_at)"),
];

#[tokio::test]
async fn none_of_its_statements_succeeds_on_a_store_of_ours() {
    let made = made(&[SEED], SqliteJournalMode::Wal).await;
    for number in 0..2 {
        // First all of them succeed, or the test would mean nothing.
        let mut connection = connect(&made.paths.store).await;
        for (tool, statement) in STATEMENTS.into_iter().chain([("register_session", TAKE_NAME)]) {
            let prepared = connection.prepare(statement.into_sql_str()).await;
            // The one that succeeds takes names, and is undone with the next of the same tool.
            let may = number == 0 || statement == TAKE_NAME;
            assert_eq!(prepared.is_ok(), may, "{tool}: {prepared:?}");
        }
        connection.close().await.unwrap();
        if number == 0 {
            try_open(&made.paths, &Config::default()).await.unwrap().close().await;
        }
    }
}
