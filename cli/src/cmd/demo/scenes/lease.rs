//! Two sessions want the same thing, and only one gets it.

use crate::cmd::demo::session::text;
use crate::cmd::demo::stage::{Stage, Who};
use crate::cmd::demo::tell;
use serde_json::json;

const KEY: &str = "lease/deploy";

pub(super) async fn play(stage: &mut Stage) -> anyhow::Result<()> {
    stage.timeline.scene(
        "Only one may deploy",
        &[
            "if_version=0 stores an entry only where there is none, ttl_s lets it expire: together they are a",
            "lease that two sessions cannot hold at once, and that a crashed one does not keep for ever.",
        ],
    )?;
    let take = json!({"key": KEY, "value": "etl-42", "if_version": 0, "ttl_s": 600});
    let held = stage.act(Who::Local, "set_state", take.clone(), tell::state_set).await?;

    let refused = stage.begin(Who::Online, "set_state", &take)?;
    let outcome = stage.session(Who::Online)?.finish(refused).await?;
    stage.timeline.result(&tell::refusal(&outcome.value), outcome.took)?;
    let found = (outcome.is_error, text(&outcome.value, "code"));
    stage.checks.same("a lease that is held is refused to others", found, (true, "conflict"));

    let give_back = json!({"key": KEY, "if_version": held["version"]});
    stage
        .act(Who::Local, "delete_state", give_back, |result| format!("given back: {}", result["deleted"]))
        .await?;
    let taken = stage.act(Who::Online, "set_state", take, tell::state_set).await?;
    let versions = (held["version"].as_i64(), taken["version"].as_i64());
    let grew = matches!(versions, (Some(first), Some(second)) if second > first);
    stage.checks.that("a lease that was given back can be taken, with a higher version", grew, || {
        format!("found versions {versions:?}")
    });
    Ok(())
}
