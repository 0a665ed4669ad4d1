//! The state that all machines share. Reading it is reading the copy that the store has, which says how old it is when no link keeps it
//! current; a change is asked of the link, and is done when that says so. Nothing is ever changed here alone.

use super::Handled;
use crate::Broker;
use crate::hub::Hub;
use crate::session::Owner;
use crate::store::{Kept, hash_of, version_conflict};
use c2c_proto::limits::{LINK_ANSWER_TIMEOUT_S, LINK_TAKES_WITHIN_S};
use c2c_proto::request::{
    DeleteState, GLOBAL_PREFIX, LinkAnswer, LinkAsked, LinkShared, ListState, SetState, SharedAsk,
    SharedEntry, SharedOutcome, SharedSet, is_global,
};
use c2c_proto::response::{
    Deleted, Done, LinkAsks, Response, State, StateAsOf, StateSet, States, StatesAsOf,
};
use c2c_proto::time::Timestamp;
use c2c_proto::{Error, ErrorCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

pub(super) async fn set(broker: &Arc<Broker>, owner: Owner, request: SetState) -> Handled {
    let hash = hash_of(&request);
    let kept = Kept { row: owner.row, key: request.key.clone(), hash };
    if let Some(set) = earlier::<StateSet>(broker, &kept).await? {
        return Ok((Response::StateSet(set), 0));
    }
    let updated_by = who(broker, &owner)?;
    let set = SharedSet {
        value: request.value,
        updated_at: broker.clock.now(),
        updated_by: updated_by.clone(),
        ttl_ms: request.ttl_ms,
    };
    let key = request.state_key.clone();
    match ask(broker, &kept, request.state_key, Some(set), request.if_version).await? {
        SharedOutcome::Set(version, updated_at) => {
            // From before it was asked: whoever holds a lease may not think so longer than others.
            let expires_at = request.ttl_ms.map(|ttl_ms| updated_at.plus_ms(ttl_ms));
            let set = StateSet { state_key: key, version, updated_at, updated_by, expires_at };
            keep(broker, kept, &set).await?;
            Ok((Response::StateSet(set), 0))
        }
        other => Err(refused(broker, &key, other, "set it with if_version=0 to create it").await?),
    }
}

pub(super) async fn delete(broker: &Arc<Broker>, owner: Owner, request: DeleteState) -> Handled {
    let hash = hash_of(&request);
    let kept = Kept { row: owner.row, key: request.key.clone(), hash };
    if let Some(deleted) = earlier::<Deleted>(broker, &kept).await? {
        return Ok((Response::Deleted(deleted), 0));
    }
    let key = request.state_key.clone();
    match ask(broker, &kept, request.state_key, None, request.if_version).await? {
        SharedOutcome::Deleted(deleted) => {
            let deleted = Deleted { deleted };
            keep(broker, kept, &deleted).await?;
            Ok((Response::Deleted(deleted), 0))
        }
        other => {
            let absent = "there is nothing to delete: the entry was removed, has expired, or never was";
            Err(refused(broker, &key, other, absent).await?)
        }
    }
}

/// One entry as it is here, and how old that is.
///
/// # Errors
/// `link_down` if nothing of what is shared ever was here.
pub(super) async fn dated(broker: &Arc<Broker>, key: &str, state: State) -> Result<Response, Error> {
    if !is_global(key) || broker.hub.is_current() {
        return Ok(Response::State(state));
    }
    let Some(as_of) = broker.store.shared_as_of().await? else { return Err(no_link(broker, key)) };
    Ok(Response::StateAsOf(StateAsOf { state, as_of }))
}

/// Whether a key can be read at all.
///
/// # Errors
/// As [`dated`].
pub(super) async fn check(broker: &Arc<Broker>, key: &str) -> Result<(), Error> {
    dated(broker, key, State { entry: None, timed_out: false }).await.map(|_| ())
}

/// Entries, likewise, if there are such among them.
pub(super) async fn dated_list(
    broker: &Arc<Broker>,
    ask: &ListState,
    states: States,
) -> Result<Response, Error> {
    let asked = ask.prefix.starts_with(GLOBAL_PREFIX);
    let among = asked || states.entries.iter().any(|entry| is_global(&entry.state_key));
    if !among || broker.hub.is_current() {
        return Ok(Response::States(states));
    }
    match broker.store.shared_as_of().await? {
        Some(as_of) => Ok(Response::StatesAsOf(StatesAsOf { states, as_of })),
        None if asked => Err(no_link(broker, &ask.prefix)),
        None => Ok(Response::States(states)),
    }
}

/// A link tells what the entries are.
pub(super) async fn told(broker: &Arc<Broker>, told: LinkShared) -> Handled {
    let current = told.current;
    if told.range.is_some() || !told.entries.is_empty() || is_to_note(broker).await? {
        for key in broker.store.tell_shared(told).await? {
            broker.hub.wake_watches(&key);
        }
    }
    if current {
        broker.hub.note_current();
    }
    Ok((Response::Done(Done {}), 0))
}

/// That nothing has changed is written down now and then, for the next broker.
async fn is_to_note(broker: &Arc<Broker>) -> Result<bool, Error> {
    let due = |noted: Timestamp| broker.clock.now().0.saturating_sub(noted.0) >= NOTED_EVERY_US;
    Ok(broker.store.shared_as_of().await?.is_none_or(due))
}

const NOTED_EVERY_US: i64 = 60_000_000;

/// A link takes the changes that were asked for. As a wait for mail: park, look, sleep, and look again.
pub(super) async fn asked(broker: &Arc<Broker>, request: &LinkAsked) -> Handled {
    let deadline = super::wait::deadline(request.timeout_ms)?;
    let (_link, changed) = broker.hub.link_waits();
    loop {
        let woken = changed.notified();
        tokio::pin!(woken);
        woken.as_mut().enable();
        let asks = broker.hub.take_asks();
        if !asks.is_empty() || !super::wait::sleep(woken, deadline).await {
            return Ok((Response::LinkAsks(LinkAsks { asks }), 0));
        }
    }
}

/// A link says what came of one.
pub(super) fn answered(broker: &Arc<Broker>, answer: LinkAnswer) -> Handled {
    broker.hub.answer_ask(answer.number, answer.outcome);
    Ok((Response::Done(Done {}), 0))
}

async fn ask(
    broker: &Arc<Broker>,
    kept: &Kept,
    state_key: String,
    set: Option<SharedSet>,
    if_version: Option<i64>,
) -> Result<SharedOutcome, Error> {
    let expired = broker.store.expired_version(&state_key).await?;
    let call = hash_of(&(broker.store.nodes().own(), kept.row, &kept.key, &kept.hash));
    let ask = SharedAsk { number: 0, state_key: state_key.clone(), set, if_version, expired, call };
    let Some((number, answered)) = broker.hub.ask_link(ask) else { return Err(no_link(broker, &state_key)) };
    let asked = Asked { hub: &broker.hub, number };
    let mut answered = answered;
    // A link that is there takes it at once.
    let soon = timeout(Duration::from_secs(LINK_TAKES_WITHIN_S), &mut answered).await;
    if soon.is_err() && broker.hub.is_queued(number) && asked.hub.withdraw_ask(number) {
        return Err(no_link(broker, &state_key));
    }
    let outcome = match soon {
        Ok(outcome) => Ok(outcome),
        Err(_) => timeout(Duration::from_secs(LINK_ANSWER_TIMEOUT_S), answered).await,
    };
    match outcome {
        Ok(Ok(outcome)) => Ok(outcome),
        _ if asked.hub.withdraw_ask(number) => Err(no_link(broker, &state_key)),
        _ => Err(Error {
            retry_safe: false,
            ..Error::new(
                ErrorCode::LinkDown,
                format!(
                    "the link did not say within {LINK_ANSWER_TIMEOUT_S} s whether {state_key:?} was changed"
                ),
                "make the call once more with the same idempotency_key, or read the key first",
            )
        }),
    }
}

/// A change that is asked for; when nobody waits for it any more, a link that has not taken it does not get it.
struct Asked<'a> {
    hub: &'a Hub,
    number: u64,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.hub.withdraw_ask(self.number);
    }
}

