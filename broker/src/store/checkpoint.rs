//! When the write-ahead log is folded into the store. Never inside a commit that somebody waits for, unless the log has
//! grown beyond reason; SQLite's own automatic checkpoints are off.
//!
//! A folded log is overwritten from its beginning and keeps its length, since that makes a commit cheaper than a file
//! that grows. So its length only says when to ask SQLite how much of it is still to be folded.
//!
//! Nor is a log cut off or removed as long as a line of it could be believed. Some file systems (ext4 with
//! `data=writeback`) give away the blocks of a file that is cut off at once, before it is on the disk that it is. After a
//! power cut in that moment the log is back, with another file's bytes in it: SQLite would take what stands before these
//! for all that there was, and put it over a store that is whole.

use super::errors::{Severity, is_flush_failure, severity};
use super::header::log_of;
use sqlx::SqliteConnection;
use std::path::{Path, PathBuf};

/// Folded when nobody waits and this much is not folded yet: 4 MiB, a thousand pages.
const IDLE_BYTES: u64 = 4 * 1024 * 1024;
/// Folded even under load beyond this, so that the log stays bounded.
const LOAD_BYTES: u64 = 64 * 1024 * 1024;
/// A store's page, which is what a frame of the log holds.
const PAGE_BYTES: u64 = 4_096;
/// A reader can keep a part from being folded; then this many frames more are waited for before the next try.
const FRAMES_BETWEEN_TRIES: u64 = IDLE_BYTES / PAGE_BYTES;

/// Watches the length of the log.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    log: PathBuf,
    /// Frames in the log at the last try.
    tried_at: Option<u64>,
}

/// Why a log could not be folded.
#[derive(Debug)]
pub(crate) struct NotFolded {
    pub(crate) error: sqlx::Error,
    /// Whether what the disk holds is uncertain after it. Everything that was acknowledged is in the log, so most failures
    /// pass; but after a flush that failed, pages may be lost that the next fold takes for done.
    pub(crate) in_doubt: bool,
}

impl From<sqlx::Error> for NotFolded {
    fn from(error: sqlx::Error) -> Self {
        Self { in_doubt: is_flush_failure(&error), error }
    }
}

type Folded = Result<(), NotFolded>;

/// How far a log is.
#[derive(Clone, Copy, Debug)]
struct Frames {
    /// Whether another program kept it from being done as a whole.
    busy: bool,
    all: u64,
    folded: u64,
}

impl Checkpoint {
    pub(crate) fn of_store(store: &Path) -> Self {
        Self { log: log_of(store), tried_at: None }
    }

    pub(crate) async fn at_leisure(&mut self, connection: &mut SqliteConnection) -> Folded {
        if self.log_bytes() <= IDLE_BYTES {
            return Ok(());
        }
        let frames = ask(connection, "PRAGMA wal_checkpoint(NOOP)").await?;
        if frames.all.saturating_sub(frames.folded) * PAGE_BYTES > IDLE_BYTES && self.may_try(frames) {
            self.fold(connection, "PRAGMA wal_checkpoint(PASSIVE)").await?;
        }
        Ok(())
    }

    pub(crate) async fn under_load(&mut self, connection: &mut SqliteConnection) -> Folded {
        if self.log_bytes() <= LOAD_BYTES {
            return Ok(());
        }
        let frames = ask(connection, "PRAGMA wal_checkpoint(NOOP)").await?;
        if frames.all * PAGE_BYTES > LOAD_BYTES && self.may_try(frames) {
            let frames = self.fold(connection, "PRAGMA wal_checkpoint(PASSIVE)").await?;
            // Where all is folded, only those who still read in the log are waited for, so that it begins anew even if
            // there is always somebody who reads. A long read of another program keeps something from being folded.
            if frames.folded == frames.all {
                self.fold(connection, "PRAGMA wal_checkpoint(RESTART)").await?;
            }
        }
        Ok(())
    }

    /// Folds the whole log into a store of ours that was opened so often, and leaves it empty; unless another program's
    /// read needs the log, or another broker has opened the store.
    pub(crate) async fn empty(&mut self, connection: &mut SqliteConnection, epoch: u64) -> Folded {
        if self.log_bytes() == 0 || ask(connection, "PRAGMA wal_checkpoint(RESTART)").await?.busy {
            return Ok(());
        }
        if begin_anew(connection, epoch).await? {
            self.tried_at = None;
            ask(connection, "PRAGMA wal_checkpoint(TRUNCATE)").await?;
        }
        Ok(())
    }

