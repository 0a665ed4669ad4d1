//! The one signal that the broker is going down, and why. The first reason wins.
//!
//! Owns nothing but that fact; who reacts to it, and in which order, is `server.rs`'s business.

use c2c_proto::event::Closing;
use std::sync::{Arc, OnceLock};
use tokio_util::sync::CancellationToken;

/// A cheap handle that every part of one broker shares.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    reason: OnceLock<Closing>,
    begun: CancellationToken,
}

impl Shutdown {
    /// A broker that is not going down.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Go down. Later reasons are dropped: what began first is what the clients are told.
    pub fn begin(&self, reason: Closing) {
        if self.inner.reason.set(reason).is_ok() {
            tracing::info!(?reason, "shutdown begins");
        }
        self.inner.begun.cancel();
    }

    /// Why the broker goes down, once it does.
    #[must_use]
    pub fn reason(&self) -> Option<Closing> {
        self.inner.reason.get().copied()
    }

    /// Resolves when the broker begins to go down; at once if it already did. May be dropped and called again.
    pub async fn begun(&self) -> Closing {
        self.inner.begun.cancelled().await;
        // The reason is set before the token, so the fallback is never taken.
        self.reason().unwrap_or(Closing::ShuttingDown)
    }
}

#[cfg(test)]
mod tests {
    use super::{Closing, Shutdown};

    #[tokio::test]
    async fn the_first_reason_wins_and_everyone_hears_it() {
        let shutdown = Shutdown::new();
        assert_eq!(shutdown.reason(), None);
        let waiter = tokio::spawn({
            let shutdown = shutdown.clone();
            async move { shutdown.begun().await }
        });
        shutdown.begin(Closing::StorageFailed);
        shutdown.begin(Closing::Idle);
        assert_eq!(waiter.await.unwrap(), Closing::StorageFailed);
        assert_eq!(shutdown.begun().await, Closing::StorageFailed);
    }
}
