//! Lists of messages, ascending by id. One statement for each place that they can come from.

use super::shape::{Receipts, add_receipts, bytes_for, messages, select_messages};
use crate::session::{Owner, Row};
use crate::store::readers::Readers;
use c2c_proto::id::MessageId;
use c2c_proto::limits::{LIST_BODY_MAX_CHARS, LIST_RECEIPTS_MAX, PAGE_RECEIPTS_MAX, RESULT_MAX_CHARS};
use c2c_proto::message::Message;
use c2c_proto::name::fold;
use c2c_proto::request::{Inbox, Traffic};
use c2c_proto::time::Timestamp;

/// A part of a list.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) messages: Vec<Message>,
    pub(crate) more: bool,
    /// How many of the messages are unread mail that this session has not been shown yet.
    pub(crate) unshown: u64,
}

/// Messages that are read at once, at most: a page of the usual length and whether there are more.
const CHUNK: usize = 32;

/// `?1` mailbox, `?2` row, `?3` bytes of the body, `?4` and `?5` the ids between which to look, `?6` … `?10` filters, `?11`
/// limit. The source gives ids in the order of the list, and only as many as are taken: no sort reads all of it.
macro_rules! list_from {
    ($source:expr, $order:literal) => {
        select_messages!(
            "d.mailbox IS NOT NULL AND d.read_at IS NULL AND d.shown_row IS NOT ?2",
            concat!(
                "FROM (",
                $source,
                " ORDER BY id ",
                $order,
                " LIMIT -1) AS c
             CROSS JOIN messages AS m ON m.id = c.id
             LEFT JOIN deliveries AS d ON d.mailbox = ?1 AND d.message_id = m.id
             WHERE (?6 IS NULL OR m.from_mailbox = ?6) AND (?7 IS NULL OR m.tag = ?7)
               AND (?8 IS NULL OR m.reply_to = ?8) AND (?9 IS NULL OR m.thread = ?9)
             LIMIT ?11"
            )
        )
    };
}

/// Both directions of a list from one source.
macro_rules! source {
    ($source:expr) => {
        (list_from!($source, "ASC"), list_from!($source, "DESC"))
    };
}

pub(super) const UNREAD: (&str, &str) = source!(
    "SELECT message_id AS id FROM deliveries
     WHERE mailbox = ?1 AND read_at IS NULL AND message_id > ?4 AND message_id < ?5"
);
pub(super) const MAIL: (&str, &str) = source!(
    "SELECT message_id AS id FROM deliveries
     WHERE mailbox = ?1 AND read_at IS NULL AND message_id > ?4 AND message_id < ?5
     UNION SELECT message_id FROM deliveries
     WHERE mailbox = ?1 AND read_at IS NOT NULL AND message_id > ?4 AND message_id < ?5
     UNION SELECT message_id FROM sightings WHERE row_id = ?2 AND message_id > ?4 AND message_id < ?5"
);

/// What the session has sent: from its list, and from the messages that are not in any list yet.
macro_rules! sent {
    ($only:literal) => {
        source!(concat!(
            "SELECT id FROM (
         SELECT message_id AS id FROM sent WHERE sender = ?2 AND message_id > ?4 AND message_id < ?5
         UNION ALL SELECT id FROM messages
         WHERE id > MAX(?4, (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'text_up_to')) AND id < ?5
         AND from_row = ?2) AS s ",
            $only
        ))
    };
}

pub(super) const SENT: (&str, &str) = sent!("");
pub(super) const SENT_UNREAD: (&str, &str) =
    sent!("WHERE EXISTS (SELECT 1 FROM deliveries WHERE message_id = s.id AND read_at IS NULL)");

/// The first message of a thread is found by its id, the others by the thread.
pub(super) const THREAD: (&str, &str) = source!(
    "SELECT id FROM (
         SELECT id, from_row FROM messages WHERE id = ?9 AND id > ?4 AND id < ?5
         UNION ALL SELECT id, from_row FROM messages
         WHERE thread = ?9 AND thread <> id AND id > ?4 AND id < ?5) AS t
     WHERE (from_row = ?2 OR EXISTS (SELECT 1 FROM deliveries WHERE mailbox = ?1 AND message_id = t.id)
            OR EXISTS (SELECT 1 FROM sightings WHERE row_id = ?2 AND message_id = t.id))"
);

