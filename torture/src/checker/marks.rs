//! What `mark_read` and receipts say of mail is true.

use super::Anomaly::{FalseSuccess, Leaked, Lost, ReadUnasked};
use super::Findings;
use super::index::Index;
use super::mailboxes::{Mailboxes, with};
use crate::history::{Call, Done, Inbox, Op};
use std::collections::BTreeSet;

pub(super) fn check(index: &Index<'_>, boxes: &Mailboxes<'_>, found: &mut Findings) {
    for (at, op) in index.ops.iter().enumerate().filter(|(_, op)| op.is_ok() && index.is_steady(op)) {
        match (&op.call, &op.result) {
            (Call::MarkRead { ids, .. }, Done::Marked { marked, already_read, not_found }) => {
                let ids: BTreeSet<i64> = ids.iter().copied().collect();
                let told = *marked + (already_read.len() + not_found.len()) as u64;
                if told != ids.len() as u64 {
                    let what = format!("{} ids were given, {told} are accounted for", ids.len());
                    found.add(FalseSuccess, what, &[at], &[]);
                }
                for id in ids {
                    one_mark((at, op), id, not_found.contains(&id), boxes, found);
                }
            }
            (Call::Inbox(Inbox { sent: true, .. }), _) => receipts(index, (at, op), boxes, found),
            _ => {}
        }
    }
}

fn one_mark((at, op): (usize, &Op), id: i64, not_found: bool, boxes: &Mailboxes<'_>, found: &mut Findings) {
    found.judged("marks");
    match boxes.mail(&op.name, id) {
        Some(mail) if not_found && mail.acked.is_some_and(|acked| acked < op.t_invoke) => {
            let what = format!("message {id} was there for {} and was not found", op.name);
            found.add(Lost, what, &with(&mail.ops, at), &[id]);
        }
        None if !not_found => {
            found.add(Leaked, format!("message {id} is not with {}, which marked it", op.name), &[at], &[id]);
        }
        _ => {}
    }
}

/// A receipt says read when it is, and only then; as far as the recipient's calls tell.
fn receipts(index: &Index<'_>, (at, op): (usize, &Op), boxes: &Mailboxes<'_>, found: &mut Findings) {
    for seen in op.seen() {
        for (name, state) in seen.receipts.iter().filter(|(name, _)| index.steady.contains(&**name)) {
            let Some(mail) = boxes.mail(name, seen.id) else { continue };
            found.judged("receipts");
            let read = &**state == "read";
            if read && mail.maybe_read > op.t_end {
                let what = format!("message {} is said to be read by {name}, who never said so", seen.id);
                found.add(ReadUnasked, what, &with(&mail.ops, at), &[seen.id]);
            }
            if !read && mail.surely_read.is_some_and(|since| since < op.t_invoke) {
                let what = format!("message {} is said to be {state} for {name}, who marked it", seen.id);
                found.add(FalseSuccess, what, &with(&mail.ops, at), &[seen.id]);
            }
        }
    }
}
