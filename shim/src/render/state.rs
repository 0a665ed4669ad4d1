//! Results about the shared state.

use super::Rendered;
use super::escape;
use super::fit::{fitting, item_length, room, shorten};
use c2c_proto::response::{Entry, State, StateSet, States};
use c2c_proto::time::Timestamp;
use serde_json::{Map, Value, json};

/// An entry was written.
pub(super) fn set(response: &StateSet) -> Rendered {
    let mut members = Map::new();
    members.insert("key".to_owned(), json!(response.state_key));
    members.insert("version".to_owned(), json!(response.version));
    members.insert("updated_at".to_owned(), json!(response.updated_at.to_string()));
    members.insert("updated_by".to_owned(), json!(response.updated_by));
    if let Some(at) = response.expires_at {
        members.insert("expires_at".to_owned(), json!(at.to_string()));
    }
    Rendered::without_mail(members)
}

/// When it was so, where no link keeps current what all machines share.
fn dated(as_of: Option<Timestamp>) -> Map<String, Value> {
    as_of.into_iter().map(|at| ("as_of".to_owned(), json!(at.to_string()))).collect()
}

/// One key, whole. `watch`: whether the call waited for a change.
pub(super) fn one(response: &State, watch: bool, as_of: Option<Timestamp>) -> Rendered {
    let mut members = dated(as_of);
    members.insert(
        "entry".to_owned(),
        response.entry.as_ref().map_or(Value::Null, |one| Value::Object(entry(one))),
    );
    if watch {
        members.insert("timed_out".to_owned(), json!(response.timed_out));
    }
    Rendered::without_mail(members)
}

/// The keys of a prefix.
pub(super) fn list(response: &States, as_of: Option<Timestamp>) -> Rendered {
    let mut members = dated(as_of);
    members.insert("entries".to_owned(), json!([]));
    let cursor = response.entries.iter().map(|entry| escape::length(&entry.state_key)).max();
    let room = room(&members).saturating_sub(cursor.unwrap_or(0));
    let items: Vec<Map<String, Value>> = response.entries.iter().map(|entry| listed(entry, room)).collect();
    let lengths: Vec<usize> = items.iter().map(item_length).collect();
    let kept = fitting(&lengths, room);
    members.insert("entries".to_owned(), items.into_iter().take(kept).map(Value::Object).collect());
    if response.more || kept < response.entries.len() {
        members.insert("more".to_owned(), json!(true));
        if let Some(last) = kept.checked_sub(1).and_then(|last| response.entries.get(last)) {
            members.insert("next_after_key".to_owned(), json!(last.state_key));
        }
    }
    Rendered::without_mail(members)
}

/// An entry that cannot fill the list alone: a value that escapes make longer than the room gives way to its length.
fn listed(entry: &Entry, room: usize) -> Map<String, Value> {
    let whole = self::entry(entry);
    if item_length(&whole) <= room {
        return whole;
    }
    let mut members = self::entry(&Entry { value: None, ..entry.clone() });
    shorten(&mut members, room.saturating_sub(1));
    members
}

fn entry(entry: &Entry) -> Map<String, Value> {
    let mut members = Map::new();
    members.insert("key".to_owned(), json!(entry.state_key));
    match &entry.value {
        Some(value) => members.insert("value".to_owned(), super::parsed(value)),
        None => members.insert("value_chars".to_owned(), json!(entry.value_chars)),
    };
    members.insert("version".to_owned(), json!(entry.version));
    members.insert("updated_at".to_owned(), json!(entry.updated_at.to_string()));
    members.insert("updated_by".to_owned(), json!(entry.updated_by));
    if let Some(at) = entry.expires_at {
        members.insert("expires_at".to_owned(), json!(at.to_string()));
    }
    members
}
