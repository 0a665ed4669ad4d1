//! The state that all machines share: a bucket of the server, in which each change of a key is decided. The broker has a copy of it
//! (`mirror`), and asks for changes (`decide`).

mod decide;
mod entry;
mod key;
mod mirror;

use crate::broker::Broker;
use crate::life::FOLLOW_AGAIN;
use crate::nats::Nats;
use tokio::sync::watch;
use tokio::time::sleep;

/// Keeps the broker's copy, and has changes decided. Mail goes on without: see [`crate::life`].
pub(crate) async fn run(broker: &Broker, nats: &Nats) -> anyhow::Result<()> {
    loop {
        if let Err(error) = run_once(broker, nats).await {
            tracing::info!("the shared state cannot be followed: {error:#}");
        }
        sleep(FOLLOW_AGAIN).await;
    }
}

async fn run_once(broker: &Broker, nats: &Nats) -> anyhow::Result<()> {
    // Up to which version the broker has everything. Nothing is decided before it has what was there.
    let (reached, seen) = watch::channel(None);
    tokio::try_join!(mirror::run(broker, nats, &reached), decide::run(broker, nats, seen))?;
    Ok(())
}
