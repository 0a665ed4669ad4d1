//! Keeps one result under its limit, whatever the store holds: how much room there is, and what gives way first.

use super::escape::{self, beginning};
use c2c_proto::limits::RESULT_MAX_CHARS;
use serde_json::{Map, Value, json};

/// Kept free for the members that are added last: cursors, counts of what was left out, unread mail.
const TAIL_LENGTH: usize = 400;
/// What a single text is cut to where nothing else can give way.
const CLIPPED_LENGTH: usize = 200;
/// The separator between members and items.
pub(super) const COMMA: usize = 1;

/// What is left for more members, beside those that are there.
#[must_use]
pub(super) fn room(members: &Map<String, Value>) -> usize {
    RESULT_MAX_CHARS.saturating_sub(1 + TAIL_LENGTH + escape::length(members))
}

/// The length of an item in a list.
#[must_use]
pub(super) fn item_length(item: &impl serde::Serialize) -> usize {
    escape::length(item) + COMMA
}

/// How many of the items fit, from the first.
#[must_use]
pub(super) fn fitting<'a>(lengths: impl IntoIterator<Item = &'a usize>, mut room: usize) -> usize {
    lengths
        .into_iter()
        .take_while(|length| match room.checked_sub(**length) {
            Some(left) => {
                room = left;
                true
            }
            None => false,
        })
        .count()
}

/// Adds a list member with as many of the items as fit into `room`, and `<name>_omitted` if some do not.
pub(super) fn add_list(members: &mut Map<String, Value>, name: &str, items: Vec<Value>, room: usize) {
    let lengths: Vec<usize> = items.iter().map(item_length).collect();
    let kept = fitting(&lengths, room);
    let omitted = items.len() - kept;
    members.insert(name.to_owned(), items.into_iter().take(kept).collect());
    if omitted > 0 {
        members.insert(format!("{name}_omitted"), json!(omitted));
    }
}

/// Makes one object no longer than `length_max`: cuts its lists, then its texts. Objects of ordinary content stay as
/// they are.
pub(super) fn shorten(object: &mut Map<String, Value>, length_max: usize) {
    let lists: Vec<String> =
        object.iter().filter(|(_, value)| value.is_array()).map(|(name, _)| name.clone()).collect();
    for name in lists.iter().rev() {
        let over = escape::length(object).saturating_sub(length_max);
        if over == 0 {
            return;
        }
        if let Some(Value::Array(items)) = object.insert(name.clone(), json!([])) {
            let room = length_max.saturating_sub(escape::length(object) + TAIL_LENGTH);
            add_list(object, name, items, room);
        }
    }
    let names: Vec<String> = object.keys().cloned().collect();
    for name in names {
        if escape::length(object) <= length_max {
            return;
        }
        if let Some(Value::String(text)) = object.get_mut(&name) {
            *text = clipped(text);
        }
    }
}

/// A text that cannot fill a result: whole if it is short, else its beginning and an ellipsis.
#[must_use]
pub(super) fn clipped(text: &str) -> String {
    let (start, _) = beginning(text, CLIPPED_LENGTH, CLIPPED_LENGTH);
    if start.len() < text.len() { format!("{start}…") } else { text.to_owned() }
}
