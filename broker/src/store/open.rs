//! Opening the store: checked first, made if there never was one, brought to the newest schema.

use super::create::{self, create, remove_leftovers};
use super::errors::{WAY_OUT, disk_fails, for_caller, refused};
use super::header::{Header, log_of};
use super::migrations::{self, MIGRATOR};
use super::place::Place;
use super::readers::Readers;
use super::{doubt, errors, header, seed};
use crate::clock::Clock;
use crate::config::Durability;
use crate::platform;
use c2c_proto::paths::StorePaths;
use c2c_proto::{Error, ErrorCode};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use std::io;
use std::path::Path;
use std::time::Duration;

/// How long a lock of another program on the store is waited for before `broker_busy`.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);
/// A truncated log keeps at most this much of the disk: 64 MiB.
const JOURNAL_SIZE_LIMIT: &str = "67108864";

/// A store up to this size is looked through before it is opened: some 30 ms, and ten times that on a busy machine. In a larger one damage is found when it is
/// met.
const CHECKED_MAX_BYTES: u64 = 8 * 1024 * 1024;
/// What SQLite says of a file in which it finds nothing wrong.
pub(super) const SOUND: &str = "ok";

/// An open store.
pub(crate) struct Opened {
    pub(crate) writer: SqliteConnection,
    pub(crate) readers: Readers,
    pub(crate) store_id: String,
    pub(crate) epoch: u64,
    pub(crate) place: Place,
}

/// Opens the store for this broker, and counts that up in it.
pub(crate) async fn open(paths: &StorePaths, durability: Durability, clock: &Clock) -> Result<Opened, Error> {
    let store = &paths.store;
    remove_leftovers(store);
    let header = header::look(store)?;
    doubt::make_good(paths)?;
    doubt::prepare(paths);
    match header {
        Header::Ours => {}
        Header::Missing => {
            refuse_if_one_is_remembered(paths)?;
            create(store).await?;
        }
        Header::Unmarked => seed::take_over(store, clock.now()).await.inspect_err(|error| {
            if error.code == ErrorCode::StorageFailed {
                doubt::note(paths);
            }
        })?,
    }
    let place = Place::of(store);
    // What was made a moment ago is whole, and counts this opening already.
    let new = header == Header::Missing;
    if !new {
        check_inside(store).await?;
    }
    keep_private(store)?;
    let mut writer = SqliteConnection::connect_with(&options(store, durability))
        .await
        .map_err(|error| cannot_open(store, &error))?;
    let begun = async {
        migrations::bring_up(&mut writer, store, &MIGRATOR).await?;
        let facts = async {
            // Not read from the store: another broker may have opened it already, and that is to be noticed.
            let epoch = if new { create::FIRST_EPOCH } else { count_up(&mut writer).await? };
            Ok::<_, sqlx::Error>((store_id(&mut writer).await?, epoch))
        };
        facts.await.map_err(|error| cannot_open(store, &error))
    };
    let (store_id, epoch) = match begun.await {
        Ok(begun) => begun,
        Err(error) => {
            if error.code == ErrorCode::StorageFailed {
                // The flush of a commit may have failed: the next broker makes that good.
                doubt::note(paths);
            }
            abandon(writer);
            return Err(error);
        }
    };
    remember(paths, &store_id);
    match readers(store, durability).await.and_then(|readers| Ok((readers, place.opened()?))) {
        Ok((readers, place)) => Ok(Opened { writer, readers, store_id, epoch, place }),
        Err(error) => {
            abandon(writer);
            Err(error)
        }
    }
}

/// Leaves everything as a kill would. The last connection that is closed folds the log, though a flush that succeeds after
/// one that failed proves nothing, and then removes it as it stands, which is not safe on every file system.
pub(super) fn abandon(connection: SqliteConnection) {
    std::mem::forget(connection);
}

async fn readers(store: &Path, durability: Durability) -> Result<Readers, Error> {
    Readers::open(options(store, durability).read_only(true))
        .await
        .map_err(|error| cannot_open(store, &error))
}

/// Everything about a connection that is not SQLite's default, and why.
pub(crate) fn options(store: &Path, durability: Durability) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(store)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(match durability {
            Durability::Full => SqliteSynchronous::Full,
            Durability::Normal => SqliteSynchronous::Normal,
        })
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true)
        // A file that somebody prepared must not make SQLite call functions of its choice.
        .pragma("trusted_schema", "OFF")
        // A damaged page is an error as soon as it is read, and not what a search happens to make of it.
        .pragma("cell_size_check", "ON")
        // macOS acknowledges a plain fsync before the disk has the data.
        .pragma("fullfsync", "ON")
        .pragma("checkpoint_fullfsync", "ON")
        .pragma("journal_size_limit", JOURNAL_SIZE_LIMIT)
        // Folded by the writer, when nobody waits.
        .pragma("wal_autocheckpoint", "0")
        .disable_statement_logging()
}

