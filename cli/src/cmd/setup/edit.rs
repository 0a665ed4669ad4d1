//! Edits of one file, worked out without touching it: what it becomes, and the note by which that is undone.

use super::files::{self, digest};
use super::json::{self, Added, Insertion, Leaf};
use super::record::{FileNote, Ours};
use anyhow::{Context, bail};
use std::fs;
use std::path::PathBuf;

/// Before our lines in a text for people.
pub(super) const BLOCK_BEGIN: &str = "<!-- c2c:begin -->";
/// Behind them.
pub(super) const BLOCK_END: &str = "<!-- c2c:end -->";

/// What a file is to hold.
#[derive(Clone, Debug)]
pub(in crate::cmd) enum Wish {
    /// These members and elements. Of what setup added before, it is to lose what `stale` names.
    Json {
        /// What is to be there.
        leaves: Vec<Leaf>,
        /// What is not to be there any more.
        stale: Vec<Leaf>,
    },
    /// These lines, between marks.
    Block(String),
    /// This and nothing else.
    Whole(String),
}

/// A file and what it is to hold.
#[derive(Clone, Debug)]
pub(in crate::cmd) struct Edit {
    /// Which file.
    pub(in crate::cmd) path: PathBuf,
    /// What it is to hold.
    pub(in crate::cmd) wish: Wish,
}

/// What an edit comes to.
#[derive(Debug)]
pub(in crate::cmd) struct Work {
    /// What the file becomes.
    pub(in crate::cmd) text: String,
    /// How it is undone.
    pub(in crate::cmd) note: FileNote,
}

impl Edit {
    /// What is to be done; `None` if the file is as it should be.
    ///
    /// # Errors
    /// When the file cannot be edited safely. It is left as it is.
    pub(in crate::cmd) fn work_out(&self, note: Option<&FileNote>) -> anyhow::Result<Option<Work>> {
        let found = files::read(&self.path)?;
        let current = found.clone().unwrap_or_default();
        // A note of something that is not there any more (a crash came before the change, or somebody undid it).
        let note = note.filter(|note| found.is_some() && is_there(&current, note));
        let started = Work {
            text: current.clone(),
            note: note.cloned().unwrap_or_else(|| FileNote {
                path: self.path.clone(),
                created: found.is_none(),
                before_sha256: digest(current.as_bytes()),
                ours: self.nothing_yet(),
            }),
        };
        let unchanged = || format!("{} is left as it is", self.path.display());
        let work = match &self.wish {
            Wish::Json { leaves, stale } => add_leaves(started, leaves, stale).with_context(unchanged)?,
            Wish::Block(lines) => add_block(started, lines),
            Wish::Whole(text) => replace_whole(started, text, found.is_none()).with_context(unchanged)?,
        };
        if found.as_ref() == Some(&work.text) {
            return Ok(None);
        }
        if fs::metadata(&self.path).is_ok_and(|found| found.permissions().readonly()) {
            bail!(
                "{} is read-only, it is left as it is; make it writable, or choose another --scope",
                self.path.display()
            );
        }
        Ok(Some(work))
    }

    fn nothing_yet(&self) -> Ours {
        match &self.wish {
            Wish::Json { .. } => Ours::Json(Added::default()),
            Wish::Block(_) => Ours::Block(Vec::new()),
            Wish::Whole(_) => Ours::Whole { sha256: String::new() },
        }
    }
}

fn is_there(text: &str, note: &FileNote) -> bool {
    match &note.ours {
        Ours::Json(added) => added.leaves.iter().any(|leaf| json::has(text, leaf).unwrap_or(false)),
        Ours::Block(_) => text.contains(BLOCK_BEGIN),
        Ours::Whole { sha256 } => digest(text.as_bytes()) == *sha256,
    }
}

fn add_leaves(mut work: Work, leaves: &[Leaf], stale: &[Leaf]) -> anyhow::Result<Work> {
    let Ours::Json(mut added) = work.note.ours else { return Ok(work) };
    let outdated = |leaf: &Leaf| stale.contains(leaf) && json::has(&work.text, leaf).unwrap_or(false);
    let mut again = Vec::new();
    if added.leaves.iter().any(outdated) {
        // All of ours goes, and what is still wanted comes anew: so that undoing it stays exact.
        again = added
            .leaves
            .iter()
            .filter(|leaf| !stale.contains(leaf) && !leaves.contains(leaf))
            .cloned()
            .collect();
        let before = work.note.before_sha256.clone();
        work.text = json::take_out(&work.text, &added, |text| digest(text.as_bytes()) == before)?.text;
        work.note.before_sha256 = digest(work.text.as_bytes());
        added = Added::default();
    }
    again.extend_from_slice(leaves);
    work.text = json::add(&work.text, &again, &mut added)?;
    work.note.ours = Ours::Json(added);
    Ok(work)
}

fn add_block(mut work: Work, lines: &str) -> Work {
    if work.text.contains(BLOCK_BEGIN) {
        return work;
    }
    let newline = if work.text.contains("\r\n") { "\r\n" } else { "\n" };
    let gap = match work.text.as_str() {
        "" => "",
        text if text.ends_with('\n') => "\n",
        _ => "\n\n",
    };
    let bytes = format!("{gap}{BLOCK_BEGIN}\n{}\n{BLOCK_END}\n", lines.trim_end()).replace('\n', newline);
    let insertion = Insertion { at: work.text.len(), text: bytes };
    work.text.push_str(&insertion.text);
    work.note.ours = Ours::Block(vec![insertion]);
    work
}

fn replace_whole(mut work: Work, text: &str, absent: bool) -> anyhow::Result<Work> {
    let ours = matches!(&work.note.ours, Ours::Whole { sha256 } if !sha256.is_empty());
    if !absent && !ours && work.text != text {
        bail!("the file is there already and is not one of setup's: move it away, and run this again");
    }
    if absent || ours {
        work.note.ours = Ours::Whole { sha256: digest(text.as_bytes()) };
    }
    text.clone_into(&mut work.text);
    Ok(work)
}

/// A leaf in a few words.
pub(in crate::cmd) fn describe(leaf: &Leaf) -> String {
    let place = leaf.at.join(".");
    match &leaf.key {
        Some(key) => format!("{place}.{key}"),
        None => match leaf.value.as_str() {
            Some(text) => format!("{place}: \"{text}\""),
            None => format!(
                "{place}: {}",
                commands(leaf).iter().map(|command| short(command)).collect::<Vec<_>>().join(", ")
            ),
        },
    }
}

/// A command of a hook without the folder of its program.
fn short(command: &str) -> String {
    command.rsplit_once(" hook ").map_or_else(|| command.to_owned(), |(_, what)| format!("c2c hook {what}"))
}

/// The commands of a group of hooks.
pub(super) fn commands(leaf: &Leaf) -> Vec<String> {
    let hooks = leaf.value["hooks"].as_array();
    let command = |hook: &serde_json::Value| hook["command"].as_str().map(str::to_owned);
    hooks.into_iter().flatten().filter_map(command).collect()
}
