//! `MarkRead` (the reader says so) and `Shown` (it left in a tool result).

use super::Handled;
use super::check;
use crate::Broker;
use crate::session::Owner;
use crate::store::{ByOwner, hash_of};
use c2c_proto::Error;
use c2c_proto::limits::MARK_READ_IDS_MAX;
use c2c_proto::request::{MarkRead, Shown};
use c2c_proto::response::{Done, Response};
use std::sync::Arc;

pub(super) async fn mark_read(broker: &Arc<Broker>, owner: Owner, request: MarkRead) -> Handled {
    check::key(&request.key)?;
    let (count, bound) = (request.message_ids.len(), MARK_READ_IDS_MAX);
    if count > bound {
        let hint = "mark them in several calls";
        return Err(Error::too_large("the list of message_ids", count, bound, "ids", hint));
    }
    if count == 0 {
        return Err(Error::invalid("message_ids is empty", "give the ids of the messages that you handled"));
    }
    let hash = hash_of(&request);
    let marked = broker.store.mark_read(ByOwner { owner, request, hash }).await?;
    Ok((Response::Marked(marked), 0))
}

pub(super) async fn shown(broker: &Arc<Broker>, owner: Owner, request: Shown) -> Handled {
    let bound = MARK_READ_IDS_MAX;
    if request.message_ids.len() > bound {
        let count = request.message_ids.len();
        return Err(Error::too_large("the list of message_ids", count, bound, "ids", "send several"));
    }
    let shown = ByOwner { owner, request: request.message_ids, hash: String::new() };
    broker.store.mark_shown(shown).await?;
    Ok((Response::Done(Done {}), 0))
}