/// What a search finds, and the session may see.
macro_rules! found {
    ($visible:literal) => {
        source!(concat!(
            "SELECT rowid AS id FROM messages_text AS f
     WHERE messages_text MATCH ?10 AND rowid > ?4 AND rowid < ?5 AND ",
            $visible
        ))
    };
}

pub(super) const FOUND_UNREAD: (&str, &str) = found!(
    "EXISTS (SELECT 1 FROM deliveries WHERE mailbox = ?1 AND message_id = f.rowid AND read_at IS NULL)"
);
pub(super) const FOUND_SENT: (&str, &str) =
    found!("EXISTS (SELECT 1 FROM messages WHERE id = f.rowid AND from_row = ?2)");
pub(super) const FOUND_SENT_UNREAD: (&str, &str) = found!(
    "EXISTS (SELECT 1 FROM messages WHERE id = f.rowid AND from_row = ?2)
     AND EXISTS (SELECT 1 FROM deliveries WHERE message_id = f.rowid AND read_at IS NULL)"
);
pub(super) const FOUND_MAIL: (&str, &str) = found!(
    "(EXISTS (SELECT 1 FROM deliveries WHERE mailbox = ?1 AND message_id = f.rowid)
      OR EXISTS (SELECT 1 FROM sightings WHERE row_id = ?2 AND message_id = f.rowid))"
);
pub(super) const FOUND_IN_THREAD: (&str, &str) = found!(
    "(EXISTS (SELECT 1 FROM messages WHERE id = f.rowid AND from_row = ?2)
      OR EXISTS (SELECT 1 FROM deliveries WHERE mailbox = ?1 AND message_id = f.rowid)
      OR EXISTS (SELECT 1 FROM sightings WHERE row_id = ?2 AND message_id = f.rowid))"
);

/// For the person, who sees the messages of all sessions.
pub(super) const ALL: (&str, &str) = source!("SELECT id FROM messages WHERE id > ?4 AND id < ?5");
pub(super) const WHOLE_THREAD: (&str, &str) = source!(
    "SELECT id FROM (
         SELECT id FROM messages WHERE id = ?9 AND id > ?4 AND id < ?5
         UNION ALL SELECT id FROM messages
         WHERE thread = ?9 AND thread <> id AND id > ?4 AND id < ?5)"
);
pub(super) const FOUND_ANYWHERE: (&str, &str) = found!("TRUE");

/// The row of one who has none: no message was sent from it, also no imported one.
pub(super) const NO_ROW: Row = -1;

/// Lists messages of all sessions, or all that lies in one mailbox, whoever asks.
pub(crate) async fn traffic(readers: &Readers, ask: &Traffic, now: Timestamp) -> Result<Page, sqlx::Error> {
    let (listed, found) = match ask {
        Traffic { mailbox: Some(_), unread_only: true, .. } => (UNREAD, FOUND_UNREAD),
        Traffic { mailbox: Some(_), .. } => (MAIL, FOUND_MAIL),
        Traffic { filter, .. } if filter.thread.is_some() => (WHOLE_THREAD, FOUND_ANYWHERE),
        _ => (ALL, FOUND_ANYWHERE),
    };
    let nobody = Owner {
        row: NO_ROW,
        session_id: String::new(),
        name: String::new(),
        mailbox: ask.mailbox.as_deref().map(fold).unwrap_or_default(),
    };
    let inbox = Inbox {
        sent: false,
        unread_only: ask.unread_only,
        filter: ask.filter.clone(),
        query: ask.query.clone(),
        before_id: ask.before_id,
        after_id: ask.after_id,
        limit: ask.limit,
    };
    let sources = if ask.query.is_some() { found } else { listed };
    pages(readers, sources, &nobody, &inbox, Receipts { of_all: true, now }).await
}

/// Lists what the session may see. With `before_id` the newest below it are taken.
pub(crate) async fn list(
    readers: &Readers,
    owner: &Owner,
    ask: &Inbox,
    now: Timestamp,
) -> Result<Page, sqlx::Error> {
    let (listed, found) = match ask {
        Inbox { sent: true, unread_only: true, .. } => (SENT_UNREAD, FOUND_SENT_UNREAD),
        Inbox { sent: true, .. } => (SENT, FOUND_SENT),
        Inbox { unread_only: true, .. } => (UNREAD, FOUND_UNREAD),
        Inbox { filter, .. } if filter.thread.is_some() => (THREAD, FOUND_IN_THREAD),
        _ => (MAIL, FOUND_MAIL),
    };
    let sources = if ask.query.is_some() { found } else { listed };
    pages(readers, sources, owner, ask, Receipts { of_all: false, now }).await
}

