//! Results about sessions.

use super::Rendered;
use super::escape;
use super::fit::{clipped, fitting, item_length, room, shorten};
use c2c_proto::name::fold;
use c2c_proto::response::{Displaced, Registered, SessionInfo, Sessions};
use serde_json::{Map, Value, json};

/// Metadata over this length is replaced by its length, so that one session cannot fill the list.
const METADATA_LENGTH_MAX: usize = 8_000;

/// The session holds a name.
pub(super) fn registered(response: &Registered) -> Rendered {
    let mut members = Map::new();
    members.insert("session_id".to_owned(), json!(response.session_id));
    members.insert("name".to_owned(), json!(response.name));
    if let Some(Displaced { session_id, name, online }) = &response.superseded {
        let displaced = json!({"session_id": session_id, "name": name, "online": online});
        members.insert("superseded".to_owned(), displaced);
    }
    Rendered { members, shown: Vec::new() }
}

/// Who is there, from the name after `after_name`.
pub(super) fn sessions(response: Sessions, after_name: Option<&str>) -> Rendered {
    let mut members = Map::new();
    members.insert("sessions".to_owned(), json!([]));
    let rest = rest_of(response.sessions, after_name);
    let room = room(&members);
    let items: Vec<Value> = rest.iter().map(|info| session(info, room)).collect();
    let lengths: Vec<usize> = items.iter().map(item_length).collect();
    let kept = fitting(&lengths, room);
    members.insert("sessions".to_owned(), items.into_iter().take(kept).collect());
    if kept < rest.len() {
        members.insert("more".to_owned(), json!(true));
        if let Some(last) = kept.checked_sub(1).and_then(|last| rest.get(last)) {
            members.insert("next_after_name".to_owned(), json!(clipped(&last.name)));
        }
    }
    Rendered { members, shown: Vec::new() }
}

/// The sessions after a name, which may have gone in the meantime.
fn rest_of(mut sessions: Vec<SessionInfo>, after_name: Option<&str>) -> Vec<SessionInfo> {
    if let Some(after) = after_name.map(fold) {
        match sessions.iter().position(|info| fold(&info.name) == after) {
            Some(at) => drop(sessions.drain(..=at)),
            None => sessions.retain(|info| fold(&info.name) > after),
        }
    }
    sessions
}

fn session(info: &SessionInfo, room: usize) -> Value {
    let mut members = Map::new();
    members.insert("session_id".to_owned(), json!(info.session_id));
    members.insert("name".to_owned(), json!(info.name));
    members.insert("is_self".to_owned(), json!(info.is_self));
    members.insert("online".to_owned(), json!(info.online));
    members.insert("waiting".to_owned(), json!(info.waiting));
    members.insert("unread".to_owned(), json!(info.unread));
    members.insert("cwd".to_owned(), json!(info.cwd));
    members.insert("started_at".to_owned(), json!(info.started_at.to_string()));
    members.insert("last_seen_at".to_owned(), json!(info.last_seen_at.to_string()));
    members.insert("client".to_owned(), json!(info.client));
    if let Some(metadata) = &info.metadata {
        let value = super::parsed(metadata);
        if escape::length(&value) <= METADATA_LENGTH_MAX {
            members.insert("metadata".to_owned(), value);
        } else {
            members.insert("metadata_chars".to_owned(), json!(metadata.chars().count()));
        }
    }
    shorten(&mut members, room.saturating_sub(1));
    Value::Object(members)
}
