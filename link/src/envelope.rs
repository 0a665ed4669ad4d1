//! What is written on what travels: subjects and headers. The content is for the brokers alone.

use async_nats::HeaderMap;
use async_nats::Message;
use c2c_proto::name::node_follows_rule;

/// Every subject of a link begins so.
pub(crate) const SUBJECTS: &str = "c2c.v1.to.>";

/// Which stream something was asked out of.
const ANSWER_OF_SERVER: &str = "Nats-Stream";
const STORE: &str = "C2c-Store";
const NUMBER: &str = "C2c-Number";
const AFTER: &str = "C2c-After";
const PART: &str = "C2c-Part";
const PARTS: &str = "C2c-Parts";
const HASH: &str = "C2c-Hash";

/// The subject from one node to another. Servers can bind what a node may publish to its own `from`.
pub(crate) fn subject(to: &str, from: &str) -> String {
    format!("c2c.v1.to.{to}.from.{from}")
}

/// What comes to a node, whoever sent it. No node has the name `*`.
pub(crate) const ANYONE: &str = "*";

/// The subject of what goes straight to a node, past the stream.
pub(crate) fn direct_subject(to: &str, from: &str) -> String {
    format!("c2c.v1.direct.{to}.from.{from}")
}

/// Which node sent something to this one. The whole subject counts: a server can be made to hand on what it has stored, and says then
/// where it was stored.
fn sender<'a>(subject: &'a str, node: &str) -> Option<&'a str> {
    let rest = subject.strip_prefix("c2c.v1.to.").or_else(|| subject.strip_prefix("c2c.v1.direct."))?;
    let from = rest.strip_prefix(node)?.strip_prefix(".from.")?;
    node_follows_rule(from).then_some(from)
}

/// A part of a parcel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// The store that sent the parcel.
    pub(crate) store: String,
    pub(crate) number: u64,
    /// The number of the parcel before it.
    pub(crate) after: u64,
    /// Which part, from 0 on.
    pub(crate) part: usize,
    /// Of how many.
    pub(crate) parts: usize,
    /// Of the whole content, SHA-256 in hex.
    pub(crate) hash: String,
}

/// What a message is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A part of a parcel.
    Part(Part),
    /// Parcels of a store have arrived up to a number.
    Arrived { store: String, up_to: u64 },
}

/// Reads subject and headers of what has come to this node; `None` for what no link of this version has sent.
pub(crate) fn read(message: &Message, node: &str) -> Option<(String, Kind)> {
    let from = sender(message.subject.as_str(), node)?.to_owned();
    let headers = message.headers.as_ref()?;
    // The server answers a question wherever the question says, also where who asks may not publish: what it gives out of a
    // bucket bears this, and nothing that a link has published.
    if headers.get(ANSWER_OF_SERVER).is_some() {
        return None;
    }
    let text = |name: &str| headers.get(name).map(|value| value.as_str().to_owned());
    let number = |name: &str| headers.get(name)?.as_str().parse::<u64>().ok();
    let index = |name: &str| headers.get(name)?.as_str().parse::<usize>().ok();
    let (store, up_to) = (text(STORE)?, number(NUMBER)?);
    let kind = match text(HASH) {
        None => Kind::Arrived { store, up_to },
        Some(hash) => Kind::Part(Part {
            store,
            number: up_to,
            after: number(AFTER)?,
            part: index(PART)?,
            parts: index(PARTS)?,
            hash,
        }),
    };
    Some((from, kind))
}

impl Kind {
    /// The headers that say the same.
    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        match self {
            Self::Arrived { store, up_to } => {
                headers.insert(STORE, store.as_str());
                headers.insert(NUMBER, up_to.to_string());
            }
            Self::Part(part) => {
                headers.insert(STORE, part.store.as_str());
                headers.insert(NUMBER, part.number.to_string());
                headers.insert(AFTER, part.after.to_string());
                headers.insert(PART, part.part.to_string());
                headers.insert(PARTS, part.parts.to_string());
                headers.insert(HASH, part.hash.as_str());
            }
        }
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::{direct_subject, sender, subject};

    #[test]
    fn a_subject_says_who_sent_it() {
        assert_eq!(sender(&subject("laptop", "build-server"), "laptop"), Some("build-server"));
        assert_eq!(sender(&direct_subject("laptop", "build-server"), "laptop"), Some("build-server"));
        for other in [
            "c2c.v1.to.tower.from.desk",
            "c2c.v1.to.laptop.from.*",
            "c2c.v1.to.laptop",
            "$KV.c2c-nodes.laptop",
        ] {
            assert_eq!(sender(other, "laptop"), None, "{other}");
        }
    }
}