/// A store that was copied back from elsewhere may be open to others, and SQLite gives its log the store's own mode.
pub(crate) fn keep_private(store: &Path) -> Result<(), Error> {
    for suffix in ["", "-wal", "-shm"] {
        let mut path = store.as_os_str().to_owned();
        path.push(suffix);
        let path = Path::new(&path);
        platform::keep_private(path).map_err(|error| {
            refused(
                format!("{} cannot be kept for you alone: {error}; it was left untouched", path.display()),
                "make yourself its owner (chown) and its mode 0600, or name another store with CLAUDE_C2C_DB",
            )
        })?;
    }
    Ok(())
}

/// The header was checked, but the log beside it may hold a newer one, and what is behind the header may be damaged.
/// Looked at through a connection that cannot fold the log into the store: a store that is refused stays as it is.
async fn check_inside(store: &Path) -> Result<(), Error> {
    let length = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    let logged = length(&log_of(store));
    let small = length(store) + logged <= CHECKED_MAX_BYTES;
    if logged == 0 && !small {
        return Ok(());
    }
    let look = async {
        // Without a log nothing has to be put beside the store to read it.
        let options = glance(store).immutable(logged == 0);
        let mut connection = SqliteConnection::connect_with(&options).await?;
        let schema: u32 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut connection).await?;
        // The full one: it also finds entries of an index that no row has, which would hide mail.
        let verdict = if small && schema <= header::SCHEMA_VERSION {
            sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_one(&mut connection).await?
        } else {
            SOUND.to_owned()
        };
        connection.close().await?;
        Ok((schema, verdict))
    };
    let (schema, verdict): (u32, String) = look.await.map_err(|error| cannot_open(store, &error))?;
    header::check_schema(store, schema)?;
    if verdict == SOUND {
        return Ok(());
    }
    if errors::tells_of_disk_failure(&verdict) {
        return Err(disk_fails(store, &verdict));
    }
    Err(refused(
        format!("the store {} is damaged ({verdict}); it was left as it is", store.display()),
        WAY_OUT,
    ))
}

/// A connection that changes nothing, not even how the file is journalled.
pub(crate) fn glance(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("trusted_schema", "OFF")
        .disable_statement_logging()
}

/// Counts the opening in the store; how often it was opened with this one.
async fn count_up(writer: &mut SqliteConnection) -> Result<u64, sqlx::Error> {
    // To its end: the row comes before the commit, and only what comes after it says whether that succeeded.
    let mut counted: Vec<String> = sqlx::query_scalar(
        "UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE key = 'epoch' RETURNING value",
    )
    .fetch_all(writer)
    .await?;
    let epoch = counted.pop().ok_or(sqlx::Error::RowNotFound)?;
    Ok(epoch.parse().unwrap_or_default())
}

async fn store_id(writer: &mut SqliteConnection) -> Result<String, sqlx::Error> {
    sqlx::query_scalar("SELECT value FROM meta WHERE key = 'store_id'").fetch_one(writer).await
}

/// A store that cannot be opened is refused; only a full disk, a foreign lock and a failing disk may pass by themselves.
pub(super) fn cannot_open(store: &Path, error: &sqlx::Error) -> Error {
    match errors::severity(error) {
        errors::Severity::Refused => for_caller(error),
        _ if errors::is_disk_failure(error) => disk_fails(store, error),
        _ => refused(
            format!("the store {} cannot be opened: {error}; it was left as it is", store.display()),
            WAY_OUT,
        ),
    }
}

/// A store that was here and is gone is never replaced by an empty one in silence.
fn refuse_if_one_is_remembered(paths: &StorePaths) -> Result<(), Error> {
    let log = log_of(&paths.store);
    let remembered = match std::fs::read(&paths.store_id) {
        Ok(remembered) => String::from_utf8_lossy(&remembered).into_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !log.exists() => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(disk_fails(&paths.store_id, &error)),
    };
    // Noted when the store was there, so an empty note, by a broker that was killed over it, tells of one too.
    let which = if remembered.trim().is_empty() { "its id was not noted" } else { remembered.trim() };
    Err(refused(
        format!("the store {} is gone, but was here before ({which})", paths.store.display()),
        format!(
            "put it back; or remove {} if it is there, which would spoil a backup, and then copy a backup back, or remove {} \
too and begin with an empty store",
            log.display(),
            paths.store_id.display()
        ),
    ))
}

pub(crate) fn remember(paths: &StorePaths, store_id: &str) {
    let known = std::fs::read_to_string(&paths.store_id).unwrap_or_default();
    if known.trim() == store_id {
        return;
    }
    if !known.trim().is_empty() {
        tracing::warn!(before = known.trim(), now = store_id, "the store is another one than before");
    }
    if let Err(error) = std::fs::write(&paths.store_id, store_id) {
        tracing::warn!(%error, "the store's id could not be noted in the run folder");
    }
}
