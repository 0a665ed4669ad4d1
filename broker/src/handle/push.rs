//! `Pushed` and `PushStatus`: how nudges went, and how they reach sessions.

use super::Handled;
use crate::Broker;
use crate::nudge;
use crate::session::Owner;
use c2c_proto::request::Pushed;
use c2c_proto::response::{Done, PushOutcome, PushStates, Response};
use std::sync::Arc;

/// The words of a failure that are kept for `c2c status`, in characters.
const FAILURE_MAX_CHARS: usize = 200;

pub(super) fn pushed(broker: &Arc<Broker>, owner: &Owner, request: Pushed) -> Handled {
    let failed = request.failure.is_some();
    let outcome = request
        .failure
        .map_or_else(|| "delivered".to_owned(), |failure| failure.chars().take(FAILURE_MAX_CHARS).collect());
    if failed {
        tracing::info!(session = %owner.session_id, up_to = request.up_to, outcome, "a nudge did not arrive");
    }
    let at = broker.clock.now();
    broker.hub.note_outcome(owner.row, PushOutcome { at, outcome });
    nudge::reported(broker, owner.row, request.up_to, failed);
    Ok((Response::Done(Done {}), 0))
}

pub(super) fn push_status(broker: &Broker) -> Handled {
    Ok((Response::PushStates(PushStates { sessions: broker.hub.push_states() }), 0))
}
