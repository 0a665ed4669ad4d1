//! Taking away a service that was installed.

use super::undo;
use crate::cmd::setup::places::Places;
use crate::cmd::setup::record::Record;
use crate::cmd::setup::service::{self, Daemon, Service};

/// Stops it, if one was installed. What is returned is to be forgotten when its file is gone.
pub(super) async fn stop(
    record: &mut Record,
    places: &Places,
    daemon: Daemon,
    troubles: &mut Vec<String>,
) -> Option<Service> {
    let note = record.service(daemon).take()?;
    // Which program it ran does not matter any more.
    let service = Service::here(places, daemon, &places.usual_bin).ok()?;
    let stopped = service::run(&service.stop, &places.home).await;
    if !note.started {
        // Setup did not get it to run; if a part of it was done, or the person did the rest, that is undone now.
        return stopped.is_ok().then_some(service);
    }
    if let Err(error) = stopped {
        let by_hand = service::by_hand(&service.stop);
        troubles.push(format!("the service was not stopped: {error:#}\n     run `{by_hand}`"));
    }
    Some(service)
}

/// Makes the service manager forget it.
pub(super) async fn forget(service: &Service, places: &Places, troubles: &mut Vec<String>) {
    if let Err(error) = service::run(&service.forget, &places.home).await {
        troubles.push(format!("the service manager was not told that the service is gone: {error:#}"));
    }
}

/// Takes one service away, and nothing else. Returns what could not be done.
pub(in crate::cmd) async fn remove(
    record: &mut Record,
    places: &Places,
    daemon: Daemon,
) -> anyhow::Result<Vec<String>> {
    let mut troubles = Vec::new();
    let unit = Service::here(places, daemon, &places.usual_bin)?.unit;
    let stopped = stop(record, places, daemon, &mut troubles).await;
    undo::files(record, |note| unit.as_ref().is_some_and(|unit| unit.path == note.path), &mut troubles);
    if let Some(service) = stopped {
        forget(&service, places, &mut troubles).await;
    }
    undo::folders(record, places)?;
    Ok(troubles)
}
