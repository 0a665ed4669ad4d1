//! Taking over a store of claude-c2c 0.1.0, the server that this program grew from: in place, in one transaction, with a
//! complete backup beside it before anything changes. See docs/decisions/0008-an-old-store-is-migrated-in-place.md.
//!
//! `recognise` says what a file is, `aside` puts the old tables where the new ones can be made, `cell` reads whatever
//! stands in them, and `sessions`, `messages`, `state` carry one table over each. `report` counts, also what could not
//! be carried over as it was: that stays in the backup. Knows nothing of how a store is used.

mod aside;
mod cell;
mod messages;
mod recognise;
mod report;
mod sessions;
mod state;

use super::checkpoint::{Checkpoint, NotFolded};
use super::errors::{self, refused};
use super::migrations::{self, MIGRATOR, run};
use super::{backup, create, header, open};
use crate::config::Durability;
use c2c_proto::time::Timestamp;
use c2c_proto::{Error, ErrorCode};
use recognise::Kind;
use report::Report;
use sqlx::{Connection, SqliteConnection};
use std::path::Path;

/// What the backup of such a store is called.
const LABEL: &str = "claude-c2c-0.1.0";
/// What the sessions of such a store were clients of.
const CLIENT: &str = "claude-c2c 0.1.0";
/// Names and ids that are longer, in bytes, are cut: what is addressed by them has to fit a call.
const NAME_MAX_BYTES: usize = c2c_proto::limits::STATE_KEY_MAX_BYTES;

/// Makes a store of ours of an SQLite file without a mark, if it is one of claude-c2c 0.1.0.
///
/// # Errors
/// `store_refused` for any other file, and if the migration fails; `broker_busy` if another program holds it,
/// `storage_full`. The file then holds what it held before.
pub(crate) async fn take_over(store: &Path, now: Timestamp) -> Result<(), Error> {
    match recognise::look(store).await.map_err(|error| cannot(store, &error))? {
        // Another broker was killed before it folded the log into the store.
        Kind::Ours => return Ok(()),
        Kind::Seed => {}
        Kind::Other => return Err(header::of_another_program(store)),
    }
    open::keep_private(store)?;
    let witness = witness(store).await.map_err(|error| cannot(store, &error))?;
    // The tables are dropped in any order.
    let options = open::options(store, Durability::Full).foreign_keys(false);
    let mut connection =
        SqliteConnection::connect_with(&options).await.map_err(|error| cannot(store, &error))?;
    let taken = migrate(&mut connection, store, now).await;
    if witness.is_none() && taken.as_ref().is_err_and(|error| error.code == ErrorCode::StorageFailed) {
        // A flush may have failed: the next broker makes that good.
        open::abandon(connection);
        return taken;
    }
    for connection in [Some(connection), witness].into_iter().flatten() {
        if let Err(error) = connection.close().await {
            tracing::warn!(%error, "the store was not closed cleanly after its migration");
        }
    }
    taken
}

/// A connection to a store with a log. As long as it is open, none that fails is the last to be closed: that would fold the
/// old log, whatever had failed, and one that only reads cannot. Without a log there is nothing to fold, but perhaps a
/// journal to be rolled back, which such a one cannot either.
async fn witness(store: &Path) -> Result<Option<SqliteConnection>, sqlx::Error> {
    if std::fs::metadata(header::log_of(store)).map_or(0, |log| log.len()) == 0 {
        return Ok(None);
    }
    let mut witness = SqliteConnection::connect_with(&open::glance(store)).await?;
    // It takes part from its first read on.
    run(&mut witness, "PRAGMA user_version").await?;
    Ok(Some(witness))
}

/// The migration, on a connection of its own.
pub(super) async fn migrate(
    connection: &mut SqliteConnection,
    store: &Path,
    now: Timestamp,
) -> Result<(), Error> {
    run(connection, "BEGIN IMMEDIATE").await.map_err(|error| cannot(store, &error))?;
    let done = within(connection, store, now).await;
    if done.is_err() {
        // After some errors SQLite has undone the transaction by itself.
        let _ = run(connection, "ROLLBACK").await;
        return done;
    }
    // From here on it is a store of ours, whatever becomes of this. The old log may hold anything.
    match Checkpoint::of_store(store).empty(connection, 0).await {
        Ok(()) => {}
        Err(NotFolded { error, in_doubt: true }) => return Err(errors::disk_fails(store, &error)),
        Err(NotFolded { error, .. }) => {
            tracing::warn!(%error, "the write-ahead log could not be folded into the store");
        }
    }
    done
}

async fn within(connection: &mut SqliteConnection, store: &Path, now: Timestamp) -> Result<(), Error> {
    // Nobody else can write from here on: what is looked at and copied is what is migrated.
    match recognise::kind(connection).await.map_err(|error| cannot(store, &error))? {
        Kind::Ours => return run(connection, "ROLLBACK").await.map_err(|error| cannot(store, &error)),
        Kind::Seed => {}
        Kind::Other => return Err(header::of_another_program(store)),
    }
    tracing::info!("migrating a store of claude-c2c 0.1.0; a large one takes a while");
    let backup = backup::make(store, LABEL).await?;
    let report = transform(connection, now).await.map_err(|error| cannot(store, &error))?;
    run(connection, "COMMIT").await.map_err(|error| cannot(store, &error))?;
    report.log(&backup);
    Ok(())
}

/// Everything between the beginning of the transaction and its commit.
async fn transform(connection: &mut SqliteConnection, now: Timestamp) -> Result<Report, sqlx::Error> {
    let mut report = Report::default();
    let old = aside::put(connection, &mut report).await?;
    migrations::apply(connection, &MIGRATOR).await?;
    let sessions = sessions::carry(connection, &old, now, &mut report).await?;
    messages::carry(connection, &old, &sessions, now, &mut report).await?;
    let last_version = state::carry(connection, &old, now, &mut report).await?;
    aside::drop(connection, &old).await?;
    create::mark(connection, last_version, 0).await?;
    Ok(report)
}

fn cannot(store: &Path, error: &sqlx::Error) -> Error {
    let busy = errors::for_caller(error);
    match busy.code {
        ErrorCode::BrokerBusy => Error::new(
            ErrorCode::BrokerBusy,
            format!(
                "another program holds a lock on {}, a store of claude-c2c 0.1.0 that is to be migrated; it is as it was",
                store.display()
            ),
            "end the sessions that still use claude-c2c 0.1.0, or whatever has the file open, then call again",
        ),
        ErrorCode::StorageFull => busy,
        // It may hold what it held, or be migrated already: the next attempt will see.
        _ if errors::is_disk_failure(error) => errors::disk_fails(store, error),
        _ => refused(
            format!(
                "{}, a store of claude-c2c 0.1.0, cannot be migrated: {error}; it holds what it held",
                store.display()
            ),
            "move it away together with its -wal and -shm to start with an empty store, or name another one with CLAUDE_C2C_DB",
        ),
    }
}
