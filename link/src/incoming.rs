//! From the server to the broker: what has come is acknowledged when the broker has it on disk, to the server and to its sender;
//! but not before what comes next is taken, which may be what somebody waits for.

use crate::broker::{Broker, is_fault, is_refusal};
use crate::direct::{Heard, sift, sifted};
use crate::envelope::{Kind, Part, read};
use crate::later::{Word, Words};
use crate::nats::{ACK_WAIT, Nats};
use crate::parts::{Added, Assembly};
use anyhow::{anyhow, bail};
use async_nats::jetstream::{AckKind, Message};
use bytes::Bytes;
use c2c_proto::limits::LINK_PARCELS_BYTES;
use c2c_proto::request::Parcel;
use futures_util::StreamExt;
use std::collections::BTreeMap;
use tokio::sync::mpsc::Receiver;
use tokio::time::Instant;

/// Messages that are looked at together.
const TOGETHER: usize = 64;

/// A part that has come so often without the others, every ten seconds, is of a parcel that its sender has sent anew, or has not any more.
const PART_COMES_MAX: i64 = 20;

/// The server hands out no more while too many parts are not acknowledged, of whichever node. So many may wait for the others of their
/// parcel; of a longer one those that came are acknowledged before it is whole.
const PARTS_MAX: usize = 4_000;
/// And so many without those before them.
const STRAYS_MAX: usize = 100;

/// What comes to this node.
pub(crate) struct Incoming<'a> {
    broker: &'a Broker,
    nats: &'a Nats,
    node: &'a str,
    store: &'a str,
    heard: &'a Heard,
    words: Words,
    /// By node: parts of the parcel that comes.
    coming: BTreeMap<String, Coming>,
    /// By node: up to which number parcels of the store that it said last are on disk.
    reached: BTreeMap<String, (String, u64)>,
}

/// A parcel of which parts have come. They are acknowledged with it: until then they come again if this link ends.
#[derive(Default)]
struct Coming {
    assembly: Assembly,
    messages: Vec<Message>,
    told: Option<Instant>,
    /// Since when so many parts came without those before them.
    strays: Option<(Instant, usize)>,
}

impl Coming {
    /// Counts one, and how many that makes within the time after which they come again.
    fn one_stray_more(&mut self) -> usize {
        let of_now = self.strays.filter(|(since, _)| since.elapsed() < ACK_WAIT);
        let (since, count) = of_now.unwrap_or_else(|| (Instant::now(), 0));
        self.strays = Some((since, count + 1));
        count + 1
    }

