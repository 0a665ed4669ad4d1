//! Results about sessions.

use super::Rendered;
use super::escape;
use super::fit::{COMMA, clipped, fitting, item_length, room, shorten};
use c2c_proto::name::NODE_MARK;
use c2c_proto::response::{Displaced, Everywhere, Registered, SessionInfo, Sessions};
use serde_json::{Map, Value, json};

/// What the member adds to the metadata itself, and more than its length as a number needs.
const METADATA_MEMBER_LENGTH: usize = 40;

/// The session holds a name.
pub(super) fn registered(response: &Registered) -> Rendered {
    let mut members = Map::new();
    members.insert("session_id".to_owned(), json!(response.session_id));
    members.insert("name".to_owned(), json!(response.name));
    if let Some(Displaced { session_id, name, online }) = &response.superseded {
        let displaced = json!({"session_id": session_id, "name": name, "online": online});
        members.insert("superseded".to_owned(), displaced);
    }
    Rendered::without_mail(members)
}

/// Who is there.
pub(super) fn sessions(response: &Sessions) -> Rendered {
    listed(response, Map::new())
}

/// Who is there, here and at other nodes: those take half of the room at most.
pub(super) fn everywhere(response: &Everywhere) -> Rendered {
    let mut left = room(&Map::new()) / 2;
    let mut nodes = Vec::new();
    for node in &response.nodes {
        let mut peers = Vec::new();
        for peer in &node.peers {
            let address = format!("{}{NODE_MARK}{}", peer.name, node.node);
            let item = json!({"name": address, "online": peer.online, "waiting": peer.waiting});
            let length = item_length(&item);
            if length > left {
                break;
            }
            left -= length;
            peers.push(item);
        }
        let mut shown = Map::new();
        shown.insert("node".to_owned(), json!(node.node));
        shown.insert("told_at".to_owned(), json!(node.told_at.map(|at| at.to_string())));
        if peers.len() < node.peers.len() {
            shown.insert("left_out".to_owned(), json!(node.peers.len() - peers.len()));
        }
        shown.insert("sessions".to_owned(), peers.into());
        nodes.push(Value::Object(shown));
    }
    listed(&response.here, Map::from_iter([("nodes".to_owned(), nodes.into())]))
}

fn listed(response: &Sessions, mut members: Map<String, Value>) -> Rendered {
    members.insert("sessions".to_owned(), json!([]));
    let room = room(&members);
    let items: Vec<Value> = response.sessions.iter().map(|info| session(info, room)).collect();
    let lengths: Vec<usize> = items.iter().map(item_length).collect();
    let kept = fitting(&lengths, room);
    members.insert("sessions".to_owned(), items.into_iter().take(kept).collect());
    if response.more || kept < response.sessions.len() {
        members.insert("more".to_owned(), json!(true));
        if let Some(last) = kept.checked_sub(1).and_then(|last| response.sessions.get(last)) {
            members.insert("next_after_name".to_owned(), json!(clipped(&last.name)));
        }
    }
    Rendered::without_mail(members)
}

/// One session, in no more than the room: metadata that escapes make longer than that gives way to its length.
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
    let Some(metadata) = &info.metadata else {
        shorten(&mut members, room.saturating_sub(COMMA));
        return Value::Object(members);
    };
    let value = super::parsed(metadata);
    let length = escape::length(&value) + METADATA_MEMBER_LENGTH;
    let mut beside = members.clone();
    shorten(&mut beside, room.saturating_sub(COMMA + length));
    if item_length(&beside) + length <= room {
        beside.insert("metadata".to_owned(), value);
        return Value::Object(beside);
    }
    shorten(&mut members, room.saturating_sub(COMMA + METADATA_MEMBER_LENGTH));
    members.insert("metadata_chars".to_owned(), json!(metadata.chars().count()));
    Value::Object(members)
}
