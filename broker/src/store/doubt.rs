//! After a flush that failed, the system may show in a file what never reaches the disk: it counts the pages as written,
//! and the next flush succeeds without them. A broker that acknowledged anything on top of them could lose it in a power
//! cut. So the broker that saw the failure leaves a mark and ends without tidying up, as if it had been killed; and the
//! next one copies everything that the log shows into the store and flushes that, before it acknowledges anything.
//!
//! The mark itself is not flushed: where it does not survive, neither does what the system only showed.

use super::open::cannot_open;
use c2c_proto::Error;
use c2c_proto::ErrorCode;
use c2c_proto::paths::{StorePaths, private_file};
use sqlx::SqliteConnection;

/// Leaves the mark.
pub(super) fn note(paths: &StorePaths) {
    let made = private_file().write(true).create(true).truncate(false).open(&paths.flush_failed);
    if let Err(error) = made {
        tracing::error!(%error, "that a flush failed could not be noted in the run folder");
    }
}

/// Makes good what a broker before could not flush, if there is a mark. The log is read as a whole, from its first frame:
/// whoever opens a store that nobody else has open begins anew to fold it.
///
/// # Errors
/// `storage_failed` and what else opening a store can fail with; `broker_busy` if another program reads the store.
pub(super) async fn make_good(connection: &mut SqliteConnection, paths: &StorePaths) -> Result<(), Error> {
    if !paths.flush_failed.exists() {
        return Ok(());
    }
    let (busy, _, _): (i64, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)")
        .fetch_one(connection)
        .await
        .map_err(|error| cannot_open(&paths.store, &error))?;
    if busy != 0 {
        return Err(Error::new(
            ErrorCode::BrokerBusy,
            format!(
                "a flush of the store {} failed before, and another program keeps it from being made good",
                paths.store.display()
            ),
            "close the program that has the store open (a backup tool, sqlite3), then call again",
        ));
    }
    tracing::warn!("a flush had failed before; what the log held is flushed into the store");
    std::fs::remove_file(&paths.flush_failed).map_err(|error| {
        Error::new(
            ErrorCode::StorageFailed,
            format!("{} cannot be removed: {error}", paths.flush_failed.display()),
            "make the run folder writable for you, then call again",
        )
    })
}
