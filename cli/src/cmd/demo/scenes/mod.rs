//! The scenes, one file each, in the order in which they are played.

mod ask;
mod broadcast;
mod crash;
mod handoff;
mod lease;
mod start;
mod wait;

use super::programs::Programs;
use super::stage::Stage;
use std::path::Path;

/// Plays everything. The stage stays behind as it is, whatever happens.
pub(super) async fn play(stage: &mut Stage, programs: &Programs, folder: &Path) -> anyhow::Result<()> {
    start::play(stage, programs, folder).await?;
    handoff::play(stage).await?;
    wait::play(stage).await?;
    ask::play(stage).await?;
    lease::play(stage).await?;
    broadcast::play(stage).await?;
    crash::play(stage).await
}
