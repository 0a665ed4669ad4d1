//! A call of the history as the tool call that it stands for.

use crate::history::bodies::{self, Bodies};
use crate::history::{Call, Inbox, To};
use serde_json::{Map, Value, json};

/// The tool and its arguments. `None` for what is no call.
pub(super) fn of(call: &Call, bodies: Bodies) -> Option<(&'static str, Value)> {
    let (tool, arguments) = match call {
        Call::Send { n, to, tag, reply_to, key, fyi } => {
            let priority = fyi.then_some("fyi");
            let fixed =
                json!({"to": to_value(to), "body": bodies.text(*n), "tag": tag, "reply_to": reply_to});
            ("send_message", with(fixed, &[("idempotency_key", json!(key)), ("priority", json!(priority))]))
        }
        Call::Ask { n, to, tag, key, timeout_ms, replies } => {
            let fixed = json!({"to": to, "body": bodies.text(*n), "tag": tag, "replies": replies});
            ("ask", with(fixed, &[("idempotency_key", json!(key)), ("timeout_s", seconds(*timeout_ms))]))
        }
        Call::Inbox(inbox) => ("inbox", list(inbox)),
        Call::ReadBody { id, offset } => ("inbox", json!({"message_id": id, "offset": offset})),
        Call::MarkRead { ids, key } => ("mark_read", json!({"message_ids": ids, "idempotency_key": key})),
        Call::Wait { timeout_ms, from, tag, reply_to } => {
            let fixed = json!({"from": from, "tag": tag, "reply_to": reply_to});
            ("wait_for_message", with(fixed, &[("timeout_s", seconds(*timeout_ms))]))
        }
        Call::SetState { n, entry, if_version, ttl_ms, key } => {
            let ttl = ttl_ms.map(seconds);
            let fixed = json!({"key": entry, "value": {"n": n}, "if_version": if_version});
            ("set_state", with(fixed, &[("idempotency_key", json!(key)), ("ttl_s", json!(ttl))]))
        }
        Call::GetState { entry, newer_than: None, .. } => ("get_state", json!({"key": entry})),
        Call::GetState { entry, newer_than, timeout_ms } => {
            ("get_state", json!({"key": entry, "newer_than": newer_than, "timeout_s": seconds(*timeout_ms)}))
        }
        Call::DeleteState { entry, if_version, key, .. } => {
            ("delete_state", json!({"key": entry, "if_version": if_version, "idempotency_key": key}))
        }
        Call::Register { name } => ("register_session", json!({"name": name})),
        Call::Sessions {} => ("list_sessions", json!({})),
        Call::Heartbeat {} => ("heartbeat", json!({})),
        Call::Prune {} => ("prune", json!({"older_than_days": 30})),
        Call::Start {} | Call::Stop {} | Call::Fault { .. } => return None,
    };
    Some((tool, arguments))
}

fn list(inbox: &Inbox) -> Value {
    let Inbox { unread_only, after, before, limit, tag, from, sent, word } = inbox;
    let query = word.map(bodies::word);
    let fixed = json!({"unread_only": unread_only, "after_id": after, "before_id": before, "limit": limit});
    let rest = [("tag", json!(tag)), ("from", json!(from)), ("sent", json!(sent)), ("query", json!(query))];
    with(fixed, &rest)
}

fn with(fixed: Value, rest: &[(&str, Value)]) -> Value {
    let mut members = match fixed {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    for (name, value) in rest {
        members.insert((*name).to_owned(), value.clone());
    }
    Value::Object(members)
}

fn to_value(to: &To) -> Value {
    match to {
        To::Names(names) if names.len() == 1 => json!(names[0]),
        To::Names(names) => json!(names),
        To::Everyone => json!("*"),
        To::Sender => Value::Null,
    }
}

fn seconds(ms: u64) -> Value {
    #[expect(clippy::cast_precision_loss, reason = "a few seconds")]
    let seconds = ms as f64 / 1_000.0;
    json!(seconds)
}
