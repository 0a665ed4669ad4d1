//! Full-text queries: no text makes the search fail, and what says the same as the query is found by it.

use crate::home::{Home, hello_of};
use crate::tally;
use c2c_proto::ErrorCode;
use c2c_proto::request::Request;
use c2c_proto::response::Response;
use c2c_shim::tools::{self, Defaults};
use serde_json::{Map, Value, json};
use std::cell::RefCell;

const DEFAULTS: Defaults = Defaults { wait_s: 50 };
const SENDER: u64 = 1;
const READER: u64 = 2;
/// Bodies that are there from the beginning; each is found by any of its words, whatever their case.
const BODIES: [&str; 4] = [
    "deploy is ready",
    "NOT ready, deploy later",
    "near the rowid or body",
    "select match and column 12 or x1",
];

thread_local! {
    static HOME: RefCell<Home> = RefCell::default();
}

/// The last byte says what is looked at: whether a message with the query's own text is found, or which of the first
/// ones are.
pub fn check(data: &[u8]) {
    tally::input();
    let Some((how, query)) = data.split_last() else { return };
    let query = String::from_utf8_lossy(query);
    HOME.with_borrow_mut(|home| {
        if home.begin() {
            furnish(home);
        }
        if how & 7 == 0 {
            finds_itself(home, &query);
        } else {
            plain_words(home, &query);
        }
    });
}

fn finds_itself(home: &Home, query: &str) {
    let Some(id) = send(home, query) else { return };
    let Some(found) = look(home, json!({"query": query, "limit": 1, "before_id": i64::MAX})) else { return };
    if query.contains(|char: char| char.is_ascii_alphanumeric()) {
        assert_eq!(found, [id], "{query:?} does not find a body that is the same text");
    }
}

fn furnish(home: &Home) {
    home.hello(SENDER, hello_of("sender")).expect("welcome");
    home.hello(READER, hello_of("reader")).expect("welcome");
    for (at, body) in BODIES.iter().enumerate() {
        assert_eq!(send(home, body), i64::try_from(at + 1).ok());
    }
}

fn send(home: &Home, body: &str) -> Option<i64> {
    let request = decode("send_message", json!({"to": "reader", "body": body}))?;
    match home.call(SENDER, request).1 {
        Ok(Response::Sent(sent)) => Some(sent.id),
        other => panic!("{body:?} was not sent: {other:?}"),
    }
}

/// The messages that the arguments find; nothing if there is no query in them.
fn look(home: &Home, arguments: Value) -> Option<Vec<i64>> {
    let request = decode("inbox", arguments)?;
    // It goes to the broker.
    tally::reached();
    let Request::Inbox(inbox) = &request else { panic!("{request:?} is no list") };
    let query = inbox.query.clone().unwrap_or_default();
    match home.call(READER, request).1 {
        Ok(Response::Inbox(inbox)) => Some(inbox.messages.iter().map(|message| message.id).collect()),
        Ok(other) => panic!("{other:?} is no list"),
        Err(error) => {
            assert_eq!(error.code, ErrorCode::InvalidArgument, "{query:?}: {error}");
            assert!(!query.contains(char::is_alphanumeric), "{query:?}: {error}");
            None
        }
    }
}

/// Where the query is nothing but plain words, the first bodies are found exactly if they have all of them.
fn plain_words(home: &Home, query: &str) {
    let Some(found) = look(home, json!({"query": query, "limit": BODIES.len()})) else { return };
    if !query.chars().all(|char| char.is_ascii_alphanumeric() || char == ' ') {
        return;
    }
    for (id, body) in (1..).zip(BODIES) {
        let body = body.to_ascii_lowercase();
        let words: Vec<&str> = body.split(|char: char| !char.is_ascii_alphanumeric()).collect();
        let all = query.split_whitespace().all(|word| words.contains(&word.to_ascii_lowercase().as_str()));
        assert_eq!(found.contains(&id), all, "{query:?} and {body:?}");
    }
}

fn decode(tool: &str, arguments: Value) -> Option<Request> {
    let Value::Object(arguments) = arguments else { return None };
    let arguments: Map<String, Value> = arguments;
    let tool = tools::find(tool).expect("there is such a tool");
    tool.decode(Some(arguments), &DEFAULTS).ok().map(|call| call.request)
}
