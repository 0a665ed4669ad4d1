//! Undoing what was done to files, one after the other; one that fails keeps no other from being undone.

use crate::cmd::setup::files::{self as disk, Readers};
use crate::cmd::setup::places::Places;
use crate::cmd::setup::record::{FileNote, Record};
use crate::cmd::setup::server;
use crate::cmd::setup::undo;
use std::fs;

/// Takes the registrations back that `claude` made.
pub(super) async fn servers(record: &mut Record, troubles: &mut Vec<String>) {
    // The latest first: each restores what was before it.
    for note in std::mem::take(&mut record.servers).into_iter().rev() {
        if let Err(error) = server::unregister(&note).await {
            troubles.push(format!("the MCP server {} is still registered: {error:#}", note.name));
            record.servers.insert(0, note);
        }
    }
}

/// Restores the files, or those that are chosen.
pub(super) fn files(record: &mut Record, which: impl Fn(&FileNote) -> bool, troubles: &mut Vec<String>) {
    let (doomed, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut record.files).into_iter().partition(which);
    record.files = kept;
    for note in doomed.into_iter().rev() {
        match restore(&note) {
            Ok(remarks) => troubles.extend(remarks),
            Err(error) => {
                troubles.push(format!("{error:#}"));
                record.files.insert(0, note);
            }
        }
    }
}

/// Returns what has to be said.
fn restore(note: &FileNote) -> anyhow::Result<Vec<String>> {
    let undone = undo::undo(note)?;
    match undone.text {
        Some(text) if disk::read(&note.path)?.as_ref() == Some(&text) => {}
        Some(text) => disk::write(&note.path, &text, Readers::Usual)?,
        None => disk::remove(&note.path)?,
    }
    Ok(undone.remarks)
}

/// Saves what is left of the note, and removes the folders that setup made if nothing is in them.
pub(super) fn folders(record: &mut Record, places: &Places) -> anyhow::Result<()> {
    let folders = std::mem::take(&mut record.folders);
    record.save(&places.record())?;
    let mut kept: Vec<_> =
        folders.into_iter().rev().filter(|folder| fs::remove_dir(folder).is_err()).collect();
    kept.retain(|folder| folder.exists());
    kept.reverse();
    // Those that are in use now are noted on only as long as anything else is.
    if *record != Record::empty() {
        record.folders = kept;
        record.save(&places.record())?;
    }
    Ok(())
}
