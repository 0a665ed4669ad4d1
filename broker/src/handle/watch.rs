//! `WatchState`: blocks until a key's version exceeds the one that is known.

use super::{Handled, check, global, wait};
use crate::Broker;
use crate::session::Owner;
use c2c_proto::Error;
use c2c_proto::request::WatchState;
use c2c_proto::response::{Entry, State};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// `owner`: whose watch it is, which ends when that session loses its name; nobody's for one who looks on.
pub(super) async fn watch(broker: &Arc<Broker>, owner: Option<&Owner>, request: &WatchState) -> Handled {
    check::state_key(&request.state_key)?;
    if request.newer_than < 0 {
        return Err(Error::invalid(
            format!("newer_than is {}, a version is 0 or more", request.newer_than),
            "0 waits until the key exists; else give the version that you read",
        ));
    }
    let deadline = wait::deadline(request.timeout_ms)?;
    global::check(broker, &request.state_key).await?;
    let key = broker.hub.watch(&request.state_key);
    let session = owner.map(|owner| broker.hub.follow(owner.row)).unwrap_or_default();
    loop {
        let (changed, renamed) = (key.changed().notified(), session.notified());
        tokio::pin!(changed, renamed);
        changed.as_mut().enable();
        renamed.as_mut().enable();
        if let Some(owner) = owner {
            wait::present_owner(broker, owner.row)?;
        }
        let entry = broker.store.get_state(&request.state_key).await?;
        if is_answer(entry.as_ref(), request.newer_than) {
            let state = State { entry, timed_out: false };
            return Ok((global::dated(broker, &request.state_key, state).await?, 0));
        }
        let wake_at = expiry(broker, entry.as_ref()).map_or(deadline, |at| at.min(deadline));
        let woken = async {
            tokio::select! {
                () = changed => {}
                () = renamed => {}
            }
        };
        if !wait::sleep(woken, wake_at).await && Instant::now() >= deadline {
            let state = State { entry, timed_out: true };
            return Ok((global::dated(broker, &request.state_key, state).await?, 0));
        }
    }
}

/// A newer version; or, for one who knew the key, that it is gone.
fn is_answer(entry: Option<&Entry>, newer_than: i64) -> bool {
    entry.map_or(newer_than > 0, |entry| entry.version > newer_than)
}

/// When the entry expires, by the monotonic clock.
fn expiry(broker: &Broker, entry: Option<&Entry>) -> Option<Instant> {
    let left_us = entry?.expires_at?.0 - broker.clock.now().0;
    // A millisecond later, so that the store agrees that it is over.
    Some(
        Instant::now()
            + Duration::from_micros(u64::try_from(left_us).unwrap_or(0))
            + Duration::from_millis(1),
    )
}
