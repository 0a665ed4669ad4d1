//! One session asks two others and blocks until both have answered.

use crate::cmd::demo::session::text;
use crate::cmd::demo::stage::{Confirmed, Stage, Who};
use crate::cmd::demo::tell;
use anyhow::Context;
use serde_json::{Value, json};

const QUESTION: &str = "may I deploy etl-42?";

pub(super) async fn play(stage: &mut Stage) -> anyhow::Result<()> {
    stage.timeline.scene(
        "local asks both others at once",
        &["ask sends a question and comes back with the answers: one call, however many are asked."],
    )?;
    let askees = [(Who::Online, "yes, staging is free"), (Who::Review, "yes, after the two remarks")];
    let mut waits = Vec::new();
    for (who, answer) in askees {
        let call = stage.begin(who, "wait_for_message", &json!({"tag": "question", "timeout_s": 60}))?;
        waits.push((who, answer, call));
    }
    for (who, _) in askees {
        stage.until_waiting(who, Who::Local).await?;
    }
    let ask = json!({"to": ["online", "review"], "body": QUESTION, "tag": "question", "timeout_s": 30});
    let asked = stage.begin(Who::Local, "ask", &ask)?;
    for (who, answer, call) in waits {
        let (mail, _) = stage.finish(who, call, tell::mail).await?;
        let id = mail["messages"][0]["id"].as_i64().context("the question has no id")?;
        stage.send(who, &[Who::Local], json!({"reply_to": id, "body": answer})).await?;
    }
    let (result, _) = stage.finish(Who::Local, asked, tell::answers).await?;
    let id = result["id"].as_i64().context("ask gave no id")?;
    stage.confirmed.push(Confirmed { id, to: vec![Who::Online, Who::Review], body: QUESTION.to_owned() });
    check(stage, &result);
    Ok(())
}

fn check(stage: &mut Stage, result: &Value) {
    let mut found: Vec<_> = result["replies"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|reply| (text(reply, "from_name"), text(reply, "body")))
        .collect();
    found.sort_unstable();
    let expected = vec![("online", "yes, staging is free"), ("review", "yes, after the two remarks")];
    stage.checks.same("ask returns the answers of both", found, expected);
    let complete = (&result["missing"], &result["timed_out"]);
    stage.checks.same("and says that nobody is missing", complete, (&json!([]), &json!(false)));
}
