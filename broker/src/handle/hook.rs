//! `Hook`: what a client's hook may tell its model. Finds the session by the client's process, and takes the mail that
//! nobody has announced.

use super::{Handled, check, wait};
use crate::Broker;
use crate::nudge::{self, Taken, Taker};
use crate::session::{ConnId, Owner, Row};
use crate::store::{Greeted, GreetingKind, Range};
use c2c_proto::Error;
use c2c_proto::event::Event;
use c2c_proto::hello::{Identity, SessionState};
use c2c_proto::id::new_unique_id;
use c2c_proto::limits::{HOOK_NAMES_MAX, RESUME_GRACE_S};
use c2c_proto::request::{Hook, HookEvent};
use c2c_proto::response::{Hooked, PushOutcome, Response};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// No connection: what is registered for it belongs to none.
const NO_CONNECTION: ConnId = 0;
/// A session that its hook has registered keeps its name for so long until its shim connects.
const SHIM_COMES_WITHIN: Duration = Duration::from_secs(1);
/// A hook that waits for mail looks for its session for so long: as long as a name is held after a restart.
const SESSION_COMES_WITHIN: Duration = Duration::from_secs(RESUME_GRACE_S);
/// How soon it looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// The hook at a turn's end comes first; one that waits begins to look after this.
const TURN_ENDS_WITHIN: Duration = Duration::from_millis(300);

pub(super) async fn hook(broker: &Arc<Broker>, request: Hook) -> Handled {
    if request.event == HookEvent::Rewake {
        return Ok((Response::Hooked(awaited(broker, &request).await?), 0));
    }
    let hooked = match broker.hub.session_of_client(&request.identity) {
        Some((conn, row)) => {
            let row = called_now(broker, conn, row, request.identity.client_session.as_deref()).await?;
            of_session(broker, row, request.event).await?
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
    let Some(identity) = broker.hub.called_otherwise(conn, now) else { return Ok(row) };
    let before = broker.store.row_of_client_session(now).await?;
    if before.is_some_and(|before| before != row && !broker.store.is_online(before))
        // A name that the user set wins over the one from before.
        && identity.wanted_name.is_none()
    {
        let identity = Identity {
            key: new_unique_id(),
            session_id: None,
            client_session: Some(now.to_owned()),
            ..identity
        };
        if let Some(greeted) = broker.store.greet(conn, identity, GreetingKind::Session).await? {
            let Greeted { owner, superseded, displaced, .. } = greeted;
            let state =
                SessionState { session_id: owner.session_id, name: owner.name, superseded, displaced };
            let event = Event::Session(state);
            broker.hub.tell_session(owner.row, &event, &event);
            broker.hub.note_client_session(conn, now);
            return Ok(owner.row);
        }
    }
    broker.store.note_client_session(row, now.to_owned()).await?;
    broker.hub.note_client_session(conn, now);
    Ok(row)
}

async fn of_session(broker: &Arc<Broker>, row: Row, event: HookEvent) -> Result<Hooked, Error> {
    let taker = match event {
        HookEvent::SessionStart => Taker::Start,
        HookEvent::UserPromptSubmit => Taker::Turn,
        HookEvent::Stop | HookEvent::Rewake => Taker::Hook,
    };
    let taken = nudge::take(broker, row, taker).await?;
    Ok(told(broker, row, event, taken))
}

/// What the hook says of the session, with the mail that it has taken.
fn told(broker: &Broker, row: Row, event: HookEvent, taken: Option<Taken>) -> Hooked {
    let Some((owner, superseded)) = broker.hub.owner(row) else { return Hooked::default() };
    if taken.is_some() {
        nudge::tell_announced(broker, row);
        let outcome = "told by a hook".to_owned();
        broker.hub.note_outcome(row, PushOutcome { at: broker.clock.now(), outcome });
    }
    let hooked = with_mail(broker, owner, superseded, taken.unwrap_or_default());
    if event == HookEvent::SessionStart { with_others(broker, hooked) } else { hooked }
}

/// Mail to announce, as soon as there is any. Nothing at once for a session whose shim announces it, and when another hook
/// takes this one's place. The session may come a moment after its hook, also when the broker is a new one.
async fn awaited(broker: &Arc<Broker>, request: &Hook) -> Result<Hooked, Error> {
    let deadline = wait::deadline(request.timeout_ms)?;
    let mut gone_at = Instant::now() + SESSION_COMES_WITHIN;
    loop {
        if let Some((_, row)) = broker.hub.session_of_client(&request.identity) {
            match watch(broker, row, deadline).await? {
                Watched::Mail(taken) => return Ok(told(broker, row, request.event, Some(taken))),
                Watched::NotNeeded => return Ok(Hooked::default()),
                Watched::Gone => gone_at = Instant::now() + SESSION_COMES_WITHIN,
            }
        }
        if Instant::now() >= gone_at.min(deadline) {
            return Ok(Hooked::default());
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// What came of watching a session's mail.
enum Watched {
    Mail(Taken),
    /// Time is up, somebody else does it, or nobody is to.
    NotNeeded,
    /// The session is gone, or another row by now.
    Gone,
}

async fn watch(broker: &Arc<Broker>, row: Row, deadline: Instant) -> Result<Watched, Error> {
    if !broker.hub.may_watch(row) {
        return Ok(Watched::NotNeeded);
    }
    let Some((due, mut ends)) = broker.hub.watch_mail(row) else { return Ok(Watched::Gone) };
    let mut look_at = Instant::now() + TURN_ENDS_WITHIN;
    loop {
        let first = broker.hub.free_at(row).map_or(look_at, |free| free.max(look_at));
        tokio::select! {
            replaced = &mut ends => return Ok(ended(replaced.is_ok())),
            () = tokio::time::sleep_until(deadline) => return Ok(Watched::NotNeeded),
            () = tokio::time::sleep_until(first) => {}
        }
        if let Some(taken) = nudge::take(broker, row, Taker::Hook).await? {
            return Ok(Watched::Mail(taken));
        }
        tokio::select! {
            replaced = &mut ends => return Ok(ended(replaced.is_ok())),
            () = tokio::time::sleep_until(deadline) => return Ok(Watched::NotNeeded),
            () = due.notified() => look_at = Instant::now(),
        }
    }
}

const fn ended(replaced: bool) -> Watched {
    if replaced { Watched::NotNeeded } else { Watched::Gone }
}

/// A client runs its hook before its shim has connected: the session gets its row and name now, and keeps them for it.
async fn registered(broker: &Arc<Broker>, identity: Identity) -> Result<Hooked, Error> {
    check::key(&identity.key)?;
    let told = broker.store.last_message_id();
    let Some(greeted) = broker.store.greet(NO_CONNECTION, identity, GreetingKind::Session).await? else {
        return Ok(Hooked::default());
    };
    let Greeted { owner, superseded, online, .. } = greeted;
    broker.hub.expect(owner.row, told);
    tokio::spawn(async move {
        tokio::time::sleep(SHIM_COMES_WITHIN).await;
        drop(online);
    });
    let range = Range { after: 0, all: true };
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
