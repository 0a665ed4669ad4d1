//! Storing a batch of messages: every question to the store is asked once for the whole batch, and messages and
//! deliveries get as few statements as hold them.

use super::recipients::{Directory, Target};
use super::replies::{Original, Pace, not_visible, originals};
use super::{NewMessage, Stored, StoredRecipient, addressed_from, addressed_json, recipients};
use crate::session::Row;
use crate::store::answers::{json, key_conflict};
use crate::store::counts::CountChange;
use crate::store::jobs::Ask;
use crate::store::link;
use crate::store::transaction::{Insert, Transaction};
use crate::store::writer::{Keys, Work};
use c2c_proto::id::MessageId;
use c2c_proto::limits::THREAD_WINDOW_S;
use c2c_proto::message::{Priority, To};
use c2c_proto::name::{EVERYONE, EVERYWHERE};
use c2c_proto::time::Timestamp;
use c2c_proto::{Error, ErrorCode};
use sqlx::Row as _;
use std::collections::{BTreeSet, HashMap};

/// A message that an earlier call with the same key stored.
#[derive(Debug)]
pub(super) struct Repeated {
    pub(super) id: MessageId,
    hash: String,
    to: To,
}

/// A message that this batch stores.
struct Fresh<'a> {
    new: &'a NewMessage,
    id: MessageId,
    thread: MessageId,
    to: To,
    targets: Vec<Target>,
    skipped_full: Vec<String>,
}

/// Stores a batch. The outer error undoes all of it; an inner one is one message's own.
pub(crate) async fn insert(
    transaction: &mut Transaction<'_>,
    work: &mut Work<'_>,
    sends: &[Ask<NewMessage, Stored>],
) -> Result<Vec<Result<Stored, Error>>, sqlx::Error> {
    if sends.is_empty() {
        return Ok(Vec::new());
    }
    let repeated = match work.keys {
        Keys::New => HashMap::new(),
        Keys::MayBeKnown => find_repeated(transaction, sends).await?,
    };
    let limit = work.shared.config.limits.thread_messages_per_hour;
    let originals = originals(transaction, sends, work.now, limit).await?;
    let mut paces: HashMap<MessageId, Pace> =
        originals.values().map(|original| (original.thread, original.pace)).collect();
    let addresses: Vec<To> = sends
        .iter()
        .enumerate()
        .filter_map(|(index, ask)| address(&ask.input, originals.get(&index)))
        .collect();
    let directory = Directory::look_up(transaction, work, &addresses).await?;
    let mut earlier = recipients::of_stored(transaction, work, sends, &repeated).await?;

    let mut pending: HashMap<String, u64> = HashMap::new();
    let mut fresh = Vec::new();
    let mut results = Vec::with_capacity(sends.len());
    for (index, ask) in sends.iter().enumerate() {
        if let Some(before) = repeated.get(&index) {
            results.push(repeat(&ask.input, before, earlier.remove(&index).unwrap_or_default()));
            continue;
        }
        let original = originals.get(&index);
        let accepted = accept(work, &directory, &mut paces, &mut pending, &ask.input, original);
        results.push(accepted.map(|message| {
            let stored = message.stored(work);
            fresh.push(message);
            stored
        }));
    }
    write(transaction, work, &fresh);
    Ok(results)
}

async fn find_repeated(
    transaction: &mut Transaction<'_>,
    sends: &[Ask<NewMessage, Stored>],
) -> Result<HashMap<usize, Repeated>, sqlx::Error> {
    let keys: Vec<(usize, Row, &str)> = sends
        .iter()
        .enumerate()
        .map(|(index, ask)| (index, ask.input.sender.row, ask.input.request.key.as_str()))
        .collect();
    transaction.add(
        "SELECT j.value ->> 0, m.id, m.content_hash, m.addressed FROM json_each(?) AS j
         JOIN messages AS m ON m.from_row = j.value ->> 1 AND m.key = j.value ->> 2",
    );
    let rows = transaction.bind(json(&keys)).rows().await?;
    let mut repeated = HashMap::with_capacity(rows.len());
    for row in rows {
        let index: i64 = row.try_get(0)?;
        let to = addressed_from(row.try_get(3)?);
        let before = Repeated { id: row.try_get(1)?, hash: row.try_get(2)?, to };
        repeated.insert(usize::try_from(index).unwrap_or_default(), before);
    }
    Ok(repeated)
}

fn repeat(new: &NewMessage, before: &Repeated, recipients: Vec<StoredRecipient>) -> Result<Stored, Error> {
    if before.hash != new.hash {
        return Err(key_conflict(&new.request.key));
    }
    let to = before.to.clone();
    Ok(Stored { id: before.id, to, recipients, skipped_full: Vec::new(), fresh: false })
}

/// Whom a message goes to; `None` if it answers a message that its sender cannot see.
fn address(new: &NewMessage, original: Option<&Original>) -> Option<To> {
    match (new.request.reply_to, original) {
        (Some(_), None) => None,
        (Some(_), Some(original)) => Some(original.address(new.sender.row, new.request.to.as_ref())),
        (None, _) => new.request.to.clone(),
    }
}

