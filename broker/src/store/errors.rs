//! What an error of SQLite means to the caller, and whether the store can still be trusted after it.

use crate::platform;
use c2c_proto::{Error, ErrorCode};
use std::io;
use std::path::Path;

// Primary result codes, https://sqlite.org/rescode.html
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const NOMEM: i32 = 7;
const READONLY: i32 = 8;
const IOERR: i32 = 10;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANTOPEN: i32 = 14;
const NOTADB: i32 = 26;
/// Extended: a write failed, and the system did not say that the disk is full.
const IOERR_WRITE: i32 = IOERR | 3 << 8;

/// Extended: a file or its folder could not be flushed.
const IOERR_FSYNC: i32 = IOERR | 4 << 8;
const IOERR_DIR_FSYNC: i32 = IOERR | 5 << 8;
/// Extended: the file ends before what was to be read.
const IOERR_SHORT_READ: i32 = IOERR | 2 << 8;

/// What a person can do with a store that cannot be used.
pub(crate) const WAY_OUT: &str = "move the file away together with its -wal and -shm, which would spoil a backup; then copy a backup back, or start with an empty store";

/// What to do after a failed statement or commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    /// Nothing was stored, and the store is as good as before.
    Refused,
    /// What the disk holds is uncertain: stop acknowledging, begin again from what is there.
    Fatal,
    /// The statement itself was at fault; its neighbours may be fine.
    Statement,
}

/// The primary result code, if SQLite gave one.
fn primary_code(error: &sqlx::Error) -> Option<i32> {
    Some(meaning(extended_code(error)?, platform::file_size_is_limited()))
}

fn extended_code(error: &sqlx::Error) -> Option<i32> {
    let sqlx::Error::Database(database) = error else { return None };
    database.code()?.parse::<i32>().ok()
}

/// A limit on the size of files looks to SQLite like a disk that fails; here it is one that is full: what could not be
/// written is not committed, and smaller things still fit.
const fn meaning(extended: i32, file_size_is_limited: bool) -> i32 {
    if extended == IOERR_WRITE && file_size_is_limited { FULL } else { extended & 0xff }
}

/// Whether the file itself is broken.
pub(crate) fn is_damaged(error: &sqlx::Error) -> bool {
    matches!(primary_code(error), Some(CORRUPT | NOTADB))
}

/// Whether the disk failed, which says nothing about what is on it: the next attempt may succeed. A file that is shorter
/// than it says is not such a case.
pub(crate) fn is_disk_failure(error: &sqlx::Error) -> bool {
    extended_code(error).is_some_and(is_passing_failure)
}

/// Whether a flush failed: what the system shows of the file from then on may never reach the disk.
pub(crate) fn is_flush_failure(error: &sqlx::Error) -> bool {
    matches!(extended_code(error), Some(IOERR_FSYNC | IOERR_DIR_FSYNC))
}

/// Whether a check of the store was ended by a disk that failed: SQLite tells that like any other finding.
pub(crate) fn tells_of_disk_failure(finding: &str) -> bool {
    let code = finding.split("error code=").nth(1).map(|rest| rest.chars().take_while(char::is_ascii_digit));
    let code = code.and_then(|digits| digits.collect::<String>().parse::<i32>().ok());
    code.is_some_and(is_passing_failure)
}

const fn is_passing_failure(extended: i32) -> bool {
    extended & 0xff == IOERR && extended != IOERR_SHORT_READ
}

/// How bad it is.
pub(crate) fn severity(error: &sqlx::Error) -> Severity {
    match primary_code(error) {
        Some(FULL | BUSY | LOCKED) => Severity::Refused,
        Some(IOERR | CORRUPT | NOTADB | READONLY | CANTOPEN) => Severity::Fatal,
        Some(_) => Severity::Statement,
        None => match error {
            sqlx::Error::PoolTimedOut => Severity::Refused,
            sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed | sqlx::Error::PoolClosed => Severity::Fatal,
            _ => Severity::Statement,
        },
    }
}

