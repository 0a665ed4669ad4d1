//! `Hook`: what a client's hook may tell its model. Finds the session by the client's process, and takes the mail that
//! nobody has announced.

use super::{Handled, check, wait};
use crate::Broker;
use crate::nudge::{self, Taken, Taker};
use crate::session::{ConnId, Owner, Row};
use crate::store::{Greeted, Range};
use c2c_proto::Error;
use c2c_proto::event::Event;
use c2c_proto::hello::{Identity, SessionState};
use c2c_proto::id::new_unique_id;
use c2c_proto::limits::HOOK_NAMES_MAX;
use c2c_proto::request::{Hook, HookEvent};
use c2c_proto::response::{Hooked, Response};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// No connection: what is registered for it belongs to none.
const NO_CONNECTION: ConnId = 0;
/// A session that its hook has registered keeps its name for so long until its shim connects.
const SHIM_COMES_WITHIN: Duration = Duration::from_secs(1);
/// The hook at a turn's end comes first; one that waits begins to look after this.
const TURN_ENDS_WITHIN: Duration = Duration::from_millis(300);

pub(super) async fn hook(broker: &Arc<Broker>, request: Hook) -> Handled {
    let hooked = match broker.hub.session_of_client(&request.identity) {
        Some((conn, row)) => {
            let row = called_now(broker, conn, row, request.identity.client_session.as_deref()).await?;
            of_session(broker, row, &request).await?
        }
        None if request.event == HookEvent::SessionStart => registered(broker, *request.identity).await?,
        None => Hooked::default(),
    };
    Ok((Response::Hooked(hooked), 0))
}

/// The client may call its session by another id than when the shim was started. If a session is known by that, this is it
/// again (a client that goes on with a session may tell only its hooks which); else the next one is found by it.
async fn called_now(
    broker: &Broker,
    conn: ConnId,
    row: Row,
    client_session: Option<&str>,
) -> Result<Row, Error> {
    let Some(now) = client_session.filter(|now| !now.is_empty()) else { return Ok(row) };
    let Some(identity) = broker.hub.note_client_session(conn, now) else { return Ok(row) };
    let before = broker.store.row_of_client_session(now).await?;
    if before.is_some_and(|before| before != row && !broker.store.is_online(before))
        // A name that the user set wins over the one from before.
        && identity.wanted_name.is_none()
    {
        let identity = Identity { key: new_unique_id(), session_id: None, ..identity };
        if let Some(greeted) = broker.store.greet(conn, identity).await? {
            let Greeted { owner, superseded, displaced, .. } = greeted;
            let state =
                SessionState { session_id: owner.session_id, name: owner.name, superseded, displaced };
            let event = Event::Session(state);
            broker.hub.tell_session(owner.row, &event, &event);
            return Ok(owner.row);
        }
    }
    broker.store.note_client_session(row, now.to_owned()).await?;
    Ok(row)
}

async fn of_session(broker: &Arc<Broker>, row: Row, request: &Hook) -> Result<Hooked, Error> {
    let taken = match request.event {
        HookEvent::SessionStart => nudge::take(broker, row, Taker::Start).await?,
        HookEvent::UserPromptSubmit => nudge::take(broker, row, Taker::Turn).await?,
        HookEvent::Stop => nudge::take(broker, row, Taker::Nudge).await?,
        HookEvent::Rewake => awaited(broker, row, wait::deadline(request.timeout_ms)?).await?,
    };
    let Some((owner, superseded)) = broker.hub.owner(row) else { return Ok(Hooked::default()) };
    if let Some(taken) = &taken {
        nudge::tell_announced(broker, row, taken.up_to);
    }
    let hooked = with_mail(broker, owner, superseded, taken.unwrap_or_default());
    if request.event == HookEvent::SessionStart { Ok(with_others(broker, hooked)) } else { Ok(hooked) }
}

/// Mail to announce, as soon as there is any. `None` at once for a session whose shim announces it, and when another hook
/// takes this one's place.
async fn awaited(broker: &Arc<Broker>, row: Row, deadline: Instant) -> Result<Option<Taken>, Error> {
    if !broker.hub.may_watch(row) {
        return Ok(None);
    }
    let Some((due, mut replaced)) = broker.hub.watch_mail(row) else { return Ok(None) };
    let mut look_at = Instant::now() + TURN_ENDS_WITHIN;
    loop {
        let first = broker.hub.free_at(row).map_or(look_at, |free| free.max(look_at));
        tokio::select! {
            // Also when the session is gone.
            _ = &mut replaced => return Ok(None),
            () = tokio::time::sleep_until(deadline) => return Ok(None),
            () = tokio::time::sleep_until(first) => {}
        }
        if let Some(taken) = nudge::take(broker, row, Taker::Nudge).await? {
            return Ok(Some(taken));
        }
        tokio::select! {
            _ = &mut replaced => return Ok(None),
            () = tokio::time::sleep_until(deadline) => return Ok(None),
            () = due.notified() => look_at = Instant::now(),
        }
    }
}

/// A client runs its hook before its shim has connected: the session gets its row and name now, and keeps them for it.
async fn registered(broker: &Arc<Broker>, identity: Identity) -> Result<Hooked, Error> {
    check::key(&identity.key)?;
    let Some(greeted) = broker.store.greet(NO_CONNECTION, identity).await? else {
        return Ok(Hooked::default());
    };
    let Greeted { owner, superseded, online, .. } = greeted;
    tokio::spawn(async move {
        tokio::time::sleep(SHIM_COMES_WITHIN).await;
        drop(online);
    });
    let range = Range { after: 0, up_to: i64::MAX, all: true };
    let messages = broker.store.unannounced(&owner, range).await?;
    let hooked = with_mail(broker, owner, superseded, Taken::of(messages));
    Ok(with_others(broker, hooked))
}

fn with_mail(broker: &Broker, owner: Owner, superseded: bool, taken: Taken) -> Hooked {
    let unread = if superseded { 0 } else { broker.store.mail(&owner.mailbox).unread };
    let session =
        SessionState { session_id: owner.session_id, name: owner.name, superseded, displaced: None };
    Hooked {
        session: Some(session),
        messages: taken.messages,
        count: taken.count,
        unread,
        ..Hooked::default()
    }
}

fn with_others(broker: &Broker, hooked: Hooked) -> Hooked {
    let own = hooked.session.as_ref().map(|session| session.name.clone()).unwrap_or_default();
    let mut online: Vec<String> = broker.hub.names().into_iter().filter(|name| *name != own).collect();
    online.sort_unstable();
    let online_count = online.len() as u64;
    online.truncate(HOOK_NAMES_MAX);
    Hooked { online, online_count, ..hooked }
}
