//! What a link asks: the program that carries mail between this store and those of other machines. It sees parcels, which
//! have a number, a node and content that only brokers read; how it carries them is its own business. Needs no session.

use serde::{Deserialize, Serialize};

/// Say which node this store is, and which others there are. Answered by [`crate::response::LinkState`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkUp {
    /// What this store is called by the others; must follow [`crate::name::node_follows_rule`].
    pub node: String,
    /// The other nodes that the link knows. Those that were named before stay known.
    pub nodes: Vec<String>,
    /// What a person is told of the link: a line without line breaks.
    pub report: String,
}

/// Take parcels for other nodes that are to be carried, or block until there are some. Answered by
/// [`crate::response::Parcels`]. They stay until [`LinkAccepted`] says that they have arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkTake {
    /// Only those for this node.
    pub node: Option<String>,
    /// Only those with a number above this one.
    pub after: u64,
    /// If there are none: how long to wait for one, in milliseconds. 0 only looks.
    pub timeout_ms: u64,
}

/// Parcels were handed to what carries them. Answered by [`crate::response::Done`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkForwarded {
    /// For which node.
    pub node: String,
    /// Up to which number.
    pub up_to: u64,
}

/// The broker of another node has committed parcels. Answered by [`crate::response::Done`] when on disk: they are done with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkAccepted {
    /// Which node.
    pub node: String,
    /// Up to which number.
    pub up_to: u64,
}

/// Parcels of another node have come. Answered by [`crate::response::LinkBrought`] when on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkBring {
    /// The node that they come from, as far as that is proved.
    pub from_node: String,
    /// The id of its store.
    pub from_store: String,
    /// In the order of their numbers.
    pub parcels: Vec<Parcel>,
}

/// What one broker sends another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    /// The node that it is for.
    pub node: String,
    /// Ascending in the store that sends it; there may be gaps.
    pub number: u64,
    /// The number of the parcel before it for the same node, if that has not arrived as far as its sender knows; else 0.
    pub after: u64,
    /// For the broker that gets it: JSON text.
    pub content: String,
}

/// How the link does, as the broker knows it. Answered by [`crate::response::LinkState`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkStatus {}

/// Tell who is at another node, as its link has told. Answered by [`crate::response::Done`]. Kept in memory, with the time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkPeers {
    /// Which node.
    pub node: String,
    /// Its sessions, at most [`crate::limits::LINK_PEERS_MAX`].
    pub peers: Vec<RemoteSession>,
}

/// A session at another node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteSession {
    /// Its name there.
    pub name: String,
    /// Whether it was connected.
    pub online: bool,
    /// Whether it was blocked in a wait for mail.
    pub waiting: bool,
}

/// Who is there, here and at other nodes. Answered by [`crate::response::Everywhere`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListEverywhere {
    /// Who is here; those of other nodes come with the first page.
    pub here: super::ListSessions,
}

/// Hear how the link does in figures, and, as a link, tell it first. Answered by [`crate::response::LinkHealth`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkHealth {
    /// What a link tells; `None` from whoever only asks.
    pub told: Option<LinkTold>,
}

/// How a link does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkTold {
    /// Whether it can carry mail.
    pub connected: bool,
    /// What went wrong since it told last: a line without line breaks.
    pub error: Option<String>,
    /// What the server holds, if it was asked.
    pub stream: Option<StreamState>,
}

/// What the server between the nodes holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamState {
    /// Messages of all nodes.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Messages that are for this node.
    pub for_this_node: u64,
}
