//! What a link has told: of itself, and of who is at other nodes.

use super::Hub;
use c2c_proto::request::RemoteSession;
use c2c_proto::response::PeerNode;
use c2c_proto::time::Timestamp;
use std::collections::HashMap;

/// Gone with the broker, as everything here.
#[derive(Debug, Default)]
pub(super) struct Elsewhere {
    /// When a link last said how it does, and what.
    link: Option<(Timestamp, String)>,
    /// Who is at other nodes, as their links have told, and when.
    peers: HashMap<String, (Timestamp, Vec<RemoteSession>)>,
}

impl Hub {
    /// What a link last said of itself, and when.
    pub fn link_report(&self) -> Option<(Timestamp, String)> {
        self.lock().elsewhere.link.clone()
    }

    /// A link says how it does.
    pub fn note_link_report(&self, at: Timestamp, report: String) {
        self.lock().elsewhere.link = Some((at, report));
    }

    /// Who is at another node, as far as was told.
    pub fn peers(&self, node: String) -> PeerNode {
        let told = self.lock().elsewhere.peers.get(&node).cloned();
        let (told_at, peers) = told.map_or((None, Vec::new()), |(at, peers)| (Some(at), peers));
        PeerNode { node, told_at, peers }
    }

    /// A node's link has told who is there.
    pub fn note_peers(&self, node: String, at: Timestamp, peers: Vec<RemoteSession>) {
        self.lock().elsewhere.peers.insert(node, (at, peers));
    }
}
