//! The word to a service manager that watches the broker: "not stuck". It comes from the loop that serves, so that a
//! loop that hangs falls silent, and the manager starts the broker anew.

use crate::platform;
use std::future::pending;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// When the next word is due.
#[derive(Debug)]
pub(crate) struct Watchdog {
    /// Half of what the manager allows; `None` if nobody watches.
    every: Option<Duration>,
    next: Instant,
}

impl Watchdog {
    /// As the manager that started this process wants it.
    pub(crate) fn of_manager() -> Self {
        Self { every: platform::manager_watches_every().map(|limit| limit / 2), next: Instant::now() }
    }

    /// Resolves when a word is due; never if nobody watches. Can be dropped at any time.
    pub(crate) async fn due(&self) {
        match self.every {
            Some(_) => sleep_until(self.next).await,
            None => pending().await,
        }
    }

    /// Says it.
    pub(crate) fn say_alive(&mut self) {
        platform::tell_manager_alive();
        self.next = Instant::now() + self.every.unwrap_or_default();
    }
}
