//! The calls that are made on each store, through real shims. What a call finds is the same on every store, but for the
//! reader's mailbox where that is full: only what lies around it differs.

use super::build::{self, MEMBERS, READER};
use super::store::Kind;
use super::text;
use crate::groups::exchange::{self, PAGE};
use crate::mcp::Mcp;
use crate::samples::Samples;
use crate::world::World;
use c2c_harness::Seed;
use serde_json::{Value, json};
use std::path::Path;

/// A mailbox has to hold what is added to one that is full.
const CONFIG: &str = "[limits]\nunread_per_mailbox = 1000000\n";
/// Messages of the thread that is listed.
const THREAD: usize = 6;
/// The tag of what the reader waits for.
const TAG: &str = "urgent";
/// All sessions of the store, whenever they were there: a year.
const EVER_MIN: u32 = 525_600;

/// Measured once on one store.
type Call = fn(&mut Grown, &mut Samples);

/// What is called, whether it may take hardly longer on a large store, and how it is measured.
pub(super) const CALLS: &[(&str, bool, Call)] = &[
    ("send_message", true, send),
    ("send_message to the result of the peer's wait", true, deliver),
    ("send_message to the result of the peer's wait for a tag", false, deliver_tag),
    ("inbox of 20", true, |grown, samples| grown.inbox(&json!({"limit": PAGE}), samples)),
    ("inbox of 20, the newest, read or not", false, |grown, samples| {
        grown.inbox(&json!({"limit": PAGE, "before_id": i64::MAX}), samples);
    }),
    ("inbox of 20, the oldest, read or not", false, |grown, samples| {
        grown.inbox(&json!({"limit": PAGE, "unread_only": false}), samples);
    }),
    ("inbox of 20 with a rare word", false, |grown, samples| {
        grown.inbox(&json!({"limit": PAGE, "query": text::RARE}), samples);
    }),
    ("inbox of 20 with a word of all messages", false, |grown, samples| {
        grown.inbox(&json!({"limit": PAGE, "query": text::COMMON}), samples);
    }),
    ("inbox of one thread", false, thread),
    ("inbox of 20 that were sent", false, sent),
    ("mark_read", false, mark_read),
    ("set_state", true, set_state),
    ("list_sessions of 200", false, list_sessions),
];

/// A store with sessions that are there again.
pub(super) struct Grown {
    pub(super) kind: Kind,
    /// Sends.
    alice: Mcp,
    /// Reads: a page of its mail is unread, if not all of it.
    bob: Mcp,
    /// Waits: none of its mail is unread.
    carol: Mcp,
    body: String,
    thread: Value,
    next_recipient: usize,
    // The last to go: everything else runs in it.
    world: World,
}

impl Grown {
    /// On a copy of the store in this file.
    pub(super) fn on(kind: Kind, file: &Path) -> Self {
        let world = World::copy_of(file, CONFIG);
        let back = |name| world.resumed(name, name);
        let (mut alice, mut bob, mut carol) = (back("alice"), back(READER), back("carol"));
        let body = text::body_with_both(&mut Seed::of(0));
        let thread = converse(&mut alice, &mut carol, &body);
        exchange::empty(&mut carol);
        if matches!(kind, Kind::History(_)) {
            exchange::empty(&mut bob);
        }
        exchange::fill(&mut alice, READER, &body);
        Self { kind, alice, bob, carol, body, thread, next_recipient: 0, world }
    }

    /// Ends the sessions and then the broker.
    pub(super) fn end(self) -> World {
        let Self { alice, bob, carol, mut world, .. } = self;
        drop((alice, bob, carol));
        world.stop_broker();
        world
    }

    /// Bytes of the store and its log.
    pub(super) fn bytes(&self) -> u64 {
        self.world.sandbox().status().expect("the broker answers").store_bytes
    }

    fn inbox(&mut self, arguments: &Value, samples: &mut Samples) {
        let page = exchange::timed(&mut self.bob, "inbox", arguments, samples);
        full_page(&page);
    }
}

/// A thread; its id.
fn converse(one: &mut Mcp, other: &mut Mcp, body: &str) -> Value {
    let first = one.call("send_message", &json!({"to": "carol", "body": body}))["id"].clone();
    let mut last = first.clone();
    for message in 1..THREAD {
        let speaker = if message % 2 == 0 { &mut *one } else { &mut *other };
        last = speaker.call("send_message", &json!({"reply_to": last, "body": body}))["id"].clone();
    }
    first
}

/// A call that finds less than on other stores would be no measurement.
fn full_page(page: &Value) {
    assert_eq!(page["messages"].as_array().map(Vec::len), Some(PAGE), "{page}");
}

/// To each of the sessions in turn that are not there.
fn send(grown: &mut Grown, samples: &mut Samples) {
    const THERE: usize = 3;
    let to = build::name(THERE + grown.next_recipient % (MEMBERS - THERE));
    grown.next_recipient += 1;
    let mail = json!({"to": to, "body": grown.body});
    exchange::timed(&mut grown.alice, "send_message", &mail, samples);
}

fn deliver(grown: &mut Grown, samples: &mut Samples) {
    let mail = json!({"to": "carol", "body": grown.body});
    samples.add_us(exchange::delivered(&mut grown.alice, &mut grown.carol, &json!({}), &mail));
}

/// The mail that the reader has already does not match.
fn deliver_tag(grown: &mut Grown, samples: &mut Samples) {
    let mail = json!({"to": READER, "body": grown.body, "tag": TAG});
    samples.add_us(exchange::delivered(&mut grown.alice, &mut grown.bob, &json!({"tag": TAG}), &mail));
}

fn thread(grown: &mut Grown, samples: &mut Samples) {
    let page = exchange::timed(&mut grown.alice, "inbox", &json!({"thread": grown.thread}), samples);
    assert_eq!(page["messages"].as_array().map(Vec::len), Some(THREAD), "{page}");
}

fn sent(grown: &mut Grown, samples: &mut Samples) {
    let arguments = json!({"sent": true, "limit": PAGE});
    full_page(&exchange::timed(&mut grown.alice, "inbox", &arguments, samples));
}

fn mark_read(grown: &mut Grown, samples: &mut Samples) {
    let mail = json!({"to": READER, "body": grown.body});
    let id = grown.alice.call("send_message", &mail)["id"].clone();
    let marked = exchange::timed(&mut grown.bob, "mark_read", &json!({"message_ids": [id]}), samples);
    assert_eq!(marked["marked"], 1, "{marked}");
}

fn set_state(grown: &mut Grown, samples: &mut Samples) {
    let entry = json!({"key": "k", "value": grown.body});
    exchange::timed(&mut grown.alice, "set_state", &entry, samples);
}

fn list_sessions(grown: &mut Grown, samples: &mut Samples) {
    let arguments = json!({"active_within_min": EVER_MIN});
    exchange::timed(&mut grown.alice, "list_sessions", &arguments, samples);
}
