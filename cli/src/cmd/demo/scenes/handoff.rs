//! Work is handed over: a message, a fact in the shared state, a mark that it was read, an answer.

use crate::cmd::demo::session::text;
use crate::cmd::demo::stage::{Stage, Who, messages};
use crate::cmd::demo::tell;
use serde_json::json;

pub(super) async fn play(stage: &mut Stage) -> anyhow::Result<()> {
    stage.timeline.scene(
        "local hands its work over to online",
        &[
            "Messages are for requests, the shared state is for facts. A send succeeds only when the message",
            "is on disk, and a message counts as read only when its reader says so.",
        ],
    )?;
    let body = "ran the etl, last_run_id=abc123";
    let status = json!({"to": "online", "body": body, "tag": "status"});
    let id = stage.send(Who::Local, &[Who::Online], status).await?;
    let fact = json!({"key": "last_run_id", "value": "abc123"});
    stage.act(Who::Local, "set_state", fact, tell::state_set).await?;

    let mail = stage.act(Who::Online, "inbox", json!({}), tell::mail).await?;
    let found: Vec<_> = messages(&mail).map(|mail| (text(mail, "from_name"), text(mail, "body"))).collect();
    stage.checks.same(
        "a message arrives with its sender and its body unchanged",
        found,
        vec![("local", body)],
    );
    let again = stage.session(Who::Online)?.call("inbox", &json!({})).await?.value;
    stage.checks.same("showing a message does not mark it read", messages(&again).count(), 1);

    let marked = stage
        .act(Who::Online, "mark_read", json!({"message_ids": [id]}), |result| {
            format!("{} marked", result["marked"])
        })
        .await?;
    stage.checks.same("its reader marks it read", &marked["marked"], 1);
    let state = stage
        .act(Who::Online, "get_state", json!({"key": "last_run_id"}), |state| {
            state["entry"]["value"].to_string()
        })
        .await?;
    stage.checks.same("a fact that one session sets is read by another", &state["entry"]["value"], "abc123");

    let handoff = json!({"to": "local", "body": "redeploying", "tag": "handoff"});
    let back = stage.send(Who::Online, &[Who::Local], handoff).await?;
    stage.act(Who::Local, "inbox", json!({"tag": "handoff"}), tell::mail).await?;
    let read = json!({"message_ids": [back]});
    stage.act(Who::Local, "mark_read", read, |result| format!("{} marked", result["marked"])).await?;

    let sent = stage
        .act(Who::Local, "inbox", json!({"sent": true}), |sent| {
            let receipt = &sent["messages"][0]["receipts"][0];
            format!("message {id}: {} by {}", text(receipt, "state"), text(receipt, "read_by"))
        })
        .await?;
    let receipt = &sent["messages"][0]["receipts"][0];
    let found = (text(receipt, "state"), text(receipt, "read_by"));
    stage.checks.same("the sender can see that its message was read, and by whom", found, ("read", "online"));
    Ok(())
}