    /// Tells the server now and then that these are at work, so that it does not send them anew while the others come slowly.
    async fn keep(&mut self) -> anyhow::Result<()> {
        let told = *self.told.get_or_insert_with(Instant::now);
        if told.elapsed() < ACK_WAIT / 2 {
            return Ok(());
        }
        self.told = None;
        for message in &self.messages {
            let kept = message.ack_with(AckKind::Progress).await;
            kept.map_err(|error| anyhow!("the server cannot be told what is coming: {error}"))?;
        }
        Ok(())
    }
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
        Self { broker, nats, node, store, heard, words, coming: BTreeMap::new(), reached: BTreeMap::new() }
    }

    /// Until something fails.
    pub(crate) async fn run(mut self) -> anyhow::Result<()> {
        let (to, direct) = sifted();
        let sifting = sift(self.nats.direct().await?, to);
        tokio::try_join!(sifting, self.take_all(direct))?;
        Ok(())
    }

    async fn take_all(&mut self, mut direct: Receiver<async_nats::Message>) -> anyhow::Result<()> {
        let mut messages = Vec::with_capacity(TOGETHER);
        let mut chunks = self.nats.messages().await?.ready_chunks(TOGETHER);
        loop {
            tokio::select! {
                1.. = direct.recv_many(&mut messages, TOGETHER) => self.take_direct(messages.drain(..)).await?,
                Some(chunk) = chunks.next() => {
                    let messages = chunk.into_iter().collect::<Result<Vec<_>, _>>()?;
                    self.take(messages).await?;
                }
                else => bail!("the server sends nothing any more"),
            }
        }
    }

    /// What came past the stream is answered the same way, as soon as it is on disk. What is not, comes again out of the stream.
    async fn take_direct(
        &mut self,
        messages: impl Iterator<Item = async_nats::Message>,
    ) -> anyhow::Result<()> {
        let mut come: BTreeMap<(String, String), Vec<Parcel>> = BTreeMap::new();
        for message in messages {
            match read(&message, self.node) {
                Some((from, Kind::Part(part))) => {
                    if let Added::Whole(parcel) = Assembly::default().add(self.node, &part, &message.payload)
                    {
                        come.entry((from, part.store)).or_default().push(parcel);
                    }
                }
                Some((from, Kind::Arrived { store, up_to })) if store == self.store => {
                    self.heard.note(&from, up_to);
                    self.words.send(Word::Accepted { node: from, up_to, message: None }).await?;
                }
                _ => {}
            }
        }
        for ((from, store), parcels) in come {
            match self.bring(&from, &store, parcels).await {
                // It comes again out of the stream.
                Err(error) if is_refusal(&error) || is_fault(&error) => {
                    tracing::debug!(from, "what a node sends is not taken: {error:#}");
                }
                brought => {
                    if let Some(up_to) = brought? {
                        self.nats.send_direct(&from, &Kind::Arrived { store, up_to }, Bytes::new()).await?;
                    }
                }
            }
        }
        Ok(())
    }

    async fn take(&mut self, messages: Vec<Message>) -> anyhow::Result<()> {
        let mut come: BTreeMap<(String, String), Come> = BTreeMap::new();
        for message in messages {
            match read(&message, self.node) {
                Some((from, Kind::Part(part))) => {
                    let of_store = come.entry((from.clone(), part.store.clone())).or_default();
                    self.add(from, &part, message, of_store).await?;
                }
                Some((from, Kind::Arrived { store, up_to })) => {
                    // Numbers of another store, or of this one before it was restored, say nothing.
                    let ours = store == self.store;
                    let up_to = if ours { up_to } else { 0 };
                    if ours {
                        self.heard.note(&from, up_to);
                    }
                    let message = Some(Box::new(message));
                    self.words.send(Word::Accepted { node: from, up_to, message }).await?;
                }
                None => {
                    tracing::warn!(subject = %message.subject, "what came is of no link of this version");
                    let (node, store, messages) = (String::new(), String::new(), vec![message]);
                    self.words.send(Word::Arrived { node, store, up_to: None, messages }).await?;
                }
            }
        }
        self.bring_all(come).await
    }

    async fn bring_all(&mut self, come: BTreeMap<(String, String), Come>) -> anyhow::Result<()> {
        for ((from, store), Come { parcels, messages }) in come {
            // Parts of what is not whole yet wait for the others.
            if messages.is_empty() {
                continue;
            }
            let up_to = match self.bring(&from, &store, parcels).await {
                Err(error) if is_refusal(&error) => {
                    tracing::warn!(from, "what a node sends is refused: {error:#}");
                    None
                }
                // It comes again; what others send goes on.
                Err(error) if is_fault(&error) => {
                    tracing::error!(from, "the broker fails over what a node sends: {error:#}");
                    continue;
                }
                brought => brought?,
            };
            self.words.send(Word::Arrived { node: from, store, up_to, messages }).await?;
        }
        Ok(())
    }

    /// Adds a part to what comes. What of it can be acknowledged goes along: all of a parcel once it is whole, and what will never
    /// be part of one.
    async fn add(
        &mut self,
        from: String,
        part: &Part,
        message: Message,
        come: &mut Come,
    ) -> anyhow::Result<()> {
        if part.parts > 1 && self.is_of_no_use(&from, part, &message).await? {
            come.messages.push(message);
            return Ok(());
        }
        let coming = self.coming.entry(from).or_default();
        if part.part == 0 {
            (coming.messages, coming.told) = (Vec::new(), None);
        }
        let added = coming.assembly.add(self.node, part, &message.payload);
        if matches!(added, Added::Stray) {
            // Those of one parcel come once more, behind those that they belong to.
            if coming.one_stray_more() > STRAYS_MAX {
                come.messages.push(message);
            }
            return Ok(());
        }
        coming.messages.push(message);
        if matches!(added, Added::Begun) && coming.messages.len() <= PARTS_MAX {
            return coming.keep().await;
        }
        if let Added::Whole(parcel) = added {
            come.parcels.push(parcel);
        }
        come.messages.append(&mut coming.messages);
        Ok(())
    }

    /// Whether a part is of a parcel that is here, or has come so often that the others of it come no more.
    async fn is_of_no_use(&mut self, from: &str, part: &Part, message: &Message) -> anyhow::Result<bool> {
        if message.info().is_ok_and(|info| info.delivered > PART_COMES_MAX) {
            return Ok(true);
        }
        if self.reached.get(from).is_none_or(|(store, _)| *store != part.store) {
            match self.broker.bring(from, &part.store, Vec::new()).await {
                Err(error) if is_refusal(&error) => return Ok(true),
                up_to => self.note_reached(from, &part.store, up_to?),
            }
        }
        Ok(self.reached.get(from).is_some_and(|(_, up_to)| part.number <= *up_to))
    }

    fn note_reached(&mut self, from: &str, store: &str, up_to: u64) {
        self.reached.insert(from.to_owned(), (store.to_owned(), up_to));
    }

    /// Up to which number parcels are on disk here then. Also where none comes, since it may not be known that all have.
    async fn bring(&mut self, from: &str, store: &str, parcels: Vec<Parcel>) -> anyhow::Result<Option<u64>> {
        let mut up_to = None;
        let none = parcels.is_empty().then(Vec::new);
        for parcels in portions(parcels).into_iter().chain(none) {
            let last = parcels.last().map_or(0, |parcel| parcel.number);
            let reached = self.broker.bring(from, store, parcels).await?;
            up_to = Some(reached);
            self.note_reached(from, store, reached);
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
