//! From the server to the broker: what has come is acknowledged when the broker has it on disk, to the server and to its sender;
//! but not before what comes next is taken, which may be what somebody waits for.

use crate::broker::{Broker, is_refusal};
use crate::envelope::{Kind, read};
use crate::later::{Word, Words};
use crate::nats::Nats;
use crate::outgoing::Heard;
use crate::parts::Assembly;
use anyhow::bail;
use async_nats::jetstream::Message;
use c2c_proto::limits::LINK_PARCELS_BYTES;
use c2c_proto::request::Parcel;
use futures_util::StreamExt;
use std::collections::BTreeMap;
use tokio::time::Instant;

/// Messages that are looked at together.
const TOGETHER: usize = 64;

/// What comes to this node.
pub(crate) struct Incoming<'a> {
    broker: &'a Broker,
    nats: &'a Nats,
    node: &'a str,
    store: &'a str,
    heard: &'a Heard,
    words: Words,
    /// By node: parts of the parcel that comes.
    assemblies: BTreeMap<String, Assembly>,
}

/// What came of one store.
#[derive(Default)]
struct Come {
    parcels: Vec<Parcel>,
    messages: Vec<Message>,
}

impl<'a> Incoming<'a> {
    /// Of a node that is this store.
    pub(crate) const fn new(
        broker: &'a Broker,
        nats: &'a Nats,
        (node, store): (&'a str, &'a str),
        heard: &'a Heard,
        words: Words,
    ) -> Self {
        Self { broker, nats, node, store, heard, words, assemblies: BTreeMap::new() }
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
                    let assembly = self.assemblies.entry(from.clone()).or_default();
                    let parcel = assembly.add(self.node, &part, &message.payload);
                    let of_store = come.entry((from, part.store.clone())).or_default();
                    of_store.parcels.extend(parcel);
                    of_store.messages.push(message);
                }
                Some((from, Kind::Arrived { store, up_to })) => {
                    // Numbers of another store, or of this one before it was restored, say nothing.
                    let ours = store == self.store;
                    let up_to = if ours { up_to } else { 0 };
                    if ours {
                        self.heard.borrow_mut().insert(from.clone(), Instant::now());
                    }
                    let message = Box::new(message);
                    self.words.send(Word::Accepted { node: from, up_to, message }).await?;
                }
                None => {
                    tracing::warn!(subject = %message.subject, "what came is of no link of this version");
                    let (node, store, messages) = (String::new(), String::new(), vec![message]);
                    self.words.send(Word::Arrived { node, store, up_to: None, messages }).await?;
                }
            }
        }
        for ((from, store), Come { parcels, messages }) in come {
            let up_to = match self.bring(&from, &store, parcels).await {
                Err(error) if is_refusal(&error) => {
                    tracing::warn!(from, "what a node sends is refused: {error:#}");
                    None
                }
                brought => brought?,
            };
            self.words.send(Word::Arrived { node: from, store, up_to, messages }).await?;
        }
        Ok(())
    }

    /// Up to which number parcels are on disk here, if there were any.
    async fn bring(&self, from: &str, store: &str, parcels: Vec<Parcel>) -> anyhow::Result<Option<u64>> {
        let mut up_to = None;
        for parcels in portions(parcels) {
            let last = parcels.last().map_or(0, |parcel| parcel.number);
            let reached = self.broker.bring(from, store, parcels).await?;
            up_to = Some(reached);
            // One before them is missing: the others would be refused as well.
            if reached < last {
                break;
            }
        }
        Ok(up_to)
    }
}

/// Parcels as the broker takes them: so many bytes at once, and those that do not fit by themselves.
fn portions(parcels: Vec<Parcel>) -> Vec<Vec<Parcel>> {
    let mut portions: Vec<Vec<Parcel>> = Vec::new();
    let mut bytes = 0;
    for parcel in parcels {
        let length = parcel.content.len();
        match portions.last_mut() {
            Some(portion) if bytes + length <= LINK_PARCELS_BYTES => portion.push(parcel),
            _ => {
                portions.push(vec![parcel]);
                bytes = 0;
            }
        }
        bytes += length;
    }
    portions
}

#[cfg(test)]
mod tests {
    use super::{LINK_PARCELS_BYTES, Parcel, portions};

    #[test]
    fn no_portion_is_more_than_the_broker_takes() {
        let parcel = |number: u64, bytes: usize| Parcel {
            node: "a".into(),
            number,
            after: 0,
            content: "x".repeat(bytes),
        };
        let half = LINK_PARCELS_BYTES / 2;
        let parcels = vec![parcel(1, half), parcel(2, half), parcel(3, 1), parcel(4, 4 * half), parcel(5, 1)];
        let numbers: Vec<Vec<u64>> = portions(parcels)
            .iter()
            .map(|portion| portion.iter().map(|parcel| parcel.number).collect())
            .collect();
        assert_eq!(numbers, [vec![1, 2], vec![3], vec![4], vec![5]]);
    }
}
