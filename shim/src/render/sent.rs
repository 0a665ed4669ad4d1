//! The result of a send: whom it went to, and what to know about those names.

use super::Rendered;
use super::fit::{add_list, clipped, room, shorten};
use super::message::to;
use c2c_proto::message::Recipient;
use c2c_proto::response::{Near, Sent};
use serde_json::{Map, Value, json};

/// So many unknown names are explained; a list of more is shown by `known: false` alone.
const EXPLAINED_MAX: usize = 5;

/// A message is on disk.
pub(super) fn sent(response: &Sent) -> Rendered {
    let mut members = Map::new();
    members.insert("id".to_owned(), json!(response.id));
    members.insert("to".to_owned(), to(&response.to));
    if let Some(tag) = &response.tag {
        members.insert("tag".to_owned(), json!(tag));
    }
    let half = room(&members) / 2;
    shorten(&mut members, half);
    if let Some(hint) = hint(response) {
        members.insert("hint".to_owned(), json!(hint));
    }
    if !response.skipped_full.is_empty() {
        let names = response.skipped_full.iter().map(|name| json!(name)).collect();
        let for_names = room(&members) / 2;
        add_list(&mut members, "skipped_full", names, for_names);
    }
    let for_recipients = room(&members);
    add_list(&mut members, "recipients", response.recipients.iter().map(recipient).collect(), for_recipients);
    Rendered { members, shown: Vec::new() }
}

fn recipient(recipient: &Recipient) -> Value {
    json!({
        "name": recipient.name,
        "online": recipient.online,
        "waiting": recipient.waiting,
        "known": recipient.known,
    })
}

fn hint(response: &Sent) -> Option<String> {
    if response.recipients.is_empty() && response.skipped_full.is_empty() {
        return Some("nobody else is known yet; sessions that start within the hour still get it".to_owned());
    }
    let mut parts: Vec<String> = response
        .recipients
        .iter()
        .filter(|recipient| !recipient.known)
        .take(EXPLAINED_MAX)
        .map(|recipient| unknown(&recipient.name, &response.near))
        .collect();
    if !response.skipped_full.is_empty() {
        parts.push("skipped_full did not get it: their mailboxes are full".to_owned());
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn unknown(name: &str, near: &[Near]) -> String {
    let like: Vec<String> = near
        .iter()
        .filter(|near| near.name == name)
        .flat_map(|near| &near.known)
        .map(|known| format!("{:?}", clipped(known)))
        .collect();
    let name = clipped(name);
    if like.is_empty() {
        format!("no session has the name {name:?} now; the message is queued until one takes it")
    } else {
        format!(
            "no session has the name {name:?} now; the message is queued until one takes it; did you mean {}?",
            like.join(" or ")
        )
    }
}
