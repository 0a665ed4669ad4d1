//! A key stands for one message of its session: repeated it leads to that one, with another text it is refused.

use super::Anomaly::{Duplicated, FalseFailure, FalseSuccess};
use super::Findings;
use super::index::Index;
use crate::history::{Call, Done, Op, Outcome};
use std::collections::HashMap;

/// What is said of a call only after its key was looked for: none of it is true of one that was done.
const SAID_AFTER_THE_LOOK: [&str; 5] =
    ["conflict", "not_found", "mailbox_full", "rate_limited", "invalid_argument"];

pub(super) fn check(index: &Index<'_>, found: &mut Findings) {
    once_in_the_store(index, found);
    // By session and key: the message's number, and when it was first acknowledged.
    let mut acked: HashMap<(&str, &str), (u64, u64, usize)> = HashMap::new();
    let mut keyed: Vec<(usize, &Op, &str, u64)> = index.ops.iter().enumerate().filter_map(keyed).collect();
    keyed.sort_by_key(|(_, op, ..)| op.t_end);
    for (at, op, key, n) in &keyed {
        if op.is_ok() {
            acked.entry((&*op.session, *key)).or_insert((*n, op.t_end, *at));
        }
    }
    for (at, op, key, n) in keyed {
        let Some((first_n, since, first)) = acked.get(&(&*op.session, key)) else { continue };
        if *since < op.t_invoke {
            again((at, op), n == *first_n, *first, found);
        }
    }
}

/// A message with a key that the model, or an error, gave.
fn keyed((at, op): (usize, &Op)) -> Option<(usize, &Op, &str, u64)> {
    match &op.call {
        Call::Send { n, key: Some(key), .. } => Some((at, op, key, *n)),
        _ => None,
    }
}

fn once_in_the_store(index: &Index<'_>, found: &mut Findings) {
    let mut keys: HashMap<(&str, &str), i64> = HashMap::new();
    for stored in &index.dump.messages {
        if let Some(id) = keys.insert((&stored.from_session, &stored.key), stored.id) {
            let what = format!("messages {id} and {} have one key", stored.id);
            found.add(Duplicated, what, &[], &[id, stored.id]);
        }
    }
}

/// A call under a key that had been acknowledged before it began.
fn again((at, op): (usize, &Op), same: bool, first: usize, found: &mut Findings) {
    found.judged(if same { "calls made again" } else { "keys used for another message" });
    match &op.result {
        Done::Error { code, .. }
            if same && op.outcome == Outcome::Fail && SAID_AFTER_THE_LOOK.contains(&code.as_str()) =>
        {
            found.add(FalseFailure, format!("what was done was refused with {code}"), &[first, at], &[]);
        }
        Done::Sent { id, .. } if !same => {
            let what = format!("the key of another message was taken for {id}");
            found.add(FalseSuccess, what, &[first, at], &[*id]);
        }
        _ => {}
    }
}
