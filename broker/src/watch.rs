//! Notices when a file of the broker's is deleted or replaced under it.
//!
//! Owns a thread that does nothing but look, so that an idle broker's runtime sleeps on: less than one wake-up a second,
//! and a slow disk delays no answer. What to do about it is `sweep.rs`'s business.

use crate::instance::Instance;
use crate::listen::Door;
use crate::platform::{self, FileId};
use crate::store::Place;
use c2c_proto::paths::StorePaths;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// A deleted socket is back within 2 s, and an idle broker wakes less than once a second: between the two.
const EVERY: Duration = Duration::from_millis(1_500);

/// A running look-out; dropping it ends the thread.
#[derive(Debug)]
pub(crate) struct Watch {
    shared: Arc<Shared>,
    /// Never sent on: its end is the thread's end.
    _stop: Sender<()>,
}

#[derive(Debug)]
struct Shared {
    paths: StorePaths,
    /// The store has no second right one.
    store: Place,
    right: Mutex<Files>,
    amiss: Notify,
}

/// Which files lie at the paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Files {
    lock: Option<FileId>,
    socket: Option<FileId>,
}

impl Files {
    fn now(paths: &StorePaths) -> Self {
        Self { lock: platform::file_id(&paths.lock), socket: platform::socket_id(paths.address.as_path()) }
    }
}

impl Watch {
    /// Looks from now on. Lock and socket are amiss until they are [put right](Watch::put_right).
    pub(crate) fn begin(paths: &StorePaths, store: Place) -> Self {
        let right = Mutex::new(Files { lock: None, socket: None });
        let shared = Arc::new(Shared { paths: paths.clone(), store, right, amiss: Notify::new() });
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new().name("watch".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || shared.look(&stopped)
        });
        if let Err(error) = thread {
            tracing::error!(%error, "files that are deleted under the broker will not be noticed");
        }
        Self { shared, _stop: stop }
    }

    /// Resolves when a file is not what it was; again and again until that is put right.
    pub(crate) async fn amiss(&self) {
        self.shared.amiss.notified().await;
    }

    /// Takes the lock and the socket that lie there now for right, if they are the broker's own.
    pub(crate) fn put_right(&self, instance: &Instance, door: &Door) {
        let now = Files::now(&self.shared.paths);
        // Asked after the look: what goes in between is noticed at the next one.
        if instance.is_in_place(&self.shared.paths.lock) && door.is_in_place() {
            *self.shared.right() = now;
        }
    }

    /// What is wrong with the store's files, if they are no longer those that were opened.
    pub(crate) fn store_is_lost(&self) -> Option<String> {
        (!self.shared.store.is_right()).then(|| self.shared.store.what_is_wrong())
    }
}

impl Shared {
    fn look(&self, stopped: &Receiver<()>) {
        while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
            if !self.store.is_right() || Files::now(&self.paths) != *self.right() {
                self.amiss.notify_one();
            }
        }
    }

    fn right(&self) -> MutexGuard<'_, Files> {
        self.right.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
