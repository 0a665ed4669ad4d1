//! Responses and errors as the one text block of a tool result.
//!
//! Pure: the same response gives the same text. Owns the names of the members, the limit on a result's length and
//! the escapes; knows neither MCP nor the broker. Whatever a peer wrote stands in the text as a JSON string, nowhere
//! else.

mod escape;
mod fit;
mod mail;
mod message;
mod sent;
mod session;
mod state;

use crate::exact::first_changed;
use crate::tools::View;
use c2c_proto::frame::MailCount;
use c2c_proto::id::{MODEL_KEY_PREFIX, MessageId};
use c2c_proto::response::{Marked, Pruned, Response, StateAsOf, StatesAsOf};
use c2c_proto::{Error, ErrorCode};
use serde_json::{Map, Value, json};

/// The text of one result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Result {
    /// A JSON object.
    pub text: String,
    /// The messages in it: those that are mail of the session are shown to it with this.
    pub shown: Vec<MessageId>,
}

/// A result before its last members.
#[derive(Debug)]
struct Rendered {
    members: Map<String, Value>,
    shown: Vec<MessageId>,
    /// Unread mail that the response carried and the result does not: the broker takes it for shown.
    unread_cut: u64,
}

impl Rendered {
    /// A result without messages.
    const fn without_mail(members: Map<String, Value>) -> Self {
        Self { members, shown: Vec::new(), unread_cut: 0 }
    }
}

/// The result of a call that succeeded.
#[must_use]
pub fn response(view: &View, response: Response, mail: Option<MailCount>) -> Result {
    let Rendered { mut members, shown, unread_cut } = rendered(view, response);
    let mail = mail.map(|MailCount { unread, new }| MailCount {
        unread,
        new: new.saturating_add(unread_cut).min(unread),
    });
    add_mail(&mut members, mail);
    Result { text: escape::text(&members), shown }
}

/// The result of a call that failed. `key`: the call's own, where its outcome is unknown.
#[must_use]
pub fn error(error: &Error, key: Option<&str>, mail: Option<MailCount>) -> String {
    let mut members = Map::new();
    members.insert("code".to_owned(), json!(error.code));
    members.insert("message".to_owned(), json!(error.message));
    members.insert("hint".to_owned(), json!(hint(error, key)));
    members.insert("retry_safe".to_owned(), json!(error.retry_safe));
    if let Some(key) = key.map(as_given) {
        members.insert("idempotency_key".to_owned(), json!(key));
    }
    let room = fit::room(&Map::new());
    fit::shorten(&mut members, room);
    add_mail(&mut members, mail);
    escape::text(&members)
}

/// A model's own key as it gave it, a key of the shim's as it is: either is recognised when it comes back.
fn as_given(key: &str) -> &str {
    key.strip_prefix(MODEL_KEY_PREFIX).unwrap_or(key)
}

fn hint(error: &Error, key: Option<&str>) -> String {
    match key {
        None => error.hint.clone(),
        // The session that takes a name now is another one, which has keys of its own.
        Some(_) if matches!(error.code, ErrorCode::Superseded | ErrorCode::NotRegistered) => format!(
            "{}; whether the change was made before that is unknown: find out before you make the call again",
            error.hint
        ),
        Some(_) => format!(
            "{}; whether the change was made is unknown: make the same call with this idempotency_key, which does it \
at most once",
            error.hint
        ),
    }
}

fn rendered(view: &View, response: Response) -> Rendered {
    match response {
        Response::Registered(registered) => session::registered(&registered),
        Response::Heartbeat(heartbeat) => plain(json!({"ok": true, "at": heartbeat.at.to_string()})),
        Response::Sessions(sessions) => session::sessions(&sessions),
        Response::Everywhere(everywhere) => session::everywhere(&everywhere),
        Response::Sent(sent) => sent::sent(&sent),
        Response::Inbox(inbox) => mail::inbox(inbox, matches!(view, View::Inbox { downward: true })),
        Response::OneMessage(one) => mail::one_message(&one),
        Response::Marked(Marked { marked, already_read, not_found }) => {
            plain(json!({"marked": marked, "already_read": already_read, "not_found": not_found}))
        }
        Response::Waited(waited) => mail::waited(&waited),
        Response::Asked(asked) => mail::asked(&asked, matches!(view, View::Ask { marked: true })),
        Response::StateSet(set) => state::set(&set),
        Response::State(one) => state::one(&one, *view == View::Watch, None),
        Response::StateAsOf(StateAsOf { state, as_of }) => {
            state::one(&state, *view == View::Watch, Some(as_of))
        }
        Response::States(list) => state::list(&list, None),
        Response::StatesAsOf(StatesAsOf { states, as_of }) => state::list(&states, Some(as_of)),
        Response::Deleted(deleted) => plain(json!({"deleted": deleted.deleted})),
        Response::Pruned(Pruned { messages_deleted, sessions_deleted, state_deleted }) => plain(json!({
            "messages_deleted": messages_deleted,
            "sessions_deleted": sessions_deleted,
            "state_deleted": state_deleted,
        })),
        // No tool asks for these.
        Response::Done(_)
        | Response::Status(_)
        | Response::Hooked(_)
        | Response::PushStates(_)
        | Response::Metrics(_)
        | Response::BackedUp(_)
        | Response::Checked(_)
        | Response::Imported(_)
        | Response::LinkState(_)
        | Response::Parcels(_)
        | Response::LinkBrought(_)
        | Response::LinkAsks(_)
        | Response::LinkHealth(_) => plain(json!({"ok": true})),
    }
}

fn plain(value: Value) -> Rendered {
    let members = match value {
        Value::Object(members) => members,
        other => Map::from_iter([("value".to_owned(), other)]),
    };
    Rendered::without_mail(members)
}

/// The session's unread mail, so that a model that never looks still notices it.
fn add_mail(members: &mut Map<String, Value>, mail: Option<MailCount>) {
    let Some(MailCount { unread, new }) = mail else { return };
    members.insert("unread".to_owned(), json!(unread));
    if new > 0 {
        members.insert("new".to_owned(), json!(new));
    }
}

/// JSON that travelled as text; what is no JSON, or holds a number that would be another one, is shown as the text that
/// it is.
fn parsed(text: &str) -> Value {
    if first_changed(text.as_bytes()).is_some() {
        return json!(text);
    }
    serde_json::from_str(text).unwrap_or_else(|_| json!(text))
}

#[cfg(test)]
mod limit_tests;
#[cfg(test)]
mod tests;
