//! The state that all machines share: a bucket of the server, in which each change of a key is decided. The broker has a copy of it
//! (`mirror`), and asks for changes (`decide`).

mod decide;
mod entry;
mod key;
mod mirror;

use crate::broker::Broker;
use crate::nats::Nats;
use tokio::sync::watch;

/// Keeps the broker's copy, and has changes decided, until something fails.
pub(crate) async fn run(broker: &Broker, nats: &Nats) -> anyhow::Result<()> {
    // Up to which version the broker has everything. Nothing is decided before it has what was there.
    let (reached, seen) = watch::channel(None);
    tokio::try_join!(mirror::run(broker, nats, &reached), decide::run(broker, nats, seen))?;
    Ok(())
}
