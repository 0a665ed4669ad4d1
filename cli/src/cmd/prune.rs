//! `c2c prune`.

use crate::exit::Exit;
use clap::Args;

/// What can be said to `c2c prune`.
#[derive(Debug, Args)]
pub(crate) struct PruneArgs {}

/// Delete what is old and done with.
pub(crate) async fn run(_args: PruneArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("to be written")
}
