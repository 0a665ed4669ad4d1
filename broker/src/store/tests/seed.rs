//! Taking over a store of claude-c2c 0.1.0, made from its own statements.

use super::messages::inbox;
use super::{Opened, Session, message, registration, session, to, try_open};
use crate::config::Config;
use crate::store::Store;
use c2c_proto::paths::StorePaths;
use c2c_proto::request::{Inbox, ListState};
use c2c_proto::time::Timestamp;
use c2c_proto::{Error, ErrorCode};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The tables, indices and rows of a small store.
pub(super) const SEED: &str = include_str!("fixtures/seed-0.1.0.sql");

/// A folder with a file in it that these statements made.
pub(super) struct Made {
    pub(super) folder: TempDir,
    pub(super) paths: StorePaths,
}

pub(super) async fn connect(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    SqliteConnection::connect_with(&options.foreign_keys(false).disable_statement_logging()).await.unwrap()
}

pub(super) async fn made(statements: &[&str], mode: SqliteJournalMode) -> Made {
    let folder = tempfile::tempdir().unwrap();
    let paths = StorePaths::of_store(&folder.path().join("c2c.db")).unwrap();
    std::fs::create_dir_all(&paths.run_dir).unwrap();
    let mut connection = connect(&paths.store).await;
    for statements in statements {
        sqlx::raw_sql(AssertSqlSafe((*statements).to_owned())).execute(&mut connection).await.unwrap();
    }
    let mode =
        format!("PRAGMA journal_mode = {}", if mode == SqliteJournalMode::Wal { "WAL" } else { "DELETE" });
    sqlx::query(AssertSqlSafe(mode)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    Made { folder, paths }
}

impl Made {
    async fn opened(self) -> Opened {
        let store = try_open(&self.paths, &Config::default()).await.unwrap();
        Opened { store, paths: self.paths, folder: self.folder }
    }

    pub(super) async fn refused(&self) -> Error {
        let before = std::fs::read(&self.paths.store).unwrap();
        let error = try_open(&self.paths, &Config::default()).await.unwrap_err();
        assert!(std::fs::read(&self.paths.store).unwrap() == before, "the file was touched");
        error
    }

    pub(super) fn backups(&self) -> Vec<PathBuf> {
        backups(self.folder.path())
    }
}

/// The backups in a folder.
pub(super) fn backups(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().contains("backup"))
        .collect();
    found.sort();
    found
}

async fn seed() -> Opened {
    made(&[SEED], SqliteJournalMode::Wal).await.opened().await
}

pub(super) async fn registered(store: &Store, name: &str) -> Session {
    let named = store.register(registration(None, name)).await.unwrap();
    Session { owner: named.owner, _online: named.online }
}

/// What a session finds under a name: unread, or all of it.
async fn bodies(store: &Store, session: &Session, unread_only: bool) -> Vec<(i64, String)> {
    let ask = Inbox { unread_only, limit: 100, ..inbox() };
    let page = store.list_messages(&session.owner, &ask).await.unwrap();
    page.messages.into_iter().map(|message| (message.id, message.body)).collect()
}

fn ids(found: &[(i64, String)]) -> Vec<i64> {
    found.iter().map(|(id, _)| *id).collect()
}

#[tokio::test]
async fn unread_stays_unread_and_read_stays_read() {
    for mode in [SqliteJournalMode::Wal, SqliteJournalMode::Delete] {
        let opened = made(&[SEED], mode).await.opened().await;
        let online = registered(&opened.store, "online").await;
        assert_eq!(bodies(&opened.store, &online, true).await, [(2, "not read yet".to_owned())]);
        assert_eq!(ids(&bodies(&opened.store, &online, false).await), [1, 2]);
        let ask = Inbox { limit: 1, unread_only: false, ..inbox() };
        let page = opened.store.list_messages(&online.owner, &ask).await.unwrap();
        let first = &page.messages[0];
        assert_eq!((first.from_name.as_str(), first.tag.as_deref()), ("local", Some("status")));
        assert_eq!(first.created_at.to_string(), "2026-11-01T13:00:00.000Z");
        assert_eq!(first.read_at, Some(Timestamp(1_793_541_600_000_002)));
        assert_eq!((first.thread, first.reply_to, first.body_chars), (1, None, 13));
    }
}

