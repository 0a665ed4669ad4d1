//! What a link's questions are answered with.

use super::Sessions;
use crate::request::{Parcel, RemoteSession, StreamState};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What the broker knows of the link and of other nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkState {
    /// The store's id.
    pub store_id: String,
    /// The ids that it had before it was restored.
    pub former_ids: Vec<String>,
    /// What this store is called by other nodes; `None` if there never was a link.
    pub node: Option<String>,
    /// When a link last said something of itself, and what; `None` since this broker started.
    pub report: Option<(Timestamp, String)>,
    /// The other nodes, by name.
    pub nodes: Vec<NodeState>,
}

/// What waits for another node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeState {
    /// Its name.
    pub node: String,
    /// Parcels that its broker has not committed, as far as is known here.
    pub waiting: u64,
    /// Since when the oldest of them waits.
    pub oldest: Option<Timestamp>,
    /// Its number.
    pub first_waiting: Option<u64>,
    /// Up to which number parcels were handed to what carries them.
    pub forwarded_up_to: u64,
    /// When the last parcel of it came.
    pub heard_at: Option<Timestamp>,
}

/// Parcels to be carried, ascending by number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcels {
    /// At most a frame's worth.
    pub parcels: Vec<Parcel>,
    /// Whether there are more.
    pub more: bool,
}

/// How far the parcels of another store are on disk here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkBrought {
    /// The number of the last one that was committed, now or before. If it is less than that of the last one which was
    /// brought, one before it is missing, and all from there on have to come again.
    pub up_to: u64,
}

/// How the link does, as it told, and what the broker counted. All of it begins anew with each broker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkHealth {
    /// Since when it is connected without a break; `None` if it is not, or has fallen silent.
    pub connected_since: Option<Timestamp>,
    /// What went wrong last, and when.
    pub last_error: Option<(Timestamp, String)>,
    /// What the server held when it was asked last, and when that was.
    pub stream: Option<(Timestamp, StreamState)>,
    /// Parcels that were handed to what carries them.
    pub forwarded: u64,
    /// Parcels that other brokers have taken.
    pub accepted: u64,
    /// Parcels of other nodes that were taken here.
    pub brought: u64,
}

/// Who is there, here and elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Everywhere {
    /// Those of this machine.
    pub here: Sessions,
    /// Other nodes, by name; only with the first page.
    pub nodes: Vec<PeerNode>,
}

/// Who is at another node, as far as is known here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerNode {
    /// Its name.
    pub node: String,
    /// When its link last told who is there; `None` if it never did since this broker started.
    pub told_at: Option<Timestamp>,
    /// Its sessions then.
    pub peers: Vec<RemoteSession>,
}
