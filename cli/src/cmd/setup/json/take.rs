//! Taking out of a JSON text what was put in: by the exact bytes where they are still there, else by what they mean.

use super::scan::{self, Inner, Node, scan, value};
use super::{Added, Insertion, Leaf, same};
use serde_json::Value;
use std::ops::Range;

/// What was taken out of a text.
#[derive(Debug)]
pub(in crate::cmd) struct Taken {
    /// What is left.
    pub(in crate::cmd) text: String,
    /// What was not there any more, or not as it was put in.
    pub(in crate::cmd) missing: Vec<Leaf>,
}

/// Takes out what was added. If nobody changed the text since, what is left is what it was before, byte for byte: `was`
/// tells. Otherwise every other change stays.
///
/// # Errors
/// When the text is no JSON.
pub(in crate::cmd) fn take_out(
    text: &str,
    added: &Added,
    was: impl Fn(&str) -> bool,
) -> anyhow::Result<Taken> {
    let cut = cut_out(text, &added.inserted);
    if let Some(text) = cut.clone().filter(|text| was(text)) {
        return Ok(Taken { text, missing: Vec::new() });
    }
    let by_meaning = take_out_by_meaning(text, added)?;
    // The exact bytes leave no trace; but only if they still mean what they did.
    match cut.filter(|cut| same(cut, &by_meaning.text)) {
        Some(text) => Ok(Taken { text, missing: by_meaning.missing }),
        None => Ok(by_meaning),
    }
}

/// Cuts the inserted bytes out, the latest first; `None` if they are not all there exactly once.
pub(in crate::cmd) fn cut_out(text: &str, inserted: &[Insertion]) -> Option<String> {
    let mut text = text.to_owned();
    for insertion in inserted.iter().rev() {
        let here = text.get(insertion.at..).is_some_and(|rest| rest.starts_with(&insertion.text));
        let at = if here { insertion.at } else { only_place(&text, &insertion.text)? };
        text.replace_range(at..at + insertion.text.len(), "");
    }
    Some(text)
}

fn only_place(text: &str, part: &str) -> Option<usize> {
    let at = text.find(part)?;
    (text.rfind(part) == Some(at)).then_some(at)
}

fn take_out_by_meaning(text: &str, added: &Added) -> anyhow::Result<Taken> {
    let mut taken = Taken { text: text.to_owned(), missing: Vec::new() };
    if scan::is_blank(text) {
        taken.missing.clone_from(&added.leaves);
        return Ok(taken);
    }
    for leaf in added.leaves.iter().rev() {
        let root = scan(&taken.text)?;
        match root.at(&leaf.at).and_then(|container| child_of(&taken.text, container, leaf)) {
            Some(place) => taken.text.replace_range(place, ""),
            None => taken.missing.push(leaf.clone()),
        }
    }
    for path in added.containers.iter().rev() {
        let root = scan(&taken.text)?;
        let Some(container) = root.at(path).filter(|container| is_empty(container)) else { continue };
        match path.split_last() {
            None if !container.span.is_empty() => taken.text.clear(),
            None => {}
            Some((key, above)) => {
                let place = root.at(above).and_then(|above| member_of(above, key));
                place.into_iter().for_each(|place| taken.text.replace_range(place, ""));
            }
        }
        if scan::is_blank(&taken.text) {
            break;
        }
    }
    Ok(taken)
}

fn is_empty(node: &Node) -> bool {
    !matches!(node.inner, Inner::Scalar) && node.children().is_empty()
}

/// Where this leaf lies, with the comma that goes with it.
fn child_of(text: &str, container: &Node, leaf: &Leaf) -> Option<Range<usize>> {
    let equal = |node: &Node| {
        text.get(node.span.clone()).and_then(|bytes| value(bytes).ok()).as_ref() == Some(&leaf.value)
    };
    match (&leaf.key, &container.inner) {
        (Some(key), Inner::Object(_)) if equal(container.member(key)?) => member_of(container, key),
        (None, Inner::Array(elements)) => cut_of(container, elements.iter().rposition(equal)?),
        _ => None,
    }
}

fn member_of(container: &Node, key: &str) -> Option<Range<usize>> {
    let Inner::Object(members) = &container.inner else { return None };
    cut_of(container, members.iter().rposition(|member| member.key == key)?)
}

/// The bytes of one child with one comma.
fn cut_of(container: &Node, index: usize) -> Option<Range<usize>> {
    let children = container.children();
    let own = children.get(index)?;
    let before = index.checked_sub(1).and_then(|before| children.get(before));
    Some(match (before, children.get(index + 1)) {
        (Some(before), _) => before.end..own.end,
        (None, Some(next)) => own.start..next.start,
        (None, None) => container.span.start + 1..container.span.end - 1,
    })
}

/// Of the objects in the array at a path, takes out of their array `inner` what is `own`; and those objects of which
/// nothing is left then. Returns how many were taken out.
///
/// # Errors
/// When the text is no JSON.
pub(in crate::cmd) fn take_nested(
    text: &mut String,
    at: &[String],
    inner: &str,
    own: impl Fn(&Value) -> bool,
) -> anyhow::Result<usize> {
    let mut count = 0;
    if scan::is_blank(text) {
        return Ok(count);
    }
    while let Some(place) = nested(text, &scan(text)?, at, inner, &own) {
        text.replace_range(place, "");
        count += 1;
    }
    Ok(count)
}

fn nested(
    text: &str,
    root: &Node,
    at: &[String],
    inner: &str,
    own: &impl Fn(&Value) -> bool,
) -> Option<Range<usize>> {
    let outer = root.at(at)?;
    let Inner::Array(groups) = &outer.inner else { return None };
    let is_own = |node: &Node| {
        text.get(node.span.clone()).and_then(|bytes| value(bytes).ok()).is_some_and(|v| own(&v))
    };
    groups.iter().enumerate().find_map(|(index, group)| {
        let list = group.member(inner)?;
        let Inner::Array(elements) = &list.inner else { return None };
        let found = elements.iter().position(is_own)?;
        if elements.len() == 1 { cut_of(outer, index) } else { cut_of(list, found) }
    })
}
