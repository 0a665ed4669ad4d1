//! What each kept name's mailbox held at each moment, and whether every list of it showed just that.

use super::Anomaly::{Lost, ReadUnasked, Skipped, UnreadAgain};
use super::Findings;
use super::index::{Index, same_name};
use crate::history::{Call, Done, Inbox, Op};
use std::collections::HashMap;

/// One message in a mailbox.
#[derive(Debug)]
pub(crate) struct Mail<'a> {
    pub(crate) id: i64,
    pub(crate) from: &'a str,
    pub(crate) tag: Option<&'a str>,
    pub(crate) reply_to: Option<i64>,
    /// The number that its body begins with as a word; a tiny body has none.
    pub(crate) word: Option<u64>,
    /// Since when it was surely there.
    pub(crate) acked: Option<u64>,
    /// Since when it may be marked as read; `MAX`: never.
    pub(crate) maybe_read: u64,
    /// Since when it is surely marked.
    pub(crate) surely_read: Option<u64>,
    /// The calls that sent it or marked it.
    pub(crate) ops: Vec<usize>,
    pub(crate) read_at_the_end: bool,
}

/// By name: its mail, ascending by id.
#[derive(Debug)]
pub(crate) struct Mailboxes<'a>(HashMap<&'a str, Vec<Mail<'a>>>);

/// Which mail a list or a wait asks for.
#[derive(Debug, Default)]
pub(crate) struct Wanted<'a> {
    pub(crate) from: Option<&'a str>,
    pub(crate) tag: Option<&'a str>,
    pub(crate) reply_to: Option<i64>,
    pub(crate) word: Option<u64>,
}

impl Wanted<'_> {
    pub(crate) fn takes(&self, mail: &Mail<'_>) -> bool {
        self.from.is_none_or(|from| same_name(from, mail.from))
            && self.tag.is_none_or(|tag| mail.tag == Some(tag))
            && self.reply_to.is_none_or(|id| mail.reply_to == Some(id))
            && self.word.is_none_or(|word| mail.word == Some(word))
    }
}

impl<'a> Mailboxes<'a> {
    pub(crate) fn new(index: &Index<'a>) -> Self {
        let mut boxes = Self(HashMap::new());
        let by_mailbox: HashMap<String, &'a str> =
            index.steady.iter().map(|name| (name.to_ascii_lowercase(), *name)).collect();
        for delivery in &index.dump.deliveries {
            let Some(name) = by_mailbox.get(&*delivery.mailbox) else { continue };
            let Some(at) = index.by_id.get(&delivery.message_id) else { continue };
            let stored = &index.dump.messages[*at];
            let message = index.message(stored.id);
            boxes.0.entry(name).or_default().push(Mail {
                id: stored.id,
                from: &stored.from_name,
                tag: stored.tag.as_deref(),
                reply_to: stored.reply_to,
                word: stored.n.filter(|n| !index.bodies.is_tiny(*n)),
                acked: message.and_then(|message| message.acked),
                maybe_read: u64::MAX,
                surely_read: None,
                ops: message.map(|message| message.attempts.clone()).unwrap_or_default(),
                read_at_the_end: delivery.read,
            });
        }
        for mails in boxes.0.values_mut() {
            mails.sort_unstable_by_key(|mail| mail.id);
        }
        for (at, op) in index.ops.iter().enumerate().filter(|(_, op)| index.is_steady(op)) {
            boxes.note_marks(index, at, op);
        }
        boxes
    }

    /// What a call may have marked, and what it surely did.
    fn note_marks(&mut self, index: &Index<'a>, at: usize, op: &Op) {
        if !op.may_be_done() {
            return;
        }
        match &op.call {
            Call::MarkRead { ids, .. } => {
                let not_found = match &op.result {
                    Done::Marked { not_found, .. } => not_found.as_slice(),
                    _ => &[],
                };
                for id in ids.iter().filter(|id| !not_found.contains(id)) {
                    self.mark(&op.name, *id, at, op);
                }
            }
            Call::Send { reply_to: Some(id), .. } => self.mark(&op.name, *id, at, op),
            Call::Ask { n, .. } => {
                let id = index.by_n.get(n).and_then(|at| index.messages[*at].id(index.dump));
                let (Some(id), Some(mails)) = (id, self.0.get_mut(&*op.name)) else { return };
                for mail in mails.iter_mut().filter(|mail| mail.reply_to == Some(id)) {
                    mail.maybe_read = mail.maybe_read.min(op.t_invoke);
                }
            }
            _ => {}
        }
    }

    fn mark(&mut self, name: &str, id: i64, at: usize, op: &Op) {
        let Some(mail) = self.0.get_mut(name).and_then(|mails| find(mails, id)) else { return };
        mail.maybe_read = mail.maybe_read.min(op.t_invoke);
        mail.ops.push(at);
        if op.is_ok() {
            mail.surely_read = Some(mail.surely_read.unwrap_or(u64::MAX).min(op.t_end));
        }
    }

