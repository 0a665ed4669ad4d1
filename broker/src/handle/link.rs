//! What a link asks: the program that carries mail to other machines and back. It needs no session: whoever may open the socket
//! may read the store anyway.

use super::{Handled, check, send, wait};
use crate::Broker;
use crate::hub::{Caller, Who};
use crate::store::{Arrived, LinkChange};
use c2c_proto::Error;
use c2c_proto::limits::{LINK_PARCELS_MAX, LINK_REPORT_MAX_CHARS};
use c2c_proto::request::{LinkBring, LinkTake, LinkUp, Request};
use c2c_proto::response::{Done, LinkBrought, Response};
use std::sync::Arc;

/// Whether a request is one of a link's.
pub(super) const fn is_of_link(request: &Request) -> bool {
    matches!(
        request,
        Request::LinkUp(_)
            | Request::LinkTake(_)
            | Request::LinkForwarded(_)
            | Request::LinkAccepted(_)
            | Request::LinkBring(_)
            | Request::LinkStatus(_)
    )
}

pub(super) async fn link(broker: &Arc<Broker>, caller: &Caller, request: Request) -> Handled {
    if caller.who == Who::Session {
        return Err(Error::invalid(
            "a session has no say in how mail crosses machines",
            "send to name@node; the rest is for the user to do",
        ));
    }
    match request {
        Request::LinkUp(up) => self::up(broker, up).await,
        Request::LinkTake(ask) => take(broker, &ask).await,
        Request::LinkForwarded(forwarded) => done(broker, LinkChange::Forwarded(forwarded)).await,
        Request::LinkAccepted(accepted) => done(broker, LinkChange::Accepted(accepted)).await,
        Request::LinkBring(bring) => self::bring(broker, bring).await,
        _ => status(broker).await,
    }
}

async fn status(broker: &Arc<Broker>) -> Handled {
    let mut state = broker.store.link_state().await?;
    state.report = broker.hub.link_report();
    Ok((Response::LinkState(state), 0))
}

async fn up(broker: &Arc<Broker>, mut up: LinkUp) -> Handled {
    let chars = up.report.chars().count();
    if chars > LINK_REPORT_MAX_CHARS {
        let hint = "say it in a line";
        return Err(Error::too_large("the report", chars, LINK_REPORT_MAX_CHARS, "characters", hint));
    }
    let report = std::mem::take(&mut up.report);
    broker.store.link(LinkChange::Up(up)).await?;
    broker.hub.note_link_report(broker.clock.now(), report);
    status(broker).await
}

async fn done(broker: &Arc<Broker>, change: LinkChange) -> Handled {
    broker.store.link(change).await?;
    Ok((Response::Done(Done {}), 0))
}

/// As a wait for mail: park, look, sleep, and look again.
async fn take(broker: &Arc<Broker>, ask: &LinkTake) -> Handled {
    let deadline = wait::deadline(ask.timeout_ms)?;
    let changed = broker.store.for_the_link();
    loop {
        let woken = changed.notified();
        tokio::pin!(woken);
        woken.as_mut().enable();
        let parcels = broker.store.parcels(ask).await?;
        let nothing = parcels.parcels.is_empty() && ask.timeout_ms > 0;
        if !nothing || !wait::sleep(woken, deadline).await {
            return Ok((Response::Parcels(parcels), 0));
        }
    }
}

async fn bring(broker: &Arc<Broker>, bring: LinkBring) -> Handled {
    let given = bring.parcels.len();
    if given > LINK_PARCELS_MAX {
        let hint = "bring them in several calls";
        return Err(Error::too_large("the list of parcels", given, LINK_PARCELS_MAX, "parcels", hint));
    }
    check::key(&bring.from_store)?;
    let own = broker.store.nodes().own();
    if own.is_none() || own.as_ref() == Some(&bring.from_node) {
        return Err(Error::invalid(
            format!("this store is the node {own:?} and can have no parcel of {:?}", bring.from_node),
            "name the nodes first, each another",
        ));
    }
    let outcome = broker.store.link(LinkChange::Bring(bring)).await?;
    for Arrived { stored, from, tag, priority } in outcome.arrived {
        send::announce(broker, &stored, from, tag, priority);
    }
    Ok((Response::LinkBrought(LinkBrought { up_to: outcome.up_to }), 0))
}
