//! A tool's answer as the history keeps it: whether the call was done, and what the checker needs of the rest.

use crate::history::bodies::digest;
use crate::history::{Call, Done, Outcome, Seen};
use serde_json::Value;

/// Reads the response to a call.
pub(super) fn read(call: &Call, response: &Value) -> (Outcome, Done) {
    let malformed = |what: &str| {
        let text: String = response.to_string().chars().take(300).collect();
        (Outcome::Unknown, Done::Malformed(format!("{what}: {text}")))
    };
    let Some(result) = response.get("result") else { return malformed("no tool result") };
    let Some(text) = result["content"][0]["text"].as_str() else { return malformed("no text") };
    let Ok(json) = serde_json::from_str::<Value>(text) else { return malformed("no JSON") };
    if result["isError"] == true {
        return error(&json).unwrap_or_else(|| malformed("an error without its members"));
    }
    match done(call, &json) {
        Some(done) => (Outcome::Ok, done),
        None => malformed("a result without its members"),
    }
}

/// An error without a key says that nothing was done.
fn error(json: &Value) -> Option<(Outcome, Done)> {
    let code = json["code"].as_str()?.to_owned();
    let message: String = json["message"].as_str()?.chars().take(200).collect();
    json["hint"].as_str()?;
    json["retry_safe"].as_bool()?;
    let key = json["idempotency_key"].as_str().map(str::to_owned);
    let outcome = if key.is_some() { Outcome::Unknown } else { Outcome::Fail };
    Some((outcome, Done::Error { code, key, message }))
}

fn done(call: &Call, json: &Value) -> Option<Done> {
    Some(match call {
        Call::Send { .. } => Done::Sent { id: json["id"].as_i64()?, recipients: recipients(json)? },
        Call::Ask { .. } => Done::Asked {
            id: json["id"].as_i64()?,
            replies: messages(&json["replies"])?,
            missing: texts(&json["missing"]),
            timed_out: json["timed_out"].as_bool()?,
        },
        Call::Inbox(_) | Call::ReadBody { .. } => {
            Done::Page { messages: messages(&json["messages"])?, more: json["more"] == true }
        }
        Call::Wait { .. } => Done::Waited {
            messages: messages(&json["messages"])?,
            timed_out: json["timed_out"].as_bool()?,
            repeated: json["repeated"] == true,
            more: json["more"] == true,
        },
        Call::MarkRead { .. } => Done::Marked {
            marked: json["marked"].as_u64()?,
            already_read: ids(&json["already_read"]),
            not_found: ids(&json["not_found"]),
        },
        Call::SetState { .. } => Done::Set { version: json["version"].as_i64()? },
        Call::GetState { .. } => entry(json)?,
        Call::DeleteState { .. } => Done::Deleted { deleted: json["deleted"].as_bool()? },
        Call::Register { .. } => Done::Registered {
            session: json["session_id"].as_str()?.into(),
            name: json["name"].as_str()?.into(),
            superseded: json["superseded"]["session_id"].as_str().map(Into::into),
        },
        Call::Sessions {} => sessions(json)?,
        Call::Heartbeat {} => json["ok"].as_bool().filter(|ok| *ok).map(|_| Done::Nothing)?,
        Call::Prune {} => {
            Done::Pruned { deleted: json["messages_deleted"].as_u64()? + json["sessions_deleted"].as_u64()? }
        }
        Call::Start {} | Call::Stop {} | Call::Fault { .. } => Done::Nothing,
    })
}

fn recipients(json: &Value) -> Option<Vec<(Box<str>, bool)>> {
    let listed = json["recipients"].as_array()?.iter();
    listed.map(|one| Some((one["name"].as_str()?.into(), one["known"].as_bool()?))).collect()
}

fn entry(json: &Value) -> Option<Done> {
    let entry = json.get("entry")?;
    let timed_out = json["timed_out"] == true;
    if entry.is_null() {
        return Some(Done::Entry { found: None, timed_out });
    }
    let found = Some((entry["version"].as_i64()?, entry["value"]["n"].as_u64()?));
    Some(Done::Entry { found, timed_out })
}

fn sessions(json: &Value) -> Option<Done> {
    let listed = json["sessions"].as_array()?;
    let rows = listed
        .iter()
        .map(|row| Some((row["name"].as_str()?.into(), row["online"].as_bool()?)))
        .collect::<Option<_>>()?;
    let own = listed.iter().find(|row| row["is_self"] == true);
    let own = own.and_then(|row| Some((row["session_id"].as_str()?.into(), row["name"].as_str()?.into())));
    Some(Done::Sessions { rows, own })
}

fn messages(list: &Value) -> Option<Vec<Seen>> {
    list.as_array()?.iter().map(seen).collect()
}

fn seen(message: &Value) -> Option<Seen> {
    let body = message["body"].as_str()?;
    let chars = body.chars().count() as u64;
    let receipts = message["receipts"].as_array().map_or(&[][..], Vec::as_slice);
    let receipts = receipts
        .iter()
        .map(|one| Some((one["name"].as_str()?.into(), one["state"].as_str()?.into())))
        .collect::<Option<_>>()?;
    Some(Seen {
        id: message["id"].as_i64()?,
        from: message["from_name"].as_str()?.into(),
        from_session: message["from_session"].as_str()?.into(),
        tag: message["tag"].as_str().map(Into::into),
        reply_to: message["reply_to"].as_i64(),
        chars,
        body_chars: message["body_chars"].as_u64().unwrap_or(chars),
        digest: digest(body),
        receipts,
    })
}

fn ids(list: &Value) -> Vec<i64> {
    list.as_array().map_or(&[][..], Vec::as_slice).iter().filter_map(Value::as_i64).collect()
}

fn texts(list: &Value) -> Vec<String> {
    let list = list.as_array().map_or(&[][..], Vec::as_slice);
    list.iter().filter_map(|text| text.as_str().map(str::to_owned)).collect()
}