/// The error as the caller sees it. The chain goes to the log, without values that were bound.
pub(crate) fn for_caller(error: &sqlx::Error) -> Error {
    match primary_code(error) {
        Some(FULL) => full(),
        Some(BUSY | LOCKED) => Error::new(
            ErrorCode::BrokerBusy,
            "another program holds a lock on the store; this attempt stored nothing",
            "close the program that has the store open (a backup tool, sqlite3), then call again",
        ),
        None if matches!(error, sqlx::Error::PoolTimedOut) => Error::new(
            ErrorCode::BrokerBusy,
            "too many reads at once; this one did not get its turn",
            "call again in a moment; several small reads at once take longer than one after the other",
        ),
        // Not a fault of c2c's; whether a commit that ran into it is on disk, only the disk knows.
        Some(NOMEM) => Error::new(
            ErrorCode::Internal,
            "the broker has too little memory for this",
            "send less at once, or free some memory on this machine; then call again",
        ),
        _ if severity(error) == Severity::Fatal => failed(&error.to_string()),
        _ => Error::internal(format!("a statement failed: {error}")),
    }
}

/// `storage_failed`: whether the change is on disk is not known.
pub(crate) fn failed(what: &str) -> Error {
    Error::new(
        ErrorCode::StorageFailed,
        format!("the store could not be read or written: {what}"),
        "the broker restarts from what is on disk; call again, and a change with the same idempotency_key, to learn what holds",
    )
}

/// What an error of the system's says of a store that cannot be opened, read or made: whether it may pass by itself,
/// or only a person can help; `refused` makes the error of the latter.
pub(crate) fn of_io(error: &io::Error, what: &Path, refused: impl FnOnce() -> Error) -> Error {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge => full(),
        Kind::PermissionDenied
        | Kind::ReadOnlyFilesystem
        | Kind::NotFound
        | Kind::NotADirectory
        | Kind::IsADirectory
        | Kind::AlreadyExists
        | Kind::InvalidInput
        | Kind::InvalidFilename
        | Kind::Unsupported => refused(),
        _ => disk_fails(what, error),
    }
}

/// `storage_failed`: nothing is known of the store but that it cannot be looked at now.
pub(crate) fn disk_fails(store: &Path, why: &dyn std::fmt::Display) -> Error {
    Error::new(
        ErrorCode::StorageFailed,
        format!("{} could not be read or written: {why}; it was left as it is", store.display()),
        "the next call tries again; if this stays, the disk needs looking after",
    )
}

/// `storage_full`.
fn full() -> Error {
    Error::new(
        ErrorCode::StorageFull,
        "no space is left where the store lies; this attempt stored nothing",
        "free some space on that disk, then call again; `c2c status` names the store",
    )
}

/// `store_refused`: the file was left as it is.
pub(crate) fn refused(message: impl Into<String>, hint: impl Into<String>) -> Error {
    Error::new(ErrorCode::StoreRefused, message, hint)
}

#[cfg(test)]
mod tests {
    use super::{FULL, IOERR, IOERR_WRITE, meaning, tells_of_disk_failure};

    #[test]
    fn a_check_that_the_disk_ended_is_no_damage() {
        assert!(tells_of_disk_failure("Tree 5 page 5: unable to get the page. error code=266"));
        // A page behind the file's end, a damaged one, and what has no code.
        for damage in
            ["Tree 5 page 9: unable to get the page. error code=522", "error code=11", "row 3 missing"]
        {
            assert!(!tells_of_disk_failure(damage), "{damage}");
        }
    }

    #[test]
    fn a_write_that_failed_means_a_full_disk_only_where_files_are_limited() {
        assert_eq!(meaning(IOERR_WRITE, true), FULL);
        assert_eq!(meaning(IOERR_WRITE, false), IOERR);
        // A flush that failed is never harmless.
        let flush = IOERR | 4 << 8;
        assert_eq!(meaning(flush, true), IOERR);
    }
}
