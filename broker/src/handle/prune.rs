//! `Prune`: deletes what is old and done with; asked for, or once a day if the configuration says so.

use super::Handled;
use super::{check, traffic};
use crate::Broker;
use crate::hub::Caller;
use crate::session::Owner;
use crate::store::{ByOwner, hash_of};
use c2c_proto::Error;
use c2c_proto::id::new_call_key;
use c2c_proto::limits::PRUNE_DAYS_MAX;
use c2c_proto::request::{Prune, PruneDryRun};
use c2c_proto::response::{Pruned, Response};
use std::sync::Arc;

pub(super) async fn prune(broker: &Arc<Broker>, owner: Owner, request: Prune) -> Handled {
    check::key(&request.key)?;
    check_days(request.older_than_days)?;
    let hash = hash_of(&request);
    let pruned = broker.store.prune(ByOwner { owner, request, hash }).await?;
    Ok((Response::Pruned(pruned), 0))
}

/// What the same would delete.
pub(super) async fn dry_run(broker: &Arc<Broker>, caller: &Caller, request: &PruneDryRun) -> Handled {
    traffic::of_person(caller)?;
    check_days(request.older_than_days)?;
    let pruned = broker.store.would_prune(request.older_than_days).await?;
    Ok((Response::Pruned(pruned), 0))
}

fn check_days(older_than_days: u32) -> Result<(), Error> {
    if older_than_days <= PRUNE_DAYS_MAX {
        return Ok(());
    }
    Err(Error::invalid(
        format!("older_than_days is {older_than_days}, the limit is {PRUNE_DAYS_MAX}"),
        "leave it out for 30 days",
    ))
}

/// Prunes on behalf of the configuration's `retention_days`.
///
/// # Errors
/// Whatever keeps the store from doing it.
pub async fn prune_by_retention(broker: &Arc<Broker>, older_than_days: u32) -> Result<Pruned, Error> {
    let nobody =
        Owner { row: 0, session_id: String::new(), name: "c2c-broker".into(), mailbox: String::new() };
    let request = Prune { older_than_days, key: new_call_key() };
    let hash = hash_of(&request);
    broker.store.prune(ByOwner { owner: nobody, request, hash }).await
}