/// `name@node`.
fn who(broker: &Broker, owner: &Owner) -> Result<String, Error> {
    match broker.store.nodes().own() {
        Some(node) => Ok(format!("{}{}{node}", owner.name, c2c_proto::name::NODE_MARK)),
        None => Err(no_link(broker, GLOBAL_PREFIX)),
    }
}

fn no_link(broker: &Broker, key: &str) -> Error {
    let (why, hint) = match (broker.store.nodes().own(), broker.hub.link_report()) {
        (None, _) => (
            "this machine has no link to others".to_owned(),
            "a key without global: stays on this machine and works; `c2c link setup` makes a link, and c2c-link has to run",
        ),
        (Some(_), Some((at, report))) => (
            format!("the link is not connected; at {at} it said: {report}"),
            "`c2c link status` says what to do; try again when it is connected. Other keys work without a link",
        ),
        (Some(_), None) => ("no link runs".to_owned(), "c2c-link has to run; other keys work without a link"),
    };
    let message = format!("{key:?} is shared by all machines, and {why}; this call changed nothing");
    Error::new(ErrorCode::LinkDown, message, hint)
}

/// Why it was not done.
async fn refused(
    broker: &Arc<Broker>,
    key: &str,
    outcome: SharedOutcome,
    absent: &'static str,
) -> Result<Error, Error> {
    Ok(match outcome {
        SharedOutcome::Conflict(None) => version_conflict(key, None, absent),
        SharedOutcome::Conflict(Some(SharedEntry { version, updated_at, updated_by, .. })) => {
            let here = broker.store.get_state(key).await?.filter(|entry| entry.version == version);
            let expires_at = here.and_then(|entry| entry.expires_at);
            version_conflict(key, Some((version, updated_at, &updated_by, expires_at)), absent)
        }
        SharedOutcome::Failed(error) => error,
        SharedOutcome::Set(..) | SharedOutcome::Deleted(_) => {
            Error::internal("the link answered another question than the one that was asked")
        }
    })
}

async fn earlier<T: DeserializeOwned>(broker: &Arc<Broker>, kept: &Kept) -> Result<Option<T>, Error> {
    let answer = broker.store.earlier_answer(kept).await?;
    Ok(answer.and_then(|answer| serde_json::from_str(&answer).ok()))
}

async fn keep(broker: &Arc<Broker>, kept: Kept, answer: &impl Serialize) -> Result<(), Error> {
    let answer = serde_json::to_string(answer).unwrap_or_default();
    broker.store.keep_answer(kept, answer).await
}
