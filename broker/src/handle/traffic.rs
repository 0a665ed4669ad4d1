//! `Traffic`: what the person sees, which is everything. Looking changes nothing, and following costs nothing while nothing
//! happens: park, look, sleep, and look again at what is newer.

use super::{Handled, check, inbox, wait};
use crate::Broker;
use crate::hub::Caller;
use c2c_proto::Error;
use c2c_proto::request::{ReadMessage, Traffic};
use c2c_proto::response::{Inbox, OneMessage, Response};
use std::sync::Arc;

pub(super) async fn traffic(broker: &Arc<Broker>, caller: &Caller, mut request: Traffic) -> Handled {
    of_person(caller)?;
    check::filter(&request.filter)?;
    inbox::check_limit(request.limit)?;
    if let Some(query) = &request.query {
        inbox::check_query(query)?;
    }
    let deadline = wait::deadline(request.timeout_ms)?;
    let changed = broker.hub.traffic();
    loop {
        let woken = changed.notified();
        tokio::pin!(woken);
        woken.as_mut().enable();
        // Before the look: what comes during it is looked at by the next one.
        let newest = broker.store.last_message_id();
        let page = broker.store.traffic(&request).await?;
        let nothing = page.messages.is_empty() && request.timeout_ms > 0;
        if !nothing || !wait::sleep(woken, deadline).await {
            let inbox = Inbox { messages: page.messages, more: page.more };
            return Ok((Response::Inbox(inbox), 0));
        }
        // Nothing of what was there matches; a message never comes to match later.
        request.after_id = request.after_id.max(Some(newest));
    }
}

/// Any message, for those that may see all.
pub(super) async fn read_message(broker: &Arc<Broker>, request: &ReadMessage) -> Handled {
    let message = broker.store.any_message(request).await?;
    Ok((Response::OneMessage(OneMessage { message, offset: request.offset }), 0))
}

/// Refuses a session.
pub(super) fn of_person(caller: &Caller) -> Result<(), Error> {
    if caller.sees_all() {
        return Ok(());
    }
    Err(Error::invalid(
        "a session sees its own messages only; all traffic, and the store as a whole, are for the person at a terminal",
        "use inbox, with sent or thread where that is what you look for; the rest is for the user to do",
    ))
}
