//! After a flush that failed, the system may show in a file what never reaches the disk: it counts the pages as written,
//! and the next flush succeeds without them. A broker that acknowledged anything on top of them could lose it in a power
//! cut. So the broker that saw the failure leaves a mark and ends without tidying up, as if it had been killed; and the
//! next one writes what the log shows onto the log itself, byte for byte, and flushes that, before anything opens the store.
//!
//! Nothing else has to be made good: what was being folded into the store is still in the log, and is folded again from
//! its first frame. The mark itself is not flushed: where it does not survive, neither does what the system only showed.

use super::errors::{disk_fails, of_io};
use super::header::log_of;
use c2c_proto::paths::{StorePaths, private_file};
use c2c_proto::{Error, ErrorCode};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// So much is read and written at a time, in bytes.
const PIECE_BYTES: usize = 1024 * 1024;

/// Leaves the mark: a file that is there for it is given its name, since one that fails may be a disk on which no file
/// can be made any more.
pub(super) fn note(paths: &StorePaths) {
    let noted = std::fs::rename(spare(paths), &paths.flush_failed).or_else(|_| make(&paths.flush_failed));
    if let Err(error) = noted {
        tracing::error!(%error, "that a flush failed could not be noted in the run folder");
    }
}

/// Makes the file that becomes the mark.
pub(super) fn prepare(paths: &StorePaths) {
    if let Err(error) = make(&spare(paths)) {
        tracing::warn!(%error, "the mark of a failed flush could not be prepared in the run folder");
    }
}

fn spare(paths: &StorePaths) -> PathBuf {
    paths.flush_failed.with_extension("spare")
}

fn make(file: &Path) -> io::Result<()> {
    private_file().write(true).create(true).truncate(false).open(file).map(drop)
}

/// Makes good what a broker before could not flush, if there is a mark. Before the store is opened.
///
/// # Errors
/// `storage_failed` or `storage_full` if the disk still fails; `store_refused` if the log may not be written.
pub(super) fn make_good(paths: &StorePaths) -> Result<(), Error> {
    match paths.flush_failed.try_exists() {
        Ok(false) => return Ok(()),
        Ok(true) => {}
        Err(error) => return Err(disk_fails(&paths.flush_failed, &error)),
    }
    let log = log_of(&paths.store);
    match OpenOptions::new().read(true).write(true).open(&log).and_then(write_again) {
        Ok(bytes) => {
            tracing::warn!(bytes, "a flush had failed before; the log was written and flushed again");
        }
        // It was folded as a whole.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(of_io(&error, &log, || not_possible("written again", &log, &error))),
    }
    std::fs::remove_file(&paths.flush_failed)
        .map_err(|error| not_possible("removed", &paths.flush_failed, &error))
}

/// The same bytes in the same places: whatever a power cut leaves of it, nothing is worse than before.
fn write_again(mut log: File) -> io::Result<u64> {
    let mut piece = vec![0; PIECE_BYTES];
    let mut at = 0;
    loop {
        let read = log.read(&mut piece)?;
        let Some(shown) = piece.get(..read).filter(|shown| !shown.is_empty()) else { break };
        log.seek(SeekFrom::Start(at))?;
        log.write_all(shown)?;
        at += read as u64;
    }
    log.sync_all()?;
    Ok(at)
}

fn not_possible(what: &str, path: &Path, error: &io::Error) -> Error {
    Error::new(
        ErrorCode::StorageFailed,
        format!("a flush of the store failed before, and {} cannot be {what}: {error}", path.display()),
        "make the files writable for you, then call again; if this stays, the disk needs looking after",
    )
}

#[cfg(test)]
mod tests {
    use super::{PIECE_BYTES, make_good, note, prepare, spare};
    use c2c_proto::paths::StorePaths;

    #[test]
    fn the_log_is_as_it_was_and_the_mark_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let paths = StorePaths::of_store(&folder.path().join("c2c.db")).unwrap();
        std::fs::create_dir(&paths.run_dir).unwrap();
        make_good(&paths).unwrap();
        note(&paths);
        make_good(&paths).expect("there is no log");
        let log = paths.store.with_file_name("c2c.db-wal");
        for length in [0, 1, PIECE_BYTES - 1, PIECE_BYTES, 3 * PIECE_BYTES + 7] {
            let content: Vec<u8> = (0..length).map(|at| (at % 251).to_le_bytes()[0]).collect();
            std::fs::write(&log, &content).unwrap();
            prepare(&paths);
            note(&paths);
            assert!(!spare(&paths).exists(), "it is given another name, so that nothing has to be made");
            assert!(paths.flush_failed.exists());
            make_good(&paths).unwrap();
            assert!(std::fs::read(&log).unwrap() == content && !paths.flush_failed.exists(), "{length}");
        }
    }
}
