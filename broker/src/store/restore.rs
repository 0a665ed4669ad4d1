//! A backup takes the place of the store. The copy is made first, beside the store and while that is in use; then, by the
//! holder of the lock, the store is moved aside as it is and the copy gets its name. A kill in between leaves no store,
//! which no broker takes for a new beginning; the restore can be made again then, and moves aside what is left.

use super::backup::{BESIDE, Unfinished, beside, copy, remove};
use super::create::{flush, flush_name};
use super::header::{self, Header};
use super::{errors, open};
use crate::clock::Clock;
use c2c_proto::id::new_unique_id;
use c2c_proto::paths::{StorePaths, private_file};
use c2c_proto::{Error, ErrorCode};
use sqlx::sqlite::SqliteJournalMode;
use sqlx::{Connection, SqliteConnection};
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// What the copy has behind the store's own name until it takes its place.
const UNFINISHED: &str = ".restore-unfinished";
/// What is locked in the run folder meanwhile.
const LOCK: &str = "restore.lock";
/// The ids that the store had before, as JSON: an import recognises its own messages by them.
pub(super) const FORMER_IDS: &str = "former_store_ids";

/// What to do about a file that cannot be restored.
const ANOTHER_BACKUP: &str = "name another backup; the store is as it was";
/// Where the store that gives way cannot be read, its numbers are taken to have gone on so far since the backup.
const NUMBERS_SKIPPED: i64 = 1_000_000;

/// A copy that is ready to become the store.
#[derive(Debug)]
pub struct Prepared {
    copy: Unfinished,
    /// Held as long as the copy is there: two restores at once would use the same name.
    _alone: File,
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
    copied(paths, backup).await.map_err(|error| match error.code {
        // It is told as of a store, which would be moved away and put back.
        ErrorCode::StoreRefused => Error { hint: ANOTHER_BACKUP.to_owned(), ..error },
        _ => error,
    })
}

async fn copied(paths: &StorePaths, backup: &Path) -> Result<Prepared, Error> {
    match header::look(backup)? {
        Header::Ours => {}
        Header::Missing => return Err(missing(backup)),
        Header::Unmarked => {
            return Err(errors::refused(
                format!(
                    "{} is no backup that c2c made (a store of claude-c2c 0.1.0 is taken over where it lies)",
                    backup.display()
                ),
                ANOTHER_BACKUP,
            ));
        }
    }
    let alone = alone(paths)?;
    let unfinished = Unfinished(beside(&paths.store, UNFINISHED));
    // What a restore left that was killed.
    remove(&unfinished.0);
    let made = async {
        copy(backup, &unfinished.0).await?;
        renew(&unfinished.0).await
    };
    let (schema, messages, store_id) = made.await.map_err(|error| open::cannot_open(backup, &error))?;
    // The log of a copied store may have known of a newer schema than its header.
    header::check_schema(backup, schema)?;
    flush(&unfinished.0).map_err(|error| errors::disk_fails(&unfinished.0, &error))?;
    Ok(Prepared { copy: unfinished, _alone: alone, store_id, messages })
}

/// The right to restore this store; it ends with the process.
fn alone(paths: &StorePaths) -> Result<File, Error> {
    let path = paths.run_dir.join(LOCK);
    let file = private_file()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|error| errors::disk_fails(&path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::new(
            ErrorCode::Conflict,
            format!("another restore of {} is under way", paths.store.display()),
            "wait until it is done",
        )),
        Err(TryLockError::Error(error)) => Err(errors::disk_fails(&path, &error)),
    }
}

/// A connection to the copy, which leaves nothing beside it.
async fn connect(copy: &Path) -> Result<SqliteConnection, sqlx::Error> {
    let options =
        open::options(copy, crate::config::Durability::Full).journal_mode(SqliteJournalMode::Delete);
    SqliteConnection::connect_with(&options).await
}

/// Reads the copy through and gives it an id of its own: its schema, its messages, its new id. Nobody is connected to it.
async fn renew(copy: &Path) -> Result<(u32, u64, String), sqlx::Error> {
    let mut connection = connect(copy).await?;
    let verdict: String = sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_one(&mut connection).await?;
    if verdict != "ok" {
        return Err(sqlx::Error::Protocol(verdict));
    }
    let store_id = new_unique_id();
    sqlx::query("UPDATE sessions SET online = 0").execute(&mut connection).await?;
    sqlx::query(
        "INSERT INTO meta (key, value)
         SELECT ?1, json_array(value) FROM meta WHERE key = 'store_id'
         ON CONFLICT (key) DO UPDATE SET value = json_insert(value, '$[#]', excluded.value ->> 0)",
    )
    .bind(FORMER_IDS)
    .execute(&mut connection)
    .await?;
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

/// What a store has handed out, and under which ids.
struct HandedOut {
    /// Ids of messages, versions of the state, numbers of parcels.
    numbers: [i64; 3],
    /// The store's id, and those that it had before.
    ids: Vec<String>,
}

async fn handed_out(store: &Path) -> Result<HandedOut, sqlx::Error> {
    let mut connection = SqliteConnection::connect_with(&open::glance(store)).await?;
    let numbers: (i64, i64, i64) = sqlx::query_as(
        "SELECT COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'messages'), 0),
                (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'last_version'),
                COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'outbox'), 0)",
    )
    .fetch_one(&mut connection)
    .await?;
    let ids = super::link::own_ids(&mut connection).await?;
    connection.close().await?;
    Ok(HandedOut { numbers: [numbers.0, numbers.1, numbers.2], ids })
}

