//! The state that all machines share: a bucket of the server, in which each change of a key is decided. The broker has a copy of it
//! (`mirror`), and asks for changes (`decide`).

mod ahead;
mod decide;
mod entry;
mod key;
mod mirror;

use crate::broker::Broker;
use crate::nats::Nats;
use tokio::sync::watch;

/// Keeps the broker's copy, and has changes decided, until something fails.
pub(crate) async fn run(broker: &Broker, nats: &Nats) -> anyhow::Result<()> {
    // Nothing is decided before the broker has what was there.
    let (complete, seen) = watch::channel(false);
    let (own, made) = ahead::own();
    tokio::try_join!(mirror::run(broker, nats, &complete, made), decide::run(broker, nats, seen, own))?;
    Ok(())
}
