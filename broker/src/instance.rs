//! One broker per store: whoever holds the lock on `broker.lock` is it.
//!
//! Owns the lock file, which is never removed, because a removed one could be locked twice. What its holder wrote into
//! it is for people only; no decision rests on it.

use crate::args::Mode;
use crate::platform;
use c2c_proto::error::{Error, ErrorCode};
use c2c_proto::paths::{StorePaths, ensure_private_dir, private_file};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::time::Duration;
use tokio::sync::oneshot;

/// The right to be the broker of a store. Dropping it lets the next one begin.
#[derive(Debug)]
pub struct Instance {
    file: File,
}

/// Who holds the lock, as it says itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its process.
    pub pid: u32,
    /// Its version.
    pub version: String,
    /// What kind of broker it is.
    pub mode: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "pid {}, version {}, {}", self.pid, self.version, self.mode)
    }
}

/// What came of asking for the lock.
#[derive(Debug)]
pub enum Claim {
    /// This process is the broker now.
    Held(Instance),
    /// Another one is.
    Taken(Option<Holder>),
}

/// Asks for the lock, making the run folder where it is missing. Does not wait.
///
/// # Errors
/// `store_refused` when the folder is not private or not on a disk of this machine, `storage_failed` when the lock file
/// cannot be used.
pub fn claim(paths: &StorePaths, mode: Mode) -> Result<Claim, Error> {
    check_disk(&paths.run_dir)?;
    ensure_private_dir(&paths.run_dir)?;
    loop {
        let file = open(&paths.lock)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Claim::Taken(holder(file))),
            Err(TryLockError::Error(error)) => return Err(unusable(&paths.lock, &error)),
        }
        // Someone may have removed the file between the opening and the locking: then this lock is nobody's.
        if is_named(&file, &paths.lock) {
            return Instance::begin(file, &paths.lock, mode).map(Claim::Held);
        }
    }
}

/// Waits for the lock; `None` when the time is over.
///
/// # Errors
/// As [`claim`].
pub async fn wait(paths: &StorePaths, mode: Mode, most: Duration) -> Result<Option<Instance>, Error> {
    ensure_private_dir(&paths.run_dir)?;
    let file = open(&paths.lock)?;
    // A thread of its own, because nothing ends it when the time is over; it goes with the process.
    let (locked, outcome) = oneshot::channel();
    std::thread::Builder::new()
        .name("lock".to_owned())
        .spawn(move || {
            let result = file.lock().map(|()| file);
            // Nobody waits any more when the time was over: then the file closes here, and the lock with it.
            let _ = locked.send(result);
        })
        .map_err(|error| unusable(&paths.lock, &error))?;
    match tokio::time::timeout(most, outcome).await {
        Ok(Ok(Ok(file))) if is_named(&file, &paths.lock) => {
            Instance::begin(file, &paths.lock, mode).map(Some)
        }
        Ok(Ok(Err(error))) => Err(unusable(&paths.lock, &error)),
        Ok(_) | Err(_) => Ok(None),
    }
}

impl Instance {
    /// Whether the lock file still is the one that is held. If not, another process could hold the new one.
    #[must_use]
    pub fn is_in_place(&self, lock: &Path) -> bool {
        is_named(&self.file, lock)
    }

    fn begin(file: File, lock: &Path, mode: Mode) -> Result<Self, Error> {
        let instance = Self { file };
        instance.write_holder(mode).map_err(|error| unusable(lock, &error))?;
        Ok(instance)
    }

    fn write_holder(&self, mode: Mode) -> io::Result<()> {
        let holder = Holder {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            mode: mode.as_str().to_owned(),
        };
        let mut line = serde_json::to_vec(&holder)?;
        line.push(b'\n');
        let mut file = &self.file;
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(&line)
    }
}

