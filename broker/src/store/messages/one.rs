//! One message with a page of its body, for whoever may see it.

use super::list::NO_ROW;
use super::replies::not_visible;
use super::shape::{Receipts, add_receipts, messages, select_messages};
use crate::session::Owner;
use crate::store::readers::Readers;
use c2c_proto::id::MessageId;
use c2c_proto::limits::{BODY_PAGE_MAX_CHARS, PERSON_PAGE_MAX_CHARS};
use c2c_proto::message::Message;
use c2c_proto::request::ReadMessage;
use c2c_proto::time::Timestamp;
use c2c_proto::{Error, ErrorCode};

pub(super) const ONE: &str = select_messages!(
    "d.mailbox IS NOT NULL AND d.read_at IS NULL AND d.shown_row IS NOT ?2",
    "FROM messages AS m LEFT JOIN deliveries AS d ON d.mailbox = ?1 AND d.message_id = m.id
     WHERE m.id = ?4 AND (m.from_row = ?2 OR d.mailbox IS NOT NULL
                          OR EXISTS (SELECT 1 FROM sightings WHERE row_id = ?2 AND message_id = m.id))"
);

pub(super) const ANY: &str = select_messages!(
    "FALSE",
    "FROM messages AS m LEFT JOIN deliveries AS d ON d.mailbox = ?1 AND d.message_id = m.id WHERE m.id = ?4"
);

/// Any message, for the person.
pub(crate) async fn any(
    readers: &Readers,
    ask: &ReadMessage,
    now: Timestamp,
) -> Result<Result<Message, Error>, sqlx::Error> {
    let select = sqlx::query_scalar(ANY).bind("").bind(NO_ROW).bind(i64::MAX).bind(ask.message_id);
    let Some((found, _)) = messages::<(i64,)>(readers, select, usize::MAX).await?.pop() else {
        return Ok(Err(nowhere(ask.message_id)));
    };
    cut(readers, found, ask, PERSON_PAGE_MAX_CHARS, Receipts { of_all: true, now }).await
}

/// The message and whether it is unread mail that the session has not been shown yet.
pub(crate) async fn one(
    readers: &Readers,
    owner: &Owner,
    ask: &ReadMessage,
    now: Timestamp,
) -> Result<Result<(Message, bool), Error>, sqlx::Error> {
    let select =
        sqlx::query_scalar(ONE).bind(&owner.mailbox).bind(owner.row).bind(i64::MAX).bind(ask.message_id);
    let found = messages::<(i64,)>(readers, select, usize::MAX).await?.pop();
    let Some((found, (unshown,))) = found else { return Ok(Err(not_visible(ask.message_id))) };
    Ok(cut(readers, found, ask, BODY_PAGE_MAX_CHARS, Receipts { of_all: false, now })
        .await?
        .map(|message| (message, unshown != 0)))
}

/// The page of its body, which is as long as fits what it is for, and its receipts.
async fn cut(
    readers: &Readers,
    mut found: Message,
    ask: &ReadMessage,
    page_max_chars: usize,
    receipts: Receipts,
) -> Result<Result<Message, Error>, sqlx::Error> {
    let offset = usize::try_from(ask.offset).unwrap_or(usize::MAX);
    if ask.offset > found.body_chars {
        return Ok(Err(Error::invalid(
            format!("offset {} is beyond the body, which has {} characters", ask.offset, found.body_chars),
            "begin with offset 0 and go on with next_offset",
        )));
    }
    let wanted = usize::try_from(ask.max_chars).unwrap_or(usize::MAX).min(page_max_chars);
    found.body = found.body.chars().skip(offset).take(wanted).collect();
    add_receipts(readers, std::slice::from_mut(&mut found), usize::MAX, receipts).await?;
    Ok(Ok(found))
}

fn nowhere(id: MessageId) -> Error {
    Error::new(
        ErrorCode::NotFound,
        format!("there is no message {id}"),
        "`c2c tail` and `c2c search` show the ids that there are",
    )
}
