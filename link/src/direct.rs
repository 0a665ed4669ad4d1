//! Mail for a node that is there goes straight to it, and the server keeps nothing of it: nothing is flushed in between, and
//! nothing has to be acknowledged. What is not heard of within a moment goes into the stream, as if it had not been sent.

use anyhow::bail;
use async_nats::{Message, Subscriber};
use c2c_proto::request::Parcel;
use futures_util::StreamExt;
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::Instant;

/// So long it is waited for a node's word: an answer from another continent takes as long.
const PATIENCE: Duration = Duration::from_millis(250);
/// More than this at once is on its way for nobody in particular, and is better off in the stream, which a node takes from as
/// fast as it can.
const PAGE_PARCELS: usize = 8;
const PAGE_BYTES: usize = 16 * 1024;
/// Parcels that may wait for a node's word.
const WAITING_MAX: usize = 64;

/// What a node has last said of this store's parcels.
#[derive(Clone, Copy, Debug)]
struct LastWord {
    at: Instant,
    up_to: u64,
}

/// By node.
#[derive(Debug, Default)]
pub(crate) struct Heard(RefCell<BTreeMap<String, LastWord>>);

impl Heard {
    /// A node says that it has parcels up to a number.
    pub(crate) fn note(&self, node: &str, up_to: u64) {
        let mut heard = self.0.borrow_mut();
        let before = heard.get(node).map_or(0, |word| word.up_to);
        heard.insert(node.to_owned(), LastWord { at: Instant::now(), up_to: before.max(up_to) });
    }

    /// Whether a node has said anything since then.
    pub(crate) fn since(&self, node: &str, then: Instant) -> bool {
        self.0.borrow().get(node).is_some_and(|word| word.at > then)
    }

    fn has(&self, node: &str, number: u64) -> bool {
        self.0.borrow().get(node).is_some_and(|word| word.up_to >= number)
    }
}

/// What was sent straight to its node.
#[derive(Debug, Default)]
pub(crate) struct Direct {
    waiting: VecDeque<(Instant, Parcel)>,
    /// By node: the last parcel that went into the stream.
    in_stream: BTreeMap<String, u64>,
}

impl Direct {
    /// Whether a page can go straight to its nodes: it is little, in no parts, and nothing before it is still in the stream, without
    /// which it would not be taken.
    pub(crate) fn is_for(&self, page: &[Parcel], most_bytes: usize, heard: &Heard) -> bool {
        let bytes: usize = page.iter().map(|parcel| parcel.content.len()).sum();
        let follows = |parcel: &Parcel| {
            self.in_stream.get(&parcel.node).is_none_or(|number| heard.has(&parcel.node, *number))
        };
        let fits = bytes <= PAGE_BYTES && page.iter().all(|parcel| parcel.content.len() <= most_bytes);
        page.len() <= PAGE_PARCELS && fits && page.iter().all(follows)
    }

    /// A page was sent.
    pub(crate) fn sent(&mut self, page: Vec<Parcel>) {
        let now = Instant::now();
        self.waiting.extend(page.into_iter().map(|parcel| (now, parcel)));
    }

    /// Parcels go into the stream.
    pub(crate) fn note_stream(&mut self, parcels: &[Parcel]) {
        for parcel in parcels {
            self.in_stream.insert(parcel.node.clone(), parcel.number);
        }
    }

    /// Forgets what has arrived.
    pub(crate) fn settle(&mut self, heard: &Heard) {
        self.waiting.retain(|(_, parcel)| !heard.has(&parcel.node, parcel.number));
    }

    /// How long it can still be waited for a word.
    pub(crate) fn patience(&self) -> Option<Duration> {
        self.waiting.front().map(|(since, _)| PATIENCE.saturating_sub(since.elapsed()))
    }

    /// What has to go into the stream now.
    pub(crate) fn overdue(&mut self) -> Vec<Parcel> {
        let full = self.waiting.len() > WAITING_MAX;
        if full || self.patience() == Some(Duration::ZERO) { self.all() } else { Vec::new() }
    }

    /// All that has not been heard of.
    pub(crate) fn all(&mut self) -> Vec<Parcel> {
        self.waiting.drain(..).map(|(_, parcel)| parcel).collect()
    }
}

/// What came straight and was not looked at yet; what is more comes out of the stream.
const UNREAD_MAX: usize = 256;

/// Hands on what comes straight to this node, as far as it can be what a link sends: others may send more than is ever read.
pub(crate) async fn sift(mut from: Subscriber, to: Sender<Message>) -> anyhow::Result<()> {
    while let Some(message) = from.next().await {
        if message.payload.len() <= PAGE_BYTES
            && let Err(TrySendError::Closed(_)) = to.try_send(message)
        {
            break;
        }
    }
    bail!("the server sends nothing any more")
}

/// The two ends of what was handed on.
pub(crate) fn sifted() -> (Sender<Message>, Receiver<Message>) {
    channel(UNREAD_MAX)
}