/// Decides on one message. What it reserves (a number, room in mailboxes, its place in the thread's hour) counts for
/// the messages behind it in the batch.
fn accept<'a>(
    work: &mut Work<'_>,
    directory: &Directory,
    paces: &mut HashMap<MessageId, Pace>,
    pending: &mut HashMap<String, u64>,
    new: &'a NewMessage,
    original: Option<&Original>,
) -> Result<Fresh<'a>, Error> {
    let Some(to) = address(new, original) else {
        return Err(new.request.reply_to.map_or_else(
            || Error::invalid("neither `to` nor `reply_to` says whom the message is for", "give one of them"),
            not_visible,
        ));
    };
    if let Some(original) = original {
        check_pace(work, paces, original.thread)?;
    }
    let targets = directory.targets(&new.sender.mailbox, &to);
    if new.question {
        check_somebody_to_ask(&targets, new.sender.row, &to)?;
    }
    if new.expires_in_ms.is_some() && targets.iter().all(|target| target.node.is_none()) {
        return Err(nothing_expires());
    }
    let (targets, skipped_full) = make_room(work, pending, &to, targets)?;
    if let Some(original) = original {
        let pace = paces.entry(original.thread).or_insert(Pace { messages: 0, oldest: work.now });
        pace.messages += 1;
    }
    work.numbers.last_message_id += 1;
    let id = work.numbers.last_message_id;
    let thread = original.map_or(id, |original| original.thread);
    Ok(Fresh { new, id, thread, to, targets, skipped_full })
}

fn check_pace(work: &Work<'_>, paces: &HashMap<MessageId, Pace>, thread: MessageId) -> Result<(), Error> {
    let limit = work.shared.config.limits.thread_messages_per_hour;
    let pace = paces.get(&thread).copied().unwrap_or_default();
    if pace.messages < limit {
        return Ok(());
    }
    let window_s = i64::try_from(THREAD_WINDOW_S).unwrap_or(i64::MAX);
    let wait_s = (pace.oldest.plus_s(window_s).unix_s() - work.now.unix_s()).max(1);
    Err(Error::new(
        ErrorCode::RateLimited,
        format!("thread {thread} has {} messages within an hour, the limit is {limit}", pace.messages),
        format!("wait {wait_s} seconds, or ask the user whether this exchange should go on"),
    ))
}

/// Somebody known other than the one who asks must be there to answer.
fn check_somebody_to_ask(targets: &[Target], sender: Row, to: &To) -> Result<(), Error> {
    if targets.iter().any(|target| target.node.is_some()) {
        return Ok(());
    }
    let mut known = targets.iter().filter_map(|target| target.holder.as_ref()).peekable();
    if known.peek().is_none() {
        return Err(nobody_to_ask(to));
    }
    if known.all(|holder| holder.row == sender) {
        return Err(Error::invalid(
            "a session cannot ask itself, and nobody else who is asked is known; nothing was sent",
            "see list_sessions for who is there; is_self marks you",
        ));
    }
    Ok(())
}

fn nobody_to_ask(to: &To) -> Error {
    let whom = match to {
        To::One(name) if name != EVERYWHERE => format!("{name:?} is not known"),
        To::Many(names) => format!("none of the {} recipients is known", names.len()),
        To::One(_) | To::Everyone => "no other session is known".to_owned(),
    };
    Error::not_found(
        format!("{whom}, so nobody can answer; nothing was sent"),
        "see list_sessions for who is there; send_message queues a message for a name that comes later",
    )
}

fn nothing_expires() -> Error {
    Error::invalid(
        "the message is to expire, and no recipient is at another node; nothing was sent",
        "leave the time to expire out: what is for this machine is in its mailbox at once",
    )
}

/// Leaves out full mailboxes of a broadcast; a message to names goes to all of them or to none.
fn make_room(
    work: &Work<'_>,
    pending: &mut HashMap<String, u64>,
    to: &To,
    targets: Vec<Target>,
) -> Result<(Vec<Target>, Vec<String>), Error> {
    let limit = u64::from(work.shared.config.limits.unread_per_mailbox);
    let is_full = |mailbox: &str, pending: &HashMap<String, u64>| {
        // Nobody tells what came of a broadcast at another node.
        !mailbox.starts_with(EVERYONE)
            && work.shared.counts.of(mailbox).unread + pending.get(mailbox).copied().unwrap_or(0) >= limit
    };
    let (full, roomy): (Vec<Target>, Vec<Target>) =
        targets.into_iter().partition(|target| is_full(&target.mailbox, pending));
    if let (Some(first), false) = (full.first(), to.is_everyone()) {
        return Err(Error::new(
            ErrorCode::MailboxFull,
            format!(
                "the mailbox of {:?} holds {limit} unread messages, the limit; nothing was sent",
                first.addressed
            ),
            "its owner has to read its mail first: try again later, or tell the user",
        ));
    }
    for target in &roomy {
        *pending.entry(target.mailbox.clone()).or_default() += 1;
    }
    Ok((roomy, full.into_iter().map(|target| target.addressed).collect()))
}

