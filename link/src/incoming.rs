//! From the server to the broker: what has come is acknowledged when the broker has it on disk, to the server and to its sender.

use crate::broker::Broker;
use crate::envelope::{Kind, read};
use crate::nats::Nats;
use crate::parts::Assembly;
use anyhow::{anyhow, bail};
use async_nats::jetstream::Message;
use bytes::Bytes;
use c2c_proto::request::Parcel;
use futures_util::StreamExt;
use std::collections::BTreeMap;

/// Messages that are looked at together.
const TOGETHER: usize = 64;

/// What comes to this node.
pub(crate) struct Incoming<'a> {
    broker: &'a Broker,
    nats: &'a Nats,
    node: &'a str,
    store: &'a str,
    /// By node and store: parts of parcels.
    assemblies: BTreeMap<(String, String), Assembly>,
}

/// What came of one store.
#[derive(Default)]
struct Come {
    parcels: Vec<Parcel>,
    messages: Vec<Message>,
}

impl<'a> Incoming<'a> {
    /// Of a node that is this store.
    pub(crate) const fn new(broker: &'a Broker, nats: &'a Nats, node: &'a str, store: &'a str) -> Self {
        Self { broker, nats, node, store, assemblies: BTreeMap::new() }
    }

    /// Until something fails.
    pub(crate) async fn run(mut self) -> anyhow::Result<()> {
        let mut chunks = self.nats.messages().await?.ready_chunks(TOGETHER);
        while let Some(chunk) = chunks.next().await {
            let messages = chunk.into_iter().collect::<Result<Vec<_>, _>>()?;
            self.take(messages).await?;
        }
        bail!("the server sends nothing any more")
    }

    async fn take(&mut self, messages: Vec<Message>) -> anyhow::Result<()> {
        let mut come: BTreeMap<(String, String), Come> = BTreeMap::new();
        for message in messages {
            match read(&message) {
                Some((from, Kind::Part(part))) => {
                    let key = (from, part.store.clone());
                    let assembly = self.assemblies.entry(key.clone()).or_default();
                    let parcel = assembly.add(self.node, &part, &message.payload);
                    let of_store = come.entry(key).or_default();
                    of_store.parcels.extend(parcel);
                    of_store.messages.push(message);
                }
                Some((from, Kind::Arrived { store, up_to })) => {
                    // Numbers of another store, or of this one before it was restored, say nothing.
                    if store == self.store {
                        self.broker.accepted(&from, up_to).await?;
                    }
                    acknowledge(&message).await?;
                }
                None => {
                    tracing::warn!(subject = %message.subject, "what came is of no link of this version");
                    acknowledge(&message).await?;
                }
            }
        }
        for ((from, store), Come { parcels, messages }) in come {
            self.bring(from, store, parcels).await?;
            for message in &messages {
                acknowledge(message).await?;
            }
        }
        Ok(())
    }

    async fn bring(&self, from: String, store: String, parcels: Vec<Parcel>) -> anyhow::Result<()> {
        if parcels.is_empty() {
            return Ok(());
        }
        let up_to = self.broker.bring(&from, &store, parcels).await?;
        self.nats.publish(&from, &Kind::Arrived { store, up_to }, Bytes::new()).await
    }
}

async fn acknowledge(message: &Message) -> anyhow::Result<()> {
    message.ack().await.map_err(|error| anyhow!("the server cannot be told what has come: {error}"))
}
