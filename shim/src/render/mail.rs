//! Results that carry messages: lists, one message, waits, questions.

use super::Rendered;
use super::escape::{self, beginning};
use super::fit::{COMMA, add_list, room};
use super::message::{self, BODY_MEMBERS_LENGTH, BODY_TRUNCATED, Page, bounded_header, string_length};
use c2c_proto::limits::BODY_PAGE_MAX_CHARS;
use c2c_proto::message::Recipient;
use c2c_proto::name::fold;
use c2c_proto::response::{Asked, Inbox, OneMessage, Waited};
use serde_json::{Map, Value, json};
use std::collections::HashSet;

const TIMED_OUT: &str =
    "no matching mail came in this time; wait again only if your work cannot go on without it";
const REPEATED: &str = "you were shown this mail before and it is still unread: give the ids that you have handled \
to mark_read; a body that is cut can be read with inbox(message_id=…)";
const MORE_AFTERWARDS: &str = "; other mail that matches comes after that";
const CUT_BODIES: &str = "a body with body_truncated can be read whole with inbox(message_id=…)";
const MORE_MAIL: &str = "more mail matches: handle these and give them to mark_read, then call again";
const MARK_REPLIES: &str =
    "the replies are still unread: give their ids to mark_read when you have handled them";

/// Kept free for all hints of a question together, whose ids have any length.
const ASK_HINT_LENGTH: usize = 500;

/// A page of messages.
pub(super) fn inbox(response: Inbox, downward: bool) -> Rendered {
    let mut members = Map::new();
    members.insert("messages".to_owned(), json!([]));
    let page = message::list(response.messages, room(&members), downward);
    let more = response.more || page.cut;
    members.insert("messages".to_owned(), Value::Array(page.items));
    if more {
        members.insert("more".to_owned(), json!(true));
        let (name, id) =
            if downward { ("next_before_id", page.ids.first()) } else { ("next_after_id", page.ids.last()) };
        if let Some(id) = id {
            members.insert(name.to_owned(), json!(id));
        }
    }
    Rendered { members, shown: page.ids, unread_cut: page.unread_cut }
}

/// One message with a page of its body.
pub(super) fn one_message(response: &OneMessage) -> Rendered {
    let message = &response.message;
    let mut members = Map::new();
    members.insert("messages".to_owned(), json!([]));
    let (part, chars) = beginning(&message.body, BODY_PAGE_MAX_CHARS, BODY_PAGE_MAX_CHARS);
    let for_body = string_length(part) + BODY_MEMBERS_LENGTH + COMMA;
    let mut item = bounded_header(message, room(&members).saturating_sub(for_body));
    let next = response.offset.saturating_add(chars as u64);
    let more = next < message.body_chars && chars > 0;
    item.insert("body".to_owned(), json!(part));
    if more {
        item.insert(BODY_TRUNCATED.to_owned(), json!(true));
    }
    item.insert("body_chars".to_owned(), json!(message.body_chars));
    members.insert("messages".to_owned(), json!([item]));
    if response.offset > 0 {
        members.insert("offset".to_owned(), json!(response.offset));
    }
    if more {
        members.insert("next_offset".to_owned(), json!(next));
    }
    Rendered { members, shown: vec![message.id], unread_cut: 0 }
}

/// A wait that ended.
pub(super) fn waited(response: &Waited) -> Rendered {
    let mut members = Map::new();
    members.insert("messages".to_owned(), json!([]));
    members.insert("timed_out".to_owned(), json!(response.timed_out));
    if response.repeated {
        members.insert("repeated".to_owned(), json!(true));
    }
    if response.timed_out {
        members.insert("hint".to_owned(), json!(TIMED_OUT));
    } else if response.repeated {
        members.insert("hint".to_owned(), json!(format!("{REPEATED}{MORE_AFTERWARDS}")));
    }
    let mut page = message::fair(&response.messages, room(&members));
    if response.repeated {
        // All of it was shown before.
        page.unread_cut = 0;
    }
    if response.more || page.cut {
        members.insert("more".to_owned(), json!(true));
        if !response.repeated {
            members.insert("hint".to_owned(), json!(MORE_MAIL));
        }
    } else if response.repeated {
        members.insert("hint".to_owned(), json!(REPEATED));
    }
    with_messages(members, "messages", page)
}

/// A question, and what was answered. `marked`: whether the replies were marked read.
pub(super) fn asked(response: &Asked, marked: bool) -> Rendered {
    let mut members = Map::new();
    members.insert("id".to_owned(), json!(response.id));
    members.insert("replies".to_owned(), json!([]));
    members.insert("timed_out".to_owned(), json!(response.timed_out));
    let mut hints: Vec<String> = Vec::new();
    if response.timed_out {
        hints.push(format!(
            "the question still stands; go on with wait_for_message(reply_to={}), only if your work needs the answer",
            response.id
        ));
    }
    if !marked && !response.replies.is_empty() {
        hints.push(MARK_REPLIES.to_owned());
    }
    let missing: Vec<Value> = response.missing.iter().map(|name| json!(name)).collect();
    let for_names = room(&members) / 2;
    add_list(&mut members, "missing", missing, for_names);
    add_out_of_reach(&mut members, response);
    let mut page = message::fair(&response.replies, room(&members).saturating_sub(ASK_HINT_LENGTH));
    if marked {
        // The count is that after the marking, which is of what is shown alone.
        page.unread_cut = 0;
    }
    if page.body_cut {
        hints.push(CUT_BODIES.to_owned());
    }
    if page.cut {
        members.insert("more".to_owned(), json!(true));
        hints.push(format!("more replies: inbox(reply_to={}, unread_only=false)", response.id));
    }
    if !hints.is_empty() {
        members.insert("hint".to_owned(), json!(hints.join("; ")));
    }
    with_messages(members, "replies", page)
}

/// Names those among the missing that could not answer when the question was sent.
fn add_out_of_reach(members: &mut Map<String, Value>, response: &Asked) {
    let missing: HashSet<String> = response.missing.iter().map(|name| fold(name)).collect();
    let mut out_of_reach = |name, condition: fn(&Recipient) -> bool| {
        let names: Vec<Value> = response
            .recipients
            .iter()
            .filter(|recipient| condition(recipient) && missing.contains(&fold(&recipient.name)))
            .map(|recipient| json!(recipient.name))
            .collect();
        if !names.is_empty() {
            let for_names = room(members) / 4;
            add_list(members, name, names, for_names);
        }
    };
    out_of_reach("unknown", |recipient| !recipient.known);
    out_of_reach("offline", |recipient| recipient.known && !recipient.online);
}

fn with_messages(mut members: Map<String, Value>, name: &str, page: Page) -> Rendered {
    members.insert(name.to_owned(), Value::Array(page.items));
    debug_assert!(
        escape::length(&members) < c2c_proto::limits::RESULT_MAX_CHARS,
        "the page was made for the room"
    );
    Rendered { members, shown: page.ids, unread_cut: page.unread_cut }
}
