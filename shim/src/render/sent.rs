//! The result of a send: whom it went to, and what to know about those names.

use super::Rendered;
use super::escape;
use super::fit::{add_list, clipped, item_length, room};
use super::message::to;
use c2c_proto::message::Recipient;
use c2c_proto::response::{Near, Sent};
use serde_json::{Map, Value, json};

const UNKNOWN: &str = "for a recipient with known: false the message is queued until a session takes that name; if \
you meant another, near lists known names like it";
/// Kept free for one name in `to`, or the count of those left out: a name of an old store has any length, and is
/// clipped then.
const TO_LENGTH_MIN: usize = 1_500;
const TO_OMITTED_LENGTH: usize = 40;
const FULL: &str = "skipped_full did not get it: their mailboxes are full";

/// A message is on disk.
pub(super) fn sent(response: &Sent) -> Rendered {
    let mut members = Map::new();
    members.insert("id".to_owned(), json!(response.id));
    // Filled in at the end: the recipients name everyone too, and say more.
    members.insert("to".to_owned(), json!([]));
    if let Some(tag) = &response.tag {
        members.insert("tag".to_owned(), json!(tag));
    }
    if let Some(hint) = hint(response) {
        members.insert("hint".to_owned(), json!(hint));
    }
    if !response.skipped_full.is_empty() {
        let names = response.skipped_full.iter().map(|name| json!(name)).collect();
        let for_names = room(&members) / 2;
        add_list(&mut members, "skipped_full", names, for_names);
    }
    let for_recipients = room(&members).saturating_sub(TO_LENGTH_MIN);
    add_list(&mut members, "recipients", recipients(response, for_recipients), for_recipients);
    match to(&response.to) {
        Value::Array(names) => {
            let for_names = room(&members).saturating_sub(TO_OMITTED_LENGTH);
            add_list(&mut members, "to", names, for_names);
        }
        Value::String(name) => {
            let fits = escape::length(&name) <= room(&members);
            members.insert("to".to_owned(), json!(if fits { name } else { clipped(&name) }));
        }
        other => drop(members.insert("to".to_owned(), other)),
    }
    Rendered::without_mail(members)
}

/// All recipients in full, if they fit; else without what the other members say already.
fn recipients(response: &Sent, room: usize) -> Vec<Value> {
    let full: Vec<Value> = response.recipients.iter().map(|one| recipient(one, &response.near)).collect();
    if full.iter().map(item_length).sum::<usize>() <= room {
        return full;
    }
    response.recipients.iter().map(terse_recipient).collect()
}

/// Who is not known is not online; who is not online does not wait.
fn terse_recipient(recipient: &Recipient) -> Value {
    let mut members = Map::new();
    members.insert("name".to_owned(), json!(recipient.name));
    members.insert("known".to_owned(), json!(recipient.known));
    if recipient.known {
        members.insert("online".to_owned(), json!(recipient.online));
    }
    if recipient.online {
        members.insert("waiting".to_owned(), json!(recipient.waiting));
    }
    Value::Object(members)
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
