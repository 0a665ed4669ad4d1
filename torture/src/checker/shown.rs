//! Every message that a result showed: sent by somebody, unaltered, from its real sender, to one whom it was for.

use super::Anomaly::{Changed, Forged, Leaked, Lost, Phantom};
use super::Findings;
use super::index::{Index, Message, Target};
use crate::history::bodies::digest;
use crate::history::{Call, Op, Seen};
use std::collections::HashMap;

/// What a part of a body must look like, by message, first character and length.
type Parts = HashMap<(u64, u64, u64), (u64, u64)>;

/// Answers to own answers are followed no further than this.
const ANSWERS_MAX: usize = 20;

pub(super) fn check(index: &Index<'_>, found: &mut Findings) {
    let mut parts = Parts::new();
    for (at, op) in index.ops.iter().enumerate().filter(|(_, op)| op.is_ok()) {
        for seen in op.seen() {
            one(index, (at, op), seen, &mut parts, found);
        }
        if let (Call::ReadBody { id, .. }, []) = (&op.call, op.seen()) {
            found.add(Lost, format!("message {id} was asked for and not shown"), &[at], &[*id]);
        }
    }
}

fn one(index: &Index<'_>, (at, op): (usize, &Op), seen: &Seen, parts: &mut Parts, found: &mut Findings) {
    let id = seen.id;
    let Some(stored) = index.by_id.get(&id).map(|at| &index.dump.messages[*at]) else {
        return found.add(Lost, format!("message {id} was shown and is not in the store"), &[at], &[id]);
    };
    let Some(message) = index.message(id) else { return };
    found.judged("messages shown");
    if message.began > op.t_end && message.began < u64::MAX {
        found.add(Phantom, format!("message {id} was shown before it was sent"), &[at], &[id]);
    }
    if seen.from != stored.from_name || seen.from_session != stored.from_session {
        let what = format!("message {id} is shown as from {} ({})", seen.from, seen.from_session);
        found.add(Forged, what, &[at], &[id]);
    }
    if seen.tag != stored.tag || seen.reply_to != stored.reply_to {
        let what = format!("message {id} is shown with tag {:?}, answering {:?}", seen.tag, seen.reply_to);
        found.add(Changed, what, &[at], &[id]);
    }
    let offset = if let Call::ReadBody { offset, .. } = &op.call { *offset } else { 0 };
    let (part, chars) = *parts.entry((message.n, offset, seen.chars)).or_insert_with(|| {
        let text = index.bodies.text(message.n);
        let skip = usize::try_from(offset).unwrap_or(usize::MAX);
        let take = usize::try_from(seen.chars).unwrap_or(usize::MAX);
        let part: String = text.chars().skip(skip).take(take).collect();
        (digest(&part), text.chars().count() as u64)
    });
    if seen.digest != part || seen.body_chars != chars {
        let what = format!(
            "message {id} of {chars} characters is shown otherwise ({} of {})",
            seen.chars, seen.body_chars
        );
        found.add(Changed, what, &[at], &[id]);
    }
    if !may_see(index, op, id) {
        found.add(Leaked, format!("message {id} is not for {} ({})", op.name, op.session), &[at], &[id]);
    }
}

/// Whether a message was from the session, to everyone, or to a name that the session may have had.
fn may_see(index: &Index<'_>, op: &Op, id: i64) -> bool {
    let Some(message) = index.message(id) else { return true };
    *message.session == *op.session || reaches(index, message, op, ANSWERS_MAX)
}

fn reaches(index: &Index<'_>, message: &Message<'_>, op: &Op, answers: usize) -> bool {
    let original = match message.to {
        Target::Everyone => return true,
        Target::Names(names) => return names.iter().any(|name| index.may_get(&op.session, name)),
        Target::Sender => message.reply_to.and_then(|id| index.message(id)),
    };
    let Some(original) = original else { return true };
    if original.session != message.session {
        // To whatever name the asker had at that moment, whoever has it later.
        let names = index.names.get(original.session);
        return names.is_some_and(|names| names.iter().any(|name| index.may_get(&op.session, name)));
    }
    // An answer to one's own message goes where that one went; those who change their names may be anywhere.
    !index.is_steady(op) || answers == 0 || reaches(index, original, op, answers - 1)
}
