//! What a wait looks for: unread mail that matches, first what this session has not been shown.

use super::shape::{bytes_for, messages, select_messages};
use crate::session::Owner;
use crate::store::readers::Readers;
use c2c_proto::id::MessageId;
use c2c_proto::limits::{LIST_BODY_MAX_CHARS, REMINDER_BODY_MAX_CHARS, RESULT_MAX_CHARS, WAIT_MESSAGES_MAX};
use c2c_proto::message::Message;
use c2c_proto::name::fold;
use c2c_proto::request::Filter;

/// What a wait found.
#[derive(Debug, Default)]
pub(crate) struct Unread {
    pub(crate) messages: Vec<Message>,
    /// Whether all of it was shown to this session before.
    pub(crate) repeated: bool,
    pub(crate) more: bool,
}

macro_rules! unread_where {
    ($condition:literal) => {
        select_messages!(
            "",
            concat!(
                "FROM deliveries AS d CROSS JOIN messages AS m ON m.id = d.message_id
             WHERE d.mailbox = ?1 AND d.read_at IS NULL AND d.message_id > ?10 AND ",
                $condition,
                " AND (?5 IS NULL OR m.from_mailbox = ?5) AND (?6 IS NULL OR m.tag = ?6)
              AND (?7 IS NULL OR m.reply_to = ?7) AND (?8 IS NULL OR m.thread = ?8)
             ORDER BY d.message_id LIMIT ?9"
            )
        )
    };
}

/// What came after the wait began counts as not shown, even if another wait of the session showed it meanwhile: two
/// waits at once both return it.
pub(super) const UNSHOWN: &str = unread_where!("(d.shown_row IS NOT ?2 OR d.message_id > ?4)");
pub(super) const SHOWN: &str = unread_where!("d.shown_row = ?2");

/// Looks for mail above an id. `began_after` is the newest message that was there when the wait began.
pub(crate) async fn unread(
    readers: &Readers,
    owner: &Owner,
    filter: &Filter,
    began_after: MessageId,
    above: MessageId,
) -> Result<Unread, sqlx::Error> {
    let after = (began_after, above);
    let unshown = select(readers, UNSHOWN, owner, filter, after, LIST_BODY_MAX_CHARS).await?;
    if !unshown.messages.is_empty() {
        return Ok(unshown);
    }
    let shown = select(readers, SHOWN, owner, filter, after, REMINDER_BODY_MAX_CHARS).await?;
    Ok(Unread { repeated: !shown.messages.is_empty(), ..shown })
}

async fn select(
    readers: &Readers,
    sql: &'static str,
    owner: &Owner,
    filter: &Filter,
    (began_after, above): (MessageId, MessageId),
    body_max_chars: usize,
) -> Result<Unread, sqlx::Error> {
    let select = sqlx::query_scalar(sql)
        .bind(&owner.mailbox)
        .bind(owner.row)
        .bind(bytes_for(body_max_chars))
        .bind(began_after)
        .bind(filter.from.as_deref().map(fold))
        .bind(&filter.tag)
        .bind(filter.reply_to)
        .bind(filter.thread)
        .bind(i64::from(WAIT_MESSAGES_MAX) + 1)
        .bind(above);
    let mut found = Unread::default();
    let mut bytes = 0;
    for (message, []) in messages::<[(); 0]>(readers, select, body_max_chars).await? {
        if found.messages.len() == WAIT_MESSAGES_MAX as usize
            || bytes > WAIT_MESSAGES_MAX as usize * RESULT_MAX_CHARS
        {
            found.more = true;
            break;
        }
        bytes += message.body.len();
        found.messages.push(message);
    }
    Ok(found)
}
