//! A broadcast that is stored is there for everyone who was known before it began, but for its sender.

use super::Anomaly::{Leaked, TornBroadcast};
use super::Findings;
use super::index::{Index, Target, same_name};
use crate::history::Done;
use std::collections::{HashMap, HashSet};

pub(super) fn check(index: &Index<'_>, found: &mut Findings) {
    let known = known_since(index);
    let mut reached: HashMap<i64, HashSet<&str>> = HashMap::new();
    for delivery in &index.dump.deliveries {
        reached.entry(delivery.message_id).or_default().insert(&delivery.recipient);
    }
    for message in index.messages.iter().filter(|message| matches!(message.to, Target::Everyone)) {
        let Some(id) = message.id(index.dump) else { continue };
        let sender = index.by_id.get(&id).map_or("", |at| &*index.dump.messages[*at].from_name);
        let empty = HashSet::new();
        let reached = reached.get(&id).unwrap_or(&empty);
        let missing: Vec<&str> = known
            .iter()
            .filter(|(name, since)| {
                **since < message.began && !same_name(name, sender) && !reached.contains(*name)
            })
            .map(|(name, _)| *name)
            .collect();
        found.judged("broadcasts");
        if !missing.is_empty() {
            let what = format!("broadcast {id} reached {}, but not {missing:?}", reached.len());
            found.add(TornBroadcast, what, &message.attempts, &[id]);
        }
        if index.steady.contains(sender) && reached.contains(sender) {
            found.add(Leaked, format!("broadcast {id} went to its sender"), &message.attempts, &[id]);
        }
    }
}

/// Since when each of those who keep their names is surely known.
fn known_since<'a>(index: &Index<'a>) -> HashMap<&'a str, u64> {
    let mut known = HashMap::new();
    for op in index.ops {
        if let Done::Sessions { own: Some((_, name)), .. } = &op.result
            && let Some(name) = index.steady.get(&**name)
        {
            let since = known.entry(*name).or_insert(op.t_end);
            *since = op.t_end.min(*since);
        }
    }
    known
}
