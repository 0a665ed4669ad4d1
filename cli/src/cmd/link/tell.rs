//! What `c2c link status` shows.

use crate::text::visible;
use c2c_proto::response::{LinkState, NodeState};
use serde_json::{Value, json};

/// The object of `--json`.
pub(super) fn object(state: &LinkState, configured: bool, paused: bool) -> Value {
    json!({
        "node": state.node,
        "store_id": state.store_id,
        "configured": configured,
        "paused": paused,
        "report": state.report.as_ref().map(|(_, report)| report),
        "reported_at": state.report.as_ref().map(|(at, _)| at.to_string()),
        "nodes": state.nodes.iter().map(node).collect::<Vec<Value>>(),
    })
}

fn node(node: &NodeState) -> Value {
    json!({
        "node": node.node,
        "waiting": node.waiting,
        "oldest": node.oldest.map(|at| at.to_string()),
        "heard_at": node.heard_at.map(|at| at.to_string()),
    })
}

/// The same for a person.
pub(super) fn text(state: &LinkState, configured: bool, paused: bool) -> String {
    let mut text = match &state.node {
        Some(node) => format!("this store is the node {node}\n"),
        None => "c2c-link has not run yet\n".to_owned(),
    };
    if !configured {
        text.push_str("there are no settings any more: what waits stays, `c2c link setup URL` goes on\n");
    } else if paused {
        text.push_str("paused: `c2c link resume` goes on\n");
    }
    match &state.report {
        Some((at, report)) => text.push_str(&format!("c2c-link at {at}: {}\n", visible(report))),
        None => text.push_str("c2c-link has said nothing to this broker: does it run?\n"),
    }
    for node in &state.nodes {
        let waits = match (node.waiting, node.oldest) {
            (0, _) => "nothing waits".to_owned(),
            (waiting, Some(oldest)) => format!("{waiting} wait, the oldest since {oldest}"),
            (waiting, None) => format!("{waiting} wait"),
        };
        let heard = node.heard_at.map_or_else(|| "never heard".to_owned(), |at| format!("heard at {at}"));
        text.push_str(&format!("  {}  {waits}; {heard}\n", node.node));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::text;
    use c2c_proto::response::{LinkState, NodeState};
    use c2c_proto::time::Timestamp;

    #[test]
    fn a_person_sees_what_waits_and_for_whom() {
        let node = |node: &str, waiting, oldest: Option<i64>| NodeState {
            node: node.to_owned(),
            waiting,
            oldest: oldest.map(Timestamp),
            first_waiting: None,
            forwarded_up_to: 0,
            heard_at: None,
        };
        let state = LinkState {
            node: Some("laptop".to_owned()),
            report: Some((Timestamp(1_795_355_401_000_000), "connected to tls://a\u{1b}[2J".to_owned())),
            nodes: vec![node("server", 2, Some(1_795_355_400_000_000)), node("tower", 0, None)],
            ..LinkState::default()
        };
        insta::assert_snapshot!("status", text(&state, true, false));
        insta::assert_snapshot!("status_paused", text(&LinkState::default(), true, true));
    }
}
