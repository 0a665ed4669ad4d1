//! What a link asks: the program that carries mail to other machines and back. It needs no session: whoever may open the socket
//! may read the store anyway.

use super::list_sessions::list_sessions;
use super::{Handled, global, send, wait};
use crate::Broker;
use crate::hub::{Caller, Who};
use crate::session::ConnId;
use crate::store::{Arrived, LinkChange, ToCollect};
use c2c_proto::Error;
use c2c_proto::id::is_store_id;
use c2c_proto::limits::{LINK_PARCELS_MAX, LINK_PEERS_MAX, LINK_REPORT_MAX_CHARS};
use c2c_proto::name::{follows_rule, no_address};
use c2c_proto::request::{
    LinkBring, LinkHealth, LinkPeers, LinkTake, LinkUp, ListSessions, RemoteSession, Request,
};
use c2c_proto::response::{Done, Everywhere, LinkBrought, Response};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

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
            | Request::LinkPeers(_)
            | Request::LinkShared(_)
            | Request::LinkAsked(_)
            | Request::LinkAnswer(_)
            | Request::LinkHealth(_)
    )
}

pub(super) async fn link(broker: &Arc<Broker>, conn: ConnId, caller: &Caller, request: Request) -> Handled {
    if caller.who == Who::Session {
        return Err(Error::invalid(
            "a session has no say in how mail crosses machines",
            "send to name@node; the rest is for the user to do",
        ));
    }
    match request {
        Request::LinkUp(up) => self::up(broker, conn, up).await,
        Request::LinkTake(ask) => take(broker, &ask).await,
        Request::LinkForwarded(forwarded) => done(broker, LinkChange::Forwarded(forwarded)).await,
        Request::LinkAccepted(accepted) => done(broker, LinkChange::Accepted(accepted)).await,
        Request::LinkBring(bring) => self::bring(broker, bring).await,
        Request::LinkPeers(peers) => self::peers(broker, peers),
        Request::LinkShared(told) => global::told(broker, told).await,
        Request::LinkAsked(request) => global::asked(broker, &request).await,
        Request::LinkAnswer(answer) => global::answered(broker, answer),
        Request::LinkHealth(health) => self::health(broker, health),
        _ => status(broker).await,
    }
}

async fn status(broker: &Arc<Broker>) -> Handled {
    let mut state = broker.store.link_state().await?;
    state.report = broker.hub.link_report();
    Ok((Response::LinkState(state), 0))
}

async fn up(broker: &Arc<Broker>, conn: ConnId, mut up: LinkUp) -> Handled {
    check_line("the report", &up.report)?;
    let report = std::mem::take(&mut up.report);
    broker.store.link(LinkChange::Up(up)).await?;
    broker.hub.note_link_report(conn, broker.clock.now(), report);
    status(broker).await
}

fn check_line(what: &str, line: &str) -> Result<(), Error> {
    let chars = line.chars().count();
    if chars > LINK_REPORT_MAX_CHARS {
        return Err(Error::too_large(what, chars, LINK_REPORT_MAX_CHARS, "characters", "say it in a line"));
    }
    Ok(())
}

fn health(broker: &Arc<Broker>, health: LinkHealth) -> Handled {
    let now = broker.clock.now();
    if let Some(told) = health.told {
        told.error.iter().try_for_each(|error| check_line("the error", error))?;
        broker.hub.note_link_health(now, told);
    }
    let counted = broker.stats.carried();
    let health = c2c_proto::response::LinkHealth {
        forwarded: counted.forwarded,
        accepted: counted.accepted,
        brought: counted.brought,
        ..broker.hub.link_health(now)
    };
    Ok((Response::LinkHealth(health), 0))
}

async fn done(broker: &Arc<Broker>, change: LinkChange) -> Handled {
    let forwarded = matches!(change, LinkChange::Forwarded(_));
    let parcels = broker.store.link(change).await?.parcels;
    broker.stats.carries(|carried| {
        let count = if forwarded { &mut carried.forwarded } else { &mut carried.accepted };
        *count += parcels;
    });
    Ok((Response::Done(Done {}), 0))
}

fn peers(broker: &Arc<Broker>, told: LinkPeers) -> Handled {
    let given = told.peers.len();
    if given > LINK_PEERS_MAX {
        let hint = "tell of those that are online first";
        return Err(Error::too_large("the list of sessions", given, LINK_PEERS_MAX, "sessions", hint));
    }
    let wrong = |peer: &&RemoteSession| !follows_rule(&peer.name);
    if let Some(peer) = told.peers.iter().find(wrong) {
        return Err(no_address(&peer.name));
    }
    // Only of nodes that are known: others would stay in memory for good.
    if broker.store.nodes().knows(&told.node) {
        broker.hub.note_peers(told.node, broker.clock.now(), told.peers);
    }
    Ok((Response::Done(Done {}), 0))
}

