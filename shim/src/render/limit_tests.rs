//! No result is too long, whatever the store holds, and what was cut says so.

use super::tests::message;
use super::{error, response};
use crate::tools::View;
use c2c_proto::Error;
use c2c_proto::frame::MailCount;
use c2c_proto::limits::{LIST_BODY_MAX_CHARS, METADATA_MAX_BYTES, RECIPIENTS_MAX, RESULT_MAX_CHARS};
use c2c_proto::message::{Message, Receipt, ReceiptState, Recipient, To};
use c2c_proto::response::{
    Asked, Entry, Inbox, Near, OneMessage, Response, Sent, SessionInfo, Sessions, States, Waited,
};
use c2c_proto::time::Timestamp;
use proptest::prelude::*;
use serde_json::Value;

const MAIL: Option<MailCount> = Some(MailCount { unread: u64::MAX, new: u64::MAX });

/// A text of one kind of character, up to `most` long, so that every cost of an escape occurs.
fn text(most: usize) -> impl Strategy<Value = String> {
    let kinds =
        prop::sample::select(vec!["a", "\n", "\u{1}", "\u{85}", "é", "😀", "\u{e0041}", "\"", "x\u{2028}"]);
    (kinds, prop_oneof![Just(0), Just(1), 0..most, Just(most)]).prop_map(|(kind, times)| kind.repeat(times))
}

fn to() -> impl Strategy<Value = To> {
    prop_oneof![
        Just(To::Everyone),
        text(70).prop_map(To::One),
        prop::collection::vec(text(64), 0..256).prop_map(To::Many),
    ]
}

fn any_message() -> impl Strategy<Value = Message> {
    (text(9_000), text(300), to(), any::<bool>(), 0_u64..3, 0_usize..400, prop::option::of(text(64)))
        .prop_map(|(body, from_name, to, sent_by_reader, longer, receipts, tag)| Message {
            body_chars: body.chars().count() as u64 + longer,
            body,
            from_name,
            to,
            sent_by_reader,
            tag,
            receipts: vec![receipt(); if sent_by_reader { receipts } else { 0 }],
            receipts_total: if sent_by_reader { 12_000 } else { 0 },
            ..message(0, "")
        })
}

fn receipt() -> Receipt {
    Receipt {
        name: "n".repeat(64),
        state: ReceiptState::Read,
        shown_at: Some(Timestamp(0)),
        read_at: Some(Timestamp(0)),
        read_by: Some("n".repeat(64)),
    }
}

fn messages(most: usize) -> impl Strategy<Value = Vec<Message>> {
    prop::collection::vec(any_message(), 0..most).prop_map(|mut messages| {
        for (id, message) in (1..).zip(&mut messages) {
            message.id = id;
        }
        messages
    })
}

/// Parses a result after checking its length.
fn checked(view: &View, given: Response) -> Value {
    let text = response(view, given, MAIL).text;
    let units = text.encode_utf16().count();
    assert!(units < RESULT_MAX_CHARS, "{units} units");
    serde_json::from_str(&text).unwrap()
}