impl Fresh<'_> {
    fn stored(&self, work: &Work<'_>) -> Stored {
        Stored {
            id: self.id,
            to: self.to.clone(),
            recipients: self.targets.iter().map(|target| target.stored(work)).collect(),
            skipped_full: self.skipped_full.clone(),
            fresh: true,
        }
    }

    fn broadcast(&self) -> i64 {
        match (self.to.is_everyone(), self.new.question) {
            (true, false) => 1,
            (true, true) => 2,
            // News to whoever is there, of which nobody tells whether it was read.
            _ if self.targets.iter().all(|target| target.addressed.starts_with(EVERYONE)) => 2,
            _ => 0,
        }
    }
}

fn write(transaction: &mut Transaction<'_>, work: &mut Work<'_>, fresh: &[Fresh<'_>]) {
    write_messages(transaction, work, fresh);
    write_deliveries(transaction, work, fresh);
    let queued = for_other_nodes(fresh);
    let parcels: Vec<(&str, MessageId)> = queued.iter().map(|(node, message)| (*node, message.id)).collect();
    link::queue(transaction, work, &parcels);
    let expiring = queued.iter().filter_map(|(node, message)| {
        let in_us = message.new.expires_in_ms?.saturating_mul(1_000);
        let at = work.now.0.saturating_add(i64::try_from(in_us).unwrap_or(i64::MAX));
        Some((*node, message.id, Timestamp(at)))
    });
    let expiring: Vec<_> = expiring.collect();
    link::expire(transaction, work, &expiring);
    super::marks::mark_answered(transaction, work, &answered(fresh));
}

pub(super) const MESSAGES: Insert = Insert {
    head: "INSERT OR ROLLBACK INTO messages (id, from_row, from_session, from_name, from_mailbox, addressed, broadcast, body,
                                 body_chars, tag, reply_to, thread, priority, key, content_hash, created_at)",
    columns: 16,
};

fn write_messages(transaction: &mut Transaction<'_>, work: &Work<'_>, fresh: &[Fresh<'_>]) {
    transaction.insert(&MESSAGES, fresh, |transaction, message| {
        let (sender, request) = (&message.new.sender, &message.new.request);
        let body_chars = i64::try_from(request.body.chars().count()).unwrap_or(i64::MAX);
        let sent_by = transaction
            .bind(message.id)
            .bind(sender.row)
            .bind(&sender.session_id)
            .bind(&sender.name)
            .bind(&sender.mailbox);
        let says = sent_by
            .bind(addressed_json(&message.to))
            .bind(message.broadcast())
            .bind(&request.body)
            .bind(body_chars);
        let belongs = says.bind(&request.tag).bind(request.reply_to).bind(message.thread);
        let fyi = i64::from(request.priority == Priority::Fyi);
        belongs.bind(fyi).bind(&request.key).bind(&message.new.hash).bind(work.now.0);
    });
}

pub(super) const DELIVERIES: Insert = Insert {
    head: "INSERT OR ROLLBACK INTO deliveries (mailbox, message_id, recipient, arrived_row)",
    columns: 4,
};

fn write_deliveries(transaction: &mut Transaction<'_>, work: &mut Work<'_>, fresh: &[Fresh<'_>]) {
    let mut rows: Vec<(&Target, MessageId)> = Vec::new();
    for message in fresh {
        for target in &message.targets {
            rows.push((target, message.id));
            work.counts.push(CountChange::Arrived(target.mailbox.clone()));
        }
    }
    transaction.insert(&DELIVERIES, &rows, |transaction, (target, id)| {
        let row = target.holder.as_ref().map(|holder| holder.row);
        transaction.bind(&target.mailbox).bind(*id).bind(&target.addressed).bind(row);
    });
}

/// What goes to other nodes: (node, message), each once.
fn for_other_nodes<'a>(fresh: &'a [Fresh<'a>]) -> Vec<(&'a str, &'a Fresh<'a>)> {
    let mut queued = Vec::new();
    for message in fresh {
        let nodes: BTreeSet<&str> =
            message.targets.iter().filter_map(|target| target.node.as_deref()).collect();
        queued.extend(nodes.into_iter().map(|node| (node, message)));
    }
    queued
}

/// What the batch answers, and who does: (mailbox, row, message, name).
fn answered<'a>(fresh: &[Fresh<'a>]) -> Vec<(&'a str, Row, MessageId, &'a str)> {
    fresh
        .iter()
        .filter_map(|message| {
            let sender = &message.new.sender;
            let answered = message.new.request.reply_to?;
            Some((sender.mailbox.as_str(), sender.row, answered, sender.name.as_str()))
        })
        .collect()
}
