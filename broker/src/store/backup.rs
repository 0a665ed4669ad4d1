//! A complete copy of a store beside it, made before the store is changed as a whole: on disk under a name that says
//! what it is before anything else happens, the user's alone, and never over an earlier one.

use super::create::{flush, flush_name};
use super::errors::{self, for_caller, refused};
use super::open::glance;
use c2c_proto::paths::private_file;
use c2c_proto::{Error, ErrorCode};
use sqlx::{Connection, SqliteConnection};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender};
use std::time::Duration;

/// What a copy that is being made has behind the store's own name. One that a kill or an error left goes at the next
/// start, with the other leftovers.
pub(super) const UNFINISHED: &str = ".backup-unfinished";
/// A file itself, and what SQLite puts beside one that it writes.
pub(super) const BESIDE: [&str; 4] = ["", "-journal", "-wal", "-shm"];
/// How long a backup may write before it is flushed: some megabytes.
const FLUSH_EVERY: Duration = Duration::from_millis(10);
/// Copies that differ; more than this were never made by upgrades.
const COPIES_MAX: u32 = 10_000;

/// Copies the store to `<store>.<label>.backup`, or to `.backup-2`, `.backup-3` … if that is taken by another copy.
///
/// # Errors
/// `broker_busy`, `storage_full`, or `store_refused` if it cannot be copied.
pub(crate) async fn make(store: &Path, label: &str) -> Result<PathBuf, Error> {
    let unfinished = beside(store, UNFINISHED);
    let made = match copy(store, &unfinished).await {
        Ok(()) => put_into_place(store, label, &unfinished)
            .map_err(|error| errors::of_io(&error, store, || no_backup(store, &error))),
        Err(sqlx::Error::Io(error)) => Err(errors::of_io(&error, store, || no_backup(store, &error))),
        Err(error) if errors::severity(&error) == errors::Severity::Refused => Err(for_caller(&error)),
        Err(error) if errors::is_disk_failure(&error) => Err(errors::disk_fails(store, &error)),
        Err(error) => Err(no_backup(store, &error)),
    };
    remove(&unfinished);
    made
}

/// Copies the store to a new file of the user's, as it is at one moment, while it is written on. Messages in it and its length.
///
/// # Errors
/// `conflict` if something is there, `storage_full`, `storage_failed`, `invalid_argument` where no file can be made.
pub(super) async fn to(store: &Path, target: &Path) -> Result<(u64, u64), Error> {
    if target.symlink_metadata().is_ok() {
        return Err(is_there(target));
    }
    let name = beside(target, ".unfinished");
    begin(&name).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => is_under_way(&name),
        _ => no_file(target, &error),
    })?;
    let unfinished = Unfinished(name);
    let flushing = flush_meanwhile(&unfinished.0).map_err(|error| no_file(target, &error))?;
    let filled = fill(store, &unfinished.0).await;
    drop(flushing);
    match filled {
        Ok(()) => finish(&unfinished.0, target).await,
        Err(sqlx::Error::Io(error)) => Err(no_file(target, &error)),
        Err(error) => Err(for_caller(&error)),
    }
}

/// Flushes a file that is being written, again and again until what is returned is dropped: the disk then never has so much of
/// it to write at once that commits wait for that. Nobody else opens the file, so that its locks do not matter.
fn flush_meanwhile(file: &Path) -> io::Result<Sender<()>> {
    let file = std::fs::OpenOptions::new().write(true).open(file)?;
    let (until_dropped, dropped) = std::sync::mpsc::channel();
    std::thread::Builder::new().name("backup".to_owned()).spawn(move || {
        while dropped.recv_timeout(FLUSH_EVERY) == Err(RecvTimeoutError::Timeout) {
            // What cannot be flushed is told when all of it is flushed.
            let _ = file.sync_data();
        }
    })?;
    Ok(until_dropped)
}

