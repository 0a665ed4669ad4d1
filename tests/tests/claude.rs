//! The real Claude Code as the client of c2c, with a scripted model: what the model gets to see is what counts.
//!
//! Needs `CLAUDE_BIN` and tmux; see `tests/tests/claude/README.md`. Without them every test says that it is skipped.
#![cfg(unix)]

#[path = "claude/cost.rs"]
mod cost;
#[path = "claude/faults.rs"]
mod faults;
#[path = "claude/hooks.rs"]
mod hooks;
#[path = "claude/picture.rs"]
mod picture;
#[path = "claude/resume.rs"]
mod resume;
#[path = "claude/setup.rs"]
mod setup;
#[path = "claude/talk.rs"]
mod talk;
#[path = "claude/wake.rs"]
mod wake;

use c2c_harness::{Rule, Sandbox, Shim, when};
use serde_json::json;
use std::time::Duration;

/// A client needs this long at most from one step to the next, on a busy machine.
const STEP: Duration = Duration::from_secs(20);

/// The screen shows this when a turn has ended, its hooks included.
const TURN_OVER: &str = "· done ";

/// What a model does that was told of mail: it looks, and marks what it read.
fn reads_mail(told: &str) -> Vec<Rule> {
    vec![
        when("\"messages\":[{").unless("\"marked\"").calls("mark_read", json!({"message_ids": ["$id"]})),
        when(told).calls("inbox", json!({})),
    ]
}

/// Whether this message, which the peer has sent, is still unread.
fn unread(peer: &mut Shim, id: i64) -> bool {
    let page = peer.ok("inbox", json!({"sent": true}));
    let messages = page["messages"].as_array().expect("messages");
    let message = messages.iter().find(|message| message["id"] == id).expect("the peer has sent it");
    message["receipts"][0]["state"] != "read"
}

/// The status of this sandbox says that so many wait.
fn until_waits(sandbox: &Sandbox, waits: u64) {
    sandbox.until_status(&format!("{waits} wait"), |status| status.waits == waits);
}