/// The copy hands out none of these again, and had all of these ids.
async fn go_on_from(copy: &Path, before: HandedOut) -> Result<(), sqlx::Error> {
    let HandedOut { numbers: [messages, versions, parcels], ids } = before;
    let mut connection = connect(copy).await?;
    for id in ids {
        sqlx::query(
            "UPDATE meta SET value = json_insert(value, '$[#]', ?2)
             WHERE key = ?1 AND NOT EXISTS (SELECT 1 FROM json_each(meta.value) AS former WHERE former.value = ?2)",
        )
        .bind(FORMER_IDS)
        .bind(id)
        .execute(&mut connection)
        .await?;
    }
    for (table, number) in [("messages", messages), ("outbox", parcels)] {
        sqlx::query(
            "INSERT INTO sqlite_sequence (name, seq) SELECT ?1, 0
             WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?1)",
        )
        .bind(table)
        .execute(&mut connection)
        .await?;
        sqlx::query("UPDATE sqlite_sequence SET seq = MAX(seq, ?2) WHERE name = ?1")
            .bind(table)
            .bind(number)
            .execute(&mut connection)
            .await?;
    }
    sqlx::query("UPDATE meta SET value = MAX(CAST(value AS INTEGER), ?1) WHERE key = 'last_version'")
        .bind(versions)
        .execute(&mut connection)
        .await?;
    connection.close().await
}

impl Prepared {
    /// Numbers that the store has handed out are not handed out again: whoever follows messages or state by them goes on, and
    /// the version of a lease only grows. Only by the holder of the lock, before [`Self::put_into_place`].
    ///
    /// # Errors
    /// `storage_full`, `storage_failed`; the store is as it was.
    pub async fn go_on_from(&self, paths: &StorePaths) -> Result<(), Error> {
        let copy = &self.copy.0;
        let failed = |error: sqlx::Error| open::cannot_open(copy, &error);
        let before = match handed_out(&paths.store).await {
            Ok(before) => before,
            Err(error) => {
                tracing::info!(%error, "the store that gives way cannot be read; its numbers are guessed");
                let copied = handed_out(copy).await.map_err(failed)?;
                HandedOut { numbers: copied.numbers.map(|number| number + NUMBERS_SKIPPED), ids: Vec::new() }
            }
        };
        go_on_from(copy, before).await.map_err(failed)?;
        flush(copy).map(|_bytes| ()).map_err(|error| errors::disk_fails(copy, &error))
    }

    /// Takes the place of the store; where what was there is now, if there was anything. Only by the holder of the lock.
    ///
    /// # Errors
    /// `storage_failed`; then everything is where it was, as far as it could be put back.
    pub fn put_into_place(self, paths: &StorePaths, clock: &Clock) -> Result<Option<PathBuf>, Error> {
        let store = &paths.store;
        let aside = free_name(store, &format!(".before-restore-{}", clock.now().unix_s()));
        let mut moved = Vec::new();
        let placed = move_aside(store, &aside, &mut moved)
            .and_then(|()| std::fs::hard_link(&self.copy.0, store))
            .and_then(|()| flush_name(store));
        if let Err(error) = placed {
            let back = put_back(&moved);
            let what =
                format!("{} could not take the place of {}: {error}", self.copy.0.display(), store.display());
            return Err(errors::failed(&match back {
                Ok(()) => format!("{what}; everything is as it was"),
                Err(also) => format!(
                    "{what}; what was there is {}, and could not be put back: {also}",
                    aside.display()
                ),
            }));
        }
        open::remember(paths, &self.store_id);
        Ok((!moved.is_empty()).then_some(aside))
    }
}

/// Moves the store, its log and what else SQLite keeps beside it, each that is there: a log that stayed would be read into the
/// restored store. The file goes first: a log without its file is a missing store, a file without its log is an older one.
fn move_aside(store: &Path, aside: &Path, moved: &mut Vec<(PathBuf, PathBuf)>) -> io::Result<()> {
    for suffix in BESIDE {
        let (from, to) = (beside(store, suffix), beside(aside, suffix));
        match std::fs::rename(&from, &to) {
            Ok(()) => moved.push((from, to)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// In the opposite order, for the same reason.
fn put_back(moved: &[(PathBuf, PathBuf)]) -> io::Result<()> {
    moved.iter().rev().try_for_each(|(from, to)| std::fs::rename(to, from))
}

/// A name beside the store under which nothing lies.
fn free_name(store: &Path, suffix: &str) -> PathBuf {
    let taken = |name: &Path| BESIDE.iter().any(|end| beside(name, end).symlink_metadata().is_ok());
    let mut name = beside(store, suffix);
    for number in 2.. {
        if !taken(&name) {
            break;
        }
        name = beside(store, &format!("{suffix}-{number}"));
    }
    name
}

fn missing(backup: &Path) -> Error {
    Error::new(
        ErrorCode::NotFound,
        format!("there is no file {}", backup.display()),
        "name a file that `c2c backup` made",
    )
}