/// The messages of a result are messages that were given, with the beginnings of their bodies, cut only if marked.
fn check_messages(listed: &Value, given: &[Message]) {
    for item in listed.as_array().unwrap() {
        let id = item["id"].as_i64().unwrap();
        let message = given.iter().find(|message| message.id == id).unwrap();
        let body = item["body"].as_str().unwrap();
        assert!(message.body.starts_with(body));
        assert!(body.chars().count() <= LIST_BODY_MAX_CHARS);
        let whole = body.chars().count() as u64 == message.body_chars;
        assert_eq!(item.get("body_truncated").is_none(), whole);
        if !whole {
            assert_eq!(item["body_chars"], message.body_chars);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_page_of_messages_has_no_gap(given in messages(30), downward: bool) {
        let all = given.len();
        let value = checked(&View::Inbox { downward }, Response::Inbox(Inbox { messages: given.clone(), more: false }));
        check_messages(&value["messages"], &given);
        let ids: Vec<i64> = value["messages"].as_array().unwrap().iter().map(|item| item["id"].as_i64().unwrap()).collect();
        prop_assert!(all == 0 || !ids.is_empty(), "a page makes progress");
        prop_assert_eq!(value.get("more").is_some(), ids.len() < all);
        let kept = ids.len();
        let expected: Vec<i64> = given.iter().map(|message| message.id).collect();
        if downward {
            prop_assert_eq!(&ids[..], &expected[all - kept..]);
            prop_assert_eq!(value.get("next_before_id").is_some(), kept < all);
        } else {
            prop_assert_eq!(&ids[..], &expected[..kept]);
            prop_assert_eq!(value.get("next_after_id").is_some(), kept < all);
        }
    }

    #[test]
    fn a_wait_lists_what_it_can(given in messages(21), repeated: bool, more: bool) {
        let waited = Waited { messages: given.clone(), timed_out: given.is_empty(), repeated, more };
        let value = checked(&View::Wait, Response::Waited(waited));
        check_messages(&value["messages"], &given);
        let listed = value["messages"].as_array().unwrap().len();
        prop_assert!(given.is_empty() || listed > 0);
        prop_assert_eq!(value.get("more").is_some(), more || listed < given.len());
    }

    #[test]
    fn a_wait_lists_all_messages_of_ordinary_senders(bodies in prop::collection::vec(text(9_000), 0..=20)) {
        let given: Vec<Message> = (1..).zip(&bodies).map(|(id, body)| message(id, body)).collect();
        let waited = Waited { messages: given.clone(), timed_out: false, repeated: false, more: false };
        let value = checked(&View::Wait, Response::Waited(waited));
        prop_assert_eq!(value["messages"].as_array().unwrap().len(), given.len());
    }

    #[test]
    fn an_ask_keeps_the_limit(given in messages(40), missing in prop::collection::vec(text(64), 0..300), marked: bool) {
        let recipient = |name: &String| Recipient { name: name.clone(), online: false, waiting: false, known: name.len().is_multiple_of(2) };
        let recipients = missing.iter().map(recipient).collect();
        let asked = Asked { id: 1, replies: given.clone(), missing: missing.clone(), timed_out: true, recipients };
        let value = checked(&View::Ask { marked }, Response::Asked(asked));
        check_messages(&value["replies"], &given);
        let omitted = value.get("missing_omitted").and_then(Value::as_u64).unwrap_or(0);
        prop_assert_eq!(value["missing"].as_array().unwrap().len() as u64 + omitted, missing.len() as u64);
    }

    #[test]
    fn one_message_pages_without_gap(mut given in any_message(), body in text(30_000), offset in 0_u64..1_000_000) {
        given.body_chars = offset + body.chars().count() as u64 + 5;
        given.body = body;
        let value = checked(&View::Plain, Response::OneMessage(OneMessage { message: given.clone(), offset }));
        let part = value["messages"][0]["body"].as_str().unwrap();
        prop_assert!(given.body.starts_with(part));
        prop_assert!(given.body.is_empty() || !part.is_empty(), "a page makes progress");
        if !part.is_empty() {
            prop_assert_eq!(value["next_offset"].as_u64().unwrap(), offset + part.chars().count() as u64);
        }
    }

    #[test]
    fn a_send_keeps_the_limit(to in to(), names in prop::collection::vec(text(64), 0..600), tag in text(64)) {
        let recipients = names
            .iter()
            .map(|name| Recipient { name: name.clone(), online: false, waiting: false, known: false })
            .collect();
        let sent = Sent { id: 1, to, tag: Some(tag), recipients, skipped_full: names, near: Vec::new() };
        checked(&View::Plain, Response::Sent(sent));
    }

    #[test]
    fn a_list_of_sessions_ends_with_a_cursor(names in prop::collection::vec(text(300), 0..80), cwd in text(4_000), meta in text(16_000)) {
        let all = names.len();
        let sessions = names.into_iter().map(|name| SessionInfo {
            session_id: "s".to_owned(),
            name,
            cwd: cwd.clone(),
            started_at: Timestamp(0),
            last_seen_at: Timestamp(0),
            metadata: Some(serde_json::json!({"m": meta}).to_string()),
            is_self: false,
            online: true,
            waiting: false,
            unread: 0,
            client: cwd.clone(),
        }).collect();
        let value = checked(&View::Plain, Response::Sessions(Sessions { sessions, more: false }));
        let listed = value["sessions"].as_array().unwrap().len();
        prop_assert!(all == 0 || listed > 0);
        prop_assert_eq!(value.get("next_after_name").is_some(), listed < all);
    }

    #[test]
    fn a_list_of_entries_ends_with_a_cursor(keys in prop::collection::vec(text(512), 0..80), value in text(2_000), by in text(9_000)) {
        let all = keys.len();
        let entries = keys.into_iter().map(|state_key| Entry {
            state_key,
            value: Some(serde_json::json!(value).to_string()),
            value_chars: 1,
            version: 1,
            updated_at: Timestamp(0),
            updated_by: by.clone(),
            expires_at: None,
        }).collect();
        let value = checked(&View::Plain, Response::States(States { entries, more: false }));
        let listed = value["entries"].as_array().unwrap().len();
        prop_assert!(all == 0 || listed > 0);
        prop_assert_eq!(value.get("next_after_key").is_some(), listed < all);
    }

    #[test]
    fn an_error_keeps_the_limit(message in text(50_000), hint in text(50_000)) {
        let text = error(&Error::invalid(message, hint), Some("call:x"), MAIL);
        prop_assert!(text.encode_utf16().count() < RESULT_MAX_CHARS);
        prop_assert!(serde_json::from_str::<Value>(&text).is_ok());
    }
}

#[test]
fn long_bodies_of_a_wait_give_way_evenly() {
    let mut given: Vec<Message> = (1..=10).map(|id| message(id, &"x".repeat(8_000))).collect();
    given.push(message(11, "short"));
    let waited = Waited { messages: given, timed_out: false, repeated: false, more: false };
    let value = checked(&View::Wait, Response::Waited(waited));
    let lengths: Vec<usize> = value["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["body"].as_str().unwrap().len())
        .collect();
    assert_eq!(lengths.len(), 11);
    assert_eq!(lengths[10], 5);
    assert!(lengths[0] > 3_000 && lengths[..10].iter().all(|length| *length == lengths[0]), "{lengths:?}");
}

/// A message of mine to as many as a list holds, with names as long as they may be derived.
fn to_many(state: ReceiptState) -> Message {
    let names: Vec<String> = (0..RECIPIENTS_MAX).map(|n| format!("{}{n:03}", "n".repeat(58))).collect();
    let read = (state == ReceiptState::Read).then_some(Timestamp(1_795_355_401_234_567));
    let receipts = names.iter().map(|name| Receipt {
        name: name.clone(),
        state,
        shown_at: (state != ReceiptState::Queued).then_some(Timestamp(1_795_355_401_234_567)),
        read_at: read,
        read_by: read.map(|_| name.clone()),
    });
    Message {
        receipts: receipts.collect(),
        to: To::Many(names),
        sent_by_reader: true,
        ..message(1, "a short body")
    }
}

#[test]
fn all_receipts_of_a_message_to_many_can_be_read() {
    for state in [ReceiptState::Queued, ReceiptState::Shown, ReceiptState::Read] {
        let given = to_many(state);
        let one = OneMessage { message: given.clone(), offset: 0 };
        let list = Inbox { messages: vec![given.clone(), message(2, "x")], more: false };
        for value in [
            checked(&View::Plain, Response::OneMessage(one)),
            checked(&View::Inbox { downward: false }, Response::Inbox(list)),
        ] {
            let item = &value["messages"][0];
            assert_eq!(item["receipts"].as_array().unwrap().len(), RECIPIENTS_MAX, "{state:?}");
            assert_eq!(item["body"], "a short body");
            let omitted = item.get("to_omitted").and_then(Value::as_u64).unwrap_or(0);
            assert_eq!(item["to"].as_array().unwrap().len() as u64 + omitted, RECIPIENTS_MAX as u64);
            for receipt in item["receipts"].as_array().unwrap() {
                assert_eq!(receipt.get("read_at").is_some(), state == ReceiptState::Read);
            }
        }
    }
}

#[test]
fn receipts_that_a_list_leaves_out_are_counted() {
    let mut given = to_many(ReceiptState::Shown);
    given.to = To::Everyone;
    given.receipts_total = 12_000;
    let value = checked(
        &View::Inbox { downward: false },
        Response::Inbox(Inbox { messages: vec![given], more: false }),
    );
    let item = &value["messages"][0];
    let listed = item["receipts"].as_array().unwrap().len() as u64;
    assert!(listed > 0);
    assert_eq!(listed + item["receipts_omitted"].as_u64().unwrap(), 12_000);
}

#[test]
fn all_recipients_of_a_send_to_many_are_told() {
    for (known, online) in [(false, false), (true, false), (true, true)] {
        let To::Many(names) = to_many(ReceiptState::Queued).to else { panic!() };
        let recipients: Vec<Recipient> = names
            .iter()
            .map(|name| Recipient { name: name.clone(), online, waiting: online, known })
            .collect();
        let near: Vec<Near> =
            names.iter().map(|name| Near { name: name.clone(), known: vec![name.clone(); 3] }).collect();
        let sent = Sent { id: 1, to: To::Many(names), tag: None, recipients, skipped_full: Vec::new(), near };
        let value = checked(&View::Plain, Response::Sent(sent));
        let listed = value["recipients"].as_array().unwrap();
        assert_eq!(listed.len(), RECIPIENTS_MAX);
        for one in listed {
            assert_eq!(one["known"], known);
            assert_eq!(one.get("online").and_then(Value::as_bool).unwrap_or(false), online);
            assert_eq!(one.get("waiting").and_then(Value::as_bool).unwrap_or(false), online);
        }
    }
}

#[test]
fn metadata_up_to_its_limit_is_shown() {
    let metadata = serde_json::json!({"m": "x".repeat(METADATA_MAX_BYTES - 8)});
    assert_eq!(metadata.to_string().len(), METADATA_MAX_BYTES);
    let session = |name: &str| SessionInfo {
        session_id: "s".to_owned(),
        name: name.to_owned(),
        cwd: "/".repeat(4_000),
        started_at: Timestamp(0),
        last_seen_at: Timestamp(0),
        metadata: Some(metadata.to_string()),
        is_self: false,
        online: true,
        waiting: false,
        unread: 0,
        client: "c".to_owned(),
    };
    let mut sessions = ["a", "b", "c"].map(session).to_vec();
    while let Some(last) = sessions.last().map(|last| last.name.clone()) {
        let given = Sessions { sessions: sessions.clone(), more: false };
        let value = checked(&View::Plain, Response::Sessions(given));
        let listed = value["sessions"].as_array().unwrap();
        assert!(!listed.is_empty() && listed.iter().all(|session| session["metadata"] == metadata));
        let after = value["next_after_name"].as_str().unwrap_or(&last).to_owned();
        sessions.retain(|session| session.name > after);
    }
}

#[test]
fn mail_that_a_page_leaves_out_is_still_new() {
    let mut given: Vec<Message> = (1..=8).map(|id| message(id, &"x".repeat(8_000))).collect();
    given[6].read_at = Some(Timestamp(0));
    given[7].sent_by_reader = true;
    let new = |view: &View, given: Response, unread| {
        let text = response(view, given, Some(MailCount { unread, new: 2 })).text;
        serde_json::from_str::<Value>(&text).unwrap()["new"].as_u64().unwrap()
    };
    let inbox = || Response::Inbox(Inbox { messages: given.clone(), more: false });
    let view = View::Inbox { downward: false };
    let listed = checked(&view, inbox())["messages"].as_array().unwrap().len() as u64;
    assert_eq!(new(&view, inbox(), 100), 2 + 6 - listed);
    assert_eq!(new(&view, inbox(), 3), 3, "never more than are unread");
    let waited = |repeated| {
        Response::Waited(Waited { messages: given.clone(), timed_out: false, repeated, more: true })
    };
    assert_eq!(new(&View::Wait, waited(false), 100), 2, "a wait leaves none of these out");
    given =
        (1..=20).map(|id| Message { to: To::Many(vec!["n".repeat(60); 60]), ..message(id, "x") }).collect();
    let waited = |repeated| {
        Response::Waited(Waited { messages: given.clone(), timed_out: false, repeated, more: true })
    };
    let listed = checked(&View::Wait, waited(false))["messages"].as_array().unwrap().len() as u64;
    assert_eq!(new(&View::Wait, waited(false), 100), 2 + 20 - listed);
    assert_eq!(new(&View::Wait, waited(true), 100), 2, "a reminder is of mail that was shown");
}

#[test]
fn an_ordinary_page_of_a_body_is_30_000_characters() {
    let given = OneMessage { message: message(1, &"x".repeat(30_001)), offset: 0 };
    let value = checked(&View::Plain, Response::OneMessage(given));
    assert_eq!(value["next_offset"], 30_000);
}
