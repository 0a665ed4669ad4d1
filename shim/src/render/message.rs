//! Messages as JSON: one object each, and pages of them that keep under a result's limit.

use super::escape::{self, beginning};
use super::fit::{COMMA, item_length, shorten};
use c2c_proto::id::MessageId;
use c2c_proto::limits::LIST_BODY_MAX_CHARS;
use c2c_proto::message::{Message, Receipt, ReceiptState, To};
use c2c_proto::name::fold;
use serde_json::{Map, Value, json};

/// The members that a body adds to its message, without the body's own length.
pub(super) const BODY_MEMBERS_LENGTH: usize = 80;
/// The member that marks a body which is not whole.
pub(super) const BODY_TRUNCATED: &str = "body_truncated";
/// Of every message that a wait returns at least so much is shown, as length inside a JSON string.
const FAIR_BODY_LENGTH_MIN: usize = 200;

/// Messages that fit one result.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// As JSON, ascending by id.
    pub(super) items: Vec<Value>,
    /// Their ids, ascending.
    pub(super) ids: Vec<MessageId>,
    /// Whether messages were left out.
    pub(super) cut: bool,
    /// How many unread messages for the reader were left out.
    pub(super) unread_cut: u64,
    /// Whether a body is not whole.
    pub(super) body_cut: bool,
}

/// A list: ends early when the room is used up. Only a first message that does not fit alone has its body cut below
/// what a list allows. `downward`: the newest are kept, else the oldest.
pub(super) fn list(mut messages: Vec<Message>, mut room: usize, downward: bool) -> Page {
    if downward {
        messages.reverse();
    }
    let mut page = Page::default();
    for message in &messages {
        let (start, chars) = beginning(&message.body, LIST_BODY_MAX_CHARS, usize::MAX);
        let header = if page.items.is_empty() {
            let for_body = string_length(start).min(room / 2) + BODY_MEMBERS_LENGTH;
            bounded_header(message, room.saturating_sub(for_body + COMMA))
        } else {
            header(message)
        };
        let base = item_length(&header) + BODY_MEMBERS_LENGTH;
        let whole = base + string_length(start);
        if whole <= room {
            page.push(message, with_body(header, message, start, chars));
            room -= whole;
        } else if page.items.is_empty() {
            let (start, chars) = beginning(start, LIST_BODY_MAX_CHARS, room.saturating_sub(base));
            page.push(message, with_body(header, message, start, chars));
            room = 0;
        } else {
            break;
        }
    }
    page.leaves_out(&messages[page.items.len()..]);
    if downward {
        page.reverse();
    }
    page
}

/// All messages of a wait: long bodies give way to the others, evenly. Only if not even the beginnings fit are the
/// last messages left out.
pub(super) fn fair(messages: &[Message], room: usize) -> Page {
    let mut headers: Vec<Map<String, Value>> = messages.iter().map(header).collect();
    if let Some(first) = headers.first_mut() {
        shorten(first, room / 2);
    }
    let bases: Vec<usize> = headers.iter().map(|header| item_length(header) + BODY_MEMBERS_LENGTH).collect();
    let bodies: Vec<usize> = messages
        .iter()
        .map(|message| string_length(beginning(&message.body, LIST_BODY_MAX_CHARS, usize::MAX).0))
        .collect();
    let needed = |count: usize, cap: usize| -> usize {
        bases[..count].iter().sum::<usize>()
            + bodies[..count].iter().map(|body| *body.min(&cap)).sum::<usize>()
    };
    let fits = |count: &usize| *count == 1 || needed(*count, FAIR_BODY_LENGTH_MIN) <= room;
    let count = (1..=messages.len()).rev().find(fits).unwrap_or(0);
    let cap = largest_cap(room, |cap| needed(count, cap));
    let mut page = Page::default();
    page.leaves_out(&messages[count..]);
    for (message, header) in messages.iter().zip(headers).take(count) {
        let (start, chars) = beginning(&message.body, LIST_BODY_MAX_CHARS, cap);
        page.push(message, with_body(header, message, start, chars));
    }
    page
}

/// The largest cap on a body with which what is needed fits the room.
fn largest_cap(room: usize, needed: impl Fn(usize) -> usize) -> usize {
    let (mut fits, mut too_much) = (0, room + 1);
    while too_much - fits > 1 {
        let middle = fits.midpoint(too_much);
        if needed(middle) <= room {
            fits = middle;
        } else {
            too_much = middle;
        }
    }
    fits
}