    pub(crate) fn of(&self, name: &str) -> &[Mail<'a>] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn mail(&self, name: &str, id: i64) -> Option<&Mail<'a>> {
        let mails = self.of(name);
        mails.binary_search_by_key(&id, |mail| mail.id).ok().map(|at| &mails[at])
    }
}

fn find<'m, 'a>(mails: &'m mut [Mail<'a>], id: i64) -> Option<&'m mut Mail<'a>> {
    let at = mails.binary_search_by_key(&id, |mail| mail.id).ok()?;
    mails.get_mut(at)
}

pub(super) fn check(index: &Index<'_>, boxes: &Mailboxes<'_>, found: &mut Findings) {
    // By name: the first mail that may still be unread; calls come in the order in which they began.
    let mut unread_from: HashMap<&str, usize> = HashMap::new();
    for (at, op) in index.ops.iter().enumerate().filter(|(_, op)| op.is_ok() && index.is_steady(op)) {
        let mails = boxes.of(&op.name);
        let from = unread_from.entry(&op.name).or_default();
        while mails.get(*from).is_some_and(|mail| mail.maybe_read < op.t_invoke) {
            *from += 1;
        }
        if let (Call::Inbox(inbox), Done::Page { more, .. }) = (&op.call, &op.result)
            && !inbox.sent
        {
            let mails = if inbox.unread_only { &mails[*from..] } else { mails };
            page((at, op), inbox, *more, mails, found);
        }
        if matches!(&op.call, Call::Inbox(Inbox { unread_only: true, sent: false, .. }) | Call::Wait { .. }) {
            unread((at, op), boxes, found);
        }
    }
    for name in &index.steady {
        boxes.of(name).iter().for_each(|mail| at_the_end(name, mail, found));
    }
}

/// Everything that was surely there, between the cursors and within what the page covers, is in it.
fn page((at, op): (usize, &Op), inbox: &Inbox, more: bool, mails: &[Mail<'_>], found: &mut Findings) {
    let ids: Vec<i64> = op.seen().iter().map(|seen| seen.id).collect();
    if !ids.is_sorted_by(|one, next| one < next) {
        found.add(Skipped, format!("a page that does not ascend: {ids:?}"), &[at], &ids);
    }
    let (mut low, mut high) = (inbox.after.unwrap_or(0), inbox.before.unwrap_or(i64::MAX));
    if let Some(outside) = ids.iter().find(|id| **id <= low || **id >= high) {
        found.add(Skipped, format!("message {outside} is on the wrong side of a cursor"), &[at], &[*outside]);
    }
    if ids.len() > inbox.limit as usize {
        found.add(Skipped, format!("{} messages instead of {}", ids.len(), inbox.limit), &[at], &[]);
    }
    if more {
        match (inbox.before.is_some(), ids.first(), ids.last()) {
            (true, Some(first), _) => low = first - 1,
            (false, _, Some(last)) => high = last + 1,
            _ => found.add(Skipped, "an empty page that promises more".to_owned(), &[at], &[]),
        }
    }
    let wanted =
        Wanted { from: inbox.from.as_deref(), tag: inbox.tag.as_deref(), reply_to: None, word: inbox.word };
    let first = mails.partition_point(|mail| mail.id <= low);
    for mail in mails[first..].iter().take_while(|mail| mail.id < high) {
        let there = mail.acked.is_some_and(|acked| acked < op.t_invoke);
        let unread = mail.maybe_read > op.t_end;
        let due = there && (unread || !inbox.unread_only) && wanted.takes(mail);
        if due {
            found.judged("mail due on a page");
        }
        if due && ids.binary_search(&mail.id).is_err() {
            let what = format!("message {} was there for {} and is missing from a page", mail.id, op.name);
            let anomaly = if inbox.unread_only { Lost } else { Skipped };
            found.add(anomaly, what, &with(&mail.ops, at), &[mail.id]);
        }
    }
}

/// Nothing that was surely marked as read before is shown as unread.
fn unread((at, op): (usize, &Op), boxes: &Mailboxes<'_>, found: &mut Findings) {
    for seen in op.seen() {
        let Some(mail) = boxes.mail(&op.name, seen.id) else { continue };
        found.judged("mail shown as unread");
        if mail.surely_read.is_some_and(|read| read < op.t_invoke) {
            let what = format!("message {} was marked as read by {} and is unread again", mail.id, op.name);
            found.add(UnreadAgain, what, &with(&mail.ops, at), &[mail.id]);
        }
    }
}

fn at_the_end(name: &str, mail: &Mail<'_>, found: &mut Findings) {
    if mail.read_at_the_end && mail.maybe_read == u64::MAX {
        let what = format!("message {} of {name} is read, and nobody marked it", mail.id);
        found.add(ReadUnasked, what, &mail.ops, &[mail.id]);
    }
    if !mail.read_at_the_end && mail.surely_read.is_some() {
        let what = format!("message {} of {name} was marked as read and is unread in the store", mail.id);
        found.add(UnreadAgain, what, &mail.ops, &[mail.id]);
    }
}

pub(super) fn with(ops: &[usize], at: usize) -> Vec<usize> {
    let mut ops = ops.to_vec();
    ops.push(at);
    ops
}
