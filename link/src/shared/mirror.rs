//! The broker's copy: everything that is in the bucket, then each change in the order of the versions.

use super::ahead::{Ahead, Own};
use super::entry::{read, version_of};
use crate::broker::Broker;
use crate::nats::Nats;
use anyhow::bail;
use async_nats::jetstream::kv;
use c2c_proto::limits::LINK_PARCELS_BYTES;
use c2c_proto::request::{KeyRange, LinkShared, SharedEntry};
use futures_util::StreamExt;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use tokio::sync::watch::Sender;
use tokio::time::interval;

/// Changes that are told together.
const TOGETHER: usize = 64;
/// Between two looks whether the copy is still what the server has. The broker takes a copy for old some looks later.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Keeps the copy, until something fails. `complete`: whether the broker has what was there.
pub(super) async fn run(
    broker: &Broker,
    nats: &Nats,
    complete: &Sender<bool>,
    mut made: Receiver<Own>,
) -> anyhow::Result<()> {
    let there = nats.shared_state().await?;
    let mut changes = nats.shared.watch_with_history(">").await?.ready_chunks(TOGETHER);
    let mut last = there.last;
    let mut all = BTreeMap::new();
    let mut is_all = there.entries == 0;
    while !is_all {
        for entry in changed(changes.next().await)? {
            last = last.max(entry.revision);
            is_all = entry.delta == 0;
            // A key may change while it is listed; what comes later counts.
            if let Some((entry, _)) = read(&entry) {
                all.insert(entry.state_key.clone(), entry);
            }
        }
    }
    tell_all(broker, all).await?;
    complete.send_replace(true);
    let (mut ticks, mut ahead) = (interval(LOOK_EVERY), Ahead::default());
    loop {
        tokio::select! {
            Some(Own { entry, told }) = made.recv() => {
                // What the server has told of is known already, and so is what came after it.
                if entry.version > version_of(last) {
                    ahead.note(&entry);
                    broker.shared(LinkShared { range: None, entries: vec![entry], current: false }).await?;
                }
                // Whoever waited for it may have gone.
                let _ = told.send(());
            }
            chunk = changes.next() => {
                let chunk = changed(chunk)?;
                let current = chunk.last().is_some_and(|entry| entry.delta == 0);
                last = chunk.last().map_or(last, |entry| entry.revision);
                let told = chunk.iter().filter_map(|entry| Some(read(entry)?.0));
                let entries = told.filter(|entry| ahead.is_news(entry)).collect();
                broker.shared(LinkShared { range: None, entries, current }).await?;
                ahead.reached(version_of(last));
            }
            _ = ticks.tick() => {
                let now = nats.shared_state().await?;
                if now.since != there.since || now.last < last {
                    bail!("the server has lost the shared state, and begins anew");
                }
                let current = now.last == last;
                if current {
                    broker.shared(LinkShared { range: None, entries: Vec::new(), current }).await?;
                }
            }
        }
    }
}

fn changed(chunk: Option<Vec<Result<kv::Entry, kv::WatcherError>>>) -> anyhow::Result<Vec<kv::Entry>> {
    match chunk {
        Some(chunk) => Ok(chunk.into_iter().collect::<Result<_, _>>()?),
        None => bail!("the server does not tell of the shared state any more"),
    }
}

/// Everything that there is, in portions of as many keys as fit.
async fn tell_all(broker: &Broker, all: BTreeMap<String, SharedEntry>) -> anyhow::Result<()> {
    let mut after = String::new();
    let (mut entries, mut bytes) = (Vec::new(), 0);
    for (key, entry) in all {
        let Some(value) = &entry.value else { continue };
        let size = key.len() + value.len();
        if bytes > 0 && bytes + size > LINK_PARCELS_BYTES {
            let up_to = entries.last().map(|entry: &SharedEntry| entry.state_key.clone());
            let next = up_to.clone().unwrap_or_default();
            let range = Some(KeyRange { after, up_to });
            let entries = std::mem::take(&mut entries);
            broker.shared(LinkShared { range, entries, current: false }).await?;
            (after, bytes) = (next, 0);
        }
        bytes += size;
        entries.push(entry);
    }
    let range = Some(KeyRange { after, up_to: None });
    broker.shared(LinkShared { range, entries, current: true }).await
}
