//! A wait or watch that is parked in the hub, and unparked however it ends.

use super::Inner;
use crate::session::Row;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// A parked wait or watch; dropping it unparks.
#[derive(Debug)]
pub struct Parked {
    place: Place,
    changed: Arc<Notify>,
    hub: Arc<Mutex<Inner>>,
}

/// Where it is parked.
#[derive(Debug)]
pub(super) enum Place {
    Session(Row),
    Key(String),
}

impl Parked {
    pub(super) fn new(place: Place, changed: Arc<Notify>, hub: &Arc<Mutex<Inner>>) -> Self {
        Self { place, changed, hub: Arc::clone(hub) }
    }

    /// What a wake-up goes to. Enable the future that it gives, then look into the store, then await it.
    #[must_use]
    pub fn changed(&self) -> &Notify {
        &self.changed
    }
}

impl Drop for Parked {
    fn drop(&mut self) {
        let mut inner = self.hub.lock().unwrap_or_else(PoisonError::into_inner);
        inner.waits = inner.waits.saturating_sub(1);
        match &self.place {
            Place::Session(row) => {
                if let Some(live) = inner.sessions.get_mut(row)
                    && Arc::ptr_eq(&live.changed, &self.changed)
                {
                    live.waits = live.waits.saturating_sub(1);
                }
            }
            Place::Key(key) => {
                if let Some((_, count)) = inner.watches.get_mut(key) {
                    *count -= 1;
                    if *count == 0 {
                        inner.watches.remove(key);
                    }
                }
            }
        }
    }
}