#[tokio::test]
async fn a_broadcast_is_one_delivery_for_each_known_name_but_the_senders() {
    let opened = seed().await;
    let local = registered(&opened.store, "local").await;
    assert_eq!(ids(&bodies(&opened.store, &local, true).await), [3]);
    assert_eq!(ids(&bodies(&opened.store, &local, false).await), [3, 4], "read by one is read by all");
    let other = registered(&opened.store, "the other one").await;
    assert_eq!(ids(&bodies(&opened.store, &other, true).await), [3, 5]);
    assert_eq!(ids(&bodies(&opened.store, &other, false).await), [3, 4, 5]);
    super::mark(&opened.store, &local.owner, &[3]).await;
    assert_eq!(ids(&bodies(&opened.store, &other, true).await), [3, 5], "each has a mark of its own now");
}

#[tokio::test]
async fn names_from_before_the_rule_can_be_addressed_and_registered() {
    let opened = seed().await;
    let a = session(&opened.store, "/p/a").await;
    assert!(opened.store.knows_mailbox("the other one").await.unwrap());
    let sent = opened.store.send(message(&a.owner, to(&["The Other One"]), "new")).await.unwrap();
    assert!(sent.recipients[0].recipient.known);
    let other = registered(&opened.store, "the other one").await;
    assert_eq!(ids(&bodies(&opened.store, &other, true).await), [3, 5, sent.id]);
    assert_eq!(opened.store.mail("later").unread, 1, "mail waits for a name that nobody had");
    let error = opened.store.register(registration(None, "never heard of")).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidArgument);
}

#[tokio::test]
async fn ids_go_on_from_the_highest_that_was_ever_used() {
    let opened = seed().await;
    let a = session(&opened.store, "/p/a").await;
    let sent = opened.store.send(message(&a.owner, to(&["b"]), "x")).await.unwrap();
    assert_eq!(sent.id, 10);
    drop(a);
    let opened = opened.again().await;
    let a = session(&opened.store, "/p/a").await;
    assert_eq!(opened.store.send(message(&a.owner, to(&["b"]), "x")).await.unwrap().id, 11);
}

#[tokio::test]
async fn sessions_and_state_are_carried_over() {
    let opened = seed().await;
    let page = opened.store.sessions(Timestamp(0), "").await.unwrap();
    let names: Vec<&str> = page.listed.iter().map(|listed| listed.info.name.as_str()).collect();
    assert_eq!(names, ["local", "online", "the other one"]);
    let local = &page.listed[0].info;
    assert_eq!((local.session_id.as_str(), local.cwd.as_str()), ("s-local", "/p/local"));
    assert_eq!((local.metadata.as_deref(), local.online), (Some("{\"role\": \"etl\"}"), false));
    assert_eq!(local.started_at.to_string(), "2026-11-01T10:00:00.000Z");
    let ask = ListState { prefix: String::new(), after_key: None };
    let states = opened.store.list_state(&ask).await.unwrap();
    let entries: Vec<(&str, Option<&str>)> =
        states.entries.iter().map(|entry| (entry.state_key.as_str(), entry.value.as_deref())).collect();
    let expected = [
        ("counts", Some("{\"rows\": 12, \"ok\": true}")),
        ("last_run_id", Some("\"abc123\"")),
        ("prose", Some("\"it's no JSON\"")),
    ];
    assert_eq!(entries, expected);
    let versions: std::collections::HashSet<i64> = states.entries.iter().map(|entry| entry.version).collect();
    assert_eq!((versions.len(), versions.into_iter().max()), (3, Some(3)));
}
