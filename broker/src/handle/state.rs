//! `SetState`, `GetState`, `ListState`, `DeleteState`: the shared state. Whoever watches a key is woken by its change.

use super::Handled;
use super::{check, global};
use crate::Broker;
use crate::session::Owner;
use crate::store::{ByOwner, hash_of};
use c2c_proto::Error;
use c2c_proto::limits::{STATE_KEY_MAX_BYTES, STATE_TTL_MAX_S};
use c2c_proto::request::{DeleteState, GetState, ListState, SetState, is_global};
use c2c_proto::response::{Response, State};
use std::sync::Arc;

pub(super) async fn set(broker: &Arc<Broker>, owner: Owner, request: SetState) -> Handled {
    check::key(&request.key)?;
    check::state_key(&request.state_key)?;
    let limit = broker.config.limits.state_value_max_bytes;
    if request.value.len() > limit {
        let hint = "keep the text in a file, and its path here";
        return Err(Error::too_large("the value", request.value.len(), limit, "bytes of JSON", hint));
    }
    if serde_json::from_str::<serde::de::IgnoredAny>(&request.value).is_err() {
        return Err(Error::invalid("the value is not JSON", "send the value as JSON text"));
    }
    check_version(request.if_version)?;
    check_ttl(request.ttl_ms)?;
    if is_global(&request.state_key) {
        return global::set(broker, owner, request).await;
    }
    let key = request.state_key.clone();
    let hash = hash_of(&request);
    let set = broker.store.set_state(ByOwner { owner, request, hash }).await?;
    broker.hub.wake_watches(&key);
    Ok((Response::StateSet(set), 0))
}

pub(super) async fn get(broker: &Arc<Broker>, request: &GetState) -> Handled {
    check::state_key(&request.state_key)?;
    let entry = broker.store.get_state(&request.state_key).await?;
    let state = State { entry, timed_out: false };
    Ok((global::dated(broker, &request.state_key, state).await?, 0))
}

pub(super) async fn list(broker: &Arc<Broker>, request: &ListState) -> Handled {
    if request.prefix.len() > STATE_KEY_MAX_BYTES {
        let hint = "no key is that long";
        let (size, limit) = (request.prefix.len(), STATE_KEY_MAX_BYTES);
        return Err(Error::too_large("the prefix", size, limit, "bytes", hint));
    }
    let states = broker.store.list_state(request).await?;
    Ok((global::dated_list(broker, request, states).await?, 0))
}

pub(super) async fn delete(broker: &Arc<Broker>, owner: Owner, request: DeleteState) -> Handled {
    check::key(&request.key)?;
    check::state_key(&request.state_key)?;
    check_version(request.if_version)?;
    if is_global(&request.state_key) {
        return global::delete(broker, owner, request).await;
    }
    let key = request.state_key.clone();
    let hash = hash_of(&request);
    let deleted = broker.store.delete_state(ByOwner { owner, request, hash }).await?;
    broker.hub.wake_watches(&key);
    Ok((Response::Deleted(deleted), 0))
}

fn check_version(if_version: Option<i64>) -> Result<(), Error> {
    match if_version {
        Some(version) if version < 0 => Err(Error::invalid(
            format!("if_version is {version}, a version is 0 or more"),
            "0 means: only if absent; else give the version that you read",
        )),
        _ => Ok(()),
    }
}

fn check_ttl(ttl_ms: Option<u64>) -> Result<(), Error> {
    match ttl_ms {
        Some(0) => {
            Err(Error::invalid("ttl_s is 0", "give the seconds that the entry lives, or leave it out"))
        }
        Some(ttl_ms) if ttl_ms > STATE_TTL_MAX_S * 1_000 => Err(Error::invalid(
            format!("ttl_s is {}, the limit is {STATE_TTL_MAX_S}", ttl_ms.div_ceil(1_000)),
            "leave it out for an entry that does not expire",
        )),
        _ => Ok(()),
    }
}
