//! What a reader of a tool result relies on: its size, its shape, and that a message in it is the one that was sent.

use crate::json::Json;
use c2c_proto::limits::RESULT_MAX_CHARS;
use c2c_proto::message::Message;

/// Everything that a message can say of itself in a result.
const MEMBERS: [&str; 16] = [
    "id",
    "from_name",
    "from_session",
    "receipts",
    "receipts_omitted",
    "to",
    "to_omitted",
    "tag",
    "reply_to",
    "thread",
    "priority",
    "created_at",
    "read_at",
    "body",
    "body_truncated",
    "body_chars",
];
/// Names and tags of ordinary length come whole.
const CLIPPED_FROM_LENGTH: usize = 200;

/// Reads a result's text, whose size is bounded.
pub fn read(text: &str) -> Json {
    let length = text.encode_utf16().count();
    assert!(length < RESULT_MAX_CHARS, "a result of {length} characters");
    read_of_any_size(text)
}

/// Reads a result's text, of which nothing is invisible.
pub fn read_of_any_size(text: &str) -> Json {
    let hidden = text.chars().find(|char| {
        char.is_control()
            || matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    });
    assert_eq!(hidden, None, "a character that does not show stands in a result as it is");
    let read = Json::read(text);
    assert!(matches!(read, Json::Object(_)), "a result is one object");
    read
}

/// The messages in a result are these, in this order, and nothing else in it looks like one.
pub fn holds(result: &Json, list: &str, messages: &[Message]) {
    let items = result.list(list);
    assert_eq!(items.len(), messages.len(), "as many messages as are said to be shown");
    assert_eq!(look_alikes(result), messages.len(), "nothing else looks like a message");
    for (item, message) in items.iter().zip(messages) {
        is(item, message);
    }
}

/// How many objects, wherever they stand, have a sender and a body.
fn look_alikes(json: &Json) -> usize {
    match json {
        Json::Object(members) => {
            let itself = json.get("from_name").is_some() && json.get("body").is_some();
            usize::from(itself) + members.iter().map(|(_, value)| look_alikes(value)).sum::<usize>()
        }
        Json::List(items) => items.iter().map(look_alikes).sum(),
        _ => 0,
    }
}

/// The item is the message: its true sender, and its body or the marked beginning of it.
pub fn is(item: &Json, message: &Message) {
    let Json::Object(members) = item else { panic!("a message is an object") };
    for (name, _) in members {
        assert!(MEMBERS.contains(&name.as_str()), "a message has no member {name:?}");
    }
    assert_eq!(item.whole("id"), Some(message.id));
    assert_eq!(item.text("from_session"), Some(message.from_session.as_str()));
    same_or_clipped(item.text("from_name"), &message.from_name);
    assert_eq!(item.text("tag").is_some(), message.tag.is_some());
    if let Some(tag) = &message.tag {
        same_or_clipped(item.text("tag"), tag);
    }
    assert_eq!(item.whole("reply_to"), message.reply_to);
    assert_eq!(item.whole("thread"), Some(message.thread));
    let body = item.text("body").expect("a message has a body");
    assert!(message.body.starts_with(body), "the body is the beginning of what was sent");
    let whole = body.len() == message.body.len() && body.chars().count() as u64 == message.body_chars;
    assert_eq!(item.is_true("body_truncated"), !whole, "what is not whole says so, and only that");
    if !whole {
        assert_eq!(
            item.whole("body_chars").and_then(|chars| u64::try_from(chars).ok()),
            Some(message.body_chars)
        );
    }
}

/// A text that comes whole, unless it is so long that it fills a result with others like it.
pub fn same_or_clipped(shown: Option<&str>, given: &str) {
    let shown = shown.expect("it is a text");
    if shown == given {
        return;
    }
    let start = shown.strip_suffix('…').unwrap_or_else(|| panic!("{given:?} was shown as {shown:?}"));
    let length = serde_json::to_string(given).map_or(0, |text| text.encode_utf16().count());
    assert!(given.starts_with(start), "{given:?} was shown as {shown:?}");
    assert!(length > CLIPPED_FROM_LENGTH / 6, "{given:?} was clipped");
}
