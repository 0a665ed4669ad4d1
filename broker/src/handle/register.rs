//! `Register`: the session takes a name, also from a live holder, who is told.

use super::Handled;
use super::check;
use crate::Broker;
use crate::hub::{Caller, ConnId};
use crate::store::{Named, Registration, hash_of};
use c2c_proto::Error;
use c2c_proto::event::Event;
use c2c_proto::hello::SessionState;
use c2c_proto::request::Register;
use c2c_proto::response::{Displaced, Response};
use std::sync::Arc;

pub(super) async fn register(
    broker: &Arc<Broker>,
    conn: ConnId,
    caller: &Caller,
    request: Register,
) -> Handled {
    check::key(&request.key)?;
    check_metadata(broker, request.metadata.as_deref())?;
    let Some(identity) = caller.identity.clone() else {
        return Err(Error::invalid(
            "a control connection cannot register a session",
            "connect with the role of a session",
        ));
    };
    let registration = Registration {
        row: caller.session.as_ref().map(|owner| owner.row),
        identity,
        hash: hash_of(&request),
        request,
    };
    let Named { owner, answer, online, displaced_row } = broker.store.register(registration).await?;
    if let (Some(row), Some(Displaced { session_id, name, .. })) = (displaced_row, &answer.superseded) {
        let lost = SessionState {
            session_id: session_id.clone(),
            name: name.clone(),
            superseded: true,
            displaced: None,
        };
        broker.hub.supersede(row, lost);
    }
    broker.hub.attach(conn, &owner, false, Some(online), broker.clock.now());
    tell_others(broker, conn, &owner);
    tracing::info!(conn, session = %owner.session_id, displaced = displaced_row, "name registered");
    Ok((Response::Registered(answer), 0))
}

/// The session's other connections learn its row and name; its waits look again, since mail came with the name.
fn tell_others(broker: &Broker, conn: ConnId, owner: &crate::session::Owner) {
    let state = SessionState {
        session_id: owner.session_id.clone(),
        name: owner.name.clone(),
        superseded: false,
        displaced: None,
    };
    let event = Event::Session(state);
    let siblings = broker.hub.siblings(owner.row, conn);
    broker.hub.tell(&siblings, &event);
    broker.hub.wake([owner.row]);
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
