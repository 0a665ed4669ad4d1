//! Changes of the state that all machines share, on their way to a link and back.

use super::Hub;
use c2c_proto::request::{SharedAsk, SharedOutcome};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, oneshot};

/// Between two questions of a link for changes less time goes by.
const ASKS_AGAIN_WITHIN: Duration = Duration::from_secs(2);
/// So long what a link told last is what there is: it looks each second.
const CURRENT_FOR: Duration = Duration::from_secs(4);

/// Gone with the broker, as everything here.
#[derive(Debug, Default)]
pub(super) struct Asks {
    last_number: u64,
    /// No link has taken them yet.
    queue: VecDeque<SharedAsk>,
    /// Who waits for what comes of them.
    open: HashMap<u64, oneshot::Sender<SharedOutcome>>,
    changed: Arc<Notify>,
    /// Links that wait for changes.
    links: usize,
    /// When one last stopped waiting.
    link_left: Option<Instant>,
    /// When a link last said that the copy is what there is.
    current_at: Option<Instant>,
}

impl Asks {
    /// The link is not connected any more: the copy is what there was.
    pub(super) fn note_old(&mut self) {
        self.current_at = None;
    }
}

/// A link that waits for changes; dropping it says that it does not any more.
#[derive(Debug)]
pub struct Link<'a>(&'a Hub);

impl Drop for Link<'_> {
    fn drop(&mut self) {
        let mut inner = self.0.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.asks.links = inner.asks.links.saturating_sub(1);
        inner.asks.link_left = Some(Instant::now());
    }
}

impl Hub {
    /// Asks a link for a change: the number that it has now, and what comes of it. `None` if there is no link.
    pub fn ask_link(&self, mut ask: SharedAsk) -> Option<(u64, oneshot::Receiver<SharedOutcome>)> {
        let mut inner = self.lock();
        let asks = &mut inner.asks;
        let there = asks.links > 0 || asks.link_left.is_some_and(|left| left.elapsed() < ASKS_AGAIN_WITHIN);
        if !there {
            return None;
        }
        asks.last_number += 1;
        ask.number = asks.last_number;
        let (answer, answered) = oneshot::channel();
        asks.open.insert(ask.number, answer);
        asks.queue.push_back(ask);
        asks.changed.notify_waiters();
        Some((asks.last_number, answered))
    }

    /// Nobody waits for it any more. Whether no link has taken it, so that it was not made.
    pub fn withdraw_ask(&self, number: u64) -> bool {
        let mut inner = self.lock();
        inner.asks.open.remove(&number);
        let before = inner.asks.queue.len();
        inner.asks.queue.retain(|ask| ask.number != number);
        inner.asks.queue.len() < before
    }

    /// Whether no link has taken it yet.
    pub fn is_queued(&self, number: u64) -> bool {
        self.lock().asks.queue.iter().any(|ask| ask.number == number)
    }

    /// A link waits for changes from now on.
    pub fn link_waits(&self) -> (Link<'_>, Arc<Notify>) {
        let mut inner = self.lock();
        inner.asks.links += 1;
        (Link(self), Arc::clone(&inner.asks.changed))
    }

    /// A link takes what there is.
    pub fn take_asks(&self) -> Vec<SharedAsk> {
        self.lock().asks.queue.drain(..).collect()
    }

    /// A link says what came of a change.
    pub fn answer_ask(&self, number: u64, outcome: SharedOutcome) {
        if let Some(answer) = self.lock().asks.open.remove(&number) {
            // Whoever asked may have gone.
            let _ = answer.send(outcome);
        }
    }

    /// A link says that the copy is what there is.
    pub fn note_current(&self) {
        self.lock().asks.current_at = Some(Instant::now());
    }

    /// Whether the copy is what there is, as far as can be known.
    pub fn is_current(&self) -> bool {
        self.lock().asks.current_at.is_some_and(|at| at.elapsed() < CURRENT_FOR)
    }
}
