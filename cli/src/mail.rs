//! What several commands do with messages: list the newest, wait, fetch whole bodies, mark. It prints nothing.

use crate::link::{Link, ask};
use c2c_proto::Error;
use c2c_proto::id::{MessageId, new_call_key};
use c2c_proto::limits::{INBOX_LIMIT_MAX, MARK_READ_IDS_MAX, PERSON_PAGE_MAX_CHARS, WAIT_MAX_S};
use c2c_proto::message::Message;
use c2c_proto::request::{Filter, MarkRead, ReadMessage, Shown, Traffic, Wait};
use c2c_proto::response::{Inbox, Marked, Waited};
use clap::Args;
use std::time::Duration;
use tokio::time::Instant;

/// Messages that a list shows when no number is given.
pub(crate) const LIMIT_DEFAULT: u32 = 20;
/// Messages that a list shows at most: a person reads it, and all of it is held in memory.
const LIMIT_MAX: i64 = 10_000;

/// Which messages: what lists and waits have in common.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Matching {
    /// Only what this sender sent
    #[arg(long, value_name = "NAME")]
    from: Option<String>,
    /// Only what has this tag
    #[arg(long)]
    tag: Option<String>,
    /// Only this thread: the id of its first message
    #[arg(long, value_name = "ID", value_parser = id())]
    thread: Option<MessageId>,
}

impl Matching {
    /// Whether it leaves anything out.
    pub(crate) const fn is_anything(&self) -> bool {
        self.from.is_some() || self.tag.is_some() || self.thread.is_some()
    }

    /// As the broker takes it.
    pub(crate) fn filter(&self, reply_to: Option<MessageId>) -> Filter {
        Filter { from: self.from.clone(), tag: self.tag.clone(), reply_to, thread: self.thread }
    }
}

/// Reads the id of a message.
pub(crate) fn id() -> clap::builder::RangedI64ValueParser<MessageId> {
    clap::value_parser!(i64).range(1..)
}

/// Reads how many messages a list may have.
pub(crate) fn limit() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..=LIMIT_MAX)
}

/// As [`limit`], or 0 for none.
pub(crate) fn limit_or_none() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(0..=LIMIT_MAX)
}

/// Reads how many seconds to wait.
pub(crate) fn seconds() -> clap::builder::RangedU64ValueParser<u64> {
    clap::value_parser!(u64).range(0..=WAIT_MAX_S)
}

/// The newest messages, ascending by id, and whether there are older ones. `page` gives those below an id.
///
/// # Errors
/// Those of `page`.
pub(crate) async fn newest(
    limit: u32,
    page: impl AsyncFn(MessageId, u32) -> Result<Inbox, Error>,
) -> Result<(Vec<Message>, bool), Error> {
    let mut pages: Vec<Vec<Message>> = Vec::new();
    let (mut below, mut left) = (MessageId::MAX, limit);
    loop {
        let Inbox { messages, more } = page(below, left.min(INBOX_LIMIT_MAX)).await?;
        left = left.saturating_sub(u32::try_from(messages.len()).unwrap_or(u32::MAX));
        let first = messages.first().map(|message| message.id);
        pages.push(messages);
        match first {
            Some(first) if more && left > 0 => below = first,
            _ => return Ok((pages.into_iter().rev().flatten().collect(), more)),
        }
    }
}

/// The newest messages of all that match, and whether there are older ones.
///
/// # Errors
/// The broker's own, or why it cannot be reached.
pub(crate) async fn newest_traffic(
    link: &Link,
    wanted: &Traffic,
    limit: u32,
) -> Result<(Vec<Message>, bool), Error> {
    let page = async |below, limit| {
        let request = Traffic { before_id: Some(below), limit, ..wanted.clone() };
        Ok(ask!(link, Traffic(request), Inbox))
    };
    newest(limit, page).await
}

/// The newest message of all, as a list has it.
///
/// # Errors
/// As [`newest_traffic`].
pub(crate) async fn newest_one(link: &Link) -> Result<Option<Message>, Error> {
    Ok(newest_traffic(link, &Traffic::default(), 1).await?.0.pop())
}

/// As [`complete`], for each of them.
///
/// # Errors
/// As [`complete`].
pub(crate) async fn complete_all(link: &Link, messages: &mut [Message]) -> Result<(), Error> {
    for message in messages {
        complete(link, message).await?;
    }
    Ok(())
}

/// Fetches what is missing: the rest of the body, and of the receipts, where a list leaves some out.
///
/// # Errors
/// The broker's own, or why it cannot be reached.
pub(crate) async fn complete(link: &Link, message: &mut Message) -> Result<(), Error> {
    let mut chars = message.body.chars().count() as u64;
    let mut receipts = message.receipts.len() < message.receipts_total as usize;
    while chars < message.body_chars || receipts {
        let max_chars = u32::try_from(PERSON_PAGE_MAX_CHARS).unwrap_or(u32::MAX);
        let request = ReadMessage { message_id: message.id, offset: chars, max_chars };
        let page = ask!(link, ReadMessage(request), OneMessage).message;
        if page.receipts.len() > message.receipts.len() {
            message.receipts = page.receipts;
        }
        receipts = false;
        if page.body.is_empty() {
            break;
        }
        chars += page.body.chars().count() as u64;
        message.body.push_str(&page.body);
    }
    Ok(())
}

/// Waits until something unread matches; without a time-out for as long as it takes.
///
/// # Errors
/// The broker's own, or why it cannot be reached.
pub(crate) async fn wait(link: &Link, filter: Filter, timeout_s: Option<u64>) -> Result<Waited, Error> {
    let until = timeout_s.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    loop {
        let left = until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
        let timeout_ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX).min(WAIT_MAX_S * 1_000);
        let waited = ask!(link, Wait(Wait { filter: filter.clone(), timeout_ms }), Waited);
        if !waited.timed_out || until.is_some() {
            return Ok(waited);
        }
    }
}

/// Says that these were shown to whoever the link acts as.
///
/// # Errors
/// The broker's own, or why it cannot be reached.
pub(crate) async fn shown(link: &Link, messages: &[Message]) -> Result<(), Error> {
    for ids in ids(messages).chunks(MARK_READ_IDS_MAX) {
        ask!(link, Shown(Shown { message_ids: ids.to_vec() }), Done);
    }
    Ok(())
}

/// Marks these read for whoever the link acts as.
///
/// # Errors
/// The broker's own, or why it cannot be reached.
pub(crate) async fn mark_read(link: &Link, ids: &[MessageId]) -> Result<Marked, Error> {
    let mut all = Marked { marked: 0, already_read: Vec::new(), not_found: Vec::new() };
    for ids in ids.chunks(MARK_READ_IDS_MAX) {
        let request = MarkRead { message_ids: ids.to_vec(), key: new_call_key() };
        let marked = ask!(link, MarkRead(request), Marked);
        all.marked += marked.marked;
        all.already_read.extend(marked.already_read);
        all.not_found.extend(marked.not_found);
    }
    Ok(all)
}

/// The messages' ids.
pub(crate) fn ids(messages: &[Message]) -> Vec<MessageId> {
    messages.iter().map(|message| message.id).collect()
}
