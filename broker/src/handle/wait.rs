//! `Wait`: register, then look, then sleep. A wake-up carries no data; the store is read again.
//!
//! A wait consumes nothing. However it ends, by mail, time, cancellation or a kill, what is unread stays unread.

use super::{Handled, check};
use crate::Broker;
use crate::hub::Parked;
use crate::session::{Owner, Row, superseded};
use crate::store::Unread;
use c2c_proto::Error;
use c2c_proto::id::MessageId;
use c2c_proto::limits::WAIT_MAX_S;
use c2c_proto::request::Wait;
use c2c_proto::response::{Response, Waited};
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

pub(super) async fn wait(broker: &Arc<Broker>, owner: Owner, request: &Wait) -> Handled {
    check::filter(&request.filter)?;
    let deadline = deadline(request.timeout_ms)?;
    let began_after = broker.store.last_message_id();
    let seen = Seen::default();
    let look = async |owner: Owner| {
        // Before the look: what comes during it is looked at by the next one.
        let newest = broker.store.last_message_id();
        let above = seen.by(&owner);
        let unread = broker.store.unread(&owner, &request.filter, began_after, above).await?;
        seen.up_to(owner, newest);
        Ok((!unread.messages.is_empty()).then_some(unread))
    };
    let found = until_found(broker, owner.row, deadline, look).await?;
    let timed_out = found.is_none();
    let Unread { messages, repeated, more } = found.unwrap_or_default();
    let first_shown = if repeated { 0 } else { messages.len() as u64 };
    Ok((Response::Waited(Waited { messages, timed_out, repeated, more }), first_shown))
}

/// Up to which message the looks of one wait have found nothing, for the mailbox that they looked into: the next look need
/// not go through a full mailbox again. Under another name all of it is looked at.
#[derive(Debug, Default)]
struct Seen {
    last: Mutex<Option<(Owner, MessageId)>>,
}

impl Seen {
    fn by(&self, owner: &Owner) -> MessageId {
        match &*self.last.lock().unwrap_or_else(PoisonError::into_inner) {
            Some((seen_by, up_to)) if seen_by == owner => *up_to,
            _ => 0,
        }
    }

    fn up_to(&self, owner: Owner, newest: MessageId) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((owner, newest));
    }
}

/// When a wait of so many milliseconds ends.
pub(super) fn deadline(timeout_ms: u64) -> Result<Instant, Error> {
    if timeout_ms > WAIT_MAX_S * 1_000 {
        return Err(Error::invalid(
            format!("timeout_s is {}, the limit is {WAIT_MAX_S}", timeout_ms / 1_000),
            "wait in several calls; mail that comes in between is not lost",
        ));
    }
    Ok(Instant::now() + Duration::from_millis(timeout_ms))
}

/// Looks until something is found or the time is up. Parked in the hub for all that time, under whatever name the
/// session has; ends with `superseded` when it loses its name.
pub(super) async fn until_found<T, F>(
    broker: &Arc<Broker>,
    row: Row,
    deadline: Instant,
    look: impl Fn(Owner) -> F,
) -> Result<Option<T>, Error>
where
    F: Future<Output = Result<Option<T>, Error>>,
{
    let Some(parked) = broker.hub.park(row) else {
        return Err(moved_on());
    };
    loop {
        let woken = woken(&parked);
        tokio::pin!(woken);
        woken.as_mut().enable();
        let owner = present_owner(broker, row)?;
        if let Some(found) = look(owner).await? {
            return Ok(Some(found));
        }
        if !sleep(woken, deadline).await {
            return Ok(None);
        }
    }
}

fn woken(parked: &Parked) -> tokio::sync::futures::Notified<'_> {
    parked.changed().notified()
}

/// Sleeps until woken (`true`) or the time is up (`false`).
pub(super) async fn sleep(woken: impl Future<Output = ()>, deadline: Instant) -> bool {
    tokio::select! {
        biased;
        () = woken => true,
        () = tokio::time::sleep_until(deadline) => false,
    }
}

/// The session under the name that it has now.
pub(super) fn present_owner(broker: &Broker, row: Row) -> Result<Owner, Error> {
    match broker.hub.owner(row) {
        Some((owner, false)) => Ok(owner),
        Some((owner, true)) => Err(superseded(&owner.name)),
        // Its connections moved on to another row: it had lost the name, and took a new one as a new session.
        None => Err(moved_on()),
    }
}

fn moved_on() -> Error {
    Error::new(
        c2c_proto::ErrorCode::Superseded,
        "the session took another name as a new session while it waited",
        "wait again under the new name",
    )
}

#[cfg(test)]
mod tests {
    use super::until_found;
    use crate::Broker;
    use crate::clock::Clock;
    use crate::config::Config;
    use crate::hub::{Hub, Peer, Push};
    use crate::outbox::Outbox;
    use crate::session::{NameFollower, Row};
    use crate::shutdown::Shutdown;
    use crate::stats::Stats;
    use crate::store::{GreetingKind, Store};
    use c2c_proto::hello::{Identity, PROTOCOL};
    use c2c_proto::id::new_call_key;
    use c2c_proto::paths::StorePaths;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;
    use tokio::time::Instant;

    /// A broker without a socket, in a folder that goes with it, and one connected session.
    async fn broker() -> (Arc<Broker>, Row, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let paths = StorePaths::of_store(&folder.path().join("c2c.db")).unwrap();
        std::fs::create_dir_all(&paths.run_dir).unwrap();
        let (config, clock, stats, shutdown) =
            (Config::default(), Clock::system(), Arc::new(Stats::default()), Shutdown::new());
        let hub = Arc::new(Hub::default());
        let follower: Arc<dyn NameFollower> = Arc::clone(&hub) as _;
        let store = Store::open(&paths, &config, &clock, &stats, &shutdown, follower).await.unwrap();
        let identity = Identity {
            key: new_call_key(),
            automatic: true,
            parent: "1:1".into(),
            project_dir: "/p/a".into(),
            cwd: "/p/a".into(),
            client: "test 1".into(),
            ..Identity::default()
        };
        hub.connect(1, Outbox::new(), PROTOCOL, Push::default(), Peer::Session(identity.clone()));
        let row = store.greet(1, identity, GreetingKind::Session).await.unwrap().unwrap().owner.row;
        let broker =
            Broker { config, paths, store, hub, clock, stats, shutdown, service: false, on_demand: false };
        (Arc::new(broker), row, folder)
    }

    #[tokio::test]
    async fn mail_that_comes_during_the_look_is_not_missed() {
        let (broker, row, _folder) = broker().await;
        let looks = AtomicUsize::new(0);
        let look = |_| {
            let first = looks.fetch_add(1, Ordering::Relaxed) == 0;
            // It comes when the store was read already, and before the wait sleeps: only the wake-up tells of it.
            if first {
                broker.hub.wake([row]);
            }
            async move { Ok((!first).then_some("mail")) }
        };
        let deadline = Instant::now() + Duration::from_secs(5);
        let found = until_found(&broker, row, deadline, look).await.unwrap();
        assert_eq!((found, looks.load(Ordering::Relaxed)), (Some("mail"), 2));
    }
}
