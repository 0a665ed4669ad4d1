//! Mail that a session is to be told of: unread, with the beginning of its body.

use super::shape::{bytes_for, messages, select_messages};
use crate::session::Owner;
use crate::store::readers::Readers;
use c2c_proto::id::MessageId;
use c2c_proto::limits::REMINDER_BODY_MAX_CHARS;
use c2c_proto::message::Message;

/// Messages looked at for one announcement, the newest: of more than this only the number of unread ones speaks.
const LOOKED_AT_MAX: i64 = 200;

/// Which mail.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    /// Ids above this one.
    pub(crate) after: MessageId,
    /// Also what was shown to the session already, and mail that asks for no announcement.
    pub(crate) all: bool,
}

pub(super) const SELECT: &str = select_messages!(
    "",
    "FROM deliveries AS d CROSS JOIN messages AS m ON m.id = d.message_id
     WHERE d.mailbox = ?1 AND d.read_at IS NULL AND d.message_id > ?4
       AND (?5 OR (m.priority = 0 AND d.shown_row IS NOT ?2))
     ORDER BY d.message_id DESC LIMIT ?6"
);

/// Ascending by id.
pub(crate) async fn unannounced(
    readers: &Readers,
    owner: &Owner,
    range: Range,
) -> Result<Vec<Message>, sqlx::Error> {
    let select = sqlx::query_scalar(SELECT)
        .bind(&owner.mailbox)
        .bind(owner.row)
        .bind(bytes_for(REMINDER_BODY_MAX_CHARS))
        .bind(range.after)
        .bind(range.all)
        .bind(LOOKED_AT_MAX);
    let found = messages::<[(); 0]>(readers, select, REMINDER_BODY_MAX_CHARS).await?;
    Ok(found.into_iter().rev().map(|(message, [])| message).collect())
}
