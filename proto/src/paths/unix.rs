//! Private folders by owner and mode.

use super::refused;
use crate::error::Error;
use std::fs::{DirBuilder, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Everything for the owner, nothing for anyone else.
const PRIVATE_MODE: u32 = 0o700;
/// Reading and writing for the owner, nothing for anyone else.
const PRIVATE_FILE_MODE: u32 = 0o600;
const OTHERS_ANYTHING: u32 = 0o077;
const OTHERS_WRITE: u32 = 0o002;
const GROUP_WRITE: u32 = 0o020;
const STICKY: u32 = 0o1000;

pub(super) fn ensure_private_dir(dir: &Path) -> Result<(), Error> {
    if let Some(parent) = dir.parent() {
        let missing = look(parent)?.is_none();
        if missing {
            make(parent, true)?;
        }
        check_parent(parent)?;
    }
    if !check_private_dir(dir)? {
        make(dir, false)?;
        check_private_dir(dir)?;
    }
    Ok(())
}

pub(super) fn check_private_dir(dir: &Path) -> Result<bool, Error> {
    let Some(found) = look(dir)? else { return Ok(false) };
    if let Some(parent) = dir.parent() {
        check_parent(parent)?;
    }
    if !found.is_dir() {
        let what = if found.is_symlink() { "a symbolic link" } else { "not a folder" };
        return Err(refused(
            format!("{} is {what}, it must be a folder of your own", dir.display()),
            format!("move {} away, c2c makes the folder anew", dir.display()),
        ));
    }
    if found.uid() != own_uid() || found.mode() & OTHERS_ANYTHING != 0 {
        return Err(refused(
            format!("the folder {} is not private: {}", dir.display(), owner_and_mode(&found)),
            format!(
                "find out who made it; then `chmod 700 {0}` if it is yours, or move {0} away",
                dir.display()
            ),
        ));
    }
    Ok(true)
}

pub(super) fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(PRIVATE_FILE_MODE);
    options
}

/// Whoever can write to the folder above can put another one in this one's place.
fn check_parent(parent: &Path) -> Result<(), Error> {
    let Some(found) = std::fs::metadata(parent).ok().filter(Metadata::is_dir) else {
        return Err(refused(
            format!("{} is not a folder that can be looked into", parent.display()),
            "choose a store path in a folder of your own".to_owned(),
        ));
    };
    let owner_is_safe = found.uid() == own_uid() || found.uid() == 0;
    // Many systems give each user a group of the same number and let it write by default: that group is the user.
    let group_is_own = found.gid() == found.uid();
    let others_write = found.mode() & OTHERS_WRITE != 0 || (found.mode() & GROUP_WRITE != 0 && !group_is_own);
    if owner_is_safe && (!others_write || found.mode() & STICKY != 0) {
        return Ok(());
    }
    Err(refused(
        format!("others can write to the folder {}: {}", parent.display(), owner_and_mode(&found)),
        format!(
            "run `chmod go-w {}` if it is yours, or choose a store path in another folder",
            parent.display()
        ),
    ))
}

/// What is there itself, not what a link points to.
fn look(path: &Path) -> Result<Option<Metadata>, Error> {
    match std::fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(refused(
            format!("the folder {} cannot be looked at: {error}", path.display()),
            "check the permissions of the folders above it, or choose another store path".to_owned(),
        )),
    }
}

pub(super) fn is_private(path: &Path) -> io::Result<bool> {
    Ok(std::fs::metadata(path)?.mode() & OTHERS_ANYTHING == 0)
}

fn make(dir: &Path, with_parents: bool) -> Result<(), Error> {
    match DirBuilder::new().mode(PRIVATE_MODE).recursive(with_parents).create(dir) {
        Ok(()) => Ok(()),
        // Another broker that starts at this moment made it; it is checked like any other.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(refused(
            format!("the folder {} cannot be made: {error}", dir.display()),
            "check permissions and space where it lies, or choose another store path".to_owned(),
        )),
    }
}

fn owner_and_mode(found: &Metadata) -> String {
    format!(
        "it belongs to uid {} (you are {}) and has mode {:04o}",
        found.uid(),
        own_uid(),
        found.mode() & 0o7777
    )
}

fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}
