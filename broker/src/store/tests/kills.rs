//! What a kill in the middle of a transaction can leave on the disk: every prefix of the log that was written for it, and
//! every prefix of the pages that were folded into the store. Each such pair of files is opened as the next broker would.

use super::seed::{Made, SEED, connect, made};
use super::try_open;
use crate::config::{Config, Durability};
use crate::store::{Store, migrations, open, seed};
use c2c_proto::paths::StorePaths;
use c2c_proto::time::Timestamp;
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteJournalMode;
use sqlx::{Connection, SqliteConnection};
use std::path::Path;
use tempfile::TempDir;

const PAGE: usize = 4_096;
/// The log has a header, and each page in it another one.
const LOG_HEADER: usize = 32;
const FRAME: usize = 24 + PAGE;

/// A transaction as it reached the disk.
pub(super) struct Written {
    old: Vec<u8>,
    /// The log, and how much of it was there before.
    log: Vec<u8>,
    before: usize,
    new: Vec<u8>,
}

/// One moment of it.
pub(super) struct Left {
    pub(super) paths: StorePaths,
    /// Whether the transaction counts.
    pub(super) committed: bool,
    _folder: TempDir,
}

impl Written {
    /// What is left at each moment, in order.
    pub(super) fn moments(&self) -> Vec<Left> {
        let frames = (self.log.len() - LOG_HEADER) / FRAME;
        let first = self.before.saturating_sub(LOG_HEADER) / FRAME;
        assert!(frames > first + 3, "the test means nothing");
        let mut moments = vec![leave(&self.old, &self.log[..self.before], false)];
        if self.before == 0 {
            moments.push(leave(&self.old, &self.log[..20], false));
        }
        for frame in first..=frames {
            let end = LOG_HEADER + frame * FRAME;
            moments.push(leave(&self.old, &self.log[..end], frame == frames));
            if frame % 4 == 0 && frame < frames {
                moments.push(leave(&self.old, &self.log[..end + 24 + PAGE / 2], false));
            }
        }
        for pages in 1..self.new.len() / PAGE {
            let mut folded = self.new[..pages * PAGE].to_vec();
            folded.extend(self.old.get(pages * PAGE..).unwrap_or_default());
            moments.push(leave(&folded, &self.log, true));
        }
        moments.push(leave(&self.new, &[], true));
        moments
    }
}

fn leave(store: &[u8], log: &[u8], committed: bool) -> Left {
    let folder = tempfile::tempdir().unwrap();
    let paths = StorePaths::of_store(&folder.path().join("c2c.db")).unwrap();
    std::fs::create_dir_all(&paths.run_dir).unwrap();
    std::fs::write(&paths.store, store).unwrap();
    std::fs::write(log_of(&paths.store), log).unwrap();
    Left { paths, committed, _folder: folder }
}

fn log_of(store: &Path) -> std::path::PathBuf {
    store.with_file_name("c2c.db-wal")
}

/// Takes an old store over while a reader keeps the log from being folded; `late` stands in the log before.
async fn taken_over(made: &Made, late: &str) -> Written {
    let store = &made.paths.store;
    let mut reader = connect(store).await;
    sqlx::raw_sql("BEGIN; SELECT COUNT(*) FROM messages").execute(&mut reader).await.unwrap();
    let mut server = connect(store).await;
    sqlx::raw_sql(sqlx::AssertSqlSafe(late.to_owned())).execute(&mut server).await.unwrap();
    server.close().await.unwrap();
    let old = std::fs::read(store).unwrap();
    let before = std::fs::read(log_of(store)).map_or(0, |log| log.len());
    seed::take_over(store, Timestamp(1_800_000_000_000_000)).await.unwrap();
    assert!(std::fs::read(store).unwrap() == old, "the log was folded");
    let log = std::fs::read(log_of(store)).unwrap();
    reader.close().await.unwrap();
    Written { old, log, before, new: std::fs::read(store).unwrap() }
}

/// Brings a store up.
pub(super) async fn brought_up(made: &Made, migrator: &Migrator) -> Written {
    let store = &made.paths.store;
    let old = std::fs::read(store).unwrap();
    let mut connection =
        SqliteConnection::connect_with(&open::options(store, Durability::Full)).await.unwrap();
    migrations::bring_up(&mut connection, store, migrator).await.unwrap();
    let log = std::fs::read(log_of(store)).unwrap();
    connection.close().await.unwrap();
    Written { old, log, before: 0, new: std::fs::read(store).unwrap() }
}

async fn schema_of(store: &Path) -> (i64, i64) {
    let mut connection = SqliteConnection::connect_with(&open::glance(store)).await.unwrap();
    let application = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut connection).await.unwrap();
    let schema = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    (application, schema)
}

async fn opened(left: &Left) -> Store {
    try_open(&left.paths, &Config::default()).await.unwrap()
}

#[tokio::test]
async fn a_kill_while_an_old_store_is_taken_over_leaves_the_old_one_or_the_new_one() {
    old_or_new("", 1).await;
}

#[tokio::test]
async fn a_kill_while_an_old_store_with_a_log_is_taken_over_leaves_the_old_one_or_the_new_one() {
    let late = "INSERT INTO messages (from_session, from_name, to_name, body, created_at)
                VALUES ('s-local', 'local', 'later', 'in the log', '2026-11-01T13:07:00.000001+00:00')";
    old_or_new(late, 2).await;
}

/// Opens what is left at each moment. `later`: how much mail waits for the name that nobody had.
async fn old_or_new(late: &str, later: u64) {
    let made = made(&[SEED], SqliteJournalMode::Wal).await;
    let written = taken_over(&made, late).await;
    let mut both = [0, 0];
    for (number, left) in written.moments().iter().enumerate() {
        let (application, schema) = schema_of(&left.paths.store).await;
        assert_eq!((application, schema) != (0, 0), left.committed, "moment {number}");
        both[usize::from(left.committed)] += 1;
        let store = opened(left).await;
        let unread = ["local", "online", "the other one", "later"].map(|name| store.mail(name).unread);
        assert_eq!(unread, [1, 1, 2, later], "moment {number}");
        store.close().await;
        let backups = super::seed::backups(left.paths.store.parent().unwrap()).len();
        assert_eq!(backups, usize::from(!left.committed), "moment {number}");
    }
    println!("moments before and after the commit: {both:?}");
    assert!(both.iter().all(|count| *count > 10), "{both:?}");
}
