//! What need not be done before mail goes on: telling the broker and the other nodes how far parcels are. Each such word is a
//! commit here, or a flush on the server, so it is said some moments later, for all that came meanwhile at once. If it is lost
//! with the link, it is said again when parcels come again.

use crate::broker::{Broker, is_refusal};
use crate::envelope::Kind;
use crate::nats::{Nats, is_full};
use anyhow::{anyhow, bail};
use async_nats::jetstream::Message;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::sleep;

/// So long words are gathered: an answer to what has come is on its way by then.
const GATHERED_FOR: Duration = Duration::from_millis(100);
/// Words that wait; who has more to say waits, too.
const WORDS_MAX: usize = 1_024;

/// What is to be said.
#[derive(Debug)]
pub(crate) enum Word {
    /// The server has parcels for a node up to a number.
    Forwarded { node: String, up_to: u64 },
    /// A node's broker has parcels up to a number; with this message, if it came out of the stream. 0 if that is none of this store's.
    Accepted { node: String, up_to: u64, message: Option<Box<Message>> },
    /// Parcels of a node's store are on disk here up to a number, if any are: these messages brought them.
    Arrived { node: String, store: String, up_to: Option<u64>, messages: Vec<Message> },
}

/// Where words go.
pub(crate) type Words = Sender<Word>;

/// The two ends.
pub(crate) fn words() -> (Words, Receiver<Word>) {
    channel(WORDS_MAX)
}

/// All that is to be said at once: the last number counts.
#[derive(Default)]
struct Gathered {
    forwarded: BTreeMap<String, u64>,
    accepted: BTreeMap<String, u64>,
    arrived: BTreeMap<(String, String), u64>,
    /// What can be acknowledged after that.
    messages: Vec<Message>,
}

impl Gathered {
    fn take(&mut self, word: Word) {
        match word {
            Word::Forwarded { node, up_to } => raise(&mut self.forwarded, node, up_to),
            Word::Accepted { node, up_to, message } => {
                raise(&mut self.accepted, node, up_to);
                self.messages.extend(message.map(|message| *message));
            }
            Word::Arrived { node, store, up_to, messages } => {
                if let Some(up_to) = up_to {
                    raise(&mut self.arrived, (node, store), up_to);
                }
                self.messages.extend(messages);
            }
        }
    }

    async fn say(self, broker: &Broker, nats: &Nats) -> anyhow::Result<()> {
        for ((node, store), up_to) in self.arrived {
            say_arrived(nats, &node, &Kind::Arrived { store, up_to }).await?;
        }
        for (node, up_to) in self.forwarded {
            broker.forwarded(&node, up_to).await?;
        }
        for (node, up_to) in self.accepted.into_iter().filter(|(_, up_to)| *up_to > 0) {
            match broker.accepted(&node, up_to).await {
                Err(error) if is_refusal(&error) => {
                    tracing::warn!(node, "what a node says that it has is refused: {error:#}");
                }
                accepted => accepted?,
            }
        }
        for message in &self.messages {
            let told = message.ack().await;
            told.map_err(|error| anyhow!("the server cannot be told what has come: {error}"))?;
        }
        Ok(())
    }
}

/// Through the stream, where a node that is away finds it. If there is no room, what has come is acknowledged all the same, since
/// that makes room: a node that is there hears of it now, another one sends it once more.
async fn say_arrived(nats: &Nats, node: &str, arrived: &Kind) -> anyhow::Result<()> {
    match nats.publish(node, arrived, Bytes::new()).await?.await.map_err(anyhow::Error::from) {
        Err(error) if is_full(&error) => nats.send_direct(node, arrived, Bytes::new()).await,
        said => said.map(|_| ()),
    }
}

fn raise<K: Ord>(numbers: &mut BTreeMap<K, u64>, key: K, up_to: u64) {
    let number = numbers.entry(key).or_default();
    *number = up_to.max(*number);
}

/// Says what is to be said, until something fails.
pub(crate) async fn say(broker: &Broker, nats: &Nats, mut words: Receiver<Word>) -> anyhow::Result<()> {
    while let Some(first) = words.recv().await {
        sleep(GATHERED_FOR).await;
        let mut gathered = Gathered::default();
        gathered.take(first);
        while let Ok(word) = words.try_recv() {
            gathered.take(word);
        }
        gathered.say(broker, nats).await?;
    }
    bail!("nobody has anything to say any more")
}

#[cfg(test)]
mod tests {
    use super::{Gathered, Word};

    #[test]
    fn of_what_is_said_of_a_node_the_highest_number_counts() {
        let mut gathered = Gathered::default();
        for (node, up_to) in [("a", 3), ("b", 9), ("a", 7), ("a", 5)] {
            gathered.take(Word::Forwarded { node: node.to_owned(), up_to });
        }
        let told: Vec<(String, u64)> = gathered.forwarded.into_iter().collect();
        assert_eq!(told, [("a".to_owned(), 7), ("b".to_owned(), 9)]);
        // What brought nothing is acknowledged, and nothing is said of it.
        let mut gathered = Gathered::default();
        let (node, store) = ("a".to_owned(), "s".to_owned());
        gathered.take(Word::Arrived { node, store, up_to: None, messages: Vec::new() });
        assert!(gathered.arrived.is_empty());
    }
}
