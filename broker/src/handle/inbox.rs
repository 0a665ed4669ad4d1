//! `Inbox` and `ReadMessage`: looking changes nothing.

use super::Handled;
use super::check;
use crate::Broker;
use crate::session::Owner;
use c2c_proto::Error;
use c2c_proto::limits::{INBOX_LIMIT_MAX, QUERY_MAX_CHARS};
use c2c_proto::request::{Inbox, ReadMessage};
use c2c_proto::response::{self, OneMessage, Response};
use std::sync::Arc;

pub(super) async fn inbox(broker: &Arc<Broker>, owner: &Owner, request: &Inbox) -> Handled {
    check::filter(&request.filter)?;
    check_limit(request.limit)?;
    if let Some(query) = &request.query {
        check_query(query)?;
    }
    let page = broker.store.list_messages(owner, request).await?;
    let inbox = response::Inbox { messages: page.messages, more: page.more };
    Ok((Response::Inbox(inbox), page.unshown))
}

pub(super) async fn read_message(broker: &Arc<Broker>, owner: &Owner, request: &ReadMessage) -> Handled {
    let (message, unshown) = broker.store.one_message(owner, request).await?;
    let one = OneMessage { message, offset: request.offset };
    Ok((Response::OneMessage(one), u64::from(unshown)))
}

/// Of a list of messages.
pub(super) fn check_limit(limit: u32) -> Result<(), Error> {
    if (1..=INBOX_LIMIT_MAX).contains(&limit) {
        return Ok(());
    }
    Err(Error::invalid(
        format!("limit is {limit}, it must be between 1 and {INBOX_LIMIT_MAX}"),
        "leave it out for 20, and page with after_id",
    ))
}

/// Words to be searched for.
pub(super) fn check_query(query: &str) -> Result<(), Error> {
    let chars = query.chars().count();
    if chars > QUERY_MAX_CHARS {
        let hint = "search for a few words";
        return Err(Error::too_large("the query", chars, QUERY_MAX_CHARS, "characters", hint));
    }
    if !query.contains(char::is_alphanumeric) {
        return Err(Error::invalid("the query has no word in it", "give words that occur in the body"));
    }
    Ok(())
}
