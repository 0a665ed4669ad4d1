//! Files as setup reads and writes them: whole, as text, and at one stroke.

use anyhow::{Context, bail};
use c2c_proto::paths::private_file;
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Who may read a file that is not there yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cmd) enum Readers {
    /// As the user's mask says.
    Usual,
    /// The user alone.
    Owner,
}

/// What is in the file; `None` if there is none.
pub(in crate::cmd) fn read(path: &Path) -> anyhow::Result<Option<String>> {
    match fs::read(path) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(_) => bail!("{} is not UTF-8 text, it is left as it is", path.display()),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("failed to read {}", path.display())),
    }
}

/// The file that a path means: a link stays a link, and its target is what changes.
pub(in crate::cmd) fn meant(path: &Path) -> anyhow::Result<PathBuf> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => {
            path.canonicalize().with_context(|| format!("{} is a link that leads nowhere", path.display()))
        }
        _ => Ok(path.to_owned()),
    }
}

/// Writes the file so that whoever reads it sees the old text or the new one. What may be done with it stays the same.
pub(in crate::cmd) fn write(path: &Path, text: &str, readers: Readers) -> anyhow::Result<()> {
    replace(path, readers, |file| file.write_all(text.as_bytes()))
        .with_context(|| format!("failed to write {}", path.display()))
}

/// Puts a copy of a program there, also over one that runs.
pub(in crate::cmd) fn copy_program(from: &Path, to: &Path) -> anyhow::Result<()> {
    let copy = || {
        let mut source = File::open(from)?;
        let mode = source.metadata()?.permissions();
        replace(to, Readers::Usual, |file| {
            io::copy(&mut source, file)?;
            file.set_permissions(mode)
        })
    };
    copy().with_context(|| format!("failed to copy {} to {}", from.display(), to.display()))
}

fn replace(path: &Path, readers: Readers, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(ErrorKind::InvalidInput.into());
    };
    let passing = folder.join(format!(".{}.{}.c2c-new", name.display(), std::process::id()));
    let mut options = match readers {
        Readers::Usual => OpenOptions::new(),
        Readers::Owner => private_file(),
    };
    let written = || {
        // What a run left that was killed here, and had the same number.
        let _ = fs::remove_file(&passing);
        let mut file = options.write(true).create_new(true).open(&passing)?;
        if let Ok(before) = fs::metadata(path) {
            file.set_permissions(before.permissions())?;
        }
        fill(&mut file)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&passing, path)
    };
    let result = written();
    if result.is_err() {
        // The old file is still there; a leftover that cannot be removed does no harm.
        let _ = fs::remove_file(&passing);
    }
    // The name, too, is to outlive a power cut; where a folder cannot be flushed, it flushes itself soon.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    result
}

/// Makes the folder and what is missing above it. Returns what was made, the outermost first.
pub(in crate::cmd) fn make_folder(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let made = missing_folders(folder);
    fs::create_dir_all(folder).with_context(|| format!("failed to create {}", folder.display()))?;
    Ok(made)
}

/// This folder and those above it that do not exist, the outermost first.
pub(in crate::cmd) fn missing_folders(folder: &Path) -> Vec<PathBuf> {
    let mut missing: Vec<PathBuf> =
        folder.ancestors().take_while(|folder| !folder.exists()).map(Path::to_owned).collect();
    missing.retain(|folder| !folder.as_os_str().is_empty());
    missing.reverse();
    missing
}

/// Removes the file; it is no failure if there is none.
pub(in crate::cmd) fn remove(path: &Path) -> anyhow::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("failed to remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// What tells one text from another.
pub(in crate::cmd) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The same of a file; `None` if there is none.
pub(in crate::cmd) fn digest_of(path: &Path) -> anyhow::Result<Option<String>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(digest(&bytes))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("failed to read {}", path.display())),
    }
}
