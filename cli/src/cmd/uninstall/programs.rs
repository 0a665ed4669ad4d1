//! Removing the programs that setup copied.

use crate::cmd::setup::files;
use crate::cmd::setup::record::{ProgramNote, Record};
use anyhow::Context;
use std::fs;
use std::path::Path;

/// Removes those that are still what was copied.
pub(super) fn remove(record: &mut Record, troubles: &mut Vec<String>) {
    record.programs.retain(|note| match remove_one(note) {
        Ok(None) => false,
        Ok(Some(remark)) => {
            troubles.push(remark);
            false
        }
        Err(error) => {
            troubles.push(format!("{error:#}"));
            true
        }
    });
}

/// Returns what has to be said.
fn remove_one(note: &ProgramNote) -> anyhow::Result<Option<String>> {
    match files::digest_of(&note.path)? {
        None => Ok(None),
        Some(digest) if digest == note.sha256 => drop_file(&note.path).map(|()| None),
        Some(_) => {
            Ok(Some(format!("{} is not what setup put there any more, it stays", note.path.display())))
        }
    }
}

/// Windows does not remove a program that runs, but lets it be renamed.
fn drop_file(path: &Path) -> anyhow::Result<()> {
    let Err(error) = files::remove(path) else { return Ok(()) };
    if cfg!(windows) {
        let aside = path.with_extension("exe.removed");
        fs::rename(path, &aside).with_context(|| format!("failed to remove {}", path.display()))?;
        return Err(error).with_context(|| format!("it still runs: remove {} later", aside.display()));
    }
    Err(error)
}
