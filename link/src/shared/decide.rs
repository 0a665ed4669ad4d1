//! Changes of the state that all machines share, decided by the server: it takes one only if the key has the version that was
//! assumed.

use super::ahead::Own;
use super::entry::{decoded, encoded, version_of};
use super::key;
use crate::broker::Broker;
use crate::nats::{Nats, NotTaken};
use c2c_proto::id::Version;
use c2c_proto::request::{LinkAnswer, SharedAsk, SharedEntry, SharedOutcome};
use c2c_proto::time::Timestamp;
use c2c_proto::{Error, ErrorCode};
use futures_util::{TryStreamExt, stream};
use tokio::sync::mpsc::Sender;
use tokio::sync::oneshot;
use tokio::sync::watch::Receiver;

/// How long it is waited for changes before it is asked again.
const ROUND_MS: u64 = 5_000;
/// Changes that are decided at the same time.
const AT_ONCE: usize = 16;
/// A key that others change all the time is tried so often.
const TRIES: usize = 32;

/// Has what the broker asks for decided, until something fails.
pub(super) async fn run(
    broker: &Broker,
    nats: &Nats,
    mut complete: Receiver<bool>,
    own: Sender<Own>,
) -> anyhow::Result<()> {
    complete.wait_for(|complete| *complete).await?;
    let asked = stream::try_unfold((), |()| async {
        let asks = broker.asked(ROUND_MS).await?;
        anyhow::Ok(Some((stream::iter(asks.into_iter().map(anyhow::Ok)), ())))
    });
    asked
        .try_flatten()
        .try_for_each_concurrent(AT_ONCE, |ask: SharedAsk| answer(broker, nats, ask, &own))
        .await
}

async fn answer(broker: &Broker, nats: &Nats, ask: SharedAsk, own: &Sender<Own>) -> anyhow::Result<()> {
    let (outcome, made) =
        tries(nats, &ask).await.unwrap_or_else(|error| (SharedOutcome::Failed(error), None));
    if let Some(entry) = made {
        // Who is told that it is done finds it done. The server may take seconds to tell of it.
        let (told, known) = oneshot::channel();
        own.send(Own { entry, told }).await?;
        known.await?;
    }
    broker.answer(LinkAnswer { number: ask.number, outcome }).await
}

/// What came of it, and what is there since.
async fn tries(nats: &Nats, ask: &SharedAsk) -> Result<(SharedOutcome, Option<SharedEntry>), Error> {
    let key = key::encoded(&ask.state_key);
    // What is handed to a client without a server may reach it long after somebody was told that it is not known.
    nats.check_connected().map_err(|error| cannot_read(ask, &error))?;
    for _ in 0..TRIES {
        let found = nats.shared_entry(&key).await.map_err(|error| cannot_read(ask, &error))?;
        let last = found.as_ref().map_or(0, |found| found.version);
        let (there, call) = found.as_ref().and_then(|found| decoded(&key, found)).unzip();
        let alive = there.filter(|entry| ask.expired != Some(entry.version));
        // Made before, and its answer was lost.
        if let Some(entry) = alive.as_ref().filter(|_| call.as_ref() == Some(&ask.call)) {
            return Ok((made(ask, entry), Some(entry.clone())));
        }
        let present = alive.filter(|entry| entry.value.is_some());
        let version = present.as_ref().map_or(0, |entry| entry.version);
        if ask.if_version.is_some_and(|wanted| wanted != version) {
            return Ok((SharedOutcome::Conflict(present), None));
        }
        if ask.set.is_none() && present.is_none() {
            return Ok((SharedOutcome::Deleted(false), None));
        }
        match change(nats, ask, &key, last).await? {
            Ok(now) => {
                let entry = changed(ask, version_of(now));
                return Ok((made(ask, &entry), Some(entry)));
            }
            // Somebody else was faster: look again.
            Err(NotTaken::Another) => {}
            Err(NotTaken::Full) => return Err(no_room(ask)),
            Err(NotTaken::Unknown(why)) => return Err(unknown(ask, &why)),
        }
    }
    Err(Error::new(
        ErrorCode::RateLimited,
        format!("{:?} is changed by others all the time; nothing was changed", ask.state_key),
        "try again in a moment, or spread what is written over more keys",
    ))
}

/// Has it taken if the key still has that version.
async fn change(nats: &Nats, ask: &SharedAsk, key: &str, last: u64) -> Result<Result<u64, NotTaken>, Error> {
    let Some(set) = &ask.set else {
        return Ok(nats.delete_shared(key, ask.call.clone().into(), last).await);
    };
    let value = encoded(set, &ask.call).map_err(|error| Error::internal(error.to_string()))?;
    check_size(nats, ask, value.len())?;
    Ok(nats.put_shared(key, value.into(), last).await)
}

fn made(ask: &SharedAsk, entry: &SharedEntry) -> SharedOutcome {
    if ask.set.is_some() {
        SharedOutcome::Set(entry.version, entry.updated_at)
    } else {
        SharedOutcome::Deleted(true)
    }
}

/// What is under the key once the server has given the change a version.
fn changed(ask: &SharedAsk, version: Version) -> SharedEntry {
    let set = ask.set.as_ref();
    SharedEntry {
        state_key: ask.state_key.clone(),
        value: set.map(|set| set.value.clone()),
        version,
        updated_at: set.map_or(Timestamp(0), |set| set.updated_at),
        updated_by: set.map(|set| set.updated_by.clone()).unwrap_or_default(),
        ttl_ms: set.and_then(|set| set.ttl_ms),
    }
}

fn check_size(nats: &Nats, ask: &SharedAsk, size: usize) -> Result<(), Error> {
    let limit = nats.most_bytes();
    if size <= limit {
        return Ok(());
    }
    let hint =
        "that is what the server takes at once; keep the text in a file of a repository, and its path here";
    Err(Error::too_large(&format!("the value of {:?}", ask.state_key), size, limit, "bytes", hint))
}

fn cannot_read(ask: &SharedAsk, why: &impl std::fmt::Display) -> Error {
    Error::new(
        ErrorCode::LinkDown,
        format!("the server does not say what {:?} is ({why}); nothing was changed", ask.state_key),
        "try again later; keys that do not begin with global: stay on this machine and work without a link",
    )
}

fn no_room(ask: &SharedAsk) -> Error {
    Error::new(
        ErrorCode::LinkDown,
        format!("the server has no room to change {:?}; nothing was changed", ask.state_key),
        "the user has to give the server's JetStream more room; other keys stay on this machine and work without it",
    )
}

fn unknown(ask: &SharedAsk, why: &str) -> Error {
    let message =
        format!("the server did not answer ({why}); it is not known whether {:?} was changed", ask.state_key);
    let hint = "make the call once more with the same idempotency_key, or read the key first";
    Error { retry_safe: false, ..Error::new(ErrorCode::LinkDown, message, hint) }
}
