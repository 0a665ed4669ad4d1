//! The texts of results: whatever peers wrote, a reader finds the messages that there are, with their true senders, and
//! their bodies whole or marked as cut; and what did not fit one result is in the next ones.

use crate::envelope;
use crate::given;
use crate::json::Json;
use crate::tally;
use arbitrary::{Result, Unstructured};
use c2c_proto::frame::MailCount;
use c2c_proto::limits::{
    BODY_PAGE_MAX_CHARS, LIST_BODY_MAX_CHARS, REMINDER_BODY_MAX_CHARS, WAIT_MESSAGES_MAX,
};
use c2c_proto::message::Message;
use c2c_proto::response::{Asked, Inbox, OneMessage, Response, Waited};
use c2c_shim::render;
use c2c_shim::tools::View;

mod others;

/// The bytes choose a response.
pub fn check(data: &[u8]) {
    tally::input();
    if respond(&mut Unstructured::new(data)).is_ok() {
        // It did not end too soon to make a response.
        tally::reached();
    }
}

fn respond(u: &mut Unstructured<'_>) -> Result<()> {
    match u.int_in_range(0..=9)? {
        0 | 1 => inbox(u),
        2 | 3 => one_message(u),
        4 | 5 => waited(u),
        6 => asked(u),
        kind => others::respond(kind, u),
    }
}

fn mail(u: &mut Unstructured<'_>) -> Result<Option<MailCount>> {
    let new = u.int_in_range(0..=100_000)?;
    Ok(if u.arbitrary()? { Some(MailCount { unread: new + u.int_in_range(0..=9)?, new }) } else { None })
}

/// The result's members; its `unread` and `new` are those of the mailbox.
fn rendered(view: &View, response: Response, mail: Option<MailCount>) -> (Json, Vec<i64>) {
    let result = render::response(view, response, mail);
    let json = envelope::read(&result.text);
    assert_eq!(json.whole("unread").is_some(), mail.is_some());
    assert!(json.whole("new").is_none_or(|new| new > 0 && Some(new) <= json.whole("unread")));
    (json, result.shown)
}

fn messages(u: &mut Unstructured<'_>, most: u32, body_max_chars: usize) -> Result<Vec<Message>> {
    let count = u.int_in_range(0..=most)?;
    (1..=count).map(|id| given::message(u, i64::from(id) * 3, body_max_chars)).collect()
}

/// Pages of a list, upward or downward, are the list.
fn inbox(u: &mut Unstructured<'_>) -> Result<()> {
    let downward = u.arbitrary()?;
    let mail = mail(u)?;
    let mut rest = messages(u, 12, LIST_BODY_MAX_CHARS)?;
    let view = View::Inbox { downward };
    loop {
        let response = Inbox { messages: rest.clone(), more: false };
        let (json, shown) = rendered(&view, Response::Inbox(response), mail);
        assert!(rest.is_empty() || !shown.is_empty(), "a page of nothing leads nowhere");
        let page = if downward {
            rest.split_off(rest.len() - shown.len())
        } else {
            let after = rest.split_off(shown.len());
            std::mem::replace(&mut rest, after)
        };
        envelope::holds(&json, "messages", &page);
        assert_eq!(shown, page.iter().map(|message| message.id).collect::<Vec<_>>());
        assert_eq!(json.is_true("more"), !rest.is_empty());
        if rest.is_empty() {
            return Ok(());
        }
        let cursor = if downward { json.whole("next_before_id") } else { json.whole("next_after_id") };
        assert_eq!(cursor, if downward { shown.first().copied() } else { shown.last().copied() });
    }
}

/// The pages of one body make up the whole of it.
fn one_message(u: &mut Unstructured<'_>) -> Result<()> {
    let mail = mail(u)?;
    let message = given::message(u, 7, usize::MAX)?;
    let whole: Vec<char> = message.body.chars().collect();
    let mut read = String::new();
    let mut offset = 0;
    loop {
        let body = whole.iter().skip(offset).take(BODY_PAGE_MAX_CHARS).collect();
        let page = Message { body, ..message.clone() };
        let one = OneMessage { message: page.clone(), offset: offset as u64 };
        let (json, shown) = rendered(&View::Plain, Response::OneMessage(one), mail);
        assert_eq!(shown, [7]);
        let [item] = json.list("messages") else { panic!("one message is one message") };
        envelope::same_or_clipped(item.text("from_name"), &message.from_name);
        assert_eq!(item.whole("id"), Some(7));
        assert_eq!(item.whole("body_chars"), i64::try_from(whole.len()).ok());
        let part = item.text("body").expect("a message has a body");
        assert!(page.body.starts_with(part));
        read.push_str(part);
        let next = json.whole("next_offset").and_then(|next| usize::try_from(next).ok());
        assert_eq!(item.is_true("body_truncated"), next.is_some());
        let Some(next) = next else { break };
        assert!(next > offset && next == read.chars().count(), "from {offset} to {next}");
        offset = next;
    }
    assert_eq!(read, message.body, "the pages make up the whole");
    Ok(())
}

fn waited(u: &mut Unstructured<'_>) -> Result<()> {
    let mail = mail(u)?;
    let repeated = u.arbitrary()?;
    let chars = if repeated { REMINDER_BODY_MAX_CHARS } else { LIST_BODY_MAX_CHARS };
    let messages = messages(u, WAIT_MESSAGES_MAX, chars)?;
    let timed_out = messages.is_empty();
    let more = u.arbitrary()?;
    let response = Waited { messages: messages.clone(), timed_out, repeated, more };
    let (json, shown) = rendered(&View::Wait, Response::Waited(response), mail);
    first_of(&json, "messages", &messages, &shown);
    assert_eq!(json.is_true("more"), more || shown.len() < messages.len());
    assert_eq!((json.is_true("timed_out"), json.is_true("repeated")), (timed_out, repeated));
    Ok(())
}

fn asked(u: &mut Unstructured<'_>) -> Result<()> {
    let mail = mail(u)?;
    let replies = messages(u, WAIT_MESSAGES_MAX, LIST_BODY_MAX_CHARS)?;
    let recipients = given::recipients(u)?;
    let missing: Vec<String> = recipients.iter().map(|recipient| recipient.name.clone()).collect();
    let timed_out = u.arbitrary()?;
    let response = Asked { id: 1, replies: replies.clone(), missing, timed_out, recipients };
    let view = View::Ask { marked: u.arbitrary()? };
    let (json, shown) = rendered(&view, Response::Asked(response), mail);
    first_of(&json, "replies", &replies, &shown);
    assert_eq!((json.whole("id"), json.is_true("timed_out")), (Some(1), timed_out));
    Ok(())
}

/// A result shows the first of the messages, and at least one.
fn first_of(json: &Json, list: &str, messages: &[Message], shown: &[i64]) {
    assert!(messages.is_empty() || !shown.is_empty());
    envelope::holds(json, list, &messages[..shown.len()]);
    assert!(shown.iter().eq(messages[..shown.len()].iter().map(|message| &message.id)));
}