async fn pages(
    readers: &Readers,
    (ascending, descending): (&'static str, &'static str),
    owner: &Owner,
    ask: &Inbox,
    receipts: Receipts,
) -> Result<Page, sqlx::Error> {
    let newest_first = ask.before_id.is_some();
    let limit = ask.limit as usize;
    let (mut after, mut before) = (ask.after_id.unwrap_or(0), ask.before_id.unwrap_or(MessageId::MAX));
    let mut page = Page::default();
    let mut chars = 0;
    let mut unshown = Vec::new();
    loop {
        let wanted = (limit + 1 - page.messages.len()).min(CHUNK);
        let sql = if newest_first { descending } else { ascending };
        let chunk = chunk(readers, sql, owner, ask, (after, before), wanted).await?;
        let all = chunk.len() < wanted;
        for (message, (new,)) in chunk {
            // No reader gets more than this into one result, so no more is loaded.
            if page.messages.len() == limit || chars > RESULT_MAX_CHARS {
                page.more = true;
                break;
            }
            if newest_first {
                before = message.id;
            } else {
                after = message.id;
            }
            chars += message.body.len();
            unshown.push(new != 0);
            page.messages.push(message);
        }
        if all || page.more {
            break;
        }
    }
    add_receipts(readers, &mut page.messages, LIST_RECEIPTS_MAX, receipts).await?;
    end_by_receipts(&mut page);
    page.unshown = unshown.iter().take(page.messages.len()).filter(|unshown| **unshown).count() as u64;
    if newest_first {
        page.messages.reverse();
    }
    Ok(page)
}

/// The next messages of a list, and whether each is unread mail that was not shown yet.
async fn chunk(
    readers: &Readers,
    sql: &'static str,
    owner: &Owner,
    ask: &Inbox,
    (after, before): (MessageId, MessageId),
    wanted: usize,
) -> Result<Vec<(Message, (i64,))>, sqlx::Error> {
    let filter = &ask.filter;
    let select = sqlx::query_scalar(sql)
        .bind(&owner.mailbox)
        .bind(owner.row)
        .bind(bytes_for(LIST_BODY_MAX_CHARS))
        .bind(after)
        .bind(before)
        .bind(filter.from.as_deref().map(fold))
        .bind(&filter.tag)
        .bind(filter.reply_to)
        .bind(filter.thread)
        .bind(ask.query.as_deref().map(all_words))
        .bind(i64::try_from(wanted).unwrap_or(i64::MAX));
    messages(readers, select, LIST_BODY_MAX_CHARS).await
}

/// Ends a page before the receipts of many broadcasts fill a frame; its first message stays.
fn end_by_receipts(page: &mut Page) {
    let mut receipts = 0;
    let fitting = page.messages.iter().take_while(|message| {
        receipts += message.receipts.len();
        receipts <= PAGE_RECEIPTS_MAX
    });
    let kept = fitting.count().max(1);
    if kept < page.messages.len() {
        page.messages.truncate(kept);
        page.more = true;
    }
}

/// The query as the full-text index wants it: every word quoted, so that none is an operator, and all required. What
/// has no letter or digit is no word to the index, which would then find nothing at all.
fn all_words(query: &str) -> String {
    let quoted: Vec<String> = query
        .split_whitespace()
        .filter(|word| word.contains(char::is_alphanumeric))
        .map(|word| format!("\"{}\"", word.replace(['"', '\0'], " ")))
        .collect();
    quoted.join(" ")
}

#[cfg(test)]
mod tests {
    use super::all_words;

    #[test]
    fn no_word_of_a_query_is_an_operator() {
        assert_eq!(all_words("deploy NOT ready*"), "\"deploy\" \"NOT\" \"ready*\"");
        assert_eq!(all_words("say \"hi\""), "\"say\" \" hi \"");
        assert_eq!(all_words("deploy -- now !"), "\"deploy\" \"now\"");
    }
}
