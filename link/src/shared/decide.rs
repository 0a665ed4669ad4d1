//! Changes of the state that all machines share, decided by the server: it takes one only if the key has the version that was
//! assumed.

use super::entry::{encoded, read};
use super::key;
use crate::broker::Broker;
use crate::nats::{Nats, NotTaken};
use c2c_proto::request::{LinkAnswer, SharedAsk, SharedEntry, SharedOutcome};
use c2c_proto::{Error, ErrorCode};
use futures_util::{TryStreamExt, stream};
use std::time::Duration;
use tokio::sync::watch::Receiver;
use tokio::time::timeout;

/// How long it is waited for changes before it is asked again.
const ROUND_MS: u64 = 5_000;
/// Changes that are decided at the same time.
const AT_ONCE: usize = 16;
/// A key that others change all the time is tried so often.
const TRIES: usize = 32;
/// So long the broker's copy may lag behind a change before it is answered all the same.
const LAG_MAX: Duration = Duration::from_secs(3);

/// Has what the broker asks for decided, until something fails.
pub(super) async fn run(
    broker: &Broker,
    nats: &Nats,
    mut reached: Receiver<Option<u64>>,
) -> anyhow::Result<()> {
    reached.wait_for(Option::is_some).await?;
    let asked = stream::try_unfold((), |()| async {
        let asks = broker.asked(ROUND_MS).await?;
        anyhow::Ok(Some((stream::iter(asks.into_iter().map(anyhow::Ok)), ())))
    });
    asked
        .try_flatten()
        .try_for_each_concurrent(AT_ONCE, |ask: SharedAsk| answer(broker, nats, ask, reached.clone()))
        .await
}

async fn answer(
    broker: &Broker,
    nats: &Nats,
    ask: SharedAsk,
    mut reached: Receiver<Option<u64>>,
) -> anyhow::Result<()> {
    let (outcome, version) = decide(nats, &ask).await;
    if let Some(version) = version {
        // Who is told that it is done finds it done.
        let there = reached.wait_for(|reached| reached.is_some_and(|reached| reached >= version));
        drop(timeout(LAG_MAX, there).await);
    }
    broker.answer(LinkAnswer { number: ask.number, outcome }).await
}

/// What came of it, and the version that it made.
async fn decide(nats: &Nats, ask: &SharedAsk) -> (SharedOutcome, Option<u64>) {
    match tries(nats, ask).await {
        Ok(decided) => decided,
        Err(error) => (SharedOutcome::Failed(error), None),
    }
}

async fn tries(nats: &Nats, ask: &SharedAsk) -> Result<(SharedOutcome, Option<u64>), Error> {
    let key = key::encoded(&ask.state_key);
    // What is handed to a client without a server may reach it long after somebody was told that it is not known.
    nats.check_connected().map_err(|error| cannot_read(ask, &error))?;
    for _ in 0..TRIES {
        let entry = nats.shared.entry(&key).await.map_err(|error| cannot_read(ask, &error))?;
        let last = entry.as_ref().map_or(0, |entry| entry.revision);
        let (there, call) = entry.as_ref().and_then(read).unzip();
        if call.as_ref() == Some(&ask.call) {
            return Ok((SharedOutcome::Set(version(last)), Some(last)));
        }
        let there: Option<SharedEntry> =
            there.filter(|entry| entry.value.is_some() && ask.expired != Some(entry.version));
        let present = there.as_ref().map_or(0, |entry| entry.version);
        if ask.if_version.is_some_and(|wanted| wanted != present) {
            return Ok((SharedOutcome::Conflict(there), None));
        }
        if ask.set.is_none() && there.is_none() {
            return Ok((SharedOutcome::Deleted(false), None));
        }
        let taken = match &ask.set {
            Some(set) => {
                let value = encoded(set, &ask.call).map_err(|error| Error::internal(error.to_string()))?;
                check_size(nats, ask, value.len())?;
                nats.put_shared(&key, value.into(), last).await
            }
            None => nats.delete_shared(&key, last).await,
        };
        match taken {
            Ok(made) if ask.set.is_some() => return Ok((SharedOutcome::Set(version(made)), Some(made))),
            Ok(made) => return Ok((SharedOutcome::Deleted(true), Some(made))),
            // Somebody else was faster: look again.
            Err(NotTaken::Another) => {}
            Err(NotTaken::Unknown(why)) => return Err(unknown(ask, &why)),
        }
    }
    Err(Error::new(
        ErrorCode::RateLimited,
        format!("{:?} is changed by others all the time; nothing was changed", ask.state_key),
        "try again in a moment, or spread what is written over more keys",
    ))
}

fn version(revision: u64) -> i64 {
    i64::try_from(revision).unwrap_or(i64::MAX)
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

fn unknown(ask: &SharedAsk, why: &str) -> Error {
    let message =
        format!("the server did not answer ({why}); it is not known whether {:?} was changed", ask.state_key);
    let hint = "make the call once more with the same idempotency_key, or read the key first";
    Error { retry_safe: false, ..Error::new(ErrorCode::LinkDown, message, hint) }
}
