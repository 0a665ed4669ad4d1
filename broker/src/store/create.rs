//! Making a new store: under a temporary name, complete, flushed, and only then linked into place, so that a kill
//! never leaves half of one where a store should be.

use super::backup::{BESIDE, UNFINISHED};
use super::errors::{failed, of_io, refused};
use super::header::APPLICATION_ID;
use super::migrations::{self, MIGRATOR};
use super::open::options;
use crate::config::Durability;
use c2c_proto::Error;
use c2c_proto::id::new_unique_id;
use sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection, SqliteConnection};
use std::path::{Path, PathBuf};

/// A store that is made is made by the broker that opens it first, and counts that.
pub(crate) const FIRST_EPOCH: u64 = 1;

/// Makes the store, as opened once.
///
/// # Errors
/// `store_refused` if the folder does not allow it, `storage_failed` if the disk fails.
pub(crate) async fn create(store: &Path) -> Result<(), Error> {
    let temporary = temporary_name(store);
    let made = make(&temporary).await;
    let linked = match made {
        Ok(()) => link(&temporary, store),
        Err(error) => Err(error),
    };
    remove_leftovers(store);
    linked
}

/// Removes what the making of a store or of a backup leaves beside it, also if that was ended halfway: nobody else would.
/// Only the holder of the lock comes here, so none of it is in use.
pub(crate) fn remove_leftovers(store: &Path) {
    let (Some(folder), Some(name)) = (store.parent(), store.file_name()) else { return };
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if is_leftover(&name.to_string_lossy(), &entry.file_name().to_string_lossy()) {
            // A second name of the store itself too: the store keeps the other one.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// What a temporary name has behind the store's own name, before its unique part.
const TEMPORARY: &str = ".new-";
/// Length of what [`new_unique_id`] gives.
const UNIQUE_CHARS: usize = 36;

/// Whether a file's name is a temporary one of this store, or one of the files that SQLite puts beside it.
fn is_leftover(store: &str, name: &str) -> bool {
    let Some(rest) = name.strip_prefix(store) else { return false };
    if let Some(suffix) = rest.strip_prefix(UNFINISHED) {
        return BESIDE.contains(&suffix);
    }
    let unique = rest.strip_prefix(TEMPORARY).and_then(|rest| rest.split_at_checked(UNIQUE_CHARS));
    unique.is_some_and(|(unique, suffix)| {
        unique.chars().all(|char| char.is_ascii_hexdigit() || char == '-') && BESIDE.contains(&suffix)
    })
}

fn temporary_name(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(format!("{TEMPORARY}{}", new_unique_id()));
    name.into()
}

async fn make(temporary: &Path) -> Result<(), Error> {
    c2c_proto::paths::private_file().write(true).create_new(true).open(temporary).map_err(|error| {
        let folder = temporary.parent().unwrap_or(temporary);
        let refusal = || {
            refused(
                format!("no store can be made in {}: {error}", folder.display()),
                "make the folder writable for you, or name another store with CLAUDE_C2C_DB",
            )
        };
        of_io(&error, folder, refusal)
    })?;
    fill(temporary).await.map_err(|error| super::errors::for_caller(&error))
}

/// Without a journal and without flushing: under this name the file means nothing yet, and whatever happens to it, it is
/// removed. [`link`] flushes it as a whole before it gets its name.
async fn fill(temporary: &Path) -> Result<(), sqlx::Error> {
    let options = options(temporary, Durability::Full)
        .journal_mode(SqliteJournalMode::Off)
        .synchronous(SqliteSynchronous::Off);
    let mut connection = SqliteConnection::connect_with(&options).await?;
    migrations::run(&mut connection, "BEGIN IMMEDIATE").await?;
    migrations::apply(&mut connection, &MIGRATOR).await?;
    mark(&mut connection, 0, FIRST_EPOCH).await?;
    migrations::run(&mut connection, "COMMIT").await?;
    // The file itself says that it has a log, so that whoever opens it keeps one.
    migrations::run(&mut connection, "PRAGMA journal_mode = WAL").await?;
    connection.close().await
}

/// Makes a store of what has the newest schema: its mark, its id, the counter of versions, and how often it was opened.
pub(crate) async fn mark(
    connection: &mut SqliteConnection,
    last_version: i64,
    epoch: u64,
) -> Result<(), sqlx::Error> {
    // Pragmas take no bound values; this one is a number of ours.
    let application = format!("PRAGMA application_id = {APPLICATION_ID}");
    sqlx::query(sqlx::AssertSqlSafe(application)).execute(&mut *connection).await?;
    let facts = [
        ("store_id", new_unique_id()),
        ("epoch", epoch.to_string()),
        ("last_version", last_version.to_string()),
    ];
    for (key, value) in facts {
        sqlx::query("INSERT INTO meta (key, value) VALUES (?1, ?2)")
            .bind(key)
            .bind(value)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// A link fails if the name is taken meanwhile: then nothing is overwritten.
fn link(temporary: &Path, store: &Path) -> Result<(), Error> {
    flush(temporary)
        .and_then(|_bytes| std::fs::hard_link(temporary, store))
        .and_then(|()| flush_name(store))
        .map(|()| flush_above(store))
        .map_err(|error| failed(&format!("{} could not be put into place: {error}", store.display())))
}

/// The store's folder, and those above it, may have been made a moment ago; then their names must survive as well. One
/// that cannot be opened or flushed was not made by this user, so nothing depends on it.
fn flush_above(store: &Path) {
    for folder in store.ancestors().skip(2) {
        let _ = flush_dir(folder);
    }
}

/// All of a file is on the disk; its length. SQLite must not have it open in this process.
pub(super) fn flush(file: &Path) -> std::io::Result<u64> {
    // Opened for writing: Windows flushes no file that was opened to be read.
    let file = std::fs::OpenOptions::new().write(true).open(file)?;
    file.sync_all()?;
    Ok(file.metadata()?.len())
}

/// The name of a file, which was given to it a moment ago, survives a power cut.
pub(super) fn flush_name(file: &Path) -> std::io::Result<()> {
    file.parent().map_or(Ok(()), flush_dir)
}

/// Where folders cannot be opened (Windows), the system sees to that.
fn flush_dir(dir: &Path) -> std::io::Result<()> {
    std::fs::File::open(dir).map_or(Ok(()), |dir| dir.sync_all())
}

#[cfg(test)]
mod tests {
    use super::{BESIDE, TEMPORARY, UNFINISHED, is_leftover};
    use c2c_proto::id::new_unique_id;

    #[test]
    fn only_temporary_names_of_this_store_are_leftovers() {
        let temporary = format!("c2c.db{TEMPORARY}{}", new_unique_id());
        let copy = format!("c2c.db{UNFINISHED}");
        for name in [&temporary, &copy] {
            for suffix in BESIDE {
                assert!(is_leftover("c2c.db", &format!("{name}{suffix}")), "{name}{suffix}");
            }
            assert!(!is_leftover("other.db", name));
        }
        for name in [
            "c2c.db",
            "c2c.db-wal",
            "c2c.db.new-",
            "c2c.db.new-backup",
            "c2c.db.claude-c2c-0.1.0.backup",
            &format!("{copy}-x"),
            &format!("{temporary}-x"),
            &format!("x{temporary}"),
        ] {
            assert!(!is_leftover("c2c.db", name), "{name}");
        }
    }
}
