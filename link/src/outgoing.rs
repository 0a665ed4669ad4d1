//! From the broker to the server: what waits is published in order, and published again if it is not heard of and the server
//! has nothing of it any more.

use crate::broker::Broker;
use crate::envelope::{Kind, Part};
use crate::nats::Nats;
use crate::parts::{hash, split};
use bytes::Bytes;
use c2c_proto::request::Parcel;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// How long it is waited for new parcels before a look at the old ones.
const ROUND_MS: u64 = 5_000;
/// Between two looks while there is much to do.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// So long nothing comes of a parcel before it is published again; each time twice as long.
const PAUSE_FIRST: Duration = Duration::from_secs(5);
const PAUSE_MAX: Duration = Duration::from_secs(300);

/// By node: when it last said how far parcels have arrived.
pub(crate) type Heard = RefCell<BTreeMap<String, Instant>>;

/// What is on its way.
pub(crate) struct Outgoing<'a> {
    broker: &'a Broker,
    nats: &'a Nats,
    store: &'a str,
    heard: &'a Heard,
    /// Up to this number, parcels were published.
    published: u64,
    looked: Instant,
    /// By node: the first parcel that is not heard of.
    silent: BTreeMap<String, Silent>,
}

struct Silent {
    first: u64,
    since: Instant,
    pause: Duration,
}

impl<'a> Outgoing<'a> {
    /// Goes on behind what was published before.
    pub(crate) fn new(
        broker: &'a Broker,
        nats: &'a Nats,
        store: &'a str,
        heard: &'a Heard,
        published: u64,
    ) -> Self {
        Self { broker, nats, store, heard, published, looked: Instant::now(), silent: BTreeMap::new() }
    }

    /// Until something fails.
    pub(crate) async fn run(mut self) -> anyhow::Result<()> {
        // A server that is connected to anew may have lost what it was given.
        self.look_again(Duration::ZERO).await?;
        loop {
            let page = self.broker.take(None, self.published, ROUND_MS).await?;
            self.publish(&page.parcels).await?;
            if let Some(last) = page.parcels.last() {
                self.published = last.number;
            }
            if self.looked.elapsed() >= LOOK_EVERY {
                self.look_again(PAUSE_FIRST).await?;
                self.looked = Instant::now();
            }
        }
    }

    async fn publish(&self, parcels: &[Parcel]) -> anyhow::Result<()> {
        let mut up_to: BTreeMap<&str, u64> = BTreeMap::new();
        for parcel in parcels {
            self.publish_one(parcel).await?;
            up_to.insert(&parcel.node, parcel.number);
        }
        for (node, up_to) in up_to {
            self.broker.forwarded(node, up_to).await?;
        }
        Ok(())
    }

    async fn publish_one(&self, parcel: &Parcel) -> anyhow::Result<()> {
        let content = parcel.content.as_bytes();
        let parts = split(content, self.nats.most_bytes());
        let hash = hash(content);
        for (number, bytes) in parts.iter().enumerate() {
            let kind = Kind::Part(Part {
                store: self.store.to_owned(),
                number: parcel.number,
                after: parcel.after,
                part: number,
                parts: parts.len(),
                hash: hash.clone(),
            });
            self.nats.publish(&parcel.node, &kind, Bytes::copy_from_slice(bytes)).await?;
        }
        Ok(())
    }

    /// Whether something was published long ago and has not arrived: of what nothing is heard for the first time, so long ago.
    async fn look_again(&mut self, pause: Duration) -> anyhow::Result<()> {
        for node in self.broker.state().await?.nodes {
            let Some(first) = node.first_waiting.filter(|first| *first <= self.published) else {
                self.silent.remove(&node.node);
                continue;
            };
            let now = Instant::now();
            let new = Silent { first, since: now, pause };
            let silent = self.silent.entry(node.node.clone()).or_insert(new);
            if silent.first != first {
                *silent = Silent { first, since: now, pause };
            }
            if now - silent.since < silent.pause {
                continue;
            }
            let answers = self.heard.borrow().get(&node.node).is_some_and(|heard| *heard > silent.since);
            silent.since = now;
            silent.pause = silent.pause.max(PAUSE_FIRST);
            // A machine that is away takes it when it comes. One that answers, and gets no further, lacks what the server has
            // lost, however much it has of what follows.
            if answers || !self.nats.holds_for(&node.node).await? {
                silent.pause = (silent.pause * 2).min(PAUSE_MAX);
                tracing::info!(node = node.node, waiting = node.waiting, "parcels are sent once more");
                self.publish_again(&node.node).await?;
            }
        }
        Ok(())
    }

    async fn publish_again(&self, node: &str) -> anyhow::Result<()> {
        let mut after = 0;
        loop {
            let mut page = self.broker.take(Some(node), after, 0).await?;
            page.parcels.retain(|parcel| parcel.number <= self.published);
            let Some(last) = page.parcels.last() else { return Ok(()) };
            after = last.number;
            self.publish(&page.parcels).await?;
        }
    }
}
