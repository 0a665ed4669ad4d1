//! The broker of the demonstration: who it is, how it is killed, and how it is ended. The shims start it, not this file.

use super::kill;
use crate::control;
use anyhow::{Context, bail};
use c2c_proto::paths::StorePaths;
use c2c_proto::response::Status;
use std::fs::{File, TryLockError};
use std::io;
use std::time::{Duration, Instant};

/// How long a broker may take to end when it is asked to, in seconds; then it is killed.
const END_TIMEOUT_S: u64 = 4;
/// Between two looks at the lock.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The one broker of the demonstration's store.
pub(in crate::cmd) struct Broker {
    /// Where everything of it lies.
    pub(in crate::cmd) paths: StorePaths,
}

impl Broker {
    /// How the broker that runs now does.
    pub(in crate::cmd) async fn status(&self) -> anyhow::Result<Status> {
        let status = control::status(&self.paths).await?;
        status.map(|status| *status).context("no broker runs although three sessions are connected")
    }

    /// Ends the broker that runs now without a warning, as a crash would.
    pub(in crate::cmd) async fn kill(&self, pid: u32) -> anyhow::Result<Instant> {
        kill::now(pid).await.with_context(|| format!("failed to kill the broker, process {pid}"))?;
        Ok(Instant::now())
    }

    /// Asks the broker to end, if one runs, and sees to it that none does any more.
    pub(in crate::cmd) async fn end(&self) -> anyhow::Result<()> {
        let limit = Instant::now() + Duration::from_secs(END_TIMEOUT_S);
        let mut pid = None;
        while self.holds_lock()? {
            // It may have taken the lock and not listen yet, so it is asked until it is gone.
            if let Ok(Some(status)) = control::status(&self.paths).await {
                pid = Some(status.pid);
                let _ = control::hand_over(&self.paths).await;
            }
            if Instant::now() > limit {
                let Some(pid) = pid else { bail!("a broker holds the store and does not answer") };
                return kill::now(pid).await.context("failed to kill a broker that did not end");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Whether a broker runs: it holds its lock as long as it lives.
    pub(in crate::cmd) fn holds_lock(&self) -> io::Result<bool> {
        let lock = match File::open(&self.paths.lock) {
            Ok(lock) => lock,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        match lock.try_lock() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}
