//! Changes of a JSON text that leave every other byte as it is: members and elements are inserted, and taken out again.
//!
//! It owns how a text is changed; what is put in, and into which file, others say. What is no JSON is refused.

mod scan;
mod style;
mod take;
#[cfg(test)]
mod tests;

use anyhow::{Context, bail};
use scan::{Inner, scan, value};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use style::Style;
pub(in crate::cmd) use take::{cut_out, take_nested, take_out};

/// One thing that is to be in a file: a member of an object, or an element of an array.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::cmd) struct Leaf {
    /// The keys that lead to the object or array.
    pub(in crate::cmd) at: Vec<String>,
    /// The member's key; `None` for an element of an array.
    pub(in crate::cmd) key: Option<String>,
    /// What it is.
    pub(in crate::cmd) value: Value,
}

/// Bytes that were inserted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::cmd) struct Insertion {
    /// At which byte of the text as it was just before.
    pub(in crate::cmd) at: usize,
    /// Exactly these.
    pub(in crate::cmd) text: String,
}

/// Everything that was put into a text, in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::cmd) struct Added {
    /// The bytes.
    pub(in crate::cmd) inserted: Vec<Insertion>,
    /// What they mean.
    pub(in crate::cmd) leaves: Vec<Leaf>,
    /// Objects and arrays that were not there before; the empty path is the text's own object.
    pub(in crate::cmd) containers: Vec<Vec<String>>,
}

/// Whether it is there.
pub(in crate::cmd) fn has(text: &str, leaf: &Leaf) -> anyhow::Result<bool> {
    if scan::is_blank(text) {
        return Ok(false);
    }
    let value = value(text)?;
    let container = leaf.at.iter().try_fold(&value, |value, key| value.get(key));
    Ok(match (&leaf.key, container) {
        (Some(key), Some(container)) => container.get(key) == Some(&leaf.value),
        (None, Some(Value::Array(elements))) => elements.contains(&leaf.value),
        _ => false,
    })
}

/// The value at a path of keys.
pub(in crate::cmd) fn at(text: &str, path: &[&str]) -> anyhow::Result<Option<Value>> {
    if scan::is_blank(text) {
        return Ok(None);
    }
    let value = value(text)?;
    Ok(path.iter().try_fold(&value, |value, key| value.get(key)).cloned())
}

/// Whether two texts mean the same. Two without anything in them do.
pub(in crate::cmd) fn same(one: &str, other: &str) -> bool {
    let blank = scan::is_blank(one) && scan::is_blank(other);
    blank || matches!((value(one), value(other)), (Ok(one), Ok(other)) if one == other)
}

/// Puts in what is not there yet; the note of it goes to `added`.
///
/// # Errors
/// When the text is no JSON, or has something else where the leaf should be.
pub(in crate::cmd) fn add(text: &str, leaves: &[Leaf], added: &mut Added) -> anyhow::Result<String> {
    let mut text = text.to_owned();
    if scan::is_blank(&text) {
        added.containers.push(Vec::new());
        insert(&mut text, usize::MAX, "{}\n".to_owned(), added);
    }
    for leaf in leaves {
        if !has(&text, leaf)? {
            add_one(&mut text, leaf, added)?;
        }
    }
    Ok(text)
}

fn add_one(text: &mut String, leaf: &Leaf, added: &mut Added) -> anyhow::Result<()> {
    let root = scan(text)?;
    let (mut container, mut depth) = (&root, 0);
    while let Some(next) = leaf.at.get(depth).and_then(|key| container.member(key)) {
        (container, depth) = (next, depth + 1);
    }
    let place = || match depth {
        0 => "the whole file".to_owned(),
        _ => format!("\"{}\"", leaf.at.get(..depth).unwrap_or_default().join(".")),
    };
    let missing = leaf.at.get(depth..).unwrap_or_default();
    let (key, value) = wrapped(missing, leaf);
    match (&container.inner, key) {
        (Inner::Object(_), Some(key)) if container.member(key).is_some() => {
            bail!("{} has another \"{key}\" already", place());
        }
        (Inner::Object(_), Some(_)) | (Inner::Array(_), None) => {}
        (_, Some(_)) => bail!("{} is no object", place()),
        (_, None) => bail!("{} is no array", place()),
    }
    let (at, bytes) = Style::of(text, &root).new_child(container, key, &value);
    for length in depth + 1..=leaf.at.len() {
        added.containers.push(leaf.at.get(..length).unwrap_or_default().to_vec());
    }
    added.leaves.push(leaf.clone());
    insert(text, at, bytes, added);
    // A mistake of this module's must never reach a file.
    if has(text, leaf).context("the changed text is no JSON any more")? {
        return Ok(());
    }
    bail!("what was inserted is not found again")
}

/// The leaf inside of the objects that are missing around it.
fn wrapped<'a>(missing: &'a [String], leaf: &'a Leaf) -> (Option<&'a str>, Value) {
    let Some((outer, inner)) = missing.split_first() else {
        return (leaf.key.as_deref(), leaf.value.clone());
    };
    let innermost = match &leaf.key {
        Some(key) => json!({ key: leaf.value }),
        None => json!([leaf.value]),
    };
    (Some(outer), inner.iter().rev().fold(innermost, |value, key| json!({ key: value })))
}

fn insert(text: &mut String, at: usize, bytes: String, added: &mut Added) {
    let at = at.min(text.len());
    text.insert_str(at, &bytes);
    added.inserted.push(Insertion { at, text: bytes });
}
