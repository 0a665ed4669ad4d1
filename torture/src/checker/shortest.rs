//! The least that shows a broken promise: its own records, cut down to the messages that it is about.

use super::dump::Dump;
use super::{Premises, Violation};
use crate::history::{Done, Op};
use std::fmt::Write;

/// Longer lines say nothing more.
const LINE_MAX_CHARS: usize = 600;

/// The records of a violation as JSON lines, and what the store holds of it.
#[must_use]
pub fn shortest(violation: &Violation, premises: &Premises, history: &[Op], dump: &Dump) -> String {
    let mut text = String::new();
    let Violation { anomaly, what, ops, messages } = violation;
    let _ = writeln!(text, "{anomaly}: {what} (seed {})", premises.seed);
    let mut places = ops.clone();
    places.sort_unstable();
    places.dedup();
    for op in places.iter().filter_map(|at| history.get(*at)) {
        let line = serde_json::to_string(&without_others(op, messages)).unwrap_or_default();
        let line: String = line.chars().take(LINE_MAX_CHARS).collect();
        let _ = writeln!(text, "    {line}");
    }
    for stored in dump.messages.iter().filter(|stored| messages.contains(&stored.id)) {
        let _ = writeln!(text, "    stored {stored:?}");
    }
    for delivery in dump.deliveries.iter().filter(|one| messages.contains(&one.message_id)).take(20) {
        let _ = writeln!(text, "    {delivery:?}");
    }
    text
}

/// The record without the messages that the violation is not about.
fn without_others(op: &Op, about: &[i64]) -> Op {
    let mut op = op.clone();
    match &mut op.result {
        Done::Page { messages, .. }
        | Done::Waited { messages, .. }
        | Done::Asked { replies: messages, .. } => {
            messages.retain(|seen| about.contains(&seen.id));
        }
        Done::Sent { recipients, .. } => recipients.truncate(10),
        _ => {}
    }
    op
}
