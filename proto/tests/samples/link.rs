//! What travels for a link.

use super::{some, text};
use c2c_proto::message::{Priority, To};
use c2c_proto::request::{
    LinkAccepted, LinkBring, LinkForwarded, LinkHealth, LinkPeers, LinkStatus, LinkTake, LinkTold, LinkUp,
    ListEverywhere, ListSessions, Parcel, RemoteSession, Request, Send, SendExpiring, StreamState,
};
use c2c_proto::response::{
    self, Everywhere, LinkBrought, LinkState, NodeState, Parcels, PeerNode, Response, Sessions,
};
use c2c_proto::time::Timestamp;

pub(crate) fn requests() -> Vec<(&'static str, Request)> {
    let up =
        LinkUp { node: text("laptop"), nodes: vec![text("server")], report: text("connected to localhost") };
    let bring =
        LinkBring { from_node: text("server"), from_store: text("store"), parcels: vec![parcel("laptop")] };
    vec![
        ("link_up", Request::LinkUp(up)),
        ("link_take", Request::LinkTake(LinkTake { node: some("server"), after: 300, timeout_ms: 50_000 })),
        ("link_take.bare", Request::LinkTake(LinkTake { node: None, after: 0, timeout_ms: 0 })),
        ("link_forwarded", Request::LinkForwarded(LinkForwarded { node: text("server"), up_to: 301 })),
        ("link_accepted", Request::LinkAccepted(LinkAccepted { node: text("server"), up_to: 301 })),
        ("link_bring", Request::LinkBring(bring)),
        ("link_status", Request::LinkStatus(LinkStatus {})),
        ("link_peers", Request::LinkPeers(LinkPeers { node: text("server"), peers: vec![peer()] })),
        ("list_everywhere", Request::ListEverywhere(ListEverywhere { here: here() })),
        ("link_health", Request::LinkHealth(LinkHealth { told: Some(told()) })),
        ("link_health.bare", Request::LinkHealth(LinkHealth { told: None })),
        ("send_expiring", Request::SendExpiring(SendExpiring { send: send(), expires_in_ms: 60_000 })),
    ]
}

pub(crate) fn responses() -> Vec<(&'static str, Response)> {
    let node = NodeState {
        node: text("server"),
        waiting: 2,
        oldest: Some(Timestamp(1_795_000_000_000_000)),
        first_waiting: Some(299),
        forwarded_up_to: 300,
        heard_at: Some(Timestamp(1_795_000_000_000_001)),
    };
    let state = LinkState {
        store_id: text("store"),
        former_ids: vec![text("before")],
        node: some("laptop"),
        report: Some((Timestamp(1_795_000_000_000_002), text("connected to localhost"))),
        nodes: vec![node],
    };
    let nobody = Sessions { sessions: Vec::new(), more: false };
    let at = PeerNode { node: text("server"), told_at: Some(Timestamp(5)), peers: vec![peer()] };
    let parcels = Parcels { parcels: vec![parcel("server")], more: true };
    vec![
        ("link_state", Response::LinkState(state)),
        ("link_state.bare", Response::LinkState(LinkState::default())),
        ("parcels", Response::Parcels(parcels)),
        ("everywhere", Response::Everywhere(Everywhere { here: nobody, nodes: vec![at] })),
        ("link_brought", Response::LinkBrought(LinkBrought { up_to: 301 })),
        ("link_health", Response::LinkHealth(health())),
        ("link_health.bare", Response::LinkHealth(response::LinkHealth::default())),
    ]
}

fn told() -> LinkTold {
    LinkTold { connected: true, error: some("refused"), stream: Some(stream()) }
}

fn stream() -> StreamState {
    StreamState { messages: 301, bytes: 70_000, for_this_node: 3 }
}

fn health() -> response::LinkHealth {
    response::LinkHealth {
        connected_since: Some(Timestamp(5)),
        last_error: Some((Timestamp(4), text("refused"))),
        stream: Some((Timestamp(6), stream())),
        forwarded: 301,
        accepted: 300,
        brought: 12,
    }
}

fn send() -> Send {
    let (to, body, key) = (Some(To::One(text("web@server"))), text("lunch?"), text("key"));
    Send { to, body, tag: None, reply_to: None, priority: Priority::Normal, key }
}

fn peer() -> RemoteSession {
    RemoteSession { name: text("web"), online: true, waiting: false }
}

fn here() -> ListSessions {
    ListSessions { active_within_min: 10, after_name: None }
}

fn parcel(node: &str) -> Parcel {
    Parcel {
        node: text(node),
        number: 301,
        after: 300,
        content: text("{\"kind\":\"receipts\",\"receipts\":[]}"),
    }
}
