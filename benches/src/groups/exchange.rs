//! What two sessions do with each other, one call at a time, and how long it takes.

use crate::mcp::Mcp;
use crate::samples::Samples;
use c2c_harness::PATIENCE;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Messages in a page of an inbox.
pub(super) const PAGE: usize = 20;

/// Takes the time from the call to its result.
pub(super) fn timed(session: &mut Mcp, tool: &str, arguments: &Value, samples: &mut Samples) -> Value {
    let began = Instant::now();
    let result = session.call(tool, arguments);
    samples.add_us(began.elapsed());
    result
}

/// The time from a send to the result of its recipient's wait, which then marks the message read.
pub(super) fn delivered(sender: &mut Mcp, peer: &mut Mcp, wait: &Value, mail: &Value) -> Duration {
    let name = mail["to"].as_str().expect("one name");
    let wait = peer.begin_call("wait_for_message", wait);
    until_waiting(sender, name);
    let began = Instant::now();
    let send = sender.begin_call("send_message", mail);
    let result = peer.finish_call(wait);
    let took = began.elapsed();
    sender.finish_call(send);
    peer.call("mark_read", &json!({"message_ids": [result["messages"][0]["id"]]}));
    took
}

/// Until the wait of this name has begun, as another session sees it.
pub(super) fn until_waiting(observer: &mut Mcp, name: &str) {
    until_seen(observer, |session| session["name"] == name && session["waiting"] == true);
}

/// Until another session sees such a session.
pub(super) fn until_seen(observer: &mut Mcp, is_so: impl Fn(&Value) -> bool) {
    let began = Instant::now();
    loop {
        let list = observer.call("list_sessions", &json!({}));
        if list["sessions"].as_array().expect("sessions").iter().any(&is_so) {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "no such session comes: {list}");
    }
}

/// Sends a page of messages.
pub(super) fn fill(sender: &mut Mcp, name: &str, body: &str) {
    let mail = json!({"to": name, "body": body});
    for _ in 0..PAGE {
        sender.call("send_message", &mail);
    }
}

/// Marks everything in the session's mailbox read.
pub(super) fn empty(session: &mut Mcp) {
    loop {
        let page = session.call("inbox", &json!({"limit": 500}));
        let messages = page["messages"].as_array().expect("messages");
        let ids: Vec<&Value> = messages.iter().map(|message| &message["id"]).collect();
        if ids.is_empty() {
            return;
        }
        session.call("mark_read", &json!({"message_ids": ids}));
    }
}
