//! The calls of one connection that have no answer yet.
//!
//! Owns which of them can be ended. A call that only waits is ended by dropping it; any other one runs to its end, since
//! a change that has begun is completed, and only its answer is dropped. Knows nothing of what a call does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// A cheap handle that the connection and its calls share.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    running: Mutex<HashMap<u64, Call>>,
    /// A call ended.
    ended: Notify,
}

#[derive(Debug)]
enum Call {
    /// It may be dropped at any time.
    Waiting(AbortHandle),
    /// It runs to its end.
    Running,
    /// It runs to its end, and nobody wants to know.
    Unwanted,
}

/// Why a call did not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotBegun {
    /// A call with this id has no answer yet: the client does not keep to the protocol.
    SameId,
    /// As many calls run as one connection may have.
    TooMany,
}

impl Calls {
    /// Notes a call and spawns it; `spawn` is not called if it may not begin.
    pub(crate) fn begin(
        &self,
        id: u64,
        waits: bool,
        most: usize,
        spawn: impl FnOnce() -> AbortHandle,
    ) -> Result<(), NotBegun> {
        let mut running = self.lock();
        if running.contains_key(&id) {
            return Err(NotBegun::SameId);
        }
        if running.len() >= most {
            return Err(NotBegun::TooMany);
        }
        // Under the lock, so that a call which ends at once finds itself noted.
        let task = spawn();
        running.insert(id, if waits { Call::Waiting(task) } else { Call::Running });
        Ok(())
    }

    /// The client does not want the answer any more.
    pub(crate) fn cancel(&self, id: u64) {
        let mut running = self.lock();
        match running.get_mut(&id) {
            Some(Call::Waiting(task)) => {
                task.abort();
                running.remove(&id);
                self.shared.ended.notify_one();
            }
            Some(call) => *call = Call::Unwanted,
            // The answer and the cancellation crossed.
            None => {}
        }
    }

    /// Nobody is there to get an answer any more.
    pub(crate) fn cancel_all(&self) {
        self.end_waits();
        for call in self.lock().values_mut() {
            *call = Call::Unwanted;
        }
    }

    /// Ends what only waits; the rest goes on and is answered.
    pub(crate) fn end_waits(&self) {
        self.lock().retain(|_, call| match call {
            Call::Waiting(task) => {
                task.abort();
                false
            }
            Call::Running | Call::Unwanted => true,
        });
        self.shared.ended.notify_one();
    }

    /// Whether the answer of a call that is done is still wanted.
    pub(crate) fn is_wanted(&self, id: u64) -> bool {
        matches!(self.lock().get(&id), Some(Call::Waiting(_) | Call::Running))
    }

    /// The call is over, and its answer on its way.
    pub(crate) fn end(&self, id: u64) {
        let mut running = self.lock();
        running.remove(&id);
        if running.is_empty() && running.capacity() > 64 {
            running.shrink_to_fit();
        }
        drop(running);
        self.shared.ended.notify_one();
    }

    /// Resolves when no call is left. Only one task may wait for it.
    pub(crate) async fn all_ended(&self) {
        while !self.lock().is_empty() {
            self.shared.ended.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Call>> {
        self.shared.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Calls, NotBegun};
    use std::future::pending;

    fn begin(
        calls: &Calls,
        id: u64,
        waits: bool,
    ) -> (Result<(), NotBegun>, Option<tokio::task::JoinHandle<()>>) {
        let mut task = None;
        let begun = calls.begin(id, waits, 3, || task.insert(tokio::spawn(pending())).abort_handle());
        (begun, task)
    }

    #[tokio::test]
    async fn a_wait_is_dropped_when_cancelled_and_a_change_is_not() {
        let calls = Calls::default();
        let (_, wait) = begin(&calls, 1, true);
        let (_, change) = begin(&calls, 2, false);
        calls.cancel(1);
        calls.cancel(2);
        assert!(wait.unwrap().await.unwrap_err().is_cancelled());
        assert!(!change.as_ref().unwrap().is_finished());
        assert!(!calls.is_wanted(2));
        calls.end(2);
        calls.all_ended().await;
        change.unwrap().abort();
    }

    #[tokio::test]
    async fn the_end_of_waits_leaves_the_changes_wanted() {
        let calls = Calls::default();
        let (_, wait) = begin(&calls, 1, true);
        let (_, _change) = begin(&calls, 2, false);
        calls.end_waits();
        assert!(wait.unwrap().await.unwrap_err().is_cancelled());
        assert!(calls.is_wanted(2));
        calls.cancel_all();
        assert!(!calls.is_wanted(2));
    }

    #[tokio::test]
    async fn an_id_is_used_once_at_a_time_and_their_number_is_bounded() {
        let calls = Calls::default();
        for id in 1..=3 {
            assert_eq!(begin(&calls, id, true).0, Ok(()));
        }
        assert_eq!(begin(&calls, 3, true).0, Err(NotBegun::SameId));
        assert_eq!(begin(&calls, 4, true).0, Err(NotBegun::TooMany));
        calls.cancel(2);
        assert_eq!(begin(&calls, 4, true).0, Ok(()));
    }
}
