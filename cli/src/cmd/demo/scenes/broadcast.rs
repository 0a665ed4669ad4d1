//! One message for everyone, with a read mark for each.

use crate::cmd::demo::session::text;
use crate::cmd::demo::stage::{Stage, Who, ids, messages};
use crate::cmd::demo::tell;
use serde_json::json;

pub(super) async fn play(stage: &mut Stage) -> anyhow::Result<()> {
    stage.timeline.scene(
        "review tells everyone",
        &["to=\"*\" reaches every session. Each has a read mark of its own."],
    )?;
    let others = [Who::Local, Who::Online];
    let all = json!({"to": "*", "body": "main is frozen until 16:00", "tag": "status"});
    let id = stage.send(Who::Review, &others, all).await?;
    for who in others {
        let mail = stage.act(who, "inbox", json!({"tag": "status"}), tell::mail).await?;
        let claim = format!("{} gets the broadcast", who.name());
        stage.checks.same(&claim, ids(messages(&mail)), vec![id]);
    }
    stage
        .act(Who::Local, "mark_read", json!({"message_ids": [id]}), |result| {
            format!("{} marked", result["marked"])
        })
        .await?;
    let sent = stage.session(Who::Review)?.call("inbox", &json!({"sent": true, "limit": 100})).await?.value;
    let receipts =
        messages(&sent).find(|message| message["id"] == id).map(|message| message["receipts"].clone());
    let mut found: Vec<_> = receipts
        .iter()
        .flat_map(|receipts| receipts.as_array().into_iter().flatten())
        .map(|receipt| (text(receipt, "name"), text(receipt, "state") == "read"))
        .collect();
    found.sort_unstable();
    let expected = vec![("local", true), ("online", false)];
    stage.checks.same("one reader's mark leaves the message unread for the other", found, expected);
    Ok(())
}
