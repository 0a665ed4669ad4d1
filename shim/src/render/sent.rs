//! The result of a send: whom it went to, and what to know about those names.

use super::Rendered;
use super::fit::{add_list, clipped, room, shorten};
use super::message::to;
use c2c_proto::message::Recipient;
use c2c_proto::response::{Near, Sent};
use serde_json::{Map, Value, json};

const UNKNOWN: &str = "for a recipient with known: false the message is queued until a session takes that name; if \
you meant another, near lists known names like it";
const FULL: &str = "skipped_full did not get it: their mailboxes are full";

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
    let recipients = response.recipients.iter().map(|one| recipient(one, &response.near)).collect();
    add_list(&mut members, "recipients", recipients, for_recipients);
    Rendered { members, shown: Vec::new() }
}

fn recipient(recipient: &Recipient, near: &[Near]) -> Value {
    let mut members = Map::new();
    members.insert("name".to_owned(), json!(recipient.name));
    members.insert("online".to_owned(), json!(recipient.online));
    members.insert("waiting".to_owned(), json!(recipient.waiting));
    members.insert("known".to_owned(), json!(recipient.known));
    if !recipient.known
        && let Some(near) = near.iter().find(|near| near.name == recipient.name)
        && !near.known.is_empty()
    {
        members.insert("near".to_owned(), near.known.iter().map(|name| json!(clipped(name))).collect());
    }
    Value::Object(members)
}

fn hint(response: &Sent) -> Option<String> {
    if response.recipients.is_empty() && response.skipped_full.is_empty() {
        return Some("nobody else is known yet; sessions that start within the hour still get it".to_owned());
    }
    let unknown = response.recipients.iter().any(|recipient| !recipient.known);
    let parts: Vec<&str> = [(unknown, UNKNOWN), (!response.skipped_full.is_empty(), FULL)]
        .into_iter()
        .filter_map(|(applies, text)| applies.then_some(text))
        .collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}
