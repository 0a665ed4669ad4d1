//! Three sessions start at once, without a broker and without any set-up.

use crate::cmd::demo::programs::Programs;
use crate::cmd::demo::session::{Session, text};
use crate::cmd::demo::stage::{Stage, Who, sessions};
use serde_json::json;
use std::path::Path;
use std::time::Instant;

/// Every tool that a session must be offered.
const TOOLS: [&str; 12] = [
    "ask",
    "delete_state",
    "get_state",
    "heartbeat",
    "inbox",
    "list_sessions",
    "mark_read",
    "prune",
    "register_session",
    "send_message",
    "set_state",
    "wait_for_message",
];

pub(super) async fn play(stage: &mut Stage, programs: &Programs, folder: &Path) -> anyhow::Result<()> {
    stage.timeline.scene(
        "Three sessions start",
        &[
            "Each works in a folder of its own. Its client starts c2c-shim for it, as it starts any MCP server.",
            "Nothing runs yet, so the shims start the broker; nobody has set anything up.",
        ],
    )?;
    let store = stage.broker.paths.store.clone();
    let started = Instant::now();
    for who in Who::ALL {
        stage.sessions.push(Session::start(programs, folder, &store, who.name())?);
    }
    let mut tools = Vec::new();
    for who in Who::ALL {
        stage.timeline.deed(
            started,
            who.name(),
            "starts c2c-shim and speaks MCP with it: initialize, tools/list",
        )?;
        let introduction = stage.session(who)?.introduce(started).await?;
        let result = format!("{} offers {} tools", introduction.server, introduction.tools.len());
        stage.timeline.result(&result, introduction.took)?;
        tools.push(introduction.tools);
    }
    let complete =
        tools.iter().all(|tools| TOOLS.iter().all(|tool| tools.iter().any(|offered| offered == tool)));
    stage.checks.that("each session is offered all of c2c's tools", complete, || format!("found {tools:?}"));

    // The first call of each waits until its session is known.
    for who in Who::ALL {
        stage.act(who, "inbox", json!({}), |result| format!("{} unread", result["unread"])).await?;
    }
    let list = stage
        .act(Who::Local, "list_sessions", json!({}), |list| {
            sessions(list).map(|session| text(session, "name")).collect::<Vec<_>>().join(", ")
        })
        .await?;
    let mut online: Vec<&str> = sessions(&list)
        .filter(|session| session["online"] == true)
        .map(|session| text(session, "name"))
        .collect();
    online.sort_unstable();
    let names = Who::ALL.map(Who::name);
    stage.checks.same("a session has the name of its folder without asking for it", online, names.to_vec());

    let status = stage.broker.status().await?;
    stage.timeline.note(&format!("one broker serves them all: process {}, started by a shim", status.pid))?;
    stage.checks.same("three shims that start at once end up with one broker", status.sessions_online, 3);
    Ok(())
}
