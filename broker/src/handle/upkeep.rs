//! What a person asks of the broker itself: `Backup`, `Check`, `Stop`. Each at its own pace, beside all other calls.

use super::{Handled, traffic};
use crate::Broker;
use crate::hub::Caller;
use c2c_proto::Error;
use c2c_proto::event::Closing;
use c2c_proto::request::{Backup, Check};
use c2c_proto::response::{Done, Response};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

pub(super) async fn backup(broker: &Arc<Broker>, caller: &Caller, request: &Backup) -> Handled {
    traffic::of_person(caller)?;
    let path = Path::new(&request.path);
    if !path.is_absolute() {
        return Err(Error::invalid(
            format!(
                "{:?} is no absolute path, and the broker works in another folder than you",
                request.path
            ),
            "give the path from the root on",
        ));
    }
    let made = within(request.timeout_ms, broker.store.backup(path)).await?;
    tracing::info!(bytes = made.bytes, messages = made.messages, "a backup was made");
    Ok((Response::BackedUp(made), 0))
}

pub(super) async fn check(broker: &Arc<Broker>, caller: &Caller, request: &Check) -> Handled {
    traffic::of_person(caller)?;
    let checked = within(request.timeout_ms, broker.store.check()).await?;
    Ok((Response::Checked(checked), 0))
}

/// However it was started: a person asks.
pub(super) fn stop(broker: &Broker, caller: &Caller) -> Handled {
    traffic::of_person(caller)?;
    tracing::info!("asked to stop");
    broker.shutdown.begin(Closing::ShuttingDown);
    Ok((Response::Done(Done {}), 0))
}

async fn within<T>(timeout_ms: u64, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    timeout(Duration::from_millis(timeout_ms), work).await.unwrap_or_else(|_elapsed| {
        Err(Error::invalid(
            format!("it was not done within {timeout_ms} ms, and was given up"),
            "allow more time",
        ))
    })
}
