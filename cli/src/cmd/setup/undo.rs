//! Undoing the edit of one file, worked out without touching it.

use super::edit::{BLOCK_BEGIN, BLOCK_END, commands};
use super::files::{self, digest};
use super::json::{self, Added, Leaf};
use super::record::{FileNote, Ours};
use super::settings::is_hook;
use anyhow::Context;

/// What a file becomes when the edit is undone.
#[derive(Debug)]
pub(in crate::cmd) struct Undone {
    /// What is left; `None`: there is no file.
    pub(in crate::cmd) text: Option<String>,
    /// What could not be recognised, for the person.
    pub(in crate::cmd) remarks: Vec<String>,
}

/// Works out how a file is without what is ours.
///
/// # Errors
/// When that cannot be told. It is left as it is.
pub(in crate::cmd) fn undo(note: &FileNote) -> anyhow::Result<Undone> {
    let path = &note.path;
    let Some(text) = files::read(path)? else { return Ok(Undone { text: None, remarks: Vec::new() }) };
    let was = |text: &str| digest(text.as_bytes()) == note.before_sha256;
    let (left, remarks) = match &note.ours {
        Ours::Json(added) => {
            let unchanged = || format!("{} is left as it is; take out what is c2c's by hand", path.display());
            (take_json(&text, added, was).with_context(unchanged)?, Vec::new())
        }
        Ours::Block(inserted) => match json::cut_out(&text, inserted).or_else(|| cut_block(&text)) {
            Some(left) => (left, Vec::new()),
            None => {
                let remark =
                    format!("{}: only one of the two c2c marks is there; the lines stay", path.display());
                let remarks = if text.contains(BLOCK_BEGIN) || text.contains(BLOCK_END) {
                    vec![remark]
                } else {
                    Vec::new()
                };
                (text, remarks)
            }
        },
        Ours::Whole { sha256 } if digest(text.as_bytes()) == *sha256 => (String::new(), Vec::new()),
        Ours::Whole { .. } => {
            let remark = format!("{} was changed since, it stays", path.display());
            return Ok(Undone { text: Some(text), remarks: vec![remark] });
        }
    };
    let nothing_left = note.created && left.trim().is_empty();
    Ok(Undone { text: (!nothing_left).then_some(left), remarks })
}

/// The text without what stands between the marks.
fn cut_block(text: &str) -> Option<String> {
    let begin = text.find(BLOCK_BEGIN)?;
    let end = begin + text.get(begin..)?.find(BLOCK_END)? + BLOCK_END.len();
    let rest = text.get(end..)?;
    let rest = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n')).unwrap_or(rest);
    Some(format!("{}{rest}", text.get(..begin)?))
}

/// Takes out what was added, also where somebody changed it since but it still is to be recognised.
fn take_json(text: &str, added: &Added, was: impl Fn(&str) -> bool) -> anyhow::Result<String> {
    let taken = json::take_out(text, added, was)?;
    if taken.missing.is_empty() {
        return Ok(taken.text);
    }
    let mut text = taken.text;
    let mut changed = Vec::new();
    for leaf in &taken.missing {
        if is_hook(leaf) {
            let own = commands(leaf);
            let is_own = |hook: &serde_json::Value| own.iter().any(|command| hook["command"] == **command);
            json::take_nested(&mut text, &leaf.at, "hooks", is_own)?;
        } else if let Some(key) = &leaf.key {
            changed.extend(changed_server(&text, leaf, key)?);
        }
    }
    // What was made for them goes too, if nothing else is in it by now.
    let rest = Added { inserted: Vec::new(), leaves: changed, containers: added.containers.clone() };
    Ok(json::take_out(&text, &rest, |_| false)?.text)
}

/// A server that still runs our program is ours, whatever else was changed of it.
fn changed_server(text: &str, leaf: &Leaf, key: &str) -> anyhow::Result<Option<Leaf>> {
    let mut path: Vec<&str> = leaf.at.iter().map(String::as_str).collect();
    path.push(key);
    let found = json::at(text, &path)?.filter(|found| found["command"] == leaf.value["command"]);
    Ok(found.map(|value| Leaf { value, ..leaf.clone() }))
}
