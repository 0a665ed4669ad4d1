//! A backup takes the place of the store. The copy is made first, beside the store and while that is in use; then, by the
//! holder of the lock, the store is moved aside as it is and the copy gets its name. A kill in between leaves no store,
//! which no broker takes for a new beginning.

use super::backup::{BESIDE, beside, copy, remove};
use super::header::{self, Header};
use super::{errors, open};
use crate::clock::Clock;
use c2c_proto::id::new_unique_id;
use c2c_proto::paths::StorePaths;
use c2c_proto::{Error, ErrorCode};
use sqlx::sqlite::SqliteJournalMode;
use sqlx::{Connection, SqliteConnection};
use std::io;
use std::path::{Path, PathBuf};

/// What the copy has behind the store's own name until it takes its place.
const UNFINISHED: &str = ".restore-unfinished";

/// A copy that is ready to become the store.
#[derive(Debug)]
pub struct Prepared {
    copy: PathBuf,
    store_id: String,
    /// Messages in it.
    pub messages: u64,
}

/// Copies a backup beside the store and looks through the copy. It gets an id of its own: what clients know of the store as it
/// was does not hold for it.
///
/// # Errors
/// `not_found` if there is no such file, `store_refused` if it is no store of this version or an older one or is damaged,
/// `storage_full`, `storage_failed`.
pub async fn prepare(paths: &StorePaths, backup: &Path) -> Result<Prepared, Error> {
    match header::look(backup)? {
        Header::Ours => {}
        Header::Missing => return Err(missing(backup)),
        Header::Unmarked => {
            return Err(errors::refused(
                format!("{} is no backup that c2c made", backup.display()),
                "a store of claude-c2c 0.1.0 is taken over where it lies: name it with CLAUDE_C2C_DB",
            ));
        }
    }
    let unfinished = beside(&paths.store, UNFINISHED);
    remove(&unfinished);
    let made = async {
        copy(backup, &unfinished).await?;
        renew(&unfinished).await
    };
    let (schema, messages, store_id) = made.await.map_err(|error| {
        remove(&unfinished);
        open::cannot_open(backup, &error)
    })?;
    let prepared = Prepared { copy: unfinished, store_id, messages };
    // The log of a copied store may have known of a newer schema than its header.
    header::check_schema(backup, schema)?;
    flushed(&prepared.copy).map_err(|error| errors::disk_fails(&prepared.copy, &error))?;
    Ok(prepared)
}

/// Gives the copy an id of its own: its schema, its messages, its new id.
async fn renew(copy: &Path) -> Result<(u32, u64, String), sqlx::Error> {
    let options =
        open::options(copy, crate::config::Durability::Full).journal_mode(SqliteJournalMode::Delete);
    let mut connection = SqliteConnection::connect_with(&options).await?;
    let store_id = new_unique_id();
    sqlx::query("UPDATE meta SET value = ?1 WHERE key = 'store_id'")
        .bind(&store_id)
        .execute(&mut connection)
        .await?;
    let schema: u32 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut connection).await?;
    let messages: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM messages").fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok((schema, u64::try_from(messages).unwrap_or_default(), store_id))
}

impl Prepared {
    /// Takes the place of the store; where the store is now, if there was one. Only by the holder of the lock.
    ///
    /// # Errors
    /// `storage_failed` with what is where.
    pub fn put_into_place(self, paths: &StorePaths, clock: &Clock) -> Result<Option<PathBuf>, Error> {
        let aside = beside(&paths.store, &format!(".before-restore-{}", clock.now().unix_s()));
        let was_there = paths.store.exists();
        if was_there {
            move_aside(&paths.store, &aside).map_err(|error| {
                let what =
                    format!("{} could not be moved to {}: {error}", paths.store.display(), aside.display());
                errors::failed(&what)
            })?;
        }
        let placed = std::fs::hard_link(&self.copy, &paths.store).and_then(|()| flush_dir(&paths.store));
        placed.map_err(|error| {
            let what = format!(
                "{} could not be put into place: {error}; the store as it was is {}",
                self.copy.display(),
                aside.display()
            );
            errors::failed(&what)
        })?;
        open::remember(paths, &self.store_id);
        Ok(was_there.then_some(aside))
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        remove(&self.copy);
    }
}

/// The file first: one that is left without its log has lost nothing yet, and a log without its file is a missing store.
fn move_aside(store: &Path, aside: &Path) -> io::Result<()> {
    for suffix in BESIDE {
        match std::fs::rename(beside(store, suffix), beside(aside, suffix)) {
            Err(error) if suffix.is_empty() || error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn flushed(file: &Path) -> io::Result<()> {
    std::fs::OpenOptions::new().write(true).open(file)?.sync_all()
}

/// The name itself must survive a power cut. Where folders cannot be opened (Windows), the system sees to that.
fn flush_dir(store: &Path) -> io::Result<()> {
    let Some(dir) = store.parent() else { return Ok(()) };
    std::fs::File::open(dir).map_or(Ok(()), |dir| dir.sync_all())
}

fn missing(backup: &Path) -> Error {
    Error::new(
        ErrorCode::NotFound,
        format!("there is no file {}", backup.display()),
        "name a file that `c2c backup` made",
    )
}