    /// Whether the log began anew or has grown enough since the last try.
    fn may_try(&self, frames: Frames) -> bool {
        self.tried_at.is_none_or(|at| frames.all < at || frames.all - at >= FRAMES_BETWEEN_TRIES)
    }

    async fn fold(
        &mut self,
        connection: &mut SqliteConnection,
        how: &'static str,
    ) -> Result<Frames, NotFolded> {
        let frames = ask(connection, how).await?;
        self.tried_at = Some(frames.all);
        Ok(frames)
    }

    fn log_bytes(&self) -> u64 {
        std::fs::metadata(&self.log).map_or(0, |metadata| metadata.len())
    }
}

/// A commit that changes one page and means nothing: how often a log was emptied. It begins the log anew, under a number
/// that makes all that is left behind it worthless. Whether the log may be cut off then.
async fn begin_anew(connection: &mut SqliteConnection, epoch: u64) -> Result<bool, NotFolded> {
    let counted = sqlx::query(
        "INSERT INTO meta (key, value)
         SELECT 'logs_emptied', '1' FROM meta WHERE key = 'epoch' AND CAST(value AS INTEGER) = ?1
         ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1",
    )
    .bind(i64::try_from(epoch).unwrap_or(i64::MAX))
    .execute(connection)
    .await;
    match counted {
        Ok(counted) => Ok(counted.rows_affected() > 0),
        Err(error) if severity(&error) == Severity::Fatal => Err(NotFolded { error, in_doubt: true }),
        Err(error) => {
            // Such as a full disk, on which the room that the log takes is wanted all the more.
            tracing::warn!(%error, "the log was not begun anew before it was cut off");
            Ok(true)
        }
    }
}

/// A checkpoint of some kind, and how far the log is after it.
async fn ask(connection: &mut SqliteConnection, how: &'static str) -> Result<Frames, sqlx::Error> {
    let (busy, all, folded): (i64, i64, i64) = sqlx::query_as(how).fetch_one(connection).await?;
    // Of a store without a log it says -1.
    Ok(Frames {
        busy: busy != 0,
        all: u64::try_from(all).unwrap_or(0),
        folded: u64::try_from(folded).unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::{Checkpoint, FRAMES_BETWEEN_TRIES, IDLE_BYTES, ask};
    use crate::config::Durability;
    use crate::store::open::options;
    use sqlx::{Connection, SqliteConnection};

    async fn insert(connection: &mut SqliteConnection, bytes: u64) {
        let bytes = i64::try_from(bytes).unwrap();
        sqlx::query("INSERT INTO t VALUES (randomblob(?1))").bind(bytes).execute(connection).await.unwrap();
    }

    #[tokio::test]
    async fn a_log_that_is_folded_is_left_alone_until_it_has_grown_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.db");
        let options = options(&path, Durability::Normal).create_if_missing(true);
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::query("CREATE TABLE t (b BLOB) STRICT").execute(&mut connection).await.unwrap();
        let mut checkpoint = Checkpoint::of_store(&path);
        insert(&mut connection, IDLE_BYTES * 3).await;
        checkpoint.at_leisure(&mut connection).await.unwrap();
        let frames = ask(&mut connection, "PRAGMA wal_checkpoint(NOOP)").await.unwrap();
        assert_eq!(frames.folded, frames.all, "a long log is folded");
        // The file stays as long as it was, and the next commits begin at its start.
        assert!(checkpoint.log_bytes() > IDLE_BYTES);
        for _ in 0..20 {
            insert(&mut connection, 10).await;
            checkpoint.at_leisure(&mut connection).await.unwrap();
        }
        let frames = ask(&mut connection, "PRAGMA wal_checkpoint(NOOP)").await.unwrap();
        assert!((20..FRAMES_BETWEEN_TRIES).contains(&frames.all), "{frames:?}");
        assert_eq!(frames.folded, 0, "folded though there was little to fold");
        insert(&mut connection, IDLE_BYTES * 2).await;
        checkpoint.at_leisure(&mut connection).await.unwrap();
        let frames = ask(&mut connection, "PRAGMA wal_checkpoint(NOOP)").await.unwrap();
        assert_eq!(frames.folded, frames.all, "it is folded again once there is enough");
    }
}
