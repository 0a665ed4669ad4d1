//! What a link has told: of itself, and of who is at other nodes.

use super::Hub;
use crate::session::ConnId;
use c2c_proto::name::fold;
use c2c_proto::request::{LinkTold, RemoteSession};
use c2c_proto::response::{LinkHealth, PeerNode};
use c2c_proto::time::Timestamp;
use std::collections::HashMap;
use tokio::time::Instant;

/// A link tells twice a minute how it does. One that has said nothing for so long does not run.
const SILENT_S: i64 = 90;
/// Who is at a node is told once a minute. What is older than this says nothing of now.
const OLD_S: i64 = 180;

/// Gone with the broker, as everything here.
#[derive(Debug, Default)]
pub(super) struct Elsewhere {
    /// When a link last said how it does, and what.
    link: Option<(Timestamp, String)>,
    /// The connection on which it did.
    connection: Option<ConnId>,
    /// When it told its figures, and what the broker knows of them.
    health: Option<(Timestamp, LinkHealth)>,
    /// When what came of messages of other nodes is to be told to them, if anything waits for that.
    receipts_due: Option<Instant>,
    /// Who is at other nodes, as their links have told, and when.
    peers: HashMap<String, (Timestamp, Vec<RemoteSession>)>,
}

impl Hub {
    /// What a link last said of itself, and when.
    pub fn link_report(&self) -> Option<(Timestamp, String)> {
        self.lock().elsewhere.link.clone()
    }

    /// A link says how it does.
    pub fn note_link_report(&self, conn: ConnId, at: Timestamp, report: String) {
        let mut inner = self.lock();
        inner.elsewhere.link = Some((at, report));
        inner.elsewhere.connection = Some(conn);
    }

    /// A connection is gone. If it was the link's, that is not connected to anything any more, or will soon say that it is.
    pub fn note_gone(&self, conn: ConnId, at: Timestamp) {
        let mut inner = self.lock();
        if inner.elsewhere.connection != Some(conn) {
            return;
        }
        inner.asks.note_old();
        let elsewhere = &mut inner.elsewhere;
        elsewhere.connection = None;
        if let Some((_, health)) = &mut elsewhere.health
            && health.connected_since.take().is_some()
        {
            elsewhere.link = Some((at, "not connected: c2c-link has ended".to_owned()));
        }
    }

    /// How the link does; nothing that the broker counts itself.
    pub fn link_health(&self, now: Timestamp) -> LinkHealth {
        let told = self.lock().elsewhere.health.clone();
        let Some((at, mut health)) = told else { return LinkHealth::default() };
        if at.plus_s(SILENT_S) < now {
            health.connected_since = None;
        }
        health
    }

    /// A link tells how it does.
    pub fn note_link_health(&self, now: Timestamp, told: LinkTold) {
        let mut health = self.link_health(now);
        health.connected_since = told.connected.then(|| health.connected_since.unwrap_or(now));
        if let Some(error) = told.error {
            health.last_error = Some((now, error));
        }
        if let Some(stream) = told.stream {
            health.stream = Some((now, stream));
        }
        let mut inner = self.lock();
        if !told.connected {
            inner.asks.note_old();
        }
        inner.elsewhere.health = Some((now, health));
    }

    /// When what came of messages is to be told: now known as the first time that was named since nothing waited (`None`).
    pub fn receipts_due(&self, named: Option<Instant>) -> Option<Instant> {
        let mut inner = self.lock();
        let due = &mut inner.elsewhere.receipts_due;
        *due = named.map(|named| due.unwrap_or(named));
        *due
    }

    /// Who is at another node, as far as was told.
    pub fn peers(&self, node: String) -> PeerNode {
        let told = self.lock().elsewhere.peers.get(&node).cloned();
        let (told_at, peers) = told.map_or((None, Vec::new()), |(at, peers)| (Some(at), peers));
        PeerNode { node, told_at, peers }
    }

    /// Whether a session at another node is online, and whether it waits, as far as was told lately.
    pub fn peer(&self, node: &str, name: &str, now: Timestamp) -> (bool, bool) {
        let inner = self.lock();
        let told = inner.elsewhere.peers.get(node).filter(|(at, _)| at.plus_s(OLD_S) >= now);
        let peer = told.and_then(|(_, peers)| peers.iter().find(|peer| fold(&peer.name) == fold(name)));
        peer.map_or((false, false), |peer| (peer.online, peer.waiting))
    }

    /// A node's link has told who is there.
    pub fn note_peers(&self, node: String, at: Timestamp, peers: Vec<RemoteSession>) {
        self.lock().elsewhere.peers.insert(node, (at, peers));
    }
}

#[cfg(test)]
mod tests {
    use super::Hub;
    use c2c_proto::request::LinkTold;
    use c2c_proto::time::Timestamp;

    #[test]
    fn the_copy_is_old_at_once_when_its_link_is_gone_or_says_that_it_is_not_connected() {
        let (hub, now) = (Hub::default(), Timestamp(1));
        let told = |connected| LinkTold { connected, error: None, stream: None };
        hub.note_link_report(7, now, "connected".to_owned());
        hub.note_link_health(now, told(true));
        hub.note_current();
        hub.note_gone(6, now);
        assert!(hub.is_current(), "that was another's connection");
        hub.note_gone(7, now);
        assert!(!hub.is_current());
        assert!(hub.link_report().unwrap().1.contains("c2c-link has ended"));

        hub.note_link_report(8, now, "connected".to_owned());
        hub.note_link_health(now, told(true));
        hub.note_current();
        assert!(hub.is_current());
        hub.note_link_health(now, told(false));
        assert!(!hub.is_current());
    }
}