/// A copy that is no backup yet; it goes however the backup ends, also when whoever asked for it has left.
#[derive(Debug)]
pub(super) struct Unfinished(pub(super) PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

async fn finish(unfinished: &Path, target: &Path) -> Result<(u64, u64), Error> {
    let counted = async {
        let mut copy = SqliteConnection::connect_with(&glance(unfinished).immutable(true)).await?;
        let messages: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM messages").fetch_one(&mut copy).await?;
        copy.close().await?;
        Ok::<_, sqlx::Error>(u64::try_from(messages).unwrap_or_default())
    };
    let messages = counted.await.map_err(|error| for_caller(&error))?;
    let (from, to) = (unfinished.to_owned(), target.to_owned());
    // A large copy takes a while to reach the disk, and the broker has one thread for everybody.
    let placed = tokio::task::spawn_blocking(move || -> io::Result<u64> {
        let bytes = flush(&from)?;
        std::fs::hard_link(&from, &to)?;
        flush_name(&to)?;
        Ok(bytes)
    });
    match placed.await.unwrap_or_else(|failed| Err(io::Error::other(failed))) {
        Ok(bytes) => Ok((messages, bytes)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(is_there(target)),
        Err(error) => Err(no_file(target, &error)),
    }
}

fn is_under_way(unfinished: &Path) -> Error {
    Error::new(
        ErrorCode::Conflict,
        format!(
            "{} is there: another backup to this file is being made, or one was interrupted",
            unfinished.display()
        ),
        "wait for it, or remove that file if no backup is being made",
    )
}

fn is_there(target: &Path) -> Error {
    Error::new(
        ErrorCode::Conflict,
        format!("{} is there already, and a backup never replaces anything", target.display()),
        "name another file, or move that one away",
    )
}

fn no_file(target: &Path, error: &io::Error) -> Error {
    errors::of_io(error, target, || {
        Error::invalid(
            format!("no backup can be made at {}: {error}", target.display()),
            "name a file in a folder that is there and that you may write to",
        )
    })
}

pub(super) async fn copy(store: &Path, target: &Path) -> Result<(), sqlx::Error> {
    begin(target)?;
    fill(store, target).await
}

/// It has to be there before SQLite opens it, or it would get the mode that the process gives to any file.
fn begin(target: &Path) -> io::Result<()> {
    private_file().write(true).create_new(true).open(target).map(|_| ())
}

async fn fill(store: &Path, target: &Path) -> Result<(), sqlx::Error> {
    let name = target.to_str().ok_or_else(|| sqlx::Error::Protocol("its path is no text".to_owned()))?;
    let mut source = SqliteConnection::connect_with(&glance(store)).await?;
    let copied = sqlx::query("VACUUM INTO ?1").bind(name).execute(&mut source).await;
    source.close().await?;
    copied?;
    let mut copy = SqliteConnection::connect_with(&glance(target).immutable(true)).await?;
    let verdict: String = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(&mut copy).await?;
    copy.close().await?;
    if verdict == "ok" { Ok(()) } else { Err(sqlx::Error::Protocol(verdict)) }
}

/// Flushes the copy and gives it its name. A link never replaces anything.
fn put_into_place(store: &Path, label: &str, copy: &Path) -> io::Result<PathBuf> {
    flush(copy)?;
    for number in 1..COPIES_MAX {
        let suffix = if number == 1 { String::new() } else { format!("-{number}") };
        let name = beside(store, &format!(".{label}.backup{suffix}"));
        match std::fs::hard_link(copy, &name) {
            Ok(()) => {}
            // A broker that was killed after its copy starts again with the same store: one copy is enough.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if !same(copy, &name)? {
                    continue;
                }
            }
            Err(error) => return Err(error),
        }
        flush_name(store)?;
        return Ok(name);
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("{COPIES_MAX} others are there")))
}

fn same(one: &Path, other: &Path) -> io::Result<bool> {
    let (one, other) = (std::fs::File::open(one)?, std::fs::File::open(other)?);
    if one.metadata()?.len() != other.metadata()?.len() {
        return Ok(false);
    }
    let (mut one, mut other) = (BufReader::new(one), BufReader::new(other));
    loop {
        let (first, second) = (one.fill_buf()?, other.fill_buf()?);
        let both = first.len().min(second.len());
        if both == 0 {
            return Ok(first.len() == second.len());
        }
        if first.iter().zip(second).any(|(first, second)| first != second) {
            return Ok(false);
        }
        one.consume(both);
        other.consume(both);
    }
}

pub(super) fn remove(unfinished: &Path) {
    for suffix in BESIDE {
        // Most of them do not exist, and a leftover is never taken for a backup.
        let _ = std::fs::remove_file(beside(unfinished, suffix));
    }
}

pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn no_backup(store: &Path, error: &dyn std::error::Error) -> Error {
    refused(
        format!("no backup of {} can be made: {error}; the store was left as it is", store.display()),
        "make its folder writable for you and free some space; without a backup an older store is not changed",
    )
}
