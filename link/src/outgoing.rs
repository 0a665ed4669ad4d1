//! From the broker to other nodes: what waits goes straight to them, where that may be, or is published in order, without waiting for
//! the server's word on what went before; and is published again if it is not heard of and the server has nothing of it any more.

use crate::broker::Broker;
use crate::direct::{Direct, Heard};
use crate::envelope::{Kind, Part};
use crate::later::{Word, Words};
use crate::nats::Nats;
use crate::parts::{hash, split};
use anyhow::bail;
use async_nats::jetstream::context::PublishAckFuture;
use bytes::Bytes;
use c2c_proto::request::Parcel;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::Instant;

/// How long it is waited for new parcels before a look at the old ones.
const ROUND_MS: u64 = 5_000;
/// Between two looks while there is much to do.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// So long nothing comes of a parcel before it is published again; each time twice as long.
const PAUSE_FIRST: Duration = Duration::from_secs(5);
const PAUSE_MAX: Duration = Duration::from_secs(300);

/// Pages of parcels that the server may have without having said so.
const PAGES_MAX: usize = 8;

/// What was published of a page: the server's words to come, and up to which number it is for each node.
struct Published {
    words: Vec<PublishAckFuture>,
    up_to: BTreeMap<String, u64>,
}

/// Where sending begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    /// The server was given everything up to this number.
    pub(crate) published: u64,
    /// Whether the server is tried first: it had no room.
    pub(crate) is_tried: bool,
}

/// What is on its way.
pub(crate) struct Outgoing<'a> {
    broker: &'a Broker,
    nats: &'a Nats,
    store: &'a str,
    heard: &'a Heard,
    /// Up to this number, parcels were taken from the broker.
    taken: u64,
    direct: Direct,
    /// Where the server's word on it is waited for.
    pages: Sender<Published>,
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
    /// Goes on behind what the server was given before, until something fails.
    pub(crate) async fn run(
        broker: &'a Broker,
        nats: &'a Nats,
        store: &'a str,
        Start { published: taken, is_tried }: Start,
        heard: &'a Heard,
        words: Words,
    ) -> anyhow::Result<()> {
        let (pages, confirmed) = channel(PAGES_MAX);
        let looked = Instant::now();
        let (direct, silent) = (Direct::default(), BTreeMap::new());
        let outgoing = Self { broker, nats, store, heard, taken, direct, pages, looked, silent };
        if is_tried {
            outgoing.try_one().await?;
        }
        tokio::try_join!(outgoing.keep_on(), confirm(confirmed, words))?;
        Ok(())
    }

    /// Publishes the first parcel that waits, and nothing behind it. It is published once more with the others, and comes once.
    async fn try_one(&self) -> anyhow::Result<()> {
        let page = self.broker.take(None, self.taken, 0).await?;
        let mut words = Vec::new();
        if let Some(first) = page.parcels.first() {
            self.publish_one(first, &mut words).await?;
        }
        for word in words {
            word.await?;
        }
        Ok(())
    }

    async fn keep_on(mut self) -> anyhow::Result<()> {
        // A server that is connected to anew may have lost what it was given.
        self.look_again(Duration::ZERO).await?;
        loop {
            self.nats.check_connected()?;
            let page = self.broker.take(None, self.taken, self.round_ms()).await?;
            self.broker.check_store(self.store)?;
            if let Some(last) = page.parcels.last() {
                self.taken = last.number;
            }
            self.send(page.parcels).await?;
            if self.looked.elapsed() >= LOOK_EVERY {
                self.look_again(PAUSE_FIRST).await?;
                self.looked = Instant::now();
            }
        }
    }

    /// For how long new parcels are waited for.
    fn round_ms(&self) -> u64 {
        let patience = self.direct.patience().map_or(ROUND_MS, |patience| {
            // The last part of a millisecond as well.
            u64::try_from(patience.as_millis()).unwrap_or(ROUND_MS) + 1
        });
        patience.min(ROUND_MS)
    }

    /// Sends a page the shorter way if it is one for that, and what was not heard of on that way the other one. All that is
    /// published is published in order.
    async fn send(&mut self, page: Vec<Parcel>) -> anyhow::Result<()> {
        self.direct.settle(self.heard);
        if self.direct.is_for(&page, self.nats.most_bytes(), self.heard) {
            for parcel in &page {
                for (kind, bytes) in self.parts(parcel) {
                    self.nats.send_direct(&parcel.node, &kind, bytes).await?;
                }
            }
            self.direct.sent(page);
            let overdue = self.direct.overdue();
            return self.publish(&overdue).await;
        }
        let before = self.direct.all();
        self.publish(&before).await?;
        self.publish(&page).await
    }

    async fn publish(&mut self, parcels: &[Parcel]) -> anyhow::Result<()> {
        if parcels.is_empty() {
            return Ok(());
        }
        self.direct.note_stream(parcels);
        let mut page = Published { words: Vec::new(), up_to: BTreeMap::new() };
        for parcel in parcels {
            self.publish_one(parcel, &mut page.words).await?;
            page.up_to.insert(parcel.node.clone(), parcel.number);
        }
        Ok(self.pages.send(page).await?)
    }

    async fn publish_one(&self, parcel: &Parcel, words: &mut Vec<PublishAckFuture>) -> anyhow::Result<()> {
        for (kind, bytes) in self.parts(parcel) {
            words.push(self.nats.publish(&parcel.node, &kind, bytes).await?);
        }
        Ok(())
    }

    /// A parcel as it travels.
    fn parts(&self, parcel: &Parcel) -> impl Iterator<Item = (Kind, Bytes)> {
        let content = parcel.content.as_bytes();
        let parts = split(content, self.nats.most_bytes());
        let (count, hash) = (parts.len(), hash(content));
        parts.into_iter().enumerate().map(move |(number, bytes)| {
            let kind = Kind::Part(Part {
                store: self.store.to_owned(),
                number: parcel.number,
                after: parcel.after,
                part: number,
                parts: count,
                hash: hash.clone(),
            });
            (kind, Bytes::copy_from_slice(bytes))
        })
    }

    /// Whether something was published long ago and has not arrived: of what nothing is heard for the first time, so long ago.
    async fn look_again(&mut self, pause: Duration) -> anyhow::Result<()> {
        for node in self.broker.state().await?.nodes {
            let Some(first) = node.first_waiting.filter(|first| *first <= self.taken) else {
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
            let answers = self.heard.since(&node.node, silent.since);
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

    async fn publish_again(&mut self, node: &str) -> anyhow::Result<()> {
        let mut after = 0;
        loop {
            let mut page = self.broker.take(Some(node), after, 0).await?;
            self.broker.check_store(self.store)?;
            page.parcels.retain(|parcel| parcel.number <= self.taken);
            let Some(last) = page.parcels.last() else { return Ok(()) };
            after = last.number;
            self.publish(&page.parcels).await?;
        }
    }
}

/// Waits for the server's words, in the order in which it was sent parcels. Nothing behind one that it does not have counts as
/// forwarded: then the connection fails, and what follows goes again from there.
async fn confirm(mut pages: Receiver<Published>, said: Words) -> anyhow::Result<()> {
    while let Some(page) = pages.recv().await {
        for word in page.words {
            word.await?;
        }
        for (node, up_to) in page.up_to {
            said.send(Word::Forwarded { node, up_to }).await?;
        }
    }
    bail!("nothing is published any more")
}