impl Page {
    fn push(&mut self, message: &Message, item: Map<String, Value>) {
        self.body_cut |= item.contains_key(BODY_TRUNCATED);
        self.items.push(Value::Object(item));
        self.ids.push(message.id);
    }

    fn leaves_out(&mut self, rest: &[Message]) {
        self.cut = !rest.is_empty();
        let unread = rest.iter().filter(|message| !message.sent_by_reader && message.read_at.is_none());
        self.unread_cut = unread.count() as u64;
    }

    fn reverse(&mut self) {
        self.items.reverse();
        self.ids.reverse();
    }
}

/// Everything about a message but its body, in no more than so much length: receipts give way last.
pub(super) fn bounded_header(message: &Message, length_max: usize) -> Map<String, Value> {
    let mut members = header(message);
    if escape::length(&members) > length_max && !message.receipts.is_empty() {
        members.insert("receipts".to_owned(), message.receipts.iter().map(terse_receipt).collect());
    }
    shorten(&mut members, length_max);
    let listed = members.get("receipts").and_then(Value::as_array).map_or(0, Vec::len);
    if let Some(omitted) =
        (message.receipts_total as usize).checked_sub(listed).filter(|omitted| *omitted > 0)
    {
        members.insert("receipts_omitted".to_owned(), json!(omitted));
    }
    members
}

/// Everything about a message but its body.
fn header(message: &Message) -> Map<String, Value> {
    let mut members = Map::new();
    members.insert("id".to_owned(), json!(message.id));
    members.insert("from_name".to_owned(), json!(message.from_name));
    members.insert("from_session".to_owned(), json!(message.from_session));
    // Before the recipients, so that these give way first: every receipt has its name too.
    if !message.receipts.is_empty() {
        members.insert("receipts".to_owned(), message.receipts.iter().map(receipt).collect());
    }
    members.insert("to".to_owned(), to(&message.to));
    if let Some(tag) = &message.tag {
        members.insert("tag".to_owned(), json!(tag));
    }
    if let Some(reply_to) = message.reply_to {
        members.insert("reply_to".to_owned(), json!(reply_to));
    }
    members.insert("thread".to_owned(), json!(message.thread));
    members.insert("priority".to_owned(), json!(message.priority));
    members.insert("created_at".to_owned(), json!(message.created_at.to_string()));
    if let Some(read_at) = message.read_at {
        members.insert("read_at".to_owned(), json!(read_at.to_string()));
    }
    members
}

/// Adds a body, or its part; what is not whole says so.
fn with_body(
    mut members: Map<String, Value>,
    message: &Message,
    part: &str,
    part_chars: usize,
) -> Map<String, Value> {
    members.insert("body".to_owned(), json!(part));
    if u64::try_from(part_chars).is_ok_and(|chars| chars < message.body_chars) {
        members.insert(BODY_TRUNCATED.to_owned(), json!(true));
        members.insert("body_chars".to_owned(), json!(message.body_chars));
    }
    members
}

/// Whom a message is for, as its sender wrote it.
pub(super) fn to(to: &To) -> Value {
    match to {
        To::One(name) => json!(name),
        To::Many(names) => json!(names),
        To::Everyone => json!(c2c_proto::name::EVERYONE),
    }
}

fn receipt(receipt: &Receipt) -> Value {
    let mut members = Map::new();
    members.insert("name".to_owned(), json!(receipt.name));
    members.insert("state".to_owned(), json!(receipt.state));
    for (name, at) in [("shown_at", receipt.shown_at), ("read_at", receipt.read_at)] {
        if let Some(at) = at {
            members.insert(name.to_owned(), json!(at.to_string()));
        }
    }
    if let Some(by) = &receipt.read_by {
        members.insert("read_by".to_owned(), json!(by));
    }
    Value::Object(members)
}

/// Where many receipts need the room: without when a message was shown that was read, and without by whom if that
/// name is the recipient's.
fn terse_receipt(full: &Receipt) -> Value {
    let mut short = full.clone();
    if full.state == ReceiptState::Read {
        short.shown_at = None;
    }
    short.read_by = short.read_by.filter(|by| fold(by) != fold(&full.name));
    receipt(&short)
}

/// The length of a text inside a JSON string, without its quotes.
pub(super) fn string_length(text: &str) -> usize {
    text.chars().map(escape::char_length).sum()
}
