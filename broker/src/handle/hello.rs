//! The first exchange: versions, then who it is. Also its end, when the connection is gone.

use super::versions;
use crate::Broker;
use crate::hub::{Peer, Push};
use crate::nudge;
use crate::outbox::Outbox;
use crate::session::ConnId;
use crate::store::{Greeted, GreetingKind};
use c2c_proto::Error;
use c2c_proto::hello::{Hello, Identity, Role, SessionState, Welcome};
use c2c_proto::limits::RESUME_GRACE_S;
use c2c_proto::push::{ANNOUNCED, CHOICE, Choice, INBOX_SOCKET};
use std::sync::Arc;
use std::time::Duration;

/// Accepts a connection, and registers its session if it wants that.
///
/// # Errors
/// `version_mismatch` naming both, `invalid_argument` for a hello that is none, whatever keeps the store from answering.
pub async fn hello(
    broker: &Arc<Broker>,
    conn: ConnId,
    outbox: Outbox,
    hello: Hello,
) -> Result<Welcome, Error> {
    let protocol = versions::negotiate(broker, &hello)?;
    let (session, announced) = match hello.role {
        Role::Control => {
            broker.hub.connect(conn, outbox, protocol, Push::default(), Peer::Onlooker);
            (None, None)
        }
        Role::Person(identity) => {
            let identity = check(*identity)?;
            let push = Push { choice: Choice::Off, ..offered(broker, &[]) };
            broker.hub.connect(conn, outbox, protocol, push, Peer::Person(identity.clone()));
            let greeted = broker.store.greet(conn, identity, GreetingKind::Person).await?;
            (greeted.map(|greeted| state(conn, greeted)), None)
        }
        Role::Session(identity) => {
            let identity = check(*identity)?;
            let push = offered(broker, &hello.extra);
            // Connected first: with the commit the store tells the hub which session it is.
            broker.hub.connect(conn, outbox, protocol, push, Peer::Session(identity.clone()));
            let greeted = broker.store.greet(conn, identity, GreetingKind::Session).await?;
            if let Some(Greeted { owner, superseded: false, .. }) = &greeted
                && broker.store.mail(&owner.mailbox).new > 0
            {
                // Perhaps some of it came while there was no broker.
                nudge::mail_came(broker, owner.row);
            }
            let mark = greeted.as_ref().and_then(|greeted| broker.hub.settled_mark(greeted.owner.row));
            let announced = mark.map(|mark| (ANNOUNCED.to_owned(), mark.to_string()));
            (greeted.map(|greeted| state(conn, greeted)), announced)
        }
    };
    let push = broker.config.push.map(|choice| choice.to_string());
    Ok(Welcome {
        protocol,
        build: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        store_id: broker.store.store_id().to_owned(),
        session,
        extra: push.map(|push| (CHOICE.to_owned(), push)).into_iter().chain(announced).collect(),
    })
}

/// How the client can be told of mail. What was queued before it connected for the first time is not announced.
fn offered(broker: &Broker, extra: &[(String, String)]) -> Push {
    let said = |wanted: &str| extra.iter().find(|(key, _)| key == wanted).map(|(_, value)| value.as_str());
    let chosen = |word: Option<&str>| word.and_then(|word| word.parse().ok());
    Push {
        choice: chosen(said(CHOICE)).or(broker.config.push).unwrap_or_default(),
        inbox_socket: said(INBOX_SOCKET).is_some(),
        announced: said(ANNOUNCED).and_then(|id| id.parse().ok()),
        began_after: broker.store.last_message_id(),
    }
}

/// The connection is gone: so is the session's presence, if it was its last.
pub fn closed(broker: &Arc<Broker>, conn: ConnId) {
    broker.hub.note_gone(conn, broker.clock.now());
    broker.hub.disconnect(conn);
}

/// Names that were online when the last broker stopped are kept for their holders for a while, and count as online
/// meanwhile. Call once, after the store was opened; it goes on in the background.
pub async fn keep_names_for_their_holders(broker: &Arc<Broker>) {
    let held = broker.store.take_was_online().await;
    if held.is_empty() {
        return;
    }
    let shutdown = broker.shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(RESUME_GRACE_S)) => drop(held),
            // Going down again at once: they were online for all that is known.
            _ = shutdown.begun() => std::mem::forget(held),
        }
    });
}

/// A hello frame is small, so its texts are; only what decisions rest on is looked at.
fn check(identity: Identity) -> Result<Identity, Error> {
    super::check::key(&identity.key)?;
    Ok(Identity {
        wanted_name: identity.wanted_name.filter(|name| !name.is_empty()),
        client_session: identity.client_session.filter(|session| !session.is_empty()),
        ..identity
    })
}

fn state(conn: ConnId, greeted: Greeted) -> SessionState {
    let Greeted { owner, superseded, displaced, .. } = greeted;
    tracing::info!(conn, session = %owner.session_id, superseded, "session connected");
    SessionState { session_id: owner.session_id, name: owner.name, superseded, displaced }
}
