//! Taking, renewing and releasing a lease. A lease is an entry that is set only while the key is absent.

use crate::entries::{self, put};
use crate::link::{Link, ask};
use c2c_proto::id::{Version, new_call_key};
use c2c_proto::request::{DeleteState, SetState, WatchState};
use c2c_proto::response::{Entry, StateSet};
use c2c_proto::{Error, ErrorCode};
use std::fmt;
use std::time::Duration;
use tokio::time::Instant;

/// What is held, and for how long.
#[derive(Debug)]
pub(super) struct Terms {
    /// Which key.
    pub(super) key: String,
    /// It expires after this time, unless it is renewed.
    pub(super) ttl: Duration,
    value: String,
}

impl Terms {
    pub(super) fn new(key: String, ttl_s: u64, value: &serde_json::Value) -> Self {
        Self { key, ttl: Duration::from_secs(ttl_s), value: value.to_string() }
    }

    fn set(&self, if_version: Version, key: String) -> SetState {
        SetState {
            state_key: self.key.clone(),
            value: self.value.clone(),
            if_version: Some(if_version),
            ttl_ms: Some(u64::try_from(self.ttl.as_millis()).unwrap_or(u64::MAX)),
            key,
        }
    }
}

/// Who has what somebody else wants.
#[derive(Debug)]
pub(super) struct Held(Entry);

impl fmt::Display for Held {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Entry { state_key, updated_by, version, expires_at, .. } = &self.0;
        write!(out, "{state_key:?} is held by {updated_by:?}, version {version}, ")?;
        match expires_at {
            Some(at) => write!(out, "until {at}"),
            None => write!(out, "without an end"),
        }
    }
}

/// Takes the lease, within this time if somebody else holds it. The moment is one at which its time had not begun yet.
pub(super) async fn take(
    link: &Link,
    terms: &Terms,
    within: Duration,
) -> anyhow::Result<Result<(StateSet, Instant), Held>> {
    let end = Instant::now() + within;
    loop {
        let since = Instant::now();
        match put(link, terms.set(0, new_call_key())).await {
            Err(error) if is_conflict(&error) => {}
            set => return set.map(|set| Ok((set, since))),
        }
        // Whoever held it may be gone by now: then it is to be had at once.
        let Some(mut held) = look(link, &terms.key).await? else { continue };
        loop {
            let left = end.duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Err(Held(held)));
            }
            // Answered when the key changes, and when it is removed or expires.
            let Some(entry) = changed(link, &held, left).await? else { break };
            held = entry;
        }
    }
}

/// Makes it live longer. The same call key again is the same renewal again.
pub(super) async fn renew(
    link: &Link,
    terms: &Terms,
    version: Version,
    call: String,
) -> anyhow::Result<StateSet> {
    put(link, terms.set(version, call)).await
}

/// Gives it back.
pub(super) async fn release(link: &Link, key: &str, version: Version) -> anyhow::Result<()> {
    let request = DeleteState { state_key: key.to_owned(), if_version: Some(version), key: new_call_key() };
    ask!(link, DeleteState(request), Deleted);
    Ok(())
}

/// The version that the key has, if it is still these terms' own: the one that was known, or one that was set with the same
/// words, by a renewal whose answer got lost. Asked by nobody in particular: the holder may be kept out meanwhile.
pub(super) async fn own_version(terms: &Terms, known: Version) -> anyhow::Result<Option<Version>> {
    let entry = look(&Link::look_on()?, &terms.key).await?;
    let own = |entry: &Entry| entry.version == known || entry.value.as_deref() == Some(&terms.value);
    Ok(entry.filter(own).map(|entry| entry.version))
}

/// Whether another version is there than was assumed, or none; or the holder's name is another one's now.
pub(super) fn is_conflict(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Error>().is_some_and(|error| error.code == ErrorCode::Conflict)
}

async fn look(link: &Link, key: &str) -> anyhow::Result<Option<Entry>> {
    Ok(entries::one(link, key).await?.0.entry)
}

/// The entry that is there after a change or the time; `None` if there is none.
async fn changed(link: &Link, held: &Entry, left: Duration) -> anyhow::Result<Option<Entry>> {
    let question = WatchState {
        state_key: held.state_key.clone(),
        newer_than: held.version,
        timeout_ms: u64::try_from(left.as_millis()).unwrap_or(u64::MAX),
    };
    Ok(entries::changed(link, question).await?.entry)
}
