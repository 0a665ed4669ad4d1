//! Every message: stored once if it was acknowledged, never if it failed, as it was sent, for whom it was sent.

use super::Anomaly::{
    Changed, Damaged, Duplicated, FalseFailure, FalseSuccess, Forged, Leaked, Lost, Phantom,
};
use super::Findings;
use super::dump::{Delivery, StoredMessage};
use super::index::{Index, Message, Target, same_name};
use crate::history::bodies::digest;
use crate::history::{Call, Done, Fault, Outcome};
use std::collections::HashMap;

pub(super) fn check(index: &Index<'_>, found: &mut Findings) {
    for line in &index.dump.damage {
        found.add(Damaged, line.clone(), &[], &[]);
    }
    for (at, op) in index.ops.iter().enumerate() {
        let Call::Fault { kind: Fault::LookAtStore, detail } = &op.call else { continue };
        found.judged("stores as a kill left them");
        if op.outcome == Outcome::Fail {
            found.add(Damaged, format!("after a kill: {detail}"), &[at], &[]);
        }
    }
    let mut deliveries: HashMap<i64, Vec<&Delivery>> = HashMap::new();
    for delivery in &index.dump.deliveries {
        deliveries.entry(delivery.message_id).or_default().push(delivery);
        if !index.by_id.contains_key(&delivery.message_id) {
            let what = format!("{} lies with {} and is no message", delivery.message_id, delivery.mailbox);
            found.add(Phantom, what, &[], &[delivery.message_id]);
        }
    }
    for stored in &index.dump.messages {
        if stored.n.is_none_or(|n| !index.by_n.contains_key(&n)) {
            let what = format!("message {} of {} was sent by nobody", stored.id, stored.from_name);
            found.add(Phantom, what, &[], &[stored.id]);
        }
    }
    for message in &index.messages {
        presence(index, message, found);
        let Some(stored) = message.stored.first().map(|at| &index.dump.messages[*at]) else { continue };
        content(index, message, stored, found);
        let deliveries = deliveries.get(&stored.id).map_or(&[][..], Vec::as_slice);
        recipients(index, message, stored, deliveries, found);
    }
}

fn presence(index: &Index<'_>, message: &Message<'_>, found: &mut Findings) {
    let ids: Vec<i64> = message.stored.iter().map(|at| index.dump.messages[*at].id).collect();
    let told = &message.ids;
    let ops = &message.attempts;
    if message.acked.is_some() {
        found.judged("acknowledged messages");
    }
    if ids.is_empty() && message.acked.is_some() {
        found.add(Lost, format!("message {told:?} was acknowledged and is not there"), ops, told);
    }
    if ids.len() > 1 {
        found.add(Duplicated, format!("one message is there as {ids:?}"), ops, &ids);
    }
    if told.len() > 1 {
        found.add(Duplicated, format!("the same call was answered with {told:?}"), ops, told);
    }
    if let (Some(told), Some(_)) = (told.first(), ids.first())
        && !ids.contains(told)
    {
        found.add(FalseSuccess, format!("acknowledged as {told}, stored as {ids:?}"), ops, &ids);
    }
    if !ids.is_empty() && message.began == u64::MAX {
        found.add(FalseFailure, format!("every call failed, and {ids:?} is there"), ops, &ids);
    }
}

fn content(index: &Index<'_>, message: &Message<'_>, stored: &StoredMessage, found: &mut Findings) {
    let (ops, ids) = (&message.attempts, [stored.id]);
    let id = stored.id;
    if *stored.from_session != *message.session || !index.may_have_had(message.session, &stored.from_name) {
        let what = format!("message {id} is said to be from {} ({})", stored.from_name, stored.from_session);
        found.add(Forged, what, ops, &ids);
    }
    if stored.digest != digest(&index.bodies.text(message.n)) {
        let what = format!("message {id} has another text, of {} characters", stored.chars);
        found.add(Changed, what, ops, &ids);
    }
    if stored.tag.as_deref() != message.tag || stored.reply_to != message.reply_to {
        let what = format!("message {id} has tag {:?} and answers {:?}", stored.tag, stored.reply_to);
        found.add(Changed, what, ops, &ids);
    }
}

fn recipients(
    index: &Index<'_>,
    message: &Message<'_>,
    stored: &StoredMessage,
    deliveries: &[&Delivery],
    found: &mut Findings,
) {
    let (ops, id) = (&message.attempts, stored.id);
    let has = |name: &str| deliveries.iter().filter(|delivery| same_name(&delivery.recipient, name)).count();
    for at in &message.attempts {
        let Done::Sent { recipients, .. } = &index.ops[*at].result else { continue };
        // A repeated call is told the names that the recipients have by now; some keep theirs.
        let steady = recipients.iter().filter(|(name, _)| index.steady.contains(&**name));
        for (name, _) in steady.filter(|(name, _)| has(name) == 0) {
            let what = format!("message {id} was acknowledged for {name} and is not there for it");
            found.add(Lost, what, &[*at], &[id]);
        }
    }
    let expected = match message.to {
        Target::Names(names) => names.iter().map(String::as_str).collect(),
        Target::Everyone => return,
        Target::Sender => match answered(index, message) {
            Some(name) => vec![name],
            None => return,
        },
    };
    for name in &expected {
        match has(name) {
            0 => found.add(Lost, format!("message {id} is not there for {name}"), ops, &[id]),
            1 => {}
            more => {
                found.add(Duplicated, format!("message {id} is there {more} times for {name}"), ops, &[id]);
            }
        }
    }
    for delivery in deliveries {
        if !expected.iter().any(|name| same_name(name, &delivery.recipient)) {
            let what = format!("message {id} for {expected:?} is there for {}", delivery.recipient);
            found.add(Leaked, what, ops, &[id]);
        }
    }
}

/// Whom an answer goes to, where that is certain: to one who keeps its name, and is not the one who answers.
fn answered<'a>(index: &Index<'a>, message: &Message<'_>) -> Option<&'a str> {
    let original = index.by_id.get(&message.reply_to?)?;
    let original = &index.dump.messages[*original];
    let steady = *index.steady.get(&*original.from_name)?;
    (*original.from_session != *message.session).then_some(steady)
}
