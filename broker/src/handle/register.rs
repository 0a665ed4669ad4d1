//! `Register`: the session takes a name, also from a live holder, who is told.

use super::Handled;
use super::check;
use crate::Broker;
use crate::hub::Caller;
use crate::nudge;
use crate::session::ConnId;
use crate::store::{Named, Registration, hash_of};
use c2c_proto::Error;
use c2c_proto::request::Register;
use c2c_proto::response::Response;
use std::sync::Arc;

pub(super) async fn register(
    broker: &Arc<Broker>,
    conn: ConnId,
    caller: &Caller,
    request: Register,
) -> Handled {
    check::key(&request.key)?;
    check_metadata(broker, request.metadata.as_deref())?;
    let Some(identity) = caller.identity.as_deref().cloned() else {
        return Err(Error::invalid(
            "a control connection cannot register a session",
            "connect with the role of a session",
        ));
    };
    let registration = Registration {
        conn,
        row: caller.session.as_ref().map(|owner| owner.row),
        identity,
        hash: hash_of(&request),
        request,
    };
    // By the time of the answer the hub knows: the store told it with the commit.
    let Named { owner, answer, displaced_row, .. } = broker.store.register(registration).await?;
    nudge::caught_up(broker, owner.row);
    tracing::info!(conn, session = %owner.session_id, displaced = displaced_row, "name registered");
    Ok((Response::Registered(answer), 0))
}

fn check_metadata(broker: &Broker, metadata: Option<&str>) -> Result<(), Error> {
    let limit = broker.config.limits.metadata_max_bytes;
    match metadata {
        Some(text) if text.len() > limit => Err(Error::too_large(
            "the metadata",
            text.len(),
            limit,
            "bytes of JSON",
            "keep a few facts here, and the rest in the shared state",
        )),
        _ => Ok(()),
    }
}
