//! Private folders on Windows: what lies in a user's profile is private by inheritance, and the pipe has a list of
//! its own, so a folder only has to be one.

use super::refused;
use crate::error::Error;
use std::fs::OpenOptions;
use std::path::Path;

pub(super) fn ensure_private_dir(dir: &Path) -> Result<(), Error> {
    if check_private_dir(dir)? {
        return Ok(());
    }
    std::fs::create_dir_all(dir).map_err(|error| {
        refused(
            format!("the folder {} cannot be made: {error}", dir.display()),
            "check permissions and space where it lies, or choose another store path".to_owned(),
        )
    })
}

/// The folder's access rules make it the user's alone.
pub(super) fn private_file() -> OpenOptions {
    OpenOptions::new()
}

pub(super) fn is_private(path: &Path) -> std::io::Result<bool> {
    std::fs::metadata(path).map(|_| true)
}

pub(super) fn check_private_dir(dir: &Path) -> Result<bool, Error> {
    match std::fs::symlink_metadata(dir) {
        Ok(found) if found.is_dir() => Ok(true),
        Ok(_) => Err(refused(
            format!("{} is not a folder", dir.display()),
            format!("move {} away, c2c makes the folder anew", dir.display()),
        )),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(refused(
            format!("the folder {} cannot be looked at: {error}", dir.display()),
            "check the permissions of the folders above it, or choose another store path".to_owned(),
        )),
    }
}
