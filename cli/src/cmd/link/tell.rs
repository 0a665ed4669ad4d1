//! What `c2c link status` shows.

use crate::cmd::status::{in_words, size};
use crate::text::visible;
use c2c_proto::response::{LinkHealth, LinkState, NodeState};
use c2c_proto::time::Timestamp;
use serde_json::{Value, json};

/// All that is known of a link.
pub(super) struct Look {
    pub(super) state: LinkState,
    pub(super) health: LinkHealth,
    pub(super) now: Timestamp,
    /// Whether there are settings.
    pub(super) configured: bool,
    pub(super) paused: bool,
}

impl Look {
    /// How long the oldest parcel for a node waits, in seconds.
    fn oldest_s(&self, node: &NodeState) -> Option<u64> {
        let us = self.now.0.saturating_sub(node.oldest?.0);
        Some(u64::try_from(us).unwrap_or_default() / 1_000_000)
    }
}

/// Whether the server was given the oldest parcel for a node.
fn is_forwarded(node: &NodeState) -> Option<bool> {
    Some(node.first_waiting? <= node.forwarded_up_to)
}

/// The object of `--json`.
pub(super) fn object(look: &Look) -> Value {
    let Look { state, health, .. } = look;
    json!({
        "node": state.node,
        "store_id": state.store_id,
        "configured": look.configured,
        "paused": look.paused,
        "report": state.report.as_ref().map(|(_, report)| report),
        "reported_at": state.report.as_ref().map(|(at, _)| at.to_string()),
        "connected_since": health.connected_since.map(|at| at.to_string()),
        "last_error": health.last_error.as_ref().map(|(at, error)| json!({"at": at.to_string(), "error": error})),
        "server": health.stream.map(|(at, stream)| json!({
            "at": at.to_string(),
            "messages": stream.messages,
            "bytes": stream.bytes,
            "for_this_node": stream.for_this_node,
        })),
        "parcels": {"forwarded": health.forwarded, "accepted": health.accepted, "brought": health.brought},
        "nodes": state.nodes.iter().map(|one| node(look, one)).collect::<Vec<Value>>(),
    })
}

fn node(look: &Look, node: &NodeState) -> Value {
    json!({
        "node": node.node,
        "waiting": node.waiting,
        "oldest": node.oldest.map(|at| at.to_string()),
        "oldest_s": look.oldest_s(node),
        "forwarded": is_forwarded(node),
        "heard_at": node.heard_at.map(|at| at.to_string()),
    })
}

/// The same for a person.
pub(super) fn text(look: &Look) -> String {
    let Look { state, health, .. } = look;
    let mut text = match &state.node {
        Some(node) => format!("this store is the node {node}\n"),
        None => "c2c-link has not run yet\n".to_owned(),
    };
    if !look.configured {
        text.push_str("there are no settings any more: what waits stays, `c2c link setup URL` goes on\n");
    }
    match &state.report {
        _ if look.configured && look.paused => text.push_str("paused: `c2c link resume` goes on\n"),
        Some((at, report)) => text.push_str(&format!("c2c-link at {at}: {}\n", visible(report))),
        None => text.push_str("c2c-link has said nothing to this broker: does it run?\n"),
    }
    if let Some(since) = health.connected_since {
        text.push_str(&format!("connected since {since}\n"));
    }
    let says = |error: &str| state.report.as_ref().is_some_and(|(_, report)| report.contains(error));
    if let Some((at, error)) = health.last_error.as_ref().filter(|(_, error)| !says(error)) {
        let is_before = health.connected_since.is_some_and(|since| *at < since);
        let when = if is_before { "the last error before that" } else { "last error" };
        text.push_str(&format!("{when}, at {at}: {}\n", visible(error)));
    }
    if let Some((at, stream)) = &health.stream {
        text.push_str(&format!(
            "the server at {at}: {} messages of all nodes, {}; {} for this one\n",
            stream.messages,
            size(stream.bytes),
            stream.for_this_node
        ));
    }
    let LinkHealth { forwarded, accepted, brought, .. } = health;
    text.push_str(&format!(
        "parcels since the broker began: {accepted} arrived elsewhere, {brought} came here; {forwarded} had to wait on the server\n"
    ));
    state.nodes.iter().for_each(|node| text.push_str(&row(look, node)));
    text
}

fn row(look: &Look, node: &NodeState) -> String {
    let waits = match (node.waiting, node.oldest, look.oldest_s(node)) {
        (0, ..) => "nothing waits".to_owned(),
        (waiting, Some(oldest), Some(seconds)) => {
            let place = if is_forwarded(node) == Some(true) { "the server has had it" } else { "still here" };
            let wait = if waiting == 1 { "waits" } else { "wait" };
            format!("{waiting} {wait}, the oldest for {} (since {oldest}), {place}", in_words(seconds))
        }
        (waiting, ..) => format!("{waiting} wait"),
    };
    let heard = node.heard_at.map_or_else(
        || "nothing has come from it".to_owned(),
        |at| format!("something came from it at {at}"),
    );
    format!("  {}  {waits}; {heard}\n", node.node)
}

#[cfg(test)]
mod tests {
    use super::{Look, object, text};
    use c2c_proto::request::StreamState;
    use c2c_proto::response::{LinkHealth, LinkState, NodeState};
    use c2c_proto::time::Timestamp;

    fn look() -> Look {
        let node = |node: &str, waiting, oldest: Option<i64>, forwarded_up_to| NodeState {
            node: node.to_owned(),
            waiting,
            oldest: oldest.map(Timestamp),
            first_waiting: oldest.map(|_| 7),
            forwarded_up_to,
            heard_at: None,
        };
        let state = LinkState {
            node: Some("laptop".to_owned()),
            report: Some((Timestamp(1_795_355_401_000_000), "connected to tls://a\u{1b}[2J".to_owned())),
            nodes: vec![
                node("desk", 1, Some(1_795_355_398_000_000), 6),
                node("server", 2, Some(1_795_355_400_000_000), 7),
                node("tower", 0, None, 9),
            ],
            ..LinkState::default()
        };
        let health = LinkHealth {
            connected_since: Some(Timestamp(1_795_355_390_000_000)),
            last_error: Some((Timestamp(1_795_355_389_000_000), "not now\u{1b}".to_owned())),
            stream: Some((
                Timestamp(1_795_355_391_000_000),
                StreamState { messages: 12, bytes: 3_000, for_this_node: 1 },
            )),
            forwarded: 30,
            accepted: 28,
            brought: 9,
        };
        Look { state, health, now: Timestamp(1_795_355_462_000_000), configured: true, paused: false }
    }

    #[test]
    fn a_person_sees_what_waits_and_for_whom() {
        insta::assert_snapshot!("status", text(&look()));
        let nothing = LinkState::default();
        let paused = Look { state: nothing, health: LinkHealth::default(), paused: true, ..look() };
        insta::assert_snapshot!("status_paused", text(&paused));
    }

    #[test]
    fn a_program_sees_the_same() {
        insta::assert_snapshot!("status_json", serde_json::to_string_pretty(&object(&look())).unwrap());
    }
}
