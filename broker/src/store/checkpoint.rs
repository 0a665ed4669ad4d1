//! When the write-ahead log is folded into the store. Never inside a commit that somebody waits for, unless the log has
//! grown beyond reason; SQLite's own automatic checkpoints are off.

use sqlx::SqliteConnection;
use std::path::{Path, PathBuf};

/// Folded when nobody waits and the log is longer than this: 4 MiB, a thousand pages.
const IDLE_BYTES: u64 = 4 * 1024 * 1024;
/// Folded even under load beyond this, so that the log stays bounded.
const LOAD_BYTES: u64 = 64 * 1024 * 1024;

/// Watches the length of the log.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    log: PathBuf,
}

impl Checkpoint {
    pub(crate) fn of_store(store: &Path) -> Self {
        let mut log = store.as_os_str().to_owned();
        log.push("-wal");
        Self { log: log.into() }
    }

    pub(crate) async fn when_idle(&self, connection: &mut SqliteConnection) {
        if self.log_bytes() > IDLE_BYTES {
            fold(connection, "PRAGMA wal_checkpoint(PASSIVE)").await;
        }
    }

    pub(crate) async fn under_load(&self, connection: &mut SqliteConnection) {
        if self.log_bytes() > LOAD_BYTES {
            fold(connection, "PRAGMA wal_checkpoint(RESTART)").await;
        }
    }

    pub(crate) async fn at_the_end(&self, connection: &mut SqliteConnection) {
        fold(connection, "PRAGMA wal_checkpoint(TRUNCATE)").await;
    }

    fn log_bytes(&self) -> u64 {
        std::fs::metadata(&self.log).map_or(0, |metadata| metadata.len())
    }
}

async fn fold(connection: &mut SqliteConnection, how: &'static str) {
    if let Err(error) = sqlx::query(how).execute(connection).await {
        // Everything that was acknowledged is in the log; folding it can be tried again.
        tracing::warn!(%error, "the write-ahead log could not be folded into the store");
    }
}
