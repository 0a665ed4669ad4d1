//! The link to other machines, where there is one.

use super::report::Check;
use super::store::failure;
use crate::cmd::status::parcels_wait;
use crate::link::{Link, ask};
use crate::print::now;
use c2c_proto::paths::StorePaths;
use c2c_proto::request::{LinkHealth, LinkStatus};
use c2c_proto::response::{self, LinkState};
use std::time::Duration;
use tokio::time::timeout;

/// For the broker's answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A link says how it does twice a minute.
const SILENT_S: i64 = 90;
const NONE: &str = "this store is not linked with other machines";
const RUN: &str =
    "run `c2c link setup`, which makes it a service; where no service can be, run c2c-link by hand";

/// The check `link`.
pub(super) async fn check(paths: &StorePaths, reached: bool) -> Check {
    let is_set = paths.link_config.exists();
    if !reached && is_set {
        return Check::skipped("link", "no broker answers");
    }
    if !reached {
        return Check::ok("link", NONE);
    }
    match timeout(TIMEOUT, look()).await {
        Ok(Ok((state, health))) if is_set => judged(&state, &health, paths.link_paused.exists()),
        Ok(Ok((state, _))) => without_settings(&state),
        Ok(Err(error)) => failure("link", &error),
        Err(_) => Check::failed("link", "the broker did not answer in time", "see `c2c log`"),
    }
}

async fn look() -> anyhow::Result<(LinkState, response::LinkHealth)> {
    let link = Link::look_on()?;
    let state = ask!(link, LinkStatus(LinkStatus {}), LinkState);
    Ok((state, ask!(link, LinkHealth(LinkHealth { told: None }), LinkHealth)))
}

/// What is left of a link that was removed.
fn without_settings(state: &LinkState) -> Check {
    let waiting: u64 = state.nodes.iter().map(|node| node.waiting).sum();
    let runs = state
        .report
        .as_ref()
        .is_some_and(|(at, report)| at.plus_s(SILENT_S) >= now() && report.starts_with("connected"));
    match (runs, waiting) {
        (false, 0) => Check::ok("link", NONE),
        (true, _) => {
            let says = "the settings are deleted, and c2c-link runs on";
            Check::warning("link", says, "end c2c-link, or run `c2c link setup URL`")
        }
        (false, _) => Check::warning(
            "link",
            format!("there is no link any more, and {} for other machines", parcels_wait(waiting)),
            "run `c2c link setup URL`, and it goes on",
        ),
    }
}

/// What goes wrong while it is connected: it is told again and again.
fn trouble(health: &response::LinkHealth) -> Option<&str> {
    let (at, error) = health.last_error.as_ref()?;
    let is_now = health.connected_since.is_some_and(|since| since <= *at) && at.plus_s(SILENT_S) >= now();
    is_now.then_some(error)
}

fn judged(state: &LinkState, health: &response::LinkHealth, paused: bool) -> Check {
    let waiting: u64 = state.nodes.iter().map(|node| node.waiting).sum();
    let node = state.node.as_deref().unwrap_or("not named yet");
    if paused {
        let says = format!("paused; {}", parcels_wait(waiting));
        return Check::warning("link", says, "run `c2c link resume`");
    }
    match &state.report {
        Some((at, _)) if at.plus_s(SILENT_S) < now() => {
            Check::failed("link", format!("c2c-link has said nothing since {at}"), RUN)
        }
        None => Check::failed("link", "c2c-link does not run", RUN),
        Some((_, report)) if report.starts_with("connected") => match trouble(health) {
            Some(error) => Check::warning(
                "link",
                format!("{report}; {error}"),
                "do what it says; c2c-link tries again by itself",
            ),
            None => Check::ok("link", format!("the node {node}, {report}; {}", parcels_wait(waiting))),
        },
        Some((_, report)) if report.ends_with("c2c-link has ended") => {
            Check::failed("link", report.clone(), RUN)
        }
        Some((_, report)) => Check::failed(
            "link",
            report.clone(),
            "mend what it says, at the server or in the settings (`c2c link setup URL`); c2c-link tries again by itself",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::{judged, without_settings};
    use crate::print::now;
    use c2c_proto::response::{LinkHealth, LinkState, NodeState};

    #[test]
    fn each_state_of_a_link_is_told() {
        let state = |seconds: i64, report: &str| LinkState {
            node: Some("laptop".to_owned()),
            report: Some((now().plus_s(-seconds), report.to_owned())),
            ..LinkState::default()
        };
        let health = |error_s: Option<i64>| LinkHealth {
            connected_since: Some(now().plus_s(-60)),
            last_error: error_s.map(|ago| (now().plus_s(-ago), "no room".to_owned())),
            ..LinkHealth::default()
        };
        let said = |state: &LinkState, paused| format!("{:?}", judged(state, &health(None), paused));
        assert!(said(&state(1, "connected to nats://localhost"), false).contains("the node laptop"));
        assert!(said(&state(1, "connected to nats://localhost"), true).contains("c2c link resume"));
        assert!(said(&state(1, "not connected: refused"), false).contains("refused"));
        assert!(said(&state(100, "connected"), false).contains("said nothing since"));
        assert!(said(&LinkState::default(), false).contains("does not run"));
        for (ago, is_told) in [(100, false), (59, true), (1, true)] {
            let check = judged(&state(1, "connected to nats://localhost"), &health(Some(ago)), false);
            assert_eq!(format!("{check:?}").contains("no room"), is_told, "{ago}");
        }
    }

    #[test]
    fn what_is_left_of_a_link_is_told() {
        let said = |state: &LinkState| format!("{:?}", without_settings(state));
        assert!(said(&LinkState::default()).contains("not linked"));
        let node = NodeState {
            node: "tower".to_owned(),
            waiting: 2,
            oldest: None,
            first_waiting: Some(1),
            forwarded_up_to: 0,
            heard_at: None,
        };
        let report = Some((now(), "connected to nats://localhost".to_owned()));
        let mut state = LinkState { report, nodes: vec![node], ..LinkState::default() };
        assert!(said(&state).contains("c2c-link runs on"));
        state.report = Some((now(), "not connected: c2c-link has ended".to_owned()));
        assert!(said(&state).contains("2 parcels wait for other machines"));
    }
}
