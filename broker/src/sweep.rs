//! What a broker looks after from time to time: that its files are still its own, and that old mail goes if so wished.
//!
//! Owns what is done about it; when the files have to be looked after, `watch.rs` says.

use crate::Broker;
use crate::args::Mode;
use crate::handle;
use crate::instance::{self, Claim, Instance};
use crate::listen::Door;
use crate::log::Log;
use crate::platform;
use crate::watch::Watch;
use c2c_proto::event::Closing;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// The first pruning waits until the start, with its many clients, is over.
const FIRST_PRUNE_AFTER: Duration = Duration::from_secs(60);
/// Between two prunings.
const PRUNE_EVERY: Duration = Duration::from_secs(86_400);

/// What has to be looked after, and since when.
#[derive(Debug)]
pub(crate) struct Sweep {
    broker: Arc<Broker>,
    mode: Mode,
    watch: Watch,
    next_prune: Instant,
    /// The latest trouble, so that it is logged once and not at every look.
    trouble: Option<String>,
}

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Due {
    /// A file is not what it was.
    Look,
    /// Old mail may go.
    Prune,
}

impl Sweep {
    /// Begins now, with the files as they lie there.
    pub(crate) fn new(broker: Arc<Broker>, mode: Mode, instance: &Instance, door: &Door) -> Self {
        let watch = Watch::begin(&broker.paths, broker.store.place());
        watch.put_right(instance, door);
        let next_prune = Instant::now() + FIRST_PRUNE_AFTER;
        Self { broker, mode, watch, next_prune, trouble: None }
    }

    /// Resolves when there is something to do. Can be dropped at any time.
    pub(crate) async fn due(&self) -> Due {
        let prunes = self.broker.config.retention_days.is_some();
        tokio::select! {
            () = self.watch.amiss() => Due::Look,
            () = sleep_until(self.next_prune), if prunes => Due::Prune,
        }
    }

    /// Looks after the files. Replaces `instance` where the lock had to be taken anew.
    pub(crate) fn look(&mut self, instance: &mut Instance, door: &mut Door, log: Option<&Log>) {
        if let Some(what) = self.watch.store_is_lost() {
            tracing::error!("{what}: nothing is acknowledged any more");
            self.broker.shutdown.begin(Closing::StorageFailed);
            return;
        }
        let trouble = self.hold_place(instance, door, log).err();
        match &trouble {
            None => self.watch.put_right(instance, door),
            Some(trouble) if self.trouble.as_ref() != Some(trouble) => {
                tracing::error!(trouble, "the run folder is not as it should be, trying on");
            }
            Some(_) => {}
        }
        self.trouble = trouble;
    }

    /// Lock first, then socket: only the holder of the lock that others see may bind.
    fn hold_place(&self, instance: &mut Instance, door: &mut Door, log: Option<&Log>) -> Result<(), String> {
        let paths = &self.broker.paths;
        if !instance.is_in_place(&paths.lock) {
            match instance::claim(paths, self.mode).map_err(|error| error.to_string())? {
                Claim::Held(new) => *instance = new,
                Claim::Taken(holder) => {
                    tracing::error!(
                        ?holder,
                        "the lock file was removed, and another broker holds the new one"
                    );
                    self.broker.shutdown.begin(Closing::HandingOver);
                    return Ok(());
                }
            }
            tracing::warn!(lock = %paths.lock.display(), "the lock file was removed; it is there again, and held");
        }
        if platform::file_id(&paths.log).is_none()
            && let Some(log) = log
        {
            log.reopen();
        }
        self.broker.store.furnish_run_folder();
        if !door.is_in_place() {
            door.reopen().map_err(|error| error.to_string())?;
            tracing::warn!(address = %paths.address, "the socket was removed; it is there again");
        }
        Ok(())
    }

    /// Prunes in the background.
    pub(crate) fn prune(&mut self) {
        self.next_prune = Instant::now() + PRUNE_EVERY;
        let Some(days) = self.broker.config.retention_days else { return };
        let broker = Arc::clone(&self.broker);
        tokio::spawn(async move {
            match handle::prune_by_retention(&broker, days).await {
                Ok(pruned) => tracing::info!(?pruned, days, "old mail pruned"),
                Err(error) => tracing::warn!(%error, days, "old mail could not be pruned"),
            }
        });
    }
}
