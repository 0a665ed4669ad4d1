//! A session waits for a message instead of looking for one again and again.

use crate::cmd::demo::stage::{Stage, Who, ids};
use crate::cmd::demo::tell;
use crate::cmd::demo::timeline::in_words;
use anyhow::Context;
use serde_json::json;
use std::time::Duration;

/// Far above what it takes, so that a busy machine does not fail the demonstration; the measured time is printed.
const WAKE_MAX: Duration = Duration::from_secs(1);

pub(super) async fn play(stage: &mut Stage) -> anyhow::Result<()> {
    stage.timeline.scene(
        "review waits instead of polling",
        &[
            "wait_for_message blocks until something arrives. It costs no tokens while it blocks, and takes",
            "nothing away: a wait that is cancelled leaves the message unread.",
        ],
    )?;
    let waiting = stage.begin(Who::Review, "wait_for_message", &json!({"tag": "review", "timeout_s": 60}))?;
    stage.until_waiting(Who::Review, Who::Local).await?;
    stage.timeline.note("it blocks; the others can see that it waits")?;

    let question = json!({"to": "review", "body": "please look at branch etl-42", "tag": "review"});
    let before = tokio::time::Instant::now().into_std();
    let id = stage.send(Who::Local, &[Who::Review], question).await?;
    let (result, came_at) = stage.finish(Who::Review, waiting, tell::mail).await?;
    let woke = came_at.saturating_duration_since(before);
    stage
        .timeline
        .note(&format!("{} from the call of send_message to the end of the wait", in_words(woke)))?;
    let found = ids(result["messages"].as_array().context("wait_for_message gave no messages")?);
    stage.checks.same("a blocked wait_for_message returns the message that arrives", found, vec![id]);
    stage.checks.that("it returns within a second of the send", woke < WAKE_MAX, || in_words(woke));

    let answer = json!({"reply_to": id, "body": "looks good, two remarks in the diff"});
    stage.send(Who::Review, &[Who::Local], answer).await?;
    let unread = stage.session(Who::Review)?.call("inbox", &json!({})).await?.value;
    let left = unread["messages"].as_array().map_or(0, Vec::len);
    stage.checks.same("answering a message marks it read", left, 0);
    let answers = json!({"reply_to": id, "timeout_s": 0});
    let mail = stage.act(Who::Local, "wait_for_message", answers, tell::mail).await?;
    stage.checks.same("an answer knows what it answers", &mail["messages"][0]["reply_to"], id);
    let read = ids(mail["messages"].as_array().into_iter().flatten());
    stage.session(Who::Local)?.call("mark_read", &json!({"message_ids": read})).await?;
    Ok(())
}
