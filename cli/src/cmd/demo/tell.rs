//! Results of tools in a few words, for the time line.

use super::session::text;
use super::stage::messages;
use crate::text::shortened;
use serde_json::Value;

/// Characters of a body that are shown.
const BODY_SHOWN_CHARS: usize = 48;
/// Characters of an error's sentence that are shown.
const ERROR_SHOWN_CHARS: usize = 64;

/// `send_message`: that it is on disk, and how its recipients are.
pub(super) fn sent(result: &Value) -> String {
    let recipients: Vec<String> =
        result["recipients"].as_array().into_iter().flatten().map(recipient).collect();
    format!("message {} is on disk, for {}", result["id"], recipients.join(" and "))
}

fn recipient(recipient: &Value) -> String {
    let state = match (recipient["waiting"] == true, recipient["online"] == true) {
        (true, _) => "waiting",
        (false, true) => "connected",
        (false, false) => "away",
    };
    format!("{} ({state})", text(recipient, "name"))
}

/// `inbox` and `wait_for_message`: who wrote what.
pub(super) fn mail(result: &Value) -> String {
    let mail: Vec<String> = messages(result).map(message).collect();
    match mail.as_slice() {
        [] => "nothing".to_owned(),
        many => many.join("; "),
    }
}

/// One message.
fn message(message: &Value) -> String {
    let tag = match text(message, "tag") {
        "" => String::new(),
        tag => format!(" [{tag}]"),
    };
    let body = shortened(text(message, "body"), BODY_SHOWN_CHARS);
    format!("message {} from {}{tag}: {body:?}", message["id"], text(message, "from_name"))
}

/// `ask`: who answered what.
pub(super) fn answers(result: &Value) -> String {
    let replies: Vec<String> = result["replies"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|reply| {
            let body = shortened(text(reply, "body"), BODY_SHOWN_CHARS);
            format!("{} says {body:?}", text(reply, "from_name"))
        })
        .collect();
    if replies.is_empty() { "no answer".to_owned() } else { replies.join(", ") }
}

/// `set_state`: the new version.
pub(super) fn state_set(result: &Value) -> String {
    format!("stored as version {}", result["version"])
}

/// An error: its code and sentence.
pub(super) fn refusal(error: &Value) -> String {
    format!("refused, {}: {}", text(error, "code"), shortened(text(error, "message"), ERROR_SHOWN_CHARS))
}