/// Who is here, and with the first page who is at other nodes.
pub(super) async fn everywhere(broker: &Arc<Broker>, caller: &Caller, request: &ListSessions) -> Handled {
    let (response, shown) = list_sessions(broker, caller, request).await?;
    let Response::Sessions(here) = response else { return Ok((response, shown)) };
    let nodes = match request.after_name {
        Some(_) => Vec::new(),
        None => broker.store.nodes().others().into_iter().map(|node| broker.hub.peers(node)).collect(),
    };
    Ok((Response::Everywhere(Everywhere { here, nodes }), shown))
}

/// What came of messages of other nodes is gathered so long before it becomes a parcel: their answers, which follow often, go first,
/// and what came of many is one parcel.
const GATHERED_FOR: Duration = Duration::from_millis(50);

/// As a wait for mail: park, look, sleep, and look again.
async fn take(broker: &Arc<Broker>, ask: &LinkTake) -> Handled {
    let deadline = wait::deadline(ask.timeout_ms)?;
    let changed = broker.store.wake().changed();
    loop {
        let woken = changed.notified();
        tokio::pin!(woken);
        woken.as_mut().enable();
        let due = collect(broker, ask.timeout_ms == 0).await?;
        let parcels = broker.store.parcels(ask).await?;
        let nothing = parcels.parcels.is_empty() && ask.timeout_ms > 0;
        let until = due.map_or(deadline, |due| due.min(deadline));
        if !nothing || (!wait::sleep(woken, until).await && until == deadline) {
            return Ok((Response::Parcels(parcels), 0));
        }
    }
}

/// Makes parcels of what came of messages of other nodes, if it is time to; when it will be, if there is more of it. Parcels whose
/// time is over are emptied at once, before anybody takes them. Mostly there is nothing to be done, and the store is not even
/// asked: somebody waits for what is there.
async fn collect(broker: &Arc<Broker>, at_once: bool) -> Result<Option<Instant>, Error> {
    let wake = broker.store.wake();
    let gathered = || broker.hub.receipts_due(wake.marks().then(|| Instant::now() + GATHERED_FOR));
    let due = gathered();
    let early = !at_once && due.is_none_or(|due| Instant::now() < due);
    if early && !wake.expiring() {
        return Ok(due);
    }
    let ToCollect { receipts, expired, .. } = broker.store.to_collect().await?;
    if !receipts {
        // What is named while this looked is gathered from now on.
        broker.hub.receipts_due(None);
    }
    if !expired && (early || !receipts) {
        return Ok(gathered());
    }
    broker.store.link(LinkChange::Collect).await?;
    let more = broker.store.to_collect().await?.receipts;
    broker.hub.receipts_due(None);
    // What was too much for one go is next.
    Ok(if more { broker.hub.receipts_due(Some(Instant::now())) } else { gathered() })
}

async fn bring(broker: &Arc<Broker>, bring: LinkBring) -> Handled {
    let given = bring.parcels.len();
    if given > LINK_PARCELS_MAX {
        let hint = "bring them in several calls";
        return Err(Error::too_large("the list of parcels", given, LINK_PARCELS_MAX, "parcels", hint));
    }
    if !is_store_id(&bring.from_store) {
        let hint = "a store's id is up to 64 letters, digits and dashes";
        return Err(Error::invalid(format!("{:?} is no store's id", bring.from_store), hint));
    }
    if let Some(parcel) = bring.parcels.iter().find(|parcel| i64::try_from(parcel.number).is_err()) {
        let hint = "parcels are numbered from 1 on, one after the other";
        return Err(Error::invalid(format!("no parcel has the number {}", parcel.number), hint));
    }
    let own = broker.store.nodes().own();
    if own.is_none() || own.as_ref() == Some(&bring.from_node) {
        return Err(Error::invalid(
            format!("this store is the node {own:?} and can have no parcel of {:?}", bring.from_node),
            "name the nodes first, each another",
        ));
    }
    // What comes once more needs no turn of the writer.
    if let Some(up_to) = broker.store.nodes().brought(&bring.from_node, &bring.from_store)
        && bring.parcels.iter().all(|parcel| parcel.number <= up_to)
    {
        return Ok((Response::LinkBrought(LinkBrought { up_to }), 0));
    }
    let outcome = broker.store.link(LinkChange::Bring(bring)).await?;
    broker.stats.carries(|carried| carried.brought += outcome.parcels);
    for Arrived { stored, from, tag, priority } in outcome.arrived {
        send::announce(broker, &stored, from, tag, priority);
    }
    // Who has read a question may have answered it under another name.
    broker.hub.wake(outcome.read_of);
    Ok((Response::LinkBrought(LinkBrought { up_to: outcome.up_to }), 0))
}
