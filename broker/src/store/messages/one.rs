//! One message with a page of its body, for whoever may see it.

use super::replies::not_visible;
use super::shape::{add_receipts, messages, select_messages};
use crate::session::Owner;
use crate::store::readers::Readers;
use c2c_proto::Error;
use c2c_proto::limits::BODY_PAGE_MAX_CHARS;
use c2c_proto::message::Message;
use c2c_proto::request::ReadMessage;

pub(super) const ONE: &str = select_messages!(
    "d.mailbox IS NOT NULL AND d.read_at IS NULL AND d.shown_row IS NOT ?2",
    "FROM messages AS m LEFT JOIN deliveries AS d ON d.mailbox = ?1 AND d.message_id = m.id
     WHERE m.id = ?4 AND (m.from_row = ?2 OR d.mailbox IS NOT NULL
                          OR EXISTS (SELECT 1 FROM sightings WHERE row_id = ?2 AND message_id = m.id))"
);

/// The message and whether it is unread mail that the session has not been shown yet.
pub(crate) async fn one(
    readers: &Readers,
    owner: &Owner,
    ask: &ReadMessage,
) -> Result<Result<(Message, bool), Error>, sqlx::Error> {
    let select =
        sqlx::query_scalar(ONE).bind(&owner.mailbox).bind(owner.row).bind(i64::MAX).bind(ask.message_id);
    let found = messages::<(i64,)>(readers, select, usize::MAX).await?.pop();
    let Some((mut found, (unshown,))) = found else { return Ok(Err(not_visible(ask.message_id))) };
    let offset = usize::try_from(ask.offset).unwrap_or(usize::MAX);
    if ask.offset > found.body_chars {
        return Ok(Err(Error::invalid(
            format!("offset {} is beyond the body, which has {} characters", ask.offset, found.body_chars),
            "begin with offset 0 and go on with next_offset",
        )));
    }
    found.body = found.body.chars().skip(offset).take(page(ask.max_chars)).collect();
    add_receipts(readers, std::slice::from_mut(&mut found), usize::MAX).await?;
    Ok(Ok((found, unshown != 0)))
}

/// No page is longer than what fits into a result.
fn page(max_chars: u32) -> usize {
    usize::try_from(max_chars).unwrap_or(usize::MAX).min(BODY_PAGE_MAX_CHARS)
}