/// Neither lock nor store can be trusted where other machines have the same files open.
fn check_disk(run_dir: &Path) -> Result<(), Error> {
    let there = run_dir.ancestors().find(|folder| folder.exists());
    match there.and_then(|folder| Some((folder, platform::shared_with_machines(folder)?))) {
        None => Ok(()),
        Some((folder, kind)) => Err(Error::new(
            ErrorCode::StoreRefused,
            format!("{} lies on {kind}, which other machines can reach as well", folder.display()),
            "name a store on a disk of this machine with CLAUDE_C2C_DB",
        )),
    }
}

fn open(lock: &Path) -> Result<File, Error> {
    let opened = private_file().read(true).write(true).create(true).truncate(false).open(lock);
    opened.map_err(|error| unusable(lock, &error))
}

fn is_named(file: &File, path: &Path) -> bool {
    let id = platform::open_file_id(file);
    id.is_some() && id == platform::file_id(path)
}

/// What the holder wrote; nothing while it is writing, or where a locked file cannot be read.
fn holder(file: File) -> Option<Holder> {
    let mut text = String::new();
    file.take(4_096).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn unusable(lock: &Path, error: &io::Error) -> Error {
    let code = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            ErrorCode::StorageFull
        }
        _ => ErrorCode::StorageFailed,
    };
    Error::new(
        code,
        format!("the lock file {} cannot be used: {error}", lock.display()),
        "the folder of the store must be on a local disk that is not full, and writable for you",
    )
}

#[cfg(test)]
mod tests {
    use super::{Claim, Instance, claim, wait};
    use crate::args::Mode;
    use c2c_proto::paths::StorePaths;
    use std::time::Duration;

    fn paths(folder: &tempfile::TempDir) -> StorePaths {
        StorePaths::of_store(&folder.path().canonicalize().unwrap().join("c2c.db")).unwrap()
    }

    fn held(claim: Claim) -> Instance {
        match claim {
            Claim::Held(instance) => instance,
            Claim::Taken(holder) => panic!("taken by {holder:?}"),
        }
    }

    #[test]
    fn the_second_claim_fails_and_names_the_holder() {
        let folder = tempfile::tempdir().unwrap();
        let paths = paths(&folder);
        let first = held(claim(&paths, Mode::OnDemand).unwrap());
        match claim(&paths, Mode::Foreground).unwrap() {
            Claim::Held(_) => panic!("two holders"),
            // Windows lets nobody read what is locked (its imitations do).
            Claim::Taken(None) if cfg!(windows) => {}
            Claim::Taken(holder) => {
                let holder = holder.unwrap();
                assert_eq!((holder.pid, holder.mode.as_str()), (std::process::id(), "on demand"));
            }
        }
        drop(first);
        held(claim(&paths, Mode::Foreground).unwrap());
    }

    // Windows removes no file that is open.
    #[cfg(unix)]
    #[test]
    fn a_lock_whose_file_was_removed_or_replaced_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let paths = paths(&folder);
        let first = held(claim(&paths, Mode::OnDemand).unwrap());
        assert!(first.is_in_place(&paths.lock));
        std::fs::remove_dir_all(&paths.run_dir).unwrap();
        assert!(!first.is_in_place(&paths.lock));
        let second = held(claim(&paths, Mode::OnDemand).unwrap());
        assert!(!first.is_in_place(&paths.lock));
        assert!(second.is_in_place(&paths.lock));
    }

    #[tokio::test]
    async fn waiting_ends_with_the_lock_or_with_the_time() {
        let folder = tempfile::tempdir().unwrap();
        let paths = paths(&folder);
        let first = held(claim(&paths, Mode::OnDemand).unwrap());
        assert!(wait(&paths, Mode::Service, Duration::from_millis(20)).await.unwrap().is_none());
        let (waited, ()) =
            tokio::join!(wait(&paths, Mode::Service, Duration::from_secs(10)), async { drop(first) });
        assert!(waited.unwrap().is_some());
    }
}
