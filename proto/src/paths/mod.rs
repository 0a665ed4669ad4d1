//! Where everything lies. All of it follows from the store's path, so that every program of one user that names the
//! same store meets at the same broker, whatever else its environment says.
//!
//! For `X/c2c.db`: the folder `X/c2c.run` (private) with lock, log and socket, and the configuration `X/c2c.toml`.
//! Owns the rules for private folders. Does not know what is written into the files.

mod resolve;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as platform;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as platform;

#[cfg(test)]
mod tests;

use crate::endpoint::Address;
use crate::error::{Error, ErrorCode};
use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

/// The variable that names the store. It alone moves everything.
pub const STORE_VARIABLE: &str = "CLAUDE_C2C_DB";

/// Where the store lies in the home folder, if nothing names another place.
const DEFAULT_STORE: [&str; 2] = [".claude", "c2c.db"];

/// The usual ending of a store, which its companions replace by their own.
const STORE_ENDING: &str = ".db";

/// Everything that follows from the store's path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorePaths {
    /// The SQLite file; absolute, without symbolic links.
    pub store: PathBuf,
    /// The private folder of the running broker.
    pub run_dir: PathBuf,
    /// Held by the broker for as long as it runs; never removed.
    pub lock: PathBuf,
    /// Held by a client while it starts a broker; never removed.
    pub start_lock: PathBuf,
    /// The broker's log.
    pub log: PathBuf,
    /// Remembers the store's id, so that a lost store is noticed.
    pub store_id: PathBuf,
    /// There while a broker's failed flush is not made good.
    pub flush_failed: PathBuf,
    /// The broker's configuration, beside the store.
    pub config: PathBuf,
    /// The link's configuration, beside the store; there is a link only where it is.
    pub link_config: PathBuf,
    /// Held by the link for as long as it runs; never removed.
    pub link_lock: PathBuf,
    /// The link rests while this is there.
    pub link_paused: PathBuf,
    /// Where the broker listens.
    pub address: Address,
}

impl StorePaths {
    /// The store that `CLAUDE_C2C_DB` names (an empty value is an absent one), else `~/.claude/c2c.db`.
    ///
    /// # Errors
    /// `invalid_argument` if there is neither the variable nor a home folder, or the path cannot be a store's.
    pub fn from_env() -> Result<Self, Error> {
        let named = std::env::var_os(STORE_VARIABLE);
        let home = directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned());
        Self::of_store(&store_from(named.as_deref(), home.as_deref())?)
    }

    /// What follows from this path. A relative one is taken from the working directory; however it is spelled, through
    /// whatever symbolic links, one file has one set of paths. The file need not exist.
    ///
    /// # Errors
    /// `invalid_argument` if the path names no file, or cannot be followed.
    pub fn of_store(path: &Path) -> Result<Self, Error> {
        let store = resolve::resolve(path).map_err(|error| {
            Error::invalid(
                format!("the store path {} cannot be followed: {error}", path.display()),
                format!("set {STORE_VARIABLE} to an absolute path of a file in a folder of your own"),
            )
        })?;
        let (Some(folder), Some(name)) = (store.parent(), store.file_name()) else {
            return Err(names_no_file(path));
        };
        if store.is_dir() {
            return Err(names_no_file(path));
        }
        let run_dir = folder.join(companion(name, "run"));
        Ok(Self {
            lock: run_dir.join("broker.lock"),
            start_lock: run_dir.join("start.lock"),
            log: run_dir.join("broker.log"),
            store_id: run_dir.join("store.id"),
            flush_failed: run_dir.join("flush.failed"),
            config: folder.join(companion(name, "toml")),
            link_config: folder.join(companion(name, "link.toml")),
            link_lock: run_dir.join("link.lock"),
            link_paused: run_dir.join("link.paused"),
            address: Address::of_store(&store, &run_dir)?,
            run_dir,
            store,
        })
    }
}

/// Makes a folder that only this user can enter, and what is missing above it. A folder that exists is never changed.
///
/// # Errors
/// `store_refused`, naming path, owner and mode, if what is there is not a private folder of this user's, or if others
/// could replace it; also if it cannot be made.
pub fn ensure_private_dir(dir: &Path) -> Result<(), Error> {
    platform::ensure_private_dir(dir)
}

/// Whether the folder exists; and if it does, that only this user can enter it. Makes nothing.
///
/// # Errors
/// `store_refused` as [`ensure_private_dir`].
pub fn check_private_dir(dir: &Path) -> Result<bool, Error> {
    platform::check_private_dir(dir)
}

/// Whether only its owner can read a file. On Windows that is decided by the folder that it lies in.
///
/// # Errors
/// The system's, when it cannot be looked at.
pub fn is_private(path: &Path) -> std::io::Result<bool> {
    platform::is_private(path)
}

/// Options that make a file of the user's alone.
#[must_use]
pub fn private_file() -> OpenOptions {
    platform::private_file()
}

/// Which path is meant, with a leading `~/` as the home folder: configuration files are not read by a shell.
fn store_from(named: Option<&OsStr>, home: Option<&Path>) -> Result<PathBuf, Error> {
    let homeless = || {
        Error::invalid(
            "there is no home folder to find the store in",
            format!("set {STORE_VARIABLE} to an absolute path, or HOME to your home folder"),
        )
    };
    match named.filter(|named| !named.is_empty()) {
        None => Ok(home.ok_or_else(homeless)?.join(PathBuf::from_iter(DEFAULT_STORE))),
        Some(named) => match Path::new(named).strip_prefix("~") {
            Ok(below) => Ok(home.ok_or_else(homeless)?.join(below)),
            Err(_) => Ok(PathBuf::from(named)),
        },
    }
}

/// `c2c.db` has the companion `c2c.run`. A name with another ending keeps it (`notes.sqlite.c2c.run`), as does one that
/// would come to the same as such a name (`notes.c2c.db`): two stores in one folder must not share one.
fn companion(store_name: &OsStr, ending: &str) -> OsString {
    let stem = store_name
        .to_str()
        .and_then(|name| name.strip_suffix(STORE_ENDING))
        .filter(|stem| !stem.is_empty() && !stem.ends_with(".c2c"));
    let mut name = stem.map_or_else(|| store_name.to_owned(), OsString::from);
    name.push(if stem.is_some() { "." } else { ".c2c." });
    name.push(ending);
    name
}

fn names_no_file(path: &Path) -> Error {
    Error::invalid(
        format!("the store path {} names a folder, not a file", path.display()),
        format!("set {STORE_VARIABLE} to the path of a file, for example {}", path.join("c2c.db").display()),
    )
}

/// A refusal that concerns the folders around the store.
fn refused(message: String, hint: String) -> Error {
    Error::new(ErrorCode::StoreRefused, message, hint)
}
